import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LifeboatError } from "../lib/errors.ts";
import { type ZipEntry, zip } from "../lib/zip.ts";
import { type ExportParts, exportPack } from "./export.ts";

export interface ZippedPack {
  readonly content: Buffer;
  readonly records: number;
  readonly events: number;
  /** Private incidents that are not in it. */
  readonly leftOut: number;
  readonly manifestSha256: string;
  /** Of the record, as far as the pack goes; 0: it is whole. */
  readonly problems: number;
  readonly to: Date;
}

/** What is larger is no file for a chat. */
const BYTES_MAX = 50 << 20;

/**
 * The pack of one system without its private incidents, as one file; nothing of it is left on disk.
 * @throws LifeboatError what `exportPack` throws, and `pack-too-large`
 */
export async function zippedPack(
  period: { readonly system: string; readonly from: Date; readonly to: Date | null },
  parts: ExportParts,
): Promise<ZippedPack> {
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-evidence-"));
  try {
    const out = join(folder, "pack");
    const made = await exportPack({ ...period, out, withoutPrivate: true }, parts);
    const content = await zip(await entriesIn(out));
    const { records, events, manifestSha256, problems, to, leftOut } = made;
    return { content, records, events, manifestSha256, to, leftOut: leftOut ?? 0, problems: problems.length };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In the order of their paths' bytes. */
async function entriesIn(folder: string): Promise<readonly ZipEntry[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const entries: ZipEntry[] = [];
  let bytes = 0;
  for (const path of paths.sort()) {
    const content = await readFile(path);
    bytes += content.length;
    if (bytes > BYTES_MAX) throw tooLarge();
    entries.push({ path: path.slice(folder.length + 1).replaceAll("\\", "/"), content });
  }
  return entries;
}

function tooLarge(): LifeboatError {
  return new LifeboatError({
    code: "pack-too-large",
    what: `The pack has more than ${BYTES_MAX >> 20} MB`,
    allowed: "A shorter period",
    next: "Or on the bot's host: lifeboat evidence export",
  });
}
