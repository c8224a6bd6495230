import { crc32, inflateRawSync } from "node:zlib";

/** The files of a ZIP archive by their paths, read from its directory as any program does; what doesn't fit is an error. */
export function unzipped(archive: Buffer): ReadonlyMap<string, Buffer> {
  const end = archive.lastIndexOf(Buffer.from("504b0506", "hex"));
  const [count, at] = [archive.readUInt16LE(end + 10), archive.readUInt32LE(end + 16)];
  const files = new Map<string, Buffer>();
  let place = at;
  for (let n = 0; n < count; n++) {
    if (archive.readUInt32LE(place) !== 0x02014b50) throw new Error("no entry of a directory");
    const [crc, packed, size] = [16, 20, 24].map((offset) => archive.readUInt32LE(place + offset)) as [
      number,
      number,
      number,
    ];
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => archive.readUInt16LE(place + offset)) as [
      number,
      number,
      number,
    ];
    const local = archive.readUInt32LE(place + 42);
    const name = archive.subarray(place + 46, place + 46 + nameLength).toString("utf8");
    if (archive.readUInt32LE(local) !== 0x04034b50) throw new Error(`${name} isn't where the directory says`);
    const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = inflateRawSync(archive.subarray(from, from + packed));
    if (content.length !== size || crc32(content) !== crc) throw new Error(`${name} isn't what it was`);
    files.set(name, content);
    place += 46 + nameLength + extra + comment;
  }
  return files;
}
