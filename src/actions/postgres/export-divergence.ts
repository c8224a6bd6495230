import { constants } from "node:fs";
import { access, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type ApplyContext, type Check, defineAction, type ReadContext } from "../contract.ts";
import { undoneByHand } from "../undo.ts";
import { withNode } from "./client.ts";
import { quoted } from "./database-view.ts";
import { type ComparedTable, compare, tableProblem } from "./divergence.ts";
import { hashFile } from "./dump-file.ts";
import { type Node, nodeInput, resourceOf } from "./node.ts";
import { lookAtPair, type PairView } from "./pair.ts";
import { identityChecks, isPrimary } from "./view.ts";

const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/);

const input = z.strictObject({
  /** The old primary, whose rows will be given up. Read only. */
  node: nodeInput,
  /** The new primary. Read only. */
  primary: nodeInput,
  tables: z
    .array(
      z.strictObject({
        /** `public.orders` */
        table: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}\.[A-Za-z_][A-Za-z0-9_]{0,62}$/),
        /** The columns of its primary key, or of another unique key. */
        key: z.array(name).min(1).max(8),
        /** When a row was written last. Left out: the whole table is compared, and rows that were changed are not found. */
        changed: name.optional(),
      }),
    )
    .min(1)
    .max(100),
  /** How far back rows are compared by `changed`, counted from the newest write on the old primary. */
  withinSeconds: z
    .number()
    .positive()
    .max(90 * 86_400)
    .default(86_400),
  /** On the machine Lifeboat runs on. */
  folder: z.string().refine(isAbsolute, "has to be an absolute path"),
  label: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/)
    .default("divergence"),
  /** Unplanned mode only: go on where the old primary does not answer, and say that nothing could be exported. */
  acceptUnreachable: z.boolean().default(false),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly pair: PairView;
  /** What is wrong with a table on either server, or null. */
  readonly tableProblem: string | null;
  readonly folderProblem: string | null;
  /** Whole exports of this label, newest first, the latest few. */
  readonly files: readonly string[];
}

/** Writes the rows that only an old primary holds to a file, before it is made again as a standby and they are gone. */
export const exportDivergence = defineAction<Input, Seen>({
  id: "postgres.export_divergence",
  summary: "Write the rows that only the old PostgreSQL primary holds to a file, before they are given up",
  input,
  risk: "reversible",
  service: "aside",
  repeat: "safe",
  budget: { typicalSeconds: 30, warnSeconds: 900, failSeconds: 7200 },
  resources: ({ folder, label }) => [`file:${join(folder, label)}`],
  goesWithout: ({ acceptUnreachable }) => (acceptUnreachable ? ["node"] : []),
  async observe(ctx, given) {
    const { node, primary, folder, label } = given;
    const pair = await lookAtPair(ctx, primary, node);
    const both = pair.from.answers && pair.to.answers;
    const [problem, folderProblem, files] = await Promise.all([
      both ? firstProblem(ctx, given) : null,
      access(folder, constants.W_OK | constants.X_OK).then(
        () => null,
        (error: NodeJS.ErrnoException) => error.code ?? "not writable",
      ),
      exportsIn(folder, label),
    ]);
    return { pair, tableProblem: problem, folderProblem, files: files.slice(0, 10).map((file) => basename(file)) };
  },
  facts: ({ pair, files }, { label }) => [
    { id: "oldAnswers", label: `${pair.to.name} answers`, value: pair.to.answers, material: true },
    { id: "newestExport", label: `Newest ${label} export`, value: files[0] ?? "none", material: false },
  ],
  ready: (seen, given) => [
    ...identityChecks(seen.pair.from, seen.pair.to),
    primaryAnswers(seen, given),
    oldAnswers(seen, given),
    sameCluster(seen),
    oldIsQuiet(seen, given),
    comparable(seen),
    writable(seen, given),
  ],
  done: (seen, _given, before) =>
    before !== null && seen.files.some((file) => !before.files.includes(file)) ? "yes" : "no",
  async apply(ctx, given, seen) {
    if (!seen.pair.to.answers) return { unreachable: seen.pair.to.why };
    const { folder, label } = given;
    const file = join(folder, `${label}-${given.node.name}-${stamp(new Date())}.jsonl`);
    const partial = `${file}.partial`;
    try {
      await write(ctx, given, partial, sinceOf(seen, given));
      await rename(partial, file);
      return { file };
    } finally {
      await rm(partial, { force: true });
    }
  },
  async verify(ctx, given, before, handle) {
    const { node, primary } = given;
    if (typeof handle?.unreachable === "string") {
      const says = `Nothing was exported: ${node.name} does not answer (${handle.unreachable}). Rows that only it holds are not known.`;
      return { says, facts: [{ id: "exported", label: "Exported", value: false, material: false }] };
    }
    const files = await exportsIn(given.folder, given.label);
    const file =
      typeof handle?.file === "string" ? handle.file : files.find((one) => !before.files.includes(basename(one)));
    if (file === undefined || !files.includes(file))
      throw new LifeboatError({ code: "export-missing", where: given.folder, what: "No new export is there" });
    const end = await lastLine(file);
    const sha256 = await hashFile(file, ctx.signal);
    const none = end.absent + end.newer === 0;
    return {
      says: none
        ? `${primary.name} lacks nothing of ${end.compared} rows compared on ${node.name}.`
        : `${end.absent} rows that ${primary.name} lacks and ${end.newer} newer versions are in ${file}. Decide what becomes of them before ${node.name} is rebuilt.`,
      facts: [
        { id: "exported", label: "Exported", value: true, material: false },
        { id: "exportFile", label: "File", value: file, material: false },
        { id: "sha256", label: "SHA-256", value: sha256, material: false },
        { id: "comparedRows", label: "Rows compared", value: end.compared, material: false },
        { id: "absentRows", label: `Rows only ${node.name} holds`, value: end.absent, material: false },
        { id: "newerRows", label: `Rows newer on ${node.name}`, value: end.newer, material: false },
      ],
    };
  },
  undo: undoneByHand(({ folder, label }) => `Delete the new ${label} export in ${folder}. Neither server was changed.`),
});

/** A table that only the new primary has is no problem: it was dropped on the old one, which holds none of its rows. */
async function firstProblem(ctx: ReadContext, { node: old, primary, tables }: Input) {
  const there = await heldBy(ctx, old, tables);
  for (const [node, wanted] of [
    [primary, tables],
    [old, there],
  ] as const) {
    const problem = await withNode(ctx, node, async (db) => {
      for (const table of wanted) {
        const found = await tableProblem(db, table);
        if (found !== null) return found;
      }
      return null;
    });
    if (problem !== null) return `On ${node.name}: ${problem}`;
  }
  return null;
}

/** Those of the tables that this server has. */
async function heldBy(
  ctx: ReadContext,
  node: Node,
  tables: readonly ComparedTable[],
): Promise<readonly ComparedTable[]> {
  return await withNode(ctx, node, async (db) => {
    const asked = "select name from unnest($1::text[]) name where to_regclass(name) is not null";
    const rows = await db.query<{ name: string }>(asked, [tables.map(({ table }) => quoted(table))]);
    const names = new Set(rows.map(({ name }) => name));
    return tables.filter(({ table }) => names.has(quoted(table)));
  });
}

/** By the old server's own clock: it may have stood still for hours, and its rows are as old as that. */
function sinceOf({ pair }: Seen, { withinSeconds }: Input): string {
  const newest = pair.to.answers ? (pair.to.standby?.newestWriteAt ?? pair.to.clock) : Date.now();
  return new Date(newest - withinSeconds * 1000).toISOString();
}

interface End {
  readonly compared: number;
  readonly absent: number;
  readonly newer: number;
}

/** JSON Lines: first what was compared, then a row a line, last the counts, so that a file that was cut off is known. */
async function write(ctx: ApplyContext, given: Input, path: string, since: string): Promise<void> {
  const { node, primary, tables, withinSeconds } = given;
  const file = await open(path, "wx", 0o600);
  const line = (value: unknown) => file.appendFile(`${JSON.stringify(value)}\n`);
  try {
    const there = await heldBy(ctx, node, tables);
    const gone = tables.filter((one) => !there.includes(one)).map(({ table }) => table);
    const about = { from: node.name, to: primary.name, since, withinSeconds, tables, ...(gone.length > 0 && { gone }) };
    await line({ format: "lifeboat.divergence/1", ...about });
    for (const table of gone) ctx.progress(`${table}: not on ${node.name} any more, so it holds no row of it`);
    let [compared, absent, newer] = [0, 0, 0];
    for (const table of there) {
      const { rows } = await compare(ctx, { from: node, to: primary }, table, since, async (row) => {
        if (row.kind === "absent") absent++;
        else newer++;
        await line(row);
      });
      compared += rows;
      ctx.progress(`${table.table}: ${rows} rows compared; ${absent} absent, ${newer} newer so far`);
    }
    await line({ end: { compared, absent, newer } });
    await file.sync();
  } finally {
    await file.close();
  }
}

async function lastLine(path: string): Promise<End> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const length = Math.min(size, 4096);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const line = buffer.toString("utf8").trimEnd().split("\n").at(-1) ?? "";
    return z
      .strictObject({ end: z.strictObject({ compared: z.number(), absent: z.number(), newer: z.number() }) })
      .parse(JSON.parse(line)).end;
  } finally {
    await file.close();
  }
}

async function exportsIn(folder: string, label: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const own = names.filter((one) => one.startsWith(`${label}-`) && one.endsWith(".jsonl"));
  const aged = await Promise.all(own.map(async (one) => ({ one, at: (await stat(join(folder, one))).mtimeMs })));
  return aged.sort((a, b) => b.at - a.at).map(({ one }) => join(folder, one));
}

function stamp(at: Date): string {
  return at.toISOString().replaceAll(/[-:]/g, "").replace(".", "");
}

function primaryAnswers({ pair: { from } }: Seen, { primary }: Input): Check {
  const ok = isPrimary(from);
  const says = ok
    ? `${from.name} is the primary.`
    : `${from.name} ${from.answers ? "is a standby" : `does not answer (${from.why})`}.`;
  return { id: "evidence.primary", level: "block", ok, says, madeSoBy: { resources: [resourceOf(primary)] } };
}

function oldAnswers({ pair: { to } }: Seen, { acceptUnreachable }: Input): Check {
  const id = "node.answers";
  if (to.answers) return { id, level: "block", ok: true, says: `${to.name} answers as ${to.role}.` };
  const accepted = acceptUnreachable && to.kind === "unreachable";
  const says = `${to.name} does not answer (${to.why}): rows that only it holds cannot be exported.`;
  return { id, level: accepted ? "warn" : "block", ok: false, says };
}

function sameCluster({ pair: { from, to } }: Seen): Check {
  const other = from.answers && to.answers && from.systemId !== to.systemId;
  const says = other
    ? `${to.name} belongs to another cluster (${to.systemId}) than ${from.name} (${from.systemId}).`
    : `${to.name} is not of another cluster than ${from.name}, as far as it answers.`;
  return { id: "node.sameCluster", level: "block", ok: !other, says };
}

/** What is still being written while it is compared would be missing from the file. */
function oldIsQuiet({ pair: { to } }: Seen, { node }: Input): Check {
  const writes = isPrimary(to) && !to.readOnly;
  const says = writes ? `${to.name} still takes writes.` : `${to.name} takes no writes.`;
  const madeSoBy = { resources: [resourceOf(node)] };
  return { id: "evidence.oldPrimary", level: "block", ok: !writes, says, next: "Fence it first.", madeSoBy };
}

function comparable({ tableProblem: problem }: Seen): Check {
  return {
    id: "tables.comparable",
    level: "block",
    ok: problem === null,
    says: problem === null ? "The tables can be compared." : `${problem}.`,
  };
}

function writable({ folderProblem }: Seen, { folder }: Input): Check {
  const ok = folderProblem === null;
  const says = ok ? `${folder} can be written to.` : `${folder} cannot be written to (${folderProblem}).`;
  return { id: "folder.writable", level: "block", ok, says };
}
