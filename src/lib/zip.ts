import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  /** With slashes; never absolute. */
  readonly path: string;
  readonly content: Buffer;
}

/** 1980-01-01 00:00: the same files make the same bytes. */
const DOS_DATE = 0x21;
const VERSION = 20;
/** UTF-8 names. */
const FLAGS = 0x0800;
const DEFLATE = 8;
/** Of the format without ZIP64. */
const ENTRIES_MAX = 0xffff;
const BYTES_MAX = 0xffffffff;

/**
 * Files as one ZIP archive (PKWARE's APPNOTE 6.3, without ZIP64, encryption or dates). The same entries give the same bytes by the same zlib.
 * @throws RangeError for more than 65,535 files or 4 GiB
 */
export function zip(entries: readonly ZipEntry[]): Buffer {
  if (entries.length > ENTRIES_MAX) throw new RangeError("Too many files for a ZIP archive");
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, content } of entries) {
    const name = Buffer.from(path, "utf8");
    const packed = deflateRawSync(content);
    const about = [crc32(content), packed.length, content.length] as const;
    const local = header(0x04034b50, [], about, name.length, null);
    directory.push(header(0x02014b50, [VERSION], about, name.length, offset), name);
    parts.push(local, name, packed);
    offset += local.length + name.length + packed.length;
    if (offset > BYTES_MAX) throw new RangeError("Too much for a ZIP archive");
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, index, end]);
}

/** Of a file: before its bytes, or with its `offset` in the directory at the end. */
function header(
  signature: number,
  madeBy: readonly number[],
  [crc, packed, size]: readonly [number, number, number],
  name: number,
  offset: number | null,
): Buffer {
  const bytes = Buffer.alloc(offset === null ? 30 : 46);
  let at = bytes.writeUInt32LE(signature, 0);
  for (const value of [...madeBy, VERSION, FLAGS, DEFLATE, 0, DOS_DATE]) at = bytes.writeUInt16LE(value, at);
  for (const value of [crc, packed, size]) at = bytes.writeUInt32LE(value, at);
  bytes.writeUInt16LE(name, at);
  if (offset !== null) bytes.writeUInt32LE(offset, 42);
  return bytes;
}
