import { basename, isAbsolute } from "node:path";
import { z } from "zod";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { dumpsIn, expectedHash, hashFile, readManifest, sizeOf } from "./dump-file.ts";
import { programsHere, runProgram } from "./programs.ts";

const path = z.string().refine(isAbsolute, "has to be an absolute path");

/** A dump in custom format on the machine Lifeboat runs on, or the newest whole one that postgres.dump made. */
export const dumpInput = z.union([
  z.strictObject({
    file: path,
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  }),
  z.strictObject({
    newestIn: path,
    label: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,39}$/)
      .default("dump"),
    /** One of them by its file name, as people are shown it; a name, not a path. */
    backup: z
      .union([z.literal("newest"), z.string().regex(/^[A-Za-z0-9._-]{1,250}\.dump$/, "is no name of a dump")])
      .default("newest"),
    /** The newest of them as of before this moment: the damage was done then, and is in every later one. */
    before: z.iso.datetime({ offset: true }).optional(),
  }),
]);
type DumpInput = z.infer<typeof dumpInput>;

export interface DumpView {
  readonly file: string | null;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly expected: string | null;
  readonly takenAt: number | null;
  /** Why pg_restore can't read it, or null. */
  readonly unreadable: string | null;
  /** Tables it brings, by schema and name. */
  readonly tables: readonly string[];
  /** The file names people may choose from, newest first, the latest few. */
  readonly available?: readonly string[];
}

const SHOWN = 12;

interface Chosen {
  readonly file: string | null;
  readonly available: readonly string[];
}

async function choose(from: DumpInput): Promise<Chosen> {
  if ("file" in from) return { file: from.file, available: [] };
  const all = await dumpsIn(from.newestIn, from.label);
  const available = all.slice(0, SHOWN).map((file) => basename(file));
  if (from.backup !== "newest") return { file: all.find((file) => basename(file) === from.backup) ?? null, available };
  if (from.before === undefined) return { file: all[0] ?? null, available };
  const limit = Date.parse(from.before);
  for (const file of all) {
    const known = await readManifest(file);
    if (known !== null && known.takenAt < limit) return { file, available };
  }
  return { file: null, available };
}

/** Chosen by a person for what it holds, so its age is no reason to refuse it. */
export function isChosen(from: DumpInput): boolean {
  return "file" in from || from.backup !== "newest" || from.before !== undefined;
}

export function availableFact({ available = [] }: DumpView): readonly Fact[] {
  if (available.length === 0) return [];
  return [{ id: "dumpsThere", label: "Dumps to choose from", value: available.join(", "), material: false }];
}

export async function lookAtDump(ctx: ReadContext, { from }: { readonly from: DumpInput }): Promise<DumpView> {
  const { file, available } = await choose(from);
  const bytes = file === null ? null : await sizeOf(file);
  const nothing = {
    file,
    bytes,
    sha256: null,
    expected: null,
    takenAt: null,
    unreadable: "it is not there",
    tables: [],
    available,
  };
  if (file === null || bytes === null) return nothing;
  const expected = ("file" in from ? from.sha256 : undefined) ?? (await expectedHash(file));
  const known = await readManifest(file);
  const sha256 = await hashFile(file, ctx.signal);
  if ((await programsHere(ctx)) === null) {
    return { ...nothing, sha256, expected, unreadable: "pg_restore is not on this machine: install postgresql-client" };
  }
  const listed = await runProgram(ctx, "pg_restore", ["--list", file], { seconds: 10, bytesMax: 4_000_000 }).then(
    ({ output }) => ({ tables: tablesIn(output), unreadable: null }),
    (error: Error) => ({ tables: [], unreadable: error.message }),
  );
  return { file, bytes, sha256, expected, takenAt: known?.takenAt ?? null, available, ...listed };
}

/** "215; 1259 16389 TABLE public orders postgres" */
function tablesIn(list: string): string[] {
  return list.split("\n").flatMap((line) => {
    const found = /^\d+; \d+ \d+ TABLE (?!DATA )(\S+) (.+) \S+$/.exec(line);
    return found ? [`${found[1]}.${found[2]}`] : [];
  });
}

/** It has the SHA-256 someone wrote down for it. */
export function whole({ file, bytes, sha256, expected, available = [] }: DumpView): Check {
  const ok = sha256 !== null && sha256 === expected;
  const says =
    file === null
      ? `There is no such whole dump in the folder. There are: ${available.join(", ") || "none"}.`
      : bytes === null
        ? `${file} is not there.`
        : expected === null
          ? `There is no checksum for what ${file} has to hash to.`
          : ok
            ? `${basename(file)} has the SHA-256 it has to have.`
            : `${file} does not have the SHA-256 it has to have: it was damaged or exchanged.`;
  const next =
    file !== null && bytes !== null && expected === null
      ? `Give its SHA-256, or put it into ${basename(file)}.sha256.`
      : null;
  return { id: "dump.sha256", level: "block", ok, says, ...(next !== null && { next }) };
}

/** It brings tables. */
export function readable({ file, unreadable, tables }: DumpView): Check {
  const ok = unreadable === null && tables.length > 0;
  const says = ok
    ? `pg_restore can read it: ${tables.length} tables.`
    : `${file ?? "The dump"} can't be used: ${unreadable ?? "it brings no table"}.`;
  return { id: "dump.readable", level: "block", ok, says };
}

/** Its rows were counted when it was made. */
export function counted({ takenAt }: DumpView): Check {
  const ok = takenAt !== null;
  const says = ok
    ? "Its row counts are known."
    : "It was not made by postgres.dump, so there are no row counts to hold the result against.";
  return { id: "dump.counted", level: "warn", ok, says };
}
