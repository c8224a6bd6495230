import { setImmediate as turn } from "node:timers/promises";
import { Zip, ZipDeflate } from "fflate";

export interface ZipEntry {
  /** With slashes; never absolute. */
  readonly path: string;
  readonly content: Buffer;
}

/** The least a ZIP archive can say, in the local time its format is in: the same files make the same bytes everywhere. */
const MTIME = new Date(1980, 0, 1);
/** Of the format without ZIP64. */
const ENTRIES_MAX = 0xffff;
const BYTES_MAX = 0xffffffff;
/** Packed in one turn of the event loop: some 40 ms. */
const CHUNK = 1 << 20;

/**
 * Files as one ZIP archive, without encryption or dates. Others get their turn while it is made.
 * @throws RangeError for more than 65,535 files or 4 GiB
 */
export async function zip(entries: readonly ZipEntry[]): Promise<Buffer> {
  if (entries.length > ENTRIES_MAX) throw new RangeError("Too many files for a ZIP archive");
  const bytes = entries.reduce((sum, { content }) => sum + content.length, 0);
  if (bytes > BYTES_MAX) throw new RangeError("Too much for a ZIP archive");
  const parts: Uint8Array[] = [];
  const archive = new Zip((error, part) => {
    if (error) throw error;
    parts.push(part);
  });
  for (const { path, content } of entries) {
    const file = new ZipDeflate(path);
    file.mtime = MTIME;
    archive.add(file);
    let at = 0;
    do {
      const end = Math.min(at + CHUNK, content.length);
      file.push(content.subarray(at, end), end === content.length);
      at = end;
      await turn();
    } while (at < content.length);
  }
  archive.end();
  return Buffer.concat(parts);
}
