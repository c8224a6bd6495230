import { z } from "zod";
import { after } from "../awaited.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { lossFact } from "../loss.ts";
import { defineLook } from "../read.ts";
import { nodeInput } from "./node.ts";
import { caughtUp, followerOf, type Lag, lagBetween, type PairView, sayLoss } from "./pair.ts";
import { bytesOf } from "./position.ts";
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
  /** Every server of the cluster, in any order: who is primary is looked up, not believed. */
  nodes: z.array(nodeInput).min(1).max(8),
  /** `planned` demands a primary that answers and a standby that streams; `unplanned` says what it finds. */
  mode: z.enum(["planned", "unplanned"]).default("planned"),
  maxLagBytes: z
    .number()
    .int()
    .min(0)
    .default(16 * 1024 * 1024),
  rpoSeconds: z.number().min(0).default(60),
  after,
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly nodes: readonly NodeView[];
  /** Who takes the writes (or should) and the standby that is furthest; `to` is null when there is no second server. */
  readonly from: NodeView;
  readonly to: NodeView | null;
}

/** Looks at the servers of one cluster: roles, cluster, timeline, lag, slots, replay, and who streams from whom. */
export const check = defineLook<Input, Seen>({
  id: "postgres.check",
  summary: "Look at a PostgreSQL cluster: roles, replication, lag, and what a failover would lose",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  observe: lookAtCluster,
  facts: factsOf,
  checks: checksOf,
  where: () => "postgres.check",
  goesWithout: ({ mode }) => (mode === "unplanned" ? ["nodes"] : []),
  says: sayCluster,
});

async function lookAtCluster(ctx: ReadContext, { nodes }: Input): Promise<Seen> {
  const first = await Promise.all(nodes.map((node) => lookAt(ctx, node)));
  const source = sourceIn(first);
  const to = furthest(first, source);
  const standby = nodes[to];
  if (standby === undefined) return { nodes: first, from: first[source] as NodeView, to: null };
  const target = await caughtUp(ctx, first[source] as NodeView, first[to] as NodeView, standby);
  return { nodes: first.with(to, target), from: first[source] as NodeView, to: target };
}

/** Who takes the writes; else a fenced primary; else the one who does not answer, because it could be the primary. */
function sourceIn(views: readonly NodeView[]): number {
  const likely = [
    views.findIndex((view) => isPrimary(view) && !view.readOnly),
    views.findIndex(isPrimary),
    views.findIndex((view) => !view.answers),
  ];
  return likely.find((index) => index >= 0) ?? 0;
}

/** The standby with the highest position; when none answers, the first other server. -1: there is no other. */
function furthest(views: readonly NodeView[], source: number): number {
  const others = views.map((view, index) => ({ view, index })).filter(({ index }) => index !== source);
  let best: { index: number; position: bigint } | null = null;
  for (const { view, index } of others) {
    if (!isStandby(view)) continue;
    const position = bytesOf(view.position);
    if (best === null || position > best.position) best = { index, position };
  }
  return best?.index ?? others[0]?.index ?? -1;
}

function checksOf(seen: Seen, given: Input): Check[] {
  const { from, to } = seen;
  const standby = to !== null && isStandby(to) ? { from, to, lag: lagBetween(from, to) } : null;
  return [
    ...identityChecks(...seen.nodes),
    notSplit(seen),
    primaryAnswers(seen, given),
    standbyThere(seen),
    sameCluster(seen),
    ...(standby ? [replaying(standby.to), ...replicationChecks(standby, given), promotesSoon(standby.to)] : []),
  ];
}

function notSplit({ nodes }: Seen): Check {
  const split = nodes.flatMap((one, i) =>
    nodes
      .slice(i + 1)
      .filter((other) => splitBrain(one, other))
      .map(() => one),
  );
  const names = nodes.filter((view) => isPrimary(view) && !view.readOnly).map((view) => view.name);
  return {
    id: "splitBrain",
    level: "block",
    ok: split.length === 0,
    says:
      split.length === 0
        ? "At most one server takes writes."
        : `${names.join(" and ")} both take writes (split brain).`,
    next: "Fence the one that must not, then decide whose writes count.",
  };
}

function primaryAnswers({ from, to }: Seen, { mode }: Input): Check {
  const id = "primary.answers";
  if (isPrimary(from)) {
    const advice = mode === "unplanned" && to?.answers ? " A planned switchover would lose nothing." : "";
    return { id, level: "warn", ok: mode === "planned", says: `${from.name} answers as primary.${advice}` };
  }
  if (from.answers) {
    return { id, level: "block", ok: false, says: `None of the servers is a primary; ${from.name} is a standby.` };
  }
  if (from.kind === "refused") {
    const says = `${from.name} is up but did not let us in: ${from.why}.`;
    return { id, level: "block", ok: false, says, ...silenceOf(from) };
  }
  const planned = mode === "planned";
  const silent = `The primary ${from.name} does not answer: ${from.why}.`;
  if (!planned) return { id, level: "warn", ok: false, says: silent, ...silenceOf(from) };
  const says = `${silent} A planned switchover needs it.`;
  return { id, level: "block", ok: false, says, next: "Run it unplanned.", ...silenceOf(from) };
}

function standbyThere({ from, to }: Seen): Check {
  const there = to !== null && isStandby(to);
  return {
    id: "standby.answers",
    level: "block",
    ok: there,
    says: there ? `${to.name} is a standby.` : `There is no standby to take over: ${noStandby(from, to)}.`,
    ...(there ? {} : silenceOf(to)),
  };
}

function noStandby(from: NodeView, to: NodeView | null): string {
  if (to === null) return `${from.name} is the only server named`;
  if (!to.answers) return `${to.name} ${to.kind === "refused" ? "did not let us in" : "does not answer"} (${to.why})`;
  const fenced = isPrimary(to) && to.readOnly;
  return fenced
    ? `${to.name} was a primary and is fenced; it has to be rebuilt as a standby first`
    : `${to.name} is a primary of its own`;
}

function sameCluster({ nodes }: Seen): Check {
  const answering = nodes.filter((view) => view.answers);
  const ids = [...new Set(answering.map((view) => view.systemId))];
  return {
    id: "standby.sameCluster",
    level: "block",
    ok: ids.length <= 1,
    says:
      ids.length <= 1
        ? `All that answer belong to one cluster${ids[0] === undefined ? "" : `, ${ids[0]}`}.`
        : `${answering.map((view) => `${view.name} belongs to cluster ${view.systemId}`).join(", ")}: they hold different data.`,
  };
}

function replaying(to: AnsweringNode): Check {
  const paused = to.standby?.paused === true;
  return {
    id: "standby.replaying",
    level: "block",
    ok: !paused,
    says: paused ? `Replay on ${to.name} is paused.` : `${to.name} replays.`,
    next: `Run select pg_wal_replay_resume() on ${to.name}.`,
  };
}

function replicationChecks({ from, to, lag }: PairView, given: Input): Check[] {
  if (!isPrimary(from)) return [];
  const level = given.mode === "planned" ? "block" : "warn";
  const state = followerOf(from, to)?.state ?? "not connected";
  const within = withinLimits(lag, given);
  return [
    {
      id: "standby.streaming",
      level,
      ok: state === "streaming",
      says: `By ${from.name}'s own account ${to.name} is ${state}${state === "streaming" ? "." : "; it has to be streaming."}`,
    },
    {
      id: "standby.lag",
      level,
      ok: within,
      says: `${sayLag(to, lag)}; the limit is ${given.maxLagBytes} bytes and ${given.rpoSeconds} s.${within ? "" : " Wait until it has caught up, or run it unplanned and accept the loss."}`,
    },
  ];
}

function withinLimits(lag: Lag | null, given: Input): boolean {
  if (lag === null || lag.seconds === null) return false;
  return lag.bytes <= given.maxLagBytes && lag.seconds <= given.rpoSeconds;
}

function sayLag(to: NodeView, lag: Lag | null): string {
  if (lag === null) return `How far ${to.name} is behind is not known`;
  return `${to.name} is ${lag.bytes} bytes${lag.seconds === null ? "" : ` and ${lag.seconds} s`} behind`;
}

/** With the default of 5 s, 2 of 7 measured promotions after a crash took 5 s longer. */
function promotesSoon(to: AnsweringNode): Check {
  const waits = to.walRetryMilliseconds;
  return {
    id: "standby.walRetry",
    level: "warn",
    ok: waits <= 1000,
    says: `wal_retrieve_retry_interval on ${to.name} is ${waits} ms${waits <= 1000 ? "." : ": a promotion may wait that long. 200 ms is better."}`,
  };
}

function factsOf({ nodes, from, to }: Seen): Fact[] {
  const lag = to === null ? null : lagBetween(from, to);
  const known = nodes.find((view) => view.answers) ?? null;
  const primaries = nodes.filter(isPrimary).map((view) => view.name);
  return [
    { id: "primaryReachable", label: "Primary answers", value: isPrimary(from), material: true },
    { id: "primary", label: "Primary", value: primaries.join(" and ") || null, material: true },
    { id: "standby", label: "Standby", value: to !== null && isStandby(to) ? to.name : null, material: true },
    { id: "systemId", label: "Cluster", value: known?.systemId ?? null, material: false },
    { id: "timeline", label: "Timeline", value: known?.timeline ?? null, material: false },
    { id: "newestWriteAt", label: "Newest replicated write", value: newestWriteAt(to), material: false },
    { id: "streaming", label: "Standby streams", value: to === null ? null : streams(from, to), material: false },
    { id: "lagBytes", label: "Lag in bytes", value: lag?.bytes ?? null, material: false },
    { id: "lagSeconds", label: "Lag in seconds", value: lag?.seconds ?? null, material: false },
    { id: "slotsIdle", label: "Unused slots", value: idleSlots(from), material: false },
    lossFact(lossOf(from, to), to === null ? undefined : `postgres:${to.address.toLowerCase()}`),
  ];
}

/** ISO; a moment, and no age. */
function newestWriteAt(to: NodeView | null): string | null {
  const at = to !== null && isStandby(to) ? to.standby.newestWriteAt : null;
  return at === null ? null : new Date(at).toISOString();
}

function streams(from: NodeView, to: NodeView): boolean | null {
  return isPrimary(from) ? followerOf(from, to)?.state === "streaming" : null;
}

/** A slot no one reads keeps its log for ever and fills the disk. */
function idleSlots(view: NodeView): string | null {
  if (!view.answers) return null;
  return (
    view.slots
      .filter((slot) => !slot.active)
      .map((slot) => slot.name)
      .join(", ") || "none"
  );
}

function lossOf(from: NodeView, to: NodeView | null): string {
  return to === null ? "unknown: there is no standby" : sayLoss({ from, to, lag: lagBetween(from, to) });
}

function sayCluster({ from, to }: Seen): string {
  const primary = isPrimary(from) ? `${from.name} is primary` : `${from.name} does not answer as primary`;
  return `${primary}, ${to?.name ?? "nobody"} is its standby. What a failover would lose now: ${lossOf(from, to)}.`;
}
