import { z } from "zod";
import { type ApplyContext, type Check, type Done, defineAction, type Evidences, fencedFact } from "../contract.ts";
import { until } from "../poll.ts";
import { hashNow, runScript, scriptArguments, scriptInput, unchanged } from "../scripts.ts";
import { neverUndone } from "../undo.ts";
import { withNode } from "./client.ts";
import { type Node, nodeInput, resourceOf } from "./node.ts";
import { followerOf, lagBetween, lookAtPair, type PairView } from "./pair.ts";
import { type AnsweringNode, identityChecks, isPrimary, isStandby, type NodeView } from "./view.ts";

const input = z.strictObject({
  /** The old primary, to become a standby. What only it holds is given up. */
  node: nodeInput,
  primary: nodeInput,
  /** Physical slot on the new primary; slots do not follow a promotion. */
  slot: z.string().regex(/^[a-z0-9_]{1,63}$/),
  /** Does what needs the host: stop, copy from the new primary (or rewind), standby.signal, start. */
  script: scriptInput,
  arguments: scriptArguments.default([]),
  timeoutSeconds: z.number().positive().max(86_400).default(3600),
  /** The `postgres.export_divergence` of this run: what only the old one holds is in its file before it is given up. */
  exportStep: z.string().min(1).optional(),
});
type Input = z.infer<typeof input>;
interface Seen {
  readonly pair: PairView;
  readonly hash: string | null;
  /** What the export found; null where none is named, or it has not been verified. */
  readonly exported?: Exported | null;
}

/** `rows`: absent from the new primary, or newer on the old one. Null: nothing could be exported. */
interface Exported {
  readonly rows: number | null;
  readonly file: string | null;
}

/** Brings an old primary back as a standby of the new one. SQL can't do it: an allowed script does the host's part. */
export const rejoin = defineAction<Input, Seen>({
  id: "postgres.rejoin",
  summary: "Bring an old PostgreSQL primary back as a standby of the new one",
  input,
  risk: "irreversible",
  service: "aside",
  opens: () => true,
  endsFence: true,
  repeat: "destructive",
  budget: { typicalSeconds: 60, warnSeconds: 3600, failSeconds: 90_000 },
  resources: ({ node, primary }) => [resourceOf(node), resourceOf(primary)],
  async observe(ctx, { node, primary, script, exportStep }) {
    const [pair, hash] = await Promise.all([lookAtPair(ctx, primary, node), hashNow(script)]);
    return { pair, hash, exported: exportStep === undefined ? null : exportedBy(ctx, exportStep) };
  },
  facts: ({ pair, exported }, { node }) => [
    { id: "state", label: `${pair.to.name} is`, value: sayState(pair), material: false },
    { id: "lagBytes", label: "Lag in bytes", value: pair.lag?.bytes ?? null, material: false },
    { id: "loss", label: "Would be lost", value: sayLoss(pair, node, exported ?? null), material: false },
  ],
  ready: ({ pair, hash, exported }, { node, primary, script, exportStep }) => [
    ...identityChecks(pair.from, pair.to),
    unchanged(script, hash),
    primaryWrites(pair, primary),
    sameCluster(pair),
    oldIsQuiet(pair, node),
    ...(exportStep === undefined ? [] : [exportBehindUs(exported ?? null, exportStep)]),
    oneTimeline(pair),
  ],
  done: ({ pair }) => isDone(pair),
  async apply(ctx, { node, primary, slot, script, arguments: given, timeoutSeconds }) {
    await reserveSlot(ctx, primary, slot);
    ctx.progress(`${node.name}: ${script.name} rebuilds it from ${primary.name}`);
    const end = await runScript(ctx, script, given, timeoutSeconds);
    return { seconds: Math.round(end.seconds * 10) / 10, output: end.output };
  },
  async verify(ctx, given) {
    let last: PairView | null = null;
    let polls = 0;
    const pair = await until(
      {
        what: `${given.node.name} streaming from ${given.primary.name} with nothing missing`,
        seconds: Math.min(120, ctx.budget.failSeconds / 2),
        everyMilliseconds: 250,
        signal: ctx.signal,
        stateNow: () => (last === null ? "It was not looked at" : `${given.node.name} is ${sayState(last)}`),
      },
      async () => {
        last = await lookAtPair(ctx, given.primary, given.node);
        polls = streams(last) && last.lag?.bytes === 0 ? polls + 1 : 0;
        return polls >= 2 ? last : null;
      },
    );
    return {
      says: `${given.node.name} is a standby of ${given.primary.name}: streaming, 0 bytes behind, seen twice.`,
      facts: [
        fencedFact(given.node.name),
        { id: "streaming", label: "Standby streams", value: true, material: false },
        { id: "timeline", label: "Timeline", value: timelineOf(pair.to), material: false },
      ],
    };
  },
  undo: neverUndone(
    ({ node }) =>
      `What ${node.name} held before was replaced. Only a copy of its data folder, made before, would bring it back.`,
  ),
});

/** Idempotent: a slot that is there already is kept. */
async function reserveSlot(ctx: ApplyContext, primary: Node, slot: string): Promise<void> {
  await withNode(ctx, primary, (db) =>
    db.query(
      `select pg_create_physical_replication_slot($1, true)
        where not exists (select from pg_replication_slots where slot_name = $1)`,
      [slot],
    ),
  );
}

function streams({ from, to }: PairView): boolean {
  return isPrimary(from) && followerOf(from, to)?.state === "streaming";
}

function isDone(pair: PairView): Done {
  if (!pair.from.answers) return "unknown";
  return isPrimary(pair.from) && isStandby(pair.to) && streams(pair) ? "yes" : "no";
}

/** Where no step before it promotes or restores that server, this run has nothing to rebuild from. */
function primaryWrites({ from }: PairView, primary: Node): Check {
  const ok = isPrimary(from) && !from.readOnly;
  const found = from.answers ? (isPrimary(from) ? "is fenced" : "is a standby") : `does not answer (${from.why})`;
  return {
    id: "evidence.primary",
    level: "block",
    ok,
    says: ok
      ? `${from.name} is the primary and takes writes.`
      : `${from.name} ${found}; the new primary has to take writes.`,
    madeSoBy: { resources: [resourceOf(primary)] },
  };
}

/** Another server at the old one's address would be thrown away. */
function sameCluster({ from, to }: PairView): Check {
  const other = from.answers && to.answers && from.systemId !== to.systemId;
  const says = other
    ? `${to.name} belongs to another cluster (${to.systemId}) than ${from.name} (${from.systemId}): rebuilding it would destroy other data. If that is meant, stop it first.`
    : `${to.name} is not of another cluster than ${from.name}, as far as it answers.`;
  return { id: "node.sameCluster", level: "block", ok: !other, says };
}

function oldIsQuiet({ from, to }: PairView, old: Node): Check {
  const writes = isPrimary(to) && !to.readOnly;
  return {
    id: "evidence.oldPrimary",
    level: "block",
    ok: !writes,
    says: writes ? `${to.name} still takes writes, which rebuilding it would destroy.` : `${to.name} takes no writes.`,
    next: `Fence it first, and look whether ${from.name} lacks any.`,
    madeSoBy: { resources: [resourceOf(old)] },
  };
}

/** Until the first checkpoint after a promotion pg_rewind sees one timeline only. */
function oneTimeline({ from }: PairView): Check {
  const ok = !isPrimary(from) || (from as AnsweringNode).checkpointTimeline === from.timeline;
  return {
    id: "primary.checkpoint",
    level: "warn",
    ok,
    says: ok
      ? "The new primary has made a checkpoint on its timeline."
      : `${from.name} has made no checkpoint since its promotion.`,
    next: "Run checkpoint there before pg_rewind.",
  };
}

/** Without an export no one compares the two: how much the old one holds alone is not known. */
function sayLoss(pair: PairView, { name }: Node, exported: Exported | null): string {
  if (streams(pair)) return "nothing";
  if (exported === null || exported.rows === null) return `unknown: what only ${name} holds`;
  return exported.rows === 0
    ? `nothing: ${name} holds no row of the compared tables alone`
    : `${exported.rows} rows that only ${name} holds, kept in ${exported.file}`;
}

function exportedBy(evidences: Evidences, step: string): Exported | null {
  const evidence = evidences.evidenceOf(step);
  if (!evidence) return null;
  const value = (id: string) => evidence.facts.find((fact) => fact.id === id)?.value;
  if (value("exported") !== true) return { rows: null, file: null };
  return { rows: Number(value("absentRows")) + Number(value("newerRows")), file: String(value("exportFile")) };
}

function exportBehindUs(exported: Exported | null, step: string): Check {
  const ok = exported !== null;
  const says = ok ? `Step ${step} has been verified.` : `Step ${step} has to be verified first.`;
  return { id: "evidence.export", level: "block", ok, says, madeSoBy: { steps: [step] } };
}

function sayState(pair: PairView): string {
  const { to } = pair;
  if (!to.answers) return to.kind === "refused" ? "up, but did not let us in" : "not answering";
  if (isPrimary(to)) return to.readOnly ? "a fenced primary" : "a primary that takes writes";
  const lag = lagBetween(pair.from, to);
  return `a standby, ${streams(pair) ? "streaming" : "not streaming"}${lag === null ? "" : `, ${lag.bytes} bytes behind`}`;
}

function timelineOf(view: NodeView): number | null {
  return view.answers ? view.timeline : null;
}
