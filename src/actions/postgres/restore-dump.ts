import { basename } from "node:path";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type ApplyContext, type Check, type Done, defineAction, type Evidence, type Evidences } from "../contract.ts";
import { byHand } from "../undo.ts";
import { countRows, type DatabaseView, lookAtDatabase } from "./database-view.ts";
import { hashFile, readManifest, sizeOf } from "./dump-file.ts";
import { availableFact, counted, type DumpView, dumpInput, lookAtDump, readable, whole } from "./dump-view.ts";
import { nodeInput, resourceOf } from "./node.ts";
import { runProgram } from "./programs.ts";
import { identityChecks } from "./view.ts";

const input = z
  .strictObject({
    /** The database that is named is restored into, by a login that owns it. */
    node: nodeInput,
    from: dumpInput,
    /** True: what is there is replaced. False: the database has to be empty. */
    replaces: z.boolean().default(true),
    /** The step that dumped what is there now (postgres.dump): the only way back. */
    safetyStep: z.string().min(1).optional(),
    /** Steps that stopped the applications; beside that, no session of theirs may be seen. */
    quietSteps: z.array(z.string().min(1)).max(10).default([]),
    /** Ownership as in the dump needs the roles of the dump. */
    keepOwners: z.boolean().default(true),
    timeoutSeconds: z.number().positive().max(86_400).default(7200),
  })
  .refine(({ replaces, safetyStep }) => !replaces || safetyStep !== undefined, {
    path: ["safetyStep"],
    message: "has to name the step that dumped what is there now, because it is replaced",
  });
type Input = z.infer<typeof input>;

interface Seen {
  readonly database: DatabaseView;
  readonly dump: DumpView;
  /** The safety dump as an earlier step left it, if it is still there. */
  readonly safety: string | null;
}

/** Replaces a database's content by a dump, in one transaction: all of it or nothing. */
export const restoreDump = defineAction<Input, Seen>({
  id: "postgres.restore_dump",
  summary: "Replace the content of a PostgreSQL database by a dump, all of it or nothing",
  input,
  risk: "disruptive",
  service: "restores",
  opens: () => true,
  repeat: "destructive",
  budget: { typicalSeconds: 120, warnSeconds: 3600, failSeconds: 90_000 },
  resources: ({ node }) => [resourceOf(node)],
  async observe(ctx, given) {
    const [database, dump] = await Promise.all([lookAtDatabase(ctx, given.node), lookAtDump(ctx, given)]);
    const safety = safetyFile(ctx, given);
    return { database, dump, safety: safety !== null && (await sizeOf(safety)) !== null ? safety : null };
  },
  facts: ({ database, dump }, { replaces }) => [
    { id: "dumpFile", label: "Dump", value: dump.file, material: true },
    { id: "sha256", label: "SHA-256", value: dump.sha256, material: true },
    { id: "takenAt", label: "Dump as of", value: iso(dump.takenAt), material: true },
    ...availableFact(dump),
    { id: "dumpTables", label: "Tables it brings", value: dump.tables.length, material: false },
    {
      id: "tablesNow",
      label: "Tables there now",
      value: database.answers ? Object.keys(database.tables).length : null,
      material: false,
    },
    { id: "sessions", label: "Sessions", value: database.answers ? database.sessions : null, material: false },
    {
      id: "loss",
      label: "Would be lost",
      value: replaces ? `everything written after ${iso(dump.takenAt) ?? "the dump"}` : "nothing",
      material: false,
    },
  ],
  ready: (seen, given, evidence) => [
    ...identityChecks(seen.database),
    answers(seen.database),
    whole(seen.dump),
    readable(seen.dump),
    owned(seen.database, given),
    notRestoring(seen.database, given),
    quiet(seen.database, given, evidence),
    given.replaces ? safe(seen, given) : empty(seen),
    counted(seen.dump),
  ],
  done: (seen, given, before) => isDone(seen, given, before),
  async apply(ctx, given, seen) {
    const { node, replaces, keepOwners, timeoutSeconds } = given;
    const { file, expected } = seen.dump;
    if (file === null) throw new LifeboatError({ code: "dump-missing", what: "The dump is not there" });
    if ((await hashFile(file, ctx.signal)) !== expected) throw damaged(file);
    ctx.progress(`${node.name}/${node.database}: restoring ${basename(file)} in one transaction`);
    const started = performance.now();
    await runProgram(
      ctx,
      "pg_restore",
      [
        ...["--no-password", "--exit-on-error", "--single-transaction", `--dbname=${node.database}`],
        ...(replaces ? ["--clean", "--if-exists"] : []),
        ...(keepOwners ? [] : ["--no-owner", "--no-privileges"]),
        file,
      ],
      { node, seconds: timeoutSeconds, changes: ctx },
    );
    return { file, seconds: Math.round((performance.now() - started) / 100) / 10 };
  },
  async verify(ctx, given, before, handle) {
    const now = await lookAtDatabase(ctx, given.node);
    const file = typeof handle?.file === "string" ? handle.file : before.dump.file;
    if (!now.answers || file === null || renewed(now, before) !== "all") {
      throw new LifeboatError({
        code: "not-restored",
        where: `${given.node.name}/${given.node.database}`,
        what: "The tables of the dump were not restored",
        stateNow: now.answers
          ? "The restore is one transaction: the database is as it was"
          : "The database does not answer",
      });
    }
    return await held(ctx, given, file, before);
  },
  undo: {
    ahead: ({ node, safetyStep }) =>
      byHand(
        safetyStep === undefined
          ? `Drop what was restored into ${node.name}/${node.database}: it was empty before.`
          : `Restore the dump that step ${safetyStep} made into ${node.name}/${node.database}.`,
      ),
    step: (before, { node }) =>
      before.safety === null
        ? byHand(`Drop what was restored into ${node.name}/${node.database}: nothing was there before.`)
        : byHand(`Restore ${before.safety} into ${node.name}/${node.database}.`),
  },
});

function safetyFile(evidence: Evidences, { safetyStep }: Input): string | null {
  if (safetyStep === undefined) return null;
  const value = evidence.evidenceOf(safetyStep)?.facts.find((fact) => fact.id === "dumpFile")?.value;
  return typeof value === "string" ? value : null;
}

/** A restored table is another object than the one it replaced: object ids are never given twice. */
function renewed({ tables }: DatabaseView & { answers: true }, before: Seen): "all" | "none" | "some" {
  const old: Readonly<Record<string, number>> = before.database.answers ? before.database.tables : {};
  const now = before.dump.tables.filter((name) => tables[name] !== undefined && tables[name] !== old[name]);
  if (now.length === 0) return "none";
  return now.length === before.dump.tables.length ? "all" : "some";
}

function isDone({ database }: Seen, _given: Input, before: Seen | null): Done {
  if (!database.answers || database.restoring) return "unknown";
  if (before === null) return "no";
  const found = renewed(database, before);
  return found === "all" ? "yes" : found === "none" ? "no" : "partial";
}

async function held(ctx: ApplyContext, { node }: Input, file: string, before: Seen): Promise<Evidence> {
  const known = await readManifest(file);
  const counts = await countRows(ctx, node, before.dump.tables);
  const short = Object.entries(known?.tables ?? {}).filter(([table, n]) => (counts[table] ?? 0) < n);
  if (short.length > 0) {
    const what = short.map(([table, n]) => `${table} has ${counts[table] ?? "no"} rows; its dump had ${n}`).join(", ");
    throw new LifeboatError({
      code: "rows-missing",
      where: `${node.name}/${node.database}`,
      what,
      stateNow: "The dump is restored",
      next: "Look at the data before applications are started again",
    });
  }
  const rows = Object.values(counts).reduce<number>((sum, n) => sum + (n ?? 0), 0);
  const against = known === null ? "the dump has no counts to hold them against" : "as many as when it was dumped";
  return {
    says: `${basename(file)} is restored into ${node.name}/${node.database}: ${rows} rows in ${before.dump.tables.length} tables, ${against}.`,
    facts: [
      { id: "restored", label: "Restored", value: true, material: false },
      { id: "dumpFile", label: "Dump", value: file, material: false },
      { id: "rows", label: "Rows", value: rows, material: false },
      { id: "takenAt", label: "As of", value: iso(known?.takenAt ?? null), material: false },
    ],
    rpo: {
      subject: resourceOf(node),
      seconds: null,
      rows: null,
      method:
        known === null ? "not measurable here: when it was dumped is not known" : `data as of ${iso(known.takenAt)}`,
    },
  };
}

function answers(database: DatabaseView): Check {
  const id = "database.answers";
  if (!database.answers)
    return { id, level: "block", ok: false, says: `${database.name} does not answer: ${database.why}.` };
  const ok = !database.recovering && !database.readOnly;
  const how = database.recovering ? "is on a standby" : "is fenced";
  return {
    id,
    level: "block",
    ok,
    says: ok ? `${database.name} takes writes.` : `${database.name} ${how} and takes no writes.`,
  };
}

function owned(database: DatabaseView, { node }: Input): Check {
  const ok = !database.answers || database.owned;
  const says = ok ? `${node.user} may replace it.` : `${node.user} does not own ${node.database}.`;
  return { id: "database.owned", level: "block", ok, says, next: "Use the login that owns it." };
}

function notRestoring(database: DatabaseView, { node }: Input): Check {
  const busy = database.answers && database.restoring;
  return {
    id: "database.restoring",
    level: "block",
    ok: !busy,
    says: busy ? `A pg_restore is at work in ${node.database} already.` : `No restore is at work in ${node.database}.`,
    next: "Wait until it has ended, then look.",
  };
}

function quiet(database: DatabaseView, { node, quietSteps }: Input, evidence: Evidences): Check {
  const id = "evidence.quiet";
  const missing = quietSteps.filter((step) => evidence.evidenceOf(step) === null);
  if (missing.length > 0) {
    const says = `Step ${missing.join(", ")} has to be verified first.`;
    return { id, level: "block", ok: false, says, madeSoBy: { steps: missing } };
  }
  const sessions = database.answers ? database.sessions : 0;
  const says =
    sessions === 0
      ? `No application has a session in ${node.database}.`
      : `${sessions} sessions are open in ${node.database}: whatever they write would be lost.`;
  return { id, level: "block", ok: sessions === 0, says, next: "Stop the applications first." };
}

function safe({ safety }: Seen, { safetyStep }: Input): Check {
  const says =
    safety === null
      ? `Step ${safetyStep} has to have dumped what is there now, and its file has to be there.`
      : `What is there now is in ${safety}.`;
  const madeSoBy = { steps: safetyStep === undefined ? [] : [safetyStep] };
  return { id: "evidence.safety", level: "block", ok: safety !== null, says, madeSoBy };
}

function empty({ database }: Seen): Check {
  const there = database.answers ? Object.keys(database.tables).length : 0;
  const says = there === 0 ? "The database is empty." : `The database has ${there} tables and is not to be replaced.`;
  return { id: "database.empty", level: "block", ok: there === 0, says };
}

function damaged(file: string): LifeboatError {
  return new LifeboatError({
    code: "dump-damaged",
    where: file,
    what: "The file changed since it was looked at",
    stateNow: "Nothing was changed by this step",
  });
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
