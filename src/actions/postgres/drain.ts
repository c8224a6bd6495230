import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, type Evidence, type Evidences, sayWaitedFor } from "../contract.ts";
import { lossFact, sayWindow } from "../loss.ts";
import { defineRead } from "../read.ts";
import { nodeInput, resourceOf } from "./node.ts";
import { followerOf, lookAtPair, type PairView, sayLoss, windowOf } from "./pair.ts";
import { bytesBehind, type Position, reached } from "./position.ts";
import { identityChecks, isPrimary, isStandby, lookAt, type NodeView, silenceOf } from "./view.ts";

const input = z.strictObject({
  from: nodeInput,
  to: nodeInput,
  /** The step that fenced `from`: its evidence says how far there is to go. */
  fenceStep: z.string().min(1),
  timeoutSeconds: z.number().positive().max(600).default(20),
  /** Go on with what is missing measured, when the standby does not get everything in time. */
  allowDataLoss: z.boolean().default(false),
});
type Input = z.infer<typeof input>;

/** Waits until the standby has everything the fenced primary wrote, or measures what is missing. */
export const drain = defineRead<Input, PairView>({
  id: "postgres.drain",
  summary: "Wait until the standby has everything the fenced primary wrote",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 610 },
  observe: (ctx, { from, to }) => lookAtPair(ctx, from, to),
  facts: (seen, given) => [
    { id: "lagBytes", label: "Lag in bytes", value: seen.lag?.bytes ?? null, material: false },
    { id: "lagSeconds", label: "Lag in seconds", value: seen.lag?.seconds ?? null, material: false },
    lossFact(given.allowDataLoss ? sayLoss(seen) : lossAhead(seen), resourceOf(given.to)),
  ],
  ready: (seen, given, evidence) => [
    ...identityChecks(seen.from, seen.to),
    answers(seen.to),
    replaying(seen.to),
    fenceBehindUs(given, evidence),
  ],
  async verify(ctx, given) {
    const goal = goalOf(given, ctx);
    if (goal === null) return await unmeasured(given, await lookAt(ctx, given.to));
    const end = performance.now() + given.timeoutSeconds * 1000;
    let seen = await lookAt(ctx, given.to);
    while (!(seen.answers && reached(seen.position, goal))) {
      if (performance.now() > end) return missing(given, goal, seen, fencedAt(given, ctx));
      await sleep(25, undefined, { signal: ctx.signal });
      seen = await lookAt(ctx, given.to);
    }
    return drained(goal, seen);
  },
});

/** What a streaming standby lacks now is waited for; a run that may lose nothing goes no further without it. */
function lossAhead(seen: PairView): string {
  const { from, to, lag } = seen;
  const streams = isPrimary(from) && followerOf(from, to)?.state === "streaming";
  if (!streams || lag === null || lag.bytes === 0) return sayLoss(seen);
  return sayWaitedFor(`${to.name} has everything; it is ${lag.bytes} bytes behind now`);
}

function answers(to: NodeView): Check {
  return {
    id: "standby.answers",
    level: "block",
    ok: to.answers,
    says: to.answers ? `${to.name} answers.` : `${to.name} does not answer: ${to.why}.`,
    ...silenceOf(to),
  };
}

function replaying(to: NodeView): Check {
  const paused = isStandby(to) && to.standby.paused;
  return {
    id: "standby.replaying",
    level: "block",
    ok: !paused,
    says: paused ? `Replay on ${to.name} is paused.` : `${to.name} replays.`,
    next: `Run select pg_wal_replay_resume() on ${to.name}.`,
  };
}

function fenceBehindUs({ fenceStep }: Input, evidence: Evidences): Check {
  const there = evidence.evidenceOf(fenceStep) !== null;
  return {
    id: "evidence.fence",
    level: "block",
    ok: there,
    says: there ? `Step ${fenceStep} has been verified.` : `Step ${fenceStep} has to be verified first.`,
    madeSoBy: { steps: [fenceStep] },
  };
}

function goalOf({ fenceStep }: Input, evidence: Evidences): Position | null {
  const value = evidence.evidenceOf(fenceStep)?.facts.find((fact) => fact.id === "flushedTo")?.value;
  return typeof value === "string" ? value : null;
}

function fencedAt({ fenceStep }: Input, evidence: Evidences): number | null {
  const value = evidence.evidenceOf(fenceStep)?.facts.find((fact) => fact.id === "fencedAt")?.value;
  return typeof value === "string" ? Date.parse(value) : null;
}

function drained(goal: Position, seen: NodeView): Evidence {
  return {
    says: `${seen.name} has everything up to ${goal}, the last position the old primary wrote: nothing will be lost.`,
    facts: [
      { id: "drained", label: "Standby has everything", value: true, material: false },
      { id: "lagBytes", label: "Lag in bytes", value: 0, material: false },
      { id: "loss", label: "Would be lost", value: "nothing: standby has everything", material: false },
    ],
  };
}

function missing(given: Input, goal: Position, seen: NodeView, fenced: number | null): Evidence {
  const { to, allowDataLoss, timeoutSeconds } = given;
  const bytes = seen.answers ? bytesBehind(goal, seen.position) : null;
  const behind = bytes === null ? "does not answer" : `is ${bytes} bytes behind`;
  if (!allowDataLoss) {
    throw new LifeboatError({
      code: "standby-behind",
      where: to.name,
      what: `The standby ${behind} after ${timeoutSeconds} s, and this run may lose nothing`,
      stateNow: "The old primary is fenced and no standby is promoted: the application can read but not write",
      next: "Retry when the standby catches up. Or abort: then undo the fence, or run it unplanned and accept the loss",
    });
  }
  return {
    says: `${to.name} ${behind} after ${timeoutSeconds} s. That much will be lost, as accepted.`,
    facts: [
      { id: "drained", label: "Standby has everything", value: false, material: false },
      { id: "lagBytes", label: "Lag in bytes", value: bytes, material: false },
      lossFact(sayWindow(windowOf(seen, fenced, `${to.name} ${behind}`, `; it ${behind}`)), resourceOf(to)),
    ],
  };
}

/** The primary never answered: there is no goal, so what is missing can't be measured here, and is not guessed. */
async function unmeasured({ from, to, allowDataLoss }: Input, seen: NodeView): Promise<Evidence> {
  if (!allowDataLoss) {
    throw new LifeboatError({
      code: "loss-unknown",
      where: from.name,
      what: "How far the old primary had written is not known, and this run may lose nothing",
      stateNow: "No standby is promoted",
      next: "Run it unplanned and accept the loss",
    });
  }
  const where = isPrimary(seen) ? "is a primary already" : `has everything up to ${seen.answers ? seen.position : "?"}`;
  const lost = sayWindow(windowOf(seen, null, `${from.name} does not answer`));
  return {
    says: `${to.name} ${where}. Would be lost: ${lost}.`,
    facts: [
      { id: "drained", label: "Standby has everything", value: false, material: false },
      { id: "lagBytes", label: "Lag in bytes", value: null, material: false },
      lossFact(lost, resourceOf(to)),
    ],
  };
}
