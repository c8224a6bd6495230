import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { packFolder } from "../../src/evidence/folder.ts";

/** Where a pack is written, nothing that was there before is lost, and no one else reads it. */

let home: string;
let out: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "lifeboat-folder-"));
  out = join(home, "pack");
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;

test("a pack is for who made it: folders 0700, files 0600", async () => {
  const before = process.umask(0);
  try {
    out = join(home, "new", "pack");
    const folder = await packFolder(out);
    await folder.file("timelines/one.jsonl", "{}\n");
    await folder.done();
  } finally {
    process.umask(before);
  }
  expect([join(home, "new"), out, join(out, "timelines")].map(modeOf)).toEqual([0o700, 0o700, 0o700]);
  expect(modeOf(join(out, "timelines/one.jsonl"))).toBe(0o600);
  expect(readdirSync(join(home, "new"))).toEqual(["pack"]);
});

test("an empty folder is taken, also behind a link", async () => {
  mkdirSync(out);
  symlinkSync(out, join(home, "link"));
  const folder = await packFolder(join(home, "link"));
  await folder.file("index.html", "x");
  await folder.done();
  expect(readdirSync(out)).toEqual(["index.html"]);
});

test("a file in its place is refused and stays", async () => {
  writeFileSync(out, "precious");
  await expect(packFolder(out)).rejects.toMatchObject({ problem: { code: "folder-not-empty" } });
  await expect(packFolder(join(out, "below"))).rejects.toMatchObject({ problem: { code: "folder-not-empty" } });
  expect(readFileSync(out, "utf8")).toBe("precious");
});

test("a folder that can't be looked into is refused", async () => {
  symlinkSync("pack", out);
  await expect(packFolder(out)).rejects.toMatchObject({ problem: { code: "folder-unreadable" } });
  if (process.getuid?.() === 0) return;
  rmSync(out);
  mkdirSync(out);
  chmodSync(out, 0o300);
  await expect(packFolder(out)).rejects.toMatchObject({ problem: { code: "folder-unreadable" } });
});

test("what stands beside it stays, whatever its name", async () => {
  mkdirSync(`${out}.partial`);
  writeFileSync(join(`${out}.partial`, "notes"), "mine");
  const [one, other] = [await packFolder(out), await packFolder(out)];
  await one.file("a", "one");
  await other.file("a", "other");
  await other.drop();
  await one.done();
  expect(readFileSync(join(out, "a"), "utf8")).toBe("one");
  expect(readdirSync(home).sort()).toEqual(["pack", "pack.partial"]);
  expect(readFileSync(join(`${out}.partial`, "notes"), "utf8")).toBe("mine");
});

test("what came into the folder meanwhile is never removed", async () => {
  mkdirSync(out);
  const folder = await packFolder(out);
  await folder.file("a", "new");
  writeFileSync(join(out, "b"), "theirs");
  await expect(folder.done()).rejects.toMatchObject({ problem: { code: "folder-not-empty" } });
  await folder.drop();
  expect(readdirSync(home)).toEqual(["pack"]);
  expect(readFileSync(join(out, "b"), "utf8")).toBe("theirs");
});
