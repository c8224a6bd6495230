import { setTimeout as sleep } from "node:timers/promises";
import type { ReadContext } from "../contract.ts";
import { sayWindow, type Window } from "../loss.ts";
import type { Node } from "./node.ts";
import { bytesBehind, reached } from "./position.ts";
import { type AnsweringNode, type Follower, isPrimary, isStandby, lookAt, type NodeView } from "./view.ts";

/** A server that writes and the one that is to follow or replace it, seen together. */
export interface PairView {
  readonly from: NodeView;
  readonly to: NodeView;
  /** How far `to` is behind what `from` had written when it was asked, or null when that can't be known. */
  readonly lag: Lag | null;
}

export interface Lag {
  readonly bytes: number;
  /** 0 when `to` has everything; else the age of its newest write by the primary's clock, null when it has none. */
  readonly seconds: number | null;
}

const CATCH_UP_SECONDS = 1;
/** Where the old primary is fenced no one can write meanwhile. */
const LOOK_AGAIN_MS = 10;

/** Looks at both at once, then gives the standby a moment to reach the position the primary had when it was asked. */
export async function lookAtPair(ctx: ReadContext, from: Node, to: Node): Promise<PairView> {
  const [source, first] = await Promise.all([lookAt(ctx, from), lookAt(ctx, to)]);
  const target = await caughtUp(ctx, source, first, to);
  return { from: source, to: target, lag: lagBetween(source, target) };
}

/** Looks again until the standby has what the primary had, for a second at most: what remains then is real lag. */
export async function caughtUp(ctx: ReadContext, from: NodeView, first: NodeView, node: Node): Promise<NodeView> {
  const end = performance.now() + CATCH_UP_SECONDS * 1000;
  let seen = first;
  while (isPrimary(from) && isStandby(seen) && !seen.standby.paused && !reached(seen.position, from.position)) {
    if (performance.now() > end) break;
    await sleep(LOOK_AGAIN_MS, undefined, { signal: ctx.signal });
    seen = await lookAt(ctx, node);
  }
  return seen;
}

export function lagBetween(from: NodeView, to: NodeView): Lag | null {
  if (!isPrimary(from) || !isStandby(to) || from.systemId !== to.systemId) return null;
  const bytes = bytesBehind(from.position, to.position);
  const newest = to.standby.newestWriteAt;
  const seconds = bytes === 0 ? 0 : newest === null ? null : Math.max(0, round((from.clock - newest) / 1000));
  return { bytes, seconds };
}

/** The standby's row in the primary's `pg_stat_replication`: by its slot, else by the name it gives, else the only one. */
export function followerOf(primary: AnsweringNode, standby: NodeView): Follower | null {
  if (!isStandby(standby)) return null;
  const { slot, appearsAs } = standby.standby;
  const pid = slot === null ? null : (primary.slots.find((one) => one.name === slot)?.pid ?? null);
  if (pid !== null) return primary.followers.find((one) => one.pid === pid) ?? null;
  const named = primary.followers.filter((one) => one.name === appearsAs);
  return named.length === 1 ? (named[0] ?? null) : null;
}

/** What would be lost if `to` were promoted now, as one clause that people decide on. */
export function sayLoss(pair: PairView): string {
  const { from, to, lag } = pair;
  if (isPrimary(to) && !isPrimary(from)) return `nothing: ${to.name} is the primary already`;
  if (!to.answers) return `unknown: ${to.name} does not answer`;
  if (!from.answers) return sayWindow(windowOf(to, null, `${from.name} does not answer`));
  if (lag === null) return `unknown: ${from.name} and ${to.name} are not a primary and its standby`;
  const state = isPrimary(from) ? (followerOf(from, to)?.state ?? "not connected") : "not connected";
  if (lag.bytes === 0) {
    return state === "streaming"
      ? "nothing: standby streaming, 0 bytes behind"
      : `nothing so far: ${to.name} has everything but is ${state}, so it falls behind from now on`;
  }
  // A fenced primary writes no more: what its clock says by now is no measure.
  const lostUntil = isPrimary(from) && !from.readOnly ? from.clock : null;
  const behind = `${to.name} is ${lag.bytes} bytes behind and ${state}`;
  return sayWindow(windowOf(to, lostUntil, behind, `; ${behind}`));
}

/** What a standby would lose, from its own newest write. `why`: why no one knows until when the primary wrote. */
export function windowOf(to: NodeView, lostUntil: number | null, why: string, more = ""): Window {
  const keptUntil = isStandby(to) ? to.standby.newestWriteAt : null;
  return { keptUntil, lostUntil, why, origin: `the newest that reached ${to.name}${lostUntil === null ? "" : more}` };
}

export function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
