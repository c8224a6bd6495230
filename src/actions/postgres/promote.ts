import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import {
  type ApplyContext,
  type Check,
  type Done,
  defineAction,
  type Evidence,
  type Evidences,
  type Handle,
  type MeasuredLoss,
} from "../contract.ts";
import { clockOf, lossFact } from "../loss.ts";
import { until } from "../poll.ts";
import { neverUndone } from "../undo.ts";
import { sqlStateOf, withNode } from "./client.ts";
import { letLead, lookAtManager, type ManagedView, managedInput, managerReady } from "./managed.ts";
import { type Node, nodeInput, resourceOf } from "./node.ts";
import { followerOf, lagBetween, lookAtPair, type PairView, round, sayLoss } from "./pair.ts";
import { bytesBehind } from "./position.ts";
import { probeWrite } from "./probe.ts";
import {
  type AnsweringNode,
  identityChecks,
  isPrimary,
  isStandby,
  lookAt,
  type NodeView,
  silenceOf,
  splitBrain,
} from "./view.ts";

const input = z.strictObject({
  from: nodeInput,
  to: nodeInput,
  /** The step that fenced `from`: without its evidence no one is promoted. */
  fenceStep: z.string().min(1),
  maxLagBytes: z
    .number()
    .int()
    .min(0)
    .default(16 * 1024 * 1024),
  /** Unplanned mode: a primary that does not answer, or a standby that is behind, is accepted. */
  allowDataLoss: z.boolean().default(false),
  /** `to` is a Patroni standby cluster: Patroni is asked to let it lead, and promotes it. */
  patroni: managedInput.optional(),
});
type Input = z.infer<typeof input>;
type Seen = PairView & { readonly manager?: ManagedView };

const PROMOTE_SECONDS = 60;

/** Makes a standby the primary: once, irreversibly, and only over evidence that the old primary is fenced. */
export const promote = defineAction<Input, Seen>({
  id: "postgres.promote",
  summary: "Promote a PostgreSQL standby, and see that it takes writes and that the old primary does not",
  input,
  risk: "irreversible",
  service: "interrupts",
  opens: () => true,
  goesWithout: ({ allowDataLoss }) => (allowDataLoss ? ["from"] : []),
  promotes: true,
  endsFence: true,
  repeat: "guarded",
  budget: { typicalSeconds: 1, warnSeconds: 15, failSeconds: 90 },
  resources: ({ from, to }) => [resourceOf(from), resourceOf(to)],
  async observe(ctx, { from, to, patroni }) {
    if (patroni === undefined) return await lookAtPair(ctx, from, to);
    const [pair, manager] = await Promise.all([lookAtPair(ctx, from, to), lookAtManager(ctx, patroni)]);
    return { ...pair, manager };
  },
  facts: (seen, given) => [
    lossFact(sayLoss(seen), resourceOf(given.to)),
    { id: "primary", label: "Primary", value: primaryOf(seen), material: true },
    { id: "promotes", label: "Becomes primary", value: seen.to.name, material: true },
    { id: "systemId", label: "Cluster", value: seen.to.answers ? seen.to.systemId : null, material: true },
    { id: "primaryReachable", label: "Primary answers", value: seen.from.answers, material: true },
    { id: "lagWithinLimit", label: "Lag within the limit", value: withinLimit(seen, given), material: true },
    { id: "lagBytes", label: "Lag in bytes", value: seen.lag?.bytes ?? null, material: false },
    { id: "lagSeconds", label: "Lag in seconds", value: seen.lag?.seconds ?? null, material: false },
    { id: "timeline", label: "Timeline", value: seen.to.answers ? seen.to.timeline : null, material: false },
  ],
  ready: (seen, given, evidence) => [
    ...identityChecks(seen.from, seen.to),
    inRecovery(seen),
    sameCluster(seen),
    replaying(seen),
    notFenced(seen),
    ...(given.patroni ? managerReady(given.patroni, seen.manager ?? null) : [permitted(seen, given)]),
    primaryAnswers(seen, given),
    ...(isPrimary(seen.from) && isStandby(seen.to) ? [streaming(seen, given), lag(seen, given)] : []),
    fenceHolds(given, evidence),
  ],
  done: (seen, _given, before) => isDone(seen, before),
  async apply(ctx, { to, patroni }) {
    if (patroni !== undefined) {
      ctx.progress(`${to.name}: Patroni is asked to let it lead`);
      await letLead(ctx, patroni);
      return { asked: patroni.name };
    }
    return await withNode(
      ctx,
      to,
      async (db) => {
        ctx.progress(`${to.name}: promoting`);
        try {
          const [row] = await db.query<{ promoted: boolean }>("select pg_promote(true, $1) as promoted", [
            PROMOTE_SECONDS,
          ]);
          return { promoted: row?.promoted === true };
        } catch (error) {
          // "recovery is not in progress": someone promoted it before us. Not evidence: verify looks.
          if (sqlStateOf(error) === "55000") return { promoted: false, refused: messageOf(error) };
          throw error;
        }
      },
      PROMOTE_SECONDS + 5,
    );
  },
  verify: verifyPromoted,
  watch: {
    forSeconds: 24 * 3600,
    async look(ctx, { from, to }) {
      const [old, now] = await Promise.all([lookAt(ctx, from), lookAt(ctx, to)]);
      if (!splitBrain(old, now)) return null;
      return {
        says: `${from.name}, the old primary, is back and takes writes, and so does ${to.name} (split brain). What ${from.name} accepts from now on will be lost.`,
        next: `Stop ${from.name} or fence it now, before an application finds it; then rebuild it as a standby of ${to.name}.`,
      };
    },
  },
  undo: neverUndone(
    ({ from, to }) =>
      `${to.name} writes a history of its own from here on. The way back is to rejoin ${from.name} as a standby and to switch over again.`,
  ),
});

function primaryOf({ from, to }: PairView): string | null {
  const names = [from, to].filter(isPrimary).map((view) => view.name);
  return names.join(" and ") || null;
}

function withinLimit({ lag }: PairView, { maxLagBytes }: Input): boolean | null {
  return lag === null ? null : lag.bytes <= maxLagBytes;
}

/** With nothing recorded, a primary whose old primary is gone, fenced or behind it in timelines was promoted by hand. */
function isDone({ from, to }: PairView, before: PairView | null): Done {
  if (!to.answers) return "unknown";
  if (isStandby(to)) return "no";
  if (before?.to.answers) return to.timeline > before.to.timeline ? "yes" : "unknown";
  if (!isPrimary(from)) return "yes";
  return from.systemId === to.systemId && from.readOnly && to.timeline > from.timeline ? "yes" : "partial";
}

function inRecovery(seen: PairView): Check {
  const { from, to } = seen;
  const id = "standby.inRecovery";
  if (!to.answers) {
    const how = to.kind === "refused" ? "did not let us in" : "does not answer";
    return { id, level: "block", ok: false, says: `${to.name} ${how}: ${to.why}.`, ...silenceOf(to) };
  }
  if (isStandby(to)) return { id, level: "block", ok: true, says: `${to.name} is a standby.` };
  const done = isDone(seen, null) === "yes";
  if (done) return { id, level: "block", ok: true, says: `${to.name} is the primary already.` };
  const says = isLeftBehind(seen)
    ? `${to.name} was a primary before ${from.name} and is fenced.`
    : `${to.name} is not a standby but a primary, and so is ${from.name}.`;
  const next = isLeftBehind(seen)
    ? "Rebuild it as a standby first."
    : "Decide which of them is right before anything else.";
  return { id, level: "block", ok: false, says, next };
}

function sameCluster({ from, to }: PairView): Check {
  const id = "standby.sameCluster";
  if (!from.answers || !to.answers) {
    const says = "Whether both belong to one cluster can't be seen while one of them does not answer.";
    return { id, level: "warn", ok: false, says, ...silenceOf(to, from) };
  }
  const same = from.systemId === to.systemId;
  const says = same
    ? `Both belong to cluster ${from.systemId}.`
    : `${to.name} belongs to another cluster (${to.systemId}) than ${from.name} (${from.systemId}): it holds other data.`;
  return { id, level: "block", ok: same, says };
}

function replaying({ to }: PairView): Check {
  const paused = isStandby(to) && to.standby.paused;
  return {
    id: "standby.replaying",
    level: "block",
    ok: !paused,
    says: paused ? `Replay on ${to.name} is paused.` : `${to.name} replays.`,
    next: `Run select pg_wal_replay_resume() on ${to.name}.`,
  };
}

/** The old primary of a failover that was not rebuilt yet: its fence is what keeps it harmless. */
function isLeftBehind({ from, to }: PairView): boolean {
  return isPrimary(to) && isPrimary(from) && to.readOnly && !from.readOnly && from.systemId === to.systemId;
}

function notFenced(seen: PairView): Check {
  const { to } = seen;
  const fenced = to.answers && to.readOnly && !isLeftBehind(seen);
  return {
    id: "standby.notFenced",
    level: "block",
    ok: !fenced,
    says: fenced ? `${to.name} still carries a fence and would take no writes.` : `${to.name} carries no fence.`,
    next: "Run postgres.unfence on it first.",
  };
}

function permitted(seen: PairView, { to }: Input): Check {
  const lacks = seen.to.answers ? seen.to.mayNotPromote : "";
  return {
    id: "standby.permitted",
    level: "block",
    ok: lacks === "",
    says: lacks === "" ? `${to.user} may promote ${to.name}.` : `${to.user} may not promote ${to.name}.`,
    next: `Grant ${lacks}.`,
  };
}

function primaryAnswers({ from }: PairView, { allowDataLoss }: Input): Check {
  const id = "primary.answers";
  if (from.answers) return { id, level: "block", ok: true, says: `${from.name} answers as ${from.role}.` };
  const silent = `${from.name} does not answer: ${from.why}.`;
  if (allowDataLoss) return { id, level: "warn", ok: false, says: silent, ...silenceOf(from) };
  const says = `${silent} Without it loss can't be ruled out.`;
  return { id, level: "block", ok: false, says, next: "Run it unplanned.", ...silenceOf(from) };
}

function streaming({ from, to }: PairView, { allowDataLoss }: Input): Check {
  const state = isPrimary(from) ? (followerOf(from, to)?.state ?? "not connected") : "not connected";
  return {
    id: "standby.streaming",
    level: allowDataLoss || isPrimary(to) ? "warn" : "block",
    ok: state === "streaming",
    says: `By ${from.name}'s own account ${to.name} is ${state}${state === "streaming" ? "." : "; it has to be streaming."}`,
  };
}

function lag(seen: PairView, given: Input): Check {
  const within = withinLimit(seen, given) === true;
  const behind = seen.lag === null ? "an unknown number of" : String(seen.lag.bytes);
  return {
    id: "standby.lag",
    level: given.allowDataLoss || isPrimary(seen.to) ? "warn" : "block",
    ok: within,
    says: `${seen.to.name} is ${behind} bytes behind; the limit is ${given.maxLagBytes}.${within ? "" : " Wait until it has caught up, or run it unplanned and accept the loss."}`,
  };
}

function fenceHolds({ fenceStep, allowDataLoss, from }: Input, evidence: Evidences): Check {
  const id = "evidence.fence";
  const facts = evidence.evidenceOf(fenceStep)?.facts;
  const fact = (name: string) => facts?.find((one) => one.id === name)?.value;
  if (fact("fenced") === true) return { id, level: "block", ok: true, says: `${from.name} is fenced.` };
  if (fact("fenceAccepted") === true && allowDataLoss) {
    return { id, level: "block", ok: true, says: `${from.name} could not be fenced, which was accepted.` };
  }
  const says = facts
    ? `Step ${fenceStep} did not fence ${from.name}.`
    : `There is no evidence that ${from.name} is fenced: step ${fenceStep} has to be verified first.`;
  const next = facts && "Fence it, or run it unplanned and accept the risk.";
  return { id, level: "block", ok: false, says, ...(next && { next }), madeSoBy: { steps: [fenceStep] } };
}

async function verifyPromoted(
  ctx: ApplyContext,
  given: Input,
  before: PairView,
  _handle: Handle | null,
): Promise<Evidence> {
  const { from, to } = given;
  let state = `${to.name} has not been seen as a primary`;
  let checkpointing: Promise<boolean> | null = null;
  const { seen, old, checkpointed, replayed } = await until(
    {
      what: `${to.name} taking writes as primary on a new timeline`,
      seconds: ctx.budget.failSeconds / 3,
      everyMilliseconds: 50,
      signal: ctx.signal,
      stateNow: () => state,
    },
    async () => {
      const seen = await lookAt(ctx, to);
      state = seen.answers ? `${to.name} is a ${seen.role} on timeline ${seen.timeline}` : `${to.name} is silent`;
      if (!isPrimary(seen) || !movedOn(seen, before)) return null;
      checkpointing ??= checkpoint(ctx, to);
      // No one can write until this is over, so what can be asked at once is.
      const [probe, old, checkpointed, replayed] = await Promise.all([
        probeWrite(ctx, to),
        lookAt(ctx, from),
        checkpointing,
        replayedTo(ctx, to),
      ]);
      return probe.found === "writable" ? { seen, old, checkpointed, replayed } : null;
    },
  );
  refuseSplit(old, seen);
  const loss = lossAt(ctx, given, before, replayed);
  return {
    says: `${to.name} is primary on timeline ${seen.timeline}, takes writes and reads them back. ${sayOld(old)} ${sayLost(loss)}`,
    facts: [
      { id: "promoted", label: "Promoted", value: to.name, material: false },
      { id: "timeline", label: "Timeline", value: seen.timeline, material: false },
      { id: "checkpointed", label: "Checkpoint made", value: checkpointed, material: false },
      { id: "splitBrain", label: "Split brain", value: old.answers ? false : "not seen", material: false },
      { id: "loss", label: "Lost", value: sayLost(loss), material: false },
    ],
    rpo: loss,
  };
}

function movedOn(view: AnsweringNode, before: PairView): boolean {
  if (before.to.answers && isStandby(before.to)) return view.timeline > before.to.timeline;
  return true;
}

/** At once: until the first checkpoint on the new timeline, pg_rewind sees none and an old primary can't follow. */
async function checkpoint(ctx: ApplyContext, to: Node): Promise<boolean> {
  try {
    await withNode(ctx, to, (db) => db.query("checkpoint"), ctx.budget.failSeconds / 3);
    return true;
  } catch (error) {
    ctx.log.warn(
      { event: "action.no_checkpoint", node: to.name, error: messageOf(error) },
      "no checkpoint after the promotion",
    );
    ctx.progress(`${to.name}: no checkpoint was made (${messageOf(error)}); make one before the old primary rejoins`);
    return false;
  }
}

function refuseSplit(old: NodeView, now: AnsweringNode): void {
  if (!isPrimary(old) || old.systemId !== now.systemId || old.readOnly) return;
  throw new LifeboatError({
    code: "split-brain",
    where: now.name,
    what: `Two servers take writes: ${now.name} on timeline ${now.timeline} and ${old.name} on timeline ${old.timeline} (split brain)`,
    stateNow: `${now.name} is promoted; ${old.name} is not fenced, and what it accepts will be lost`,
    next: `Fence or stop ${old.name} now, then retry this step`,
  });
}

async function replayedTo(ctx: ApplyContext, to: Node): Promise<string | null> {
  return await withNode(ctx, to, async (db) => {
    const [row] = await db.query<{ position: string | null }>("select pg_last_wal_replay_lsn()::text as position");
    return row?.position ?? null;
  });
}

/** From positions in the log: where the old primary was fenced against where the standby's replay ended. */
function lossAt(ctx: Evidences, given: Input, before: PairView, replayed: string | null): MeasuredLoss {
  const subject = resourceOf(given.to);
  const newestAt = isStandby(before.to) ? before.to.standby.newestWriteAt : null;
  const kept = newestAt === null ? {} : { keptUntil: new Date(newestAt).toISOString() };
  const facts = ctx.evidenceOf(given.fenceStep)?.facts;
  const fact = (name: string) => facts?.find((one) => one.id === name)?.value;
  const flushed = fact("flushedTo");
  if (typeof flushed !== "string" || replayed === null) {
    const method = `the newest write that reached ${given.to.name}; where ${given.from.name} stopped writing is unknown`;
    return { subject, seconds: null, rows: null, method, ...kept };
  }
  const bytes = bytesBehind(flushed, replayed);
  const method = `positions in the log: ${given.from.name} was fenced at ${flushed}, ${given.to.name} had replayed to ${replayed}`;
  if (bytes === 0) return { subject, seconds: 0, rows: 0, method };
  // From the fence, where its moment is known: what the old primary's clock says later is an age, and grows.
  const seconds = secondsBetween(fact("fencedAt"), before.to) ?? lagBetween(before.from, before.to)?.seconds ?? null;
  return { subject, seconds, rows: null, method: `${method} (${bytes} bytes missing)`, ...kept };
}

function secondsBetween(fencedAt: unknown, to: NodeView): number | null {
  if (typeof fencedAt !== "string" || !isStandby(to) || to.standby.newestWriteAt === null) return null;
  return Math.max(0, round((Date.parse(fencedAt) - to.standby.newestWriteAt) / 1000));
}

function sayOld(old: NodeView): string {
  if (!old.answers) return `${old.name} does not answer, so split brain can't be ruled out if it comes back.`;
  return isPrimary(old) ? `${old.name} is still up, read-only.` : `${old.name} is a standby.`;
}

function sayLost({ seconds, rows, method, keptUntil }: MeasuredLoss): string {
  if (rows === 0) return "Lost: nothing.";
  const after = keptUntil === undefined ? null : `after ${clockOf(Date.parse(keptUntil))}`;
  if (seconds === null) return after === null ? `Lost: ${method}.` : `Lost: writes ${after} (${method}).`;
  return `Lost: about ${seconds} s of writes${after === null ? "" : `, ${after}`}.`;
}
