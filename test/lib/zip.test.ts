import { expect, test } from "@jest/globals";
import { zip } from "../../src/lib/zip.ts";
import { unzipped } from "../support/unzipped.ts";

test("given files of any kind, then an archive has them all, and the same files make the same bytes", () => {
  const files: [string, Buffer][] = [
    ["manifest.json", Buffer.from('{"a":1}\n')],
    ["timelines/inc-1.jsonl", Buffer.from("x".repeat(100_000))],
    ["größe.csv", Buffer.alloc(0)],
    ["random.bin", Buffer.from(Array.from({ length: 2000 }, (_, n) => (n * 7919) % 251))],
  ];
  const entries = files.map(([path, content]) => ({ path, content }));
  const archive = zip(entries);
  expect([...unzipped(archive)]).toEqual(files);
  expect(zip(entries).equals(archive)).toBe(true);
  expect(archive.length).toBeLessThan(5_000);
});

test("given no file, then it is an archive all the same", () => {
  expect([...unzipped(zip([]))]).toEqual([]);
});
