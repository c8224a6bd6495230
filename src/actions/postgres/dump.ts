import { constants } from "node:fs";
import { access, rename, rm, statfs, writeFile } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type ApplyContext, type Check, defineAction, type Evidence, type ReadContext } from "../contract.ts";
import { nothingToUndo } from "../undo.ts";
import { type Database, withNode } from "./client.ts";
import { type DatabaseView, lookAtDatabase, quoted } from "./database-view.ts";
import { dumpName, dumpsIn, hashFile, type Manifest, manifestOf, readManifest, sizeOf, sumOf } from "./dump-file.ts";
import { type Node, nodeInput } from "./node.ts";
import { type Programs, programsHere, runProgram } from "./programs.ts";
import { identityChecks } from "./view.ts";

const input = z.strictObject({
  /** The database that is named is dumped. */
  node: nodeInput,
  /** On the machine Lifeboat runs on. */
  folder: z.string().refine(isAbsolute, "has to be an absolute path"),
  /** What the file's name begins with: `safety`. */
  label: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/)
    .default("dump"),
  timeoutSeconds: z.number().positive().max(86_400).default(3600),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly database: DatabaseView;
  readonly programs: Programs | null;
  /** Why the folder can't be written to, or null. */
  readonly folderProblem: string | null;
  readonly freeBytes: number | null;
  /** Whole dumps of this label, newest first, the latest few. */
  readonly dumps: readonly string[];
}

/** Writes a database to a file with its SHA-256 and the rows of every table beside it, all of one moment. */
export const dump = defineAction<Input, Seen>({
  id: "postgres.dump",
  summary: "Write a PostgreSQL database to a dump file, with its checksum and its row counts",
  input,
  risk: "reversible",
  service: "aside",
  copies: true,
  repeat: "safe",
  budget: { typicalSeconds: 30, warnSeconds: 900, failSeconds: 90_000 },
  resources: ({ folder, label }) => [`file:${join(folder, label)}`],
  async observe(ctx, { node, folder, label }) {
    const [database, programs, folderProblem, freeBytes, dumps] = await Promise.all([
      lookAtDatabase(ctx, node),
      programsHere(ctx),
      access(folder, constants.W_OK | constants.X_OK).then(
        () => null,
        (error: NodeJS.ErrnoException) => error.code ?? "not writable",
      ),
      statfs(folder).then(
        ({ bavail, bsize }) => bavail * bsize,
        () => null,
      ),
      dumpsIn(folder, label),
    ]);
    return { database, programs, folderProblem, freeBytes, dumps: dumps.slice(0, 10).map((file) => basename(file)) };
  },
  facts: ({ database, dumps }, { label }) => [
    { id: "databaseReachable", label: `${database.name} answers`, value: database.answers, material: false },
    { id: "databaseBytes", label: "Bytes", value: database.answers ? database.bytes : null, material: false },
    { id: "newestDump", label: `Newest ${label} dump`, value: dumps[0] ?? "none", material: false },
  ],
  ready: (seen, given) => [
    ...identityChecks(seen.database),
    answers(seen.database),
    able(seen),
    writable(seen, given),
    room(seen, given),
  ],
  done: (seen, _given, before) =>
    before !== null && seen.dumps.some((name) => !before.dumps.includes(name)) ? "yes" : "no",
  async apply(ctx, given) {
    const { node, folder, label, timeoutSeconds } = given;
    const file = join(folder, dumpName(label, node.database, new Date()));
    const partial = `${file}.partial`;
    try {
      const taken = await withNode(ctx, node, (db) => take(ctx, db, node, partial, timeoutSeconds), timeoutSeconds);
      const sha256 = await hashFile(partial, ctx.signal);
      const whole: Manifest = { file: basename(file), ...taken, sha256, bytes: (await sizeOf(partial)) ?? 0 };
      await rename(partial, file);
      await writeFile(sumOf(file), `${sha256}  ${basename(file)}\n`, { mode: 0o600 });
      await writeFile(`${manifestOf(file)}.partial`, `${JSON.stringify(whole, null, 2)}\n`, { mode: 0o600 });
      await rename(`${manifestOf(file)}.partial`, manifestOf(file));
      return { file };
    } finally {
      await rm(partial, { force: true });
    }
  },
  async verify(ctx, given, before, handle) {
    const files = await dumpsIn(given.folder, given.label);
    const file =
      typeof handle?.file === "string" ? handle.file : files.find((one) => !before.dumps.includes(basename(one)));
    const known = file === undefined ? null : await readManifest(file);
    if (file === undefined || known === null) {
      throw new LifeboatError({ code: "dump-missing", where: given.folder, what: "No new dump is there" });
    }
    return await proven(ctx, file, known);
  },
  undo: nothingToUndo(({ folder, label }) => `It adds a ${label} dump to ${folder}, and changes nothing else.`),
});

/** Counts and dump see one snapshot, so they belong together whatever is written meanwhile. */
async function take(
  ctx: ApplyContext,
  db: Database,
  node: Node,
  file: string,
  seconds: number,
): Promise<Omit<Manifest, "file" | "sha256" | "bytes">> {
  await db.query("set idle_in_transaction_session_timeout = 0");
  await db.query("begin isolation level repeatable read read only");
  const [at] = await db.query<{ snapshot: string; at: number; major: number }>(
    `select pg_export_snapshot() as snapshot, extract(epoch from now())::float8 * 1000 as at,
            current_setting('server_version_num')::int / 10000 as major`,
  );
  const named = await db.query<{ name: string }>(
    `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1`,
  );
  const tables: Record<string, number> = {};
  for (const { name } of named) {
    const [row] = await db.query<{ n: number }>(`select count(*)::float8 as n from only ${quoted(name)}`);
    tables[name] = row?.n ?? 0;
  }
  ctx.progress(`${node.name}/${node.database}: ${named.length} tables counted; dumping`);
  const given = ["--format=custom", "--no-password", `--snapshot=${at?.snapshot}`, `--file=${file}`];
  await runProgram(ctx, "pg_dump", given, { node, seconds, changes: ctx });
  return { database: node.database, takenAt: at?.at ?? 0, serverMajor: at?.major ?? 0, tables };
}

async function proven(ctx: ReadContext, file: string, known: Manifest): Promise<Evidence> {
  const sha256 = await hashFile(file, ctx.signal);
  if (sha256 !== known.sha256) {
    const what = `The file does not have the SHA-256 that was written when it was dumped`;
    throw new LifeboatError({ code: "dump-damaged", where: file, what, next: "Dump again, into another folder" });
  }
  await runProgram(ctx, "pg_restore", ["--list", file], { seconds: 60 });
  const rows = Object.values(known.tables).reduce((sum, n) => sum + n, 0);
  const tables = Object.keys(known.tables).length;
  return {
    says: `${file} holds ${rows} rows in ${tables} tables of ${known.database} as of ${new Date(known.takenAt).toISOString()}, and pg_restore can read it.`,
    facts: [
      { id: "dumpFile", label: "Dump", value: file, material: false },
      { id: "sha256", label: "SHA-256", value: sha256, material: false },
      { id: "bytes", label: "Bytes", value: known.bytes, material: false },
      { id: "rows", label: "Rows", value: rows, material: false },
      { id: "takenAt", label: "As of", value: new Date(known.takenAt).toISOString(), material: false },
    ],
  };
}

function answers(database: DatabaseView): Check {
  const id = "database.answers";
  if (!database.answers)
    return { id, level: "block", ok: false, says: `${database.name} does not answer: ${database.why}.` };
  const says = database.recovering
    ? `${database.name} is on a standby, where a snapshot can't be shared.`
    : `${database.name} answers.`;
  return { id, level: "block", ok: !database.recovering, says, next: "Dump from the primary." };
}

function able({ database, programs }: Seen): Check {
  const needs = database.answers ? database.major : 0;
  const ok = programs !== null && programs.major >= needs;
  const says = ok
    ? `pg_dump ${programs.major} is here.`
    : programs === null
      ? "pg_dump is not on the machine this runs on."
      : `pg_dump here is version ${programs.major} and refuses a server of version ${needs}.`;
  const next = `Install postgresql-client-${needs} or newer.`;
  return { id: "program.version", level: "block", ok, says, next };
}

function writable({ folderProblem }: Seen, { folder }: Input): Check {
  const ok = folderProblem === null;
  const says = ok ? `${folder} can be written to.` : `${folder} can't be written to (${folderProblem}).`;
  return { id: "folder.writable", level: "block", ok, says };
}

function room({ database, freeBytes }: Seen, { folder }: Input): Check {
  const needs = database.answers ? database.bytes : 0;
  const ok = freeBytes === null || freeBytes >= needs;
  const says = ok
    ? `${folder} has room.`
    : `${folder} has ${freeBytes} bytes free and the database has ${needs}; a dump is compressed, and may still not fit.`;
  return { id: "folder.room", level: "warn", ok, says };
}
