import { z } from "zod";
import type { Check, Fact } from "../contract.ts";
import { defineLook } from "../read.ts";
import { nodeInput } from "./node.ts";
import { followerOf, lookAtPair, type PairView } from "./pair.ts";
import { identityChecks, isPrimary, isStandby, silenceOf } from "./view.ts";

const input = z.strictObject({
  /** The server that was the primary before. */
  old: nodeInput,
  /** The one that is believed to have taken over. */
  successor: nodeInput,
});
type Input = z.infer<typeof input>;

/**
 * Looks whether one server has really taken over from another. Before a former primary is fenced and rebuilt that is what
 * decides whether it makes sense: on a healthy day, or when writes have moved back, the server named "old" is the live one.
 */
export const checkTakeover = defineLook<Input, PairView>({
  id: "postgres.check_takeover",
  summary: "Look whether another PostgreSQL server has taken over from the old primary",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  observe: (ctx, { old, successor }) => lookAtPair(ctx, successor, old),
  facts: ({ from, to }): Fact[] => [
    { id: "takesOver", label: `${from.name} takes writes`, value: takesWrites(from), material: true },
    { id: "timeline", label: `Timeline of ${from.name}`, value: from.answers ? from.timeline : null, material: false },
    { id: "oldRole", label: `${to.name} is`, value: to.answers ? to.role : null, material: true },
    { id: "oldTimeline", label: `Timeline of ${to.name}`, value: to.answers ? to.timeline : null, material: false },
  ],
  checks: (pair) => [
    ...identityChecks(pair.from, pair.to),
    successorWrites(pair),
    sameCluster(pair),
    promotedLater(pair),
    notRejoined(pair),
  ],
  where: () => "postgres.check_takeover",
  says: ({ from, to }) => `${from.name} has taken over from ${to.name} and takes writes.`,
});

function takesWrites(view: PairView["from"]): boolean | null {
  return view.answers ? isPrimary(view) && !view.readOnly : null;
}

function successorWrites({ from, to }: PairView): Check {
  const id = "successor.writes";
  if (takesWrites(from) === true) return { id, level: "block", ok: true, says: `${from.name} takes writes.` };
  if (!from.answers) {
    const says = `${from.name} does not answer (${from.why}), so it's unknown whether it has taken over from ${to.name}.`;
    return { id, level: "block", ok: false, says, ...silenceOf(from) };
  }
  const live = takesWrites(to) === true ? ` ${to.name} is the live primary.` : "";
  const is = isPrimary(from) ? "is fenced" : "is a standby";
  const says = `${from.name} ${is}: it has not taken over from ${to.name}.${live}`;
  return { id, level: "block", ok: false, says, next: "Run this after a failover." };
}

function sameCluster({ from, to }: PairView): Check {
  const other = from.answers && to.answers && from.systemId !== to.systemId;
  const says = other
    ? `${to.name} belongs to cluster ${to.systemId}, ${from.name} to cluster ${from.systemId}: they hold different data.`
    : `${to.name} and ${from.name} are of one cluster, as far as they answer.`;
  return { id: "node.sameCluster", level: "block", ok: !other, says };
}

/** A promotion begins a timeline: of two primaries the one on the higher one was promoted later. */
function promotedLater({ from, to }: PairView): Check {
  const id = "successor.promotedLater";
  if (!to.answers) {
    const says = `${to.name} does not answer (${to.why}), so its timeline can't be compared.`;
    return { id, level: "warn", ok: false, says, ...silenceOf(to) };
  }
  if (!isPrimary(to) || !isPrimary(from))
    return { id, level: "block", ok: true, says: `${to.name} and ${from.name} are not both primaries.` };
  const ok = from.timeline > to.timeline;
  const says = ok
    ? `${from.name} was promoted after ${to.name}: timeline ${from.timeline}, ${to.name} is on ${to.timeline}.`
    : `${from.name} is on timeline ${from.timeline} and ${to.name} on ${to.timeline}: it was not promoted after ${to.name}.`;
  return { id, level: "block", ok, says, next: "Decide whose writes count." };
}

function notRejoined({ from, to }: PairView): Check {
  const follows = isPrimary(from) && isStandby(to) && followerOf(from, to)?.state === "streaming";
  const says = follows
    ? `${to.name} streams from ${from.name} already: there is nothing to do.`
    : `${to.name} does not stream from ${from.name} yet.`;
  return { id: "old.notRejoined", level: "block", ok: !follows, says, ...(follows && { notNeeded: true as const }) };
}
