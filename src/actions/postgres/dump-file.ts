import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** What is kept beside a dump of ours: `<file>.json`. It is written last, so a dump that has one is whole. */
const manifest = z.object({
  file: z.string(),
  database: z.string(),
  /** Milliseconds since 1970, by the server's clock: the snapshot the dump and the counts were taken in. */
  takenAt: z.number(),
  serverMajor: z.number(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number(),
  /** Rows by schema and table. */
  tables: z.record(z.string(), z.number()),
});
export type Manifest = z.infer<typeof manifest>;

export const manifestOf = (file: string) => `${file}.json`;
/** As `sha256sum` writes it, so that `sha256sum -c` can be run by hand. */
export const sumOf = (file: string) => `${file}.sha256`;

export async function readManifest(file: string): Promise<Manifest | null> {
  try {
    return manifest.parse(JSON.parse(await readFile(manifestOf(file), "utf8")));
  } catch {
    return null;
  }
}

/** Whole dumps of this label, newest first. */
export async function dumpsIn(folder: string, label: string): Promise<readonly string[]> {
  const names: readonly string[] = await readdir(folder).catch(() => []);
  const own = new RegExp(`^${label}-.+-\\d{8}T\\d{9}Z\\.dump$`);
  return names
    .filter((name) => own.test(name) && names.includes(manifestOf(name)))
    .sort((a, b) => timeIn(b).localeCompare(timeIn(a)))
    .map((name) => join(folder, name));
}

export function dumpName(label: string, database: string, at: Date): string {
  return `${label}-${database.replace(/[^A-Za-z0-9_]/g, "_")}-${at.toISOString().replace(/[-:.]/g, "")}.dump`;
}

function timeIn(name: string): string {
  return /(\d{8}T\d{9}Z)\.dump$/.exec(name)?.[1] ?? "";
}

/** What a file is expected to hash to: by its manifest, else by the first word of `<file>.sha256`. */
export async function expectedHash(file: string): Promise<string | null> {
  const known = (await readManifest(file))?.sha256;
  if (known !== undefined) return known;
  const text = await readFile(sumOf(file), "utf8").catch(() => "");
  return /^([0-9a-f]{64})\b/.exec(text.trim().toLowerCase())?.[1] ?? null;
}

export async function hashFile(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { signal })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

export async function sizeOf(file: string): Promise<number | null> {
  return await stat(file).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
}
