import { expect, test } from "@jest/globals";
import { zip } from "../../src/lib/zip.ts";
import { unzipped } from "../support/unzipped.ts";

test("given files of any kind, then an archive has them all, and the same files make the same bytes", async () => {
  const files: [string, Buffer][] = [
    ["manifest.json", Buffer.from('{"a":1}\n')],
    ["timelines/inc-1.jsonl", Buffer.from("x".repeat(100_000))],
    ["größe.csv", Buffer.alloc(0)],
    ["random.bin", Buffer.from(Array.from({ length: 2000 }, (_, n) => (n * 7919) % 251))],
  ];
  const entries = files.map(([path, content]) => ({ path, content }));
  const archive = await zip(entries);
  expect([...unzipped(archive)]).toEqual(files);
  expect((await zip(entries)).equals(archive)).toBe(true);
  expect(archive.length).toBeLessThan(5_000);
});

test("given no file, then it is an archive all the same", async () => {
  expect([...unzipped(await zip([]))]).toEqual([]);
});

test("given a file of more than is packed at once, then it is whole, and others had their turn meanwhile", async () => {
  const content = Buffer.alloc(5 << 20, "The quick brown fox. ");
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  const archive = await zip([{ path: "large.txt", content }]);
  clearInterval(others);
  expect(unzipped(archive).get("large.txt")?.equals(content)).toBe(true);
  expect(turns).toBeGreaterThan(1);
});

test("a file has the first moment a ZIP archive can say, by the clock on the wall of wherever it is made", async () => {
  const archive = await zip([{ path: "a.txt", content: Buffer.from("a") }]);
  expect(archive.readUInt32LE(10)).toBe(0x00210000);
});
