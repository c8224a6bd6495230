import { basename, isAbsolute } from "node:path";
import { z } from "zod";
import type { Check, ReadContext } from "../contract.ts";
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
  }),
]);
type DumpInput = z.infer<typeof dumpInput>;

export interface DumpView {
  readonly file: string | null;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly expected: string | null;
  readonly takenAt: number | null;
  /** Why pg_restore can not read it, or null. */
  readonly unreadable: string | null;
  /** Tables it brings, by schema and name. */
  readonly tables: readonly string[];
}

export async function lookAtDump(ctx: ReadContext, { from }: { readonly from: DumpInput }): Promise<DumpView> {
  const file = "file" in from ? from.file : ((await dumpsIn(from.newestIn, from.label))[0] ?? null);
  const bytes = file === null ? null : await sizeOf(file);
  const nothing = {
    file,
    bytes,
    sha256: null,
    expected: null,
    takenAt: null,
    unreadable: "it is not there",
    tables: [],
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
  return { file, bytes, sha256, expected, takenAt: known?.takenAt ?? null, ...listed };
}

/** "215; 1259 16389 TABLE public orders postgres" */
function tablesIn(list: string): string[] {
  return list.split("\n").flatMap((line) => {
    const found = /^\d+; \d+ \d+ TABLE (?!DATA )(\S+) (.+) \S+$/.exec(line);
    return found ? [`${found[1]}.${found[2]}`] : [];
  });
}

/** It has the SHA-256 somebody wrote down for it. */
export function whole({ file, bytes, sha256, expected }: DumpView): Check {
  const ok = sha256 !== null && sha256 === expected;
  const says =
    file === null
      ? "There is no whole dump in the folder."
      : bytes === null
        ? `${file} is not there.`
        : expected === null
          ? `Nobody wrote down what ${file} has to hash to. Give its SHA-256, or put it into ${basename(file)}.sha256.`
          : ok
            ? `${basename(file)} has the SHA-256 it has to have.`
            : `${file} does not have the SHA-256 it has to have: it was damaged or exchanged.`;
  return { id: "dump.sha256", level: "block", ok, says };
}

/** It brings tables. */
export function readable({ file, unreadable, tables }: DumpView): Check {
  const ok = unreadable === null && tables.length > 0;
  const says = ok
    ? `pg_restore can read it: ${tables.length} tables.`
    : `${file ?? "The dump"} can not be used: ${unreadable ?? "it brings no table"}.`;
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
