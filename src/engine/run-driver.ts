import { setTimeout as pause } from "node:timers/promises";
import type { ActionStep } from "../catalog/types.ts";
import { clocksDue } from "../incident/clocks.ts";
import type { NewEvent } from "../incident/events.ts";
import { unplannedInstead } from "../incident/offers.ts";
import type { RunState, StepState } from "../incident/state.ts";
import { stateNow } from "../incident/state-now.ts";
import type { Problem } from "../lib/errors.ts";
import type { Leases } from "../timeline/contract.ts";
import { type Admission, admit, catalogueAgainst, passLastGates } from "./admit.ts";
import { runUndone } from "./evidence.ts";
import { askAtGate, moveGate } from "./gate.ts";
import { type Intent, next } from "./next.ts";
import { perform } from "./perform.ts";
import { lookAhead } from "./preflight.ts";
import { botEvent, type RunContext } from "./run-context.ts";
import { LeaseLost } from "./run-event-writer.ts";

/** How a run left this process. */
export type Left =
  | { readonly kind: "ended" }
  /** Nothing to do until then, or until the next event. */
  | { readonly kind: "released"; readonly wakeAt: Date | null };

export interface RunDriver {
  /** Call when something may have happened to the run: its timeline has at least this version. */
  poke(version: number): void;
  /** Starts nothing more; leaves the run to others as soon as nothing is in progress. */
  drain(): void;
  readonly left: Promise<Left>;
}

/** What a turn may launch: an intent, or a step that this process claimed and does not carry. */
type Work = Intent | { readonly do: "carryOn"; readonly step: string };

/** Work that left the timeline as it was is not repeated faster than this. */
const NOTHING_HAPPENED_MS = 25;

/** Seconds of waiting for a look-up of approvers to work, before a person is told that it does not. */
const LOOK_UP_WAITS = [1, 2, 4, 8] as const;

/**
 * Drives one run under its lease: asks `next`, performs every intent beside the others, and asks again whenever one is
 * over, something happens on the timeline, or time makes something due. `left` rejects with `LeaseLost`, or with what is
 * wrong with the engine itself.
 */
export function driveRun(runContext: RunContext, halt: () => void, leases: Leases): RunDriver {
  const { writer, lost } = runContext;
  const { lease } = writer;
  const underWay = new Map<string, Promise<void>>();
  const held = new Map<string, { tries: number; until: number }>();
  let poked = false;
  let news = true;
  let inVain = false;
  let wake = () => {};
  let draining = false;
  let broken: { error: unknown } | null = null;

  const poke = () => {
    poked = true;
    wake();
  };
  lost.addEventListener("abort", poke, { once: true });

  const launch = (intent: Work): void => {
    if (intent.do === "halt") {
      halt();
      return;
    }
    const key = "step" in intent ? intent.step : intent.do;
    if (underWay.has(key) || (held.get(key)?.until ?? 0) > performance.now()) return;
    const { version } = writer.state();
    const work = carry(intent)
      .catch((error: unknown) => {
        broken ??= { error };
      })
      .finally(() => {
        underWay.delete(key);
        inVain ||= writer.state().version === version;
        poke();
      });
    underWay.set(key, work);
  };

  /** Claimed by us and carried by no one: the answer to the claim was lost, not the claim. */
  const ownSteps = (run: RunState): readonly Work[] =>
    [...run.steps.values()]
      .filter((step) => step.status === "running" && step.epoch === lease.epoch)
      .map((step): Work => ({ do: "carryOn", step: step.step.id }));

  const carry = async (intent: Exclude<Work, { do: "halt" }>): Promise<void> => {
    const against = trusts(intent) ? null : catalogueAgainst(runContext, intent.do === "takeOver" ? intent.step : null);
    if (against !== null) return heed("step" in intent ? intent.step : intent.do, against);
    switch (intent.do) {
      case "preflight":
        return preflight(runContext);
      case "openGate":
        return askAtGate(runContext, intent.step);
      case "moveGate":
        return moveGate(runContext, intent.step);
      case "passGates":
        return heed(intent.do, await passLastGates(runContext));
      case "open":
        return heed(intent.step, await admit(runContext, intent, (_run, now) => opened(runContext, intent, now)));
      case "start":
      case "takeOver":
        return attempt(intent);
      case "settle":
        return performClaimed(runContext, intent.step, true);
      case "carryOn":
        return performClaimed(runContext, intent.step, runContext.halt.aborted);
      case "closeWait":
        return closeWait(runContext, intent.step);
      case "tellLate":
        return tellLate(runContext);
      case "finish":
      case "fail":
      case "free":
        return end(runContext, intent.do);
      default:
        return intent satisfies never;
    }
  };

  const attempt = async (intent: Extract<Intent, { do: "start" | "takeOver" }>): Promise<void> => {
    const admission = await claim(runContext, intent);
    if (admission.kind !== "admitted") return heed(intent.step, admission);
    runContext.killPoint(intent.step, "started");
    await performClaimed(runContext, intent.step, false);
  };

  /** A refusal nothing explains is told to a person; only look-ups of people are tried again for a while. */
  const heed = async (key: string, admission: Admission): Promise<void> => {
    if (admission.kind !== "refused") {
      held.delete(key);
      return;
    }
    const tries = held.get(key)?.tries ?? 0;
    const seconds = admission.code === "standing-unknown" ? LOOK_UP_WAITS[tries] : undefined;
    if (seconds === undefined) return tellStuck(runContext, admission);
    held.set(key, { tries: tries + 1, until: performance.now() + seconds * 1000 });
  };

  const wait = (wakeAt: Date | null): Promise<void> => {
    const dues = [...held.values()].map((hold) => hold.until - performance.now()).filter((ms) => ms > 0);
    if (wakeAt) dues.push(wakeAt.getTime() - runContext.now().getTime());
    return new Promise((resolve) => {
      const ms = Math.min(...dues, 60_000);
      const timer = setTimeout(() => {
        news = true;
        resolve();
      }, Math.max(0, ms) + 1);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (poked || lost.aborted) wake();
    });
  };

  const isHeld = () => [...held.values()].some((hold) => hold.until > performance.now());

  const turns = async (): Promise<Left> => {
    for (;;) {
      if (inVain) await pause(NOTHING_HAPPENED_MS);
      inVain = false;
      poked = false;
      if (lost.aborted) throw new LeaseLost(lease.run);
      if (broken) throw broken.error;
      if (news) {
        news = false;
        await writer.refresh();
      }
      const run = writer.run();
      if (writer.ended()) return { kind: "ended" };
      const due = next(run, { epoch: lease.epoch, now: runContext.now() });
      if (!draining) for (const work of [...due.intents, ...ownSteps(run)]) launch(work);
      if (underWay.size === 0 && !poked && !isHeld()) {
        const wakeAt = draining ? runContext.now() : due.wakeAt;
        if (await leases.release(lease, writer.state().version, wakeAt)) return { kind: "released", wakeAt };
        news = true;
        continue;
      }
      if (!poked) await wait(due.wakeAt);
    }
  };

  const left = turns().finally(() => Promise.allSettled(underWay.values()));
  return {
    poke(version) {
      // What was written or read here is known already; it may still be due to be acted upon.
      news ||= version > writer.state().version;
      poke();
    },
    drain() {
      draining = true;
      poke();
    },
    left,
  };
}

/** What neither looks at a target nor begins anything: it needs no one's catalogue. */
function trusts(intent: Exclude<Work, { do: "halt" }>): boolean {
  return !["preflight", "openGate", "passGates", "open", "start", "takeOver"].includes(intent.do);
}

/** Looks at everything once, before anything. */
async function preflight(runContext: RunContext): Promise<void> {
  const { writer, around, lost } = runContext;
  const looked = await lookAhead({ ...writer.run(), undone: runUndone(writer.state(), writer.run()) }, around, lost);
  await runContext.writer.write((run, now) => {
    if (!isDue(runContext, run, now, (intent) => intent.do === "preflight")) return null;
    return { events: [botEvent(runContext, "preflight", { type: "run.preflighted", data: looked })] };
  });
}

async function claim(
  runContext: RunContext,
  intent: Extract<Intent, { do: "start" | "takeOver" }>,
): Promise<Admission> {
  const { step, attempt } = intent;
  const { epoch } = runContext.writer.lease;
  const started = () =>
    botEvent(runContext, `start/${step}/${attempt}/${epoch}`, {
      type: "step.started",
      data: { step, attempt, epoch },
    });
  if (intent.do === "start" || intent.reached === "started") return admit(runContext, intent, started);
  const taken = await runContext.writer.write((run, now) =>
    isDue(runContext, run, now, (one) => one.do === "takeOver" && one.step === step) ? { events: [started()] } : null,
  );
  return { kind: taken ? "admitted" : "moved" };
}

/** `onlySettle`: what is left of a run that has ended is looked at and recorded, and nothing is caused. */
async function performClaimed(runContext: RunContext, id: string, onlySettle: boolean): Promise<void> {
  const state = runContext.writer.run().steps.get(id);
  if (state?.status !== "running") return;
  const { reached, before, askedAt, handle, epoch } = state as Extract<StepState, { status: "running" }>;
  const from = { reached, before, askedAt, handle, epoch, onlySettle };
  await perform(runContext, state.step as ActionStep, state.attempts, from);
}

function opened(runContext: RunContext, intent: Extract<Intent, { do: "open" }>, now: Date): NewEvent {
  const until = intent.seconds === null ? null : new Date(now.getTime() + intent.seconds * 1000).toISOString();
  const times = runContext.writer.state().version;
  return botEvent(runContext, `open/${intent.step}/${times}`, {
    type: "step.opened",
    data: { step: intent.step, until },
  });
}

async function closeWait(runContext: RunContext, step: string): Promise<void> {
  await runContext.writer.write((run, now) => {
    if (!isDue(runContext, run, now, (intent) => intent.do === "closeWait" && intent.step === step)) return null;
    const planned = run.steps.get(step)?.step;
    const note = planned?.kind === "wait" ? `Waited ${planned.seconds} s` : "Not confirmed in time; continuing without";
    return { events: [botEvent(runContext, `waited/${step}`, { type: "step.confirmed", data: { step, note } })] };
  });
}

/** Decided once more where it is written: the one who notices first records it. */
async function tellLate(runContext: RunContext): Promise<void> {
  await runContext.writer.write((run, now) => {
    const { events } = clocksDue(run, now);
    return run.ending === null && events.length > 0 ? { events } : null;
  });
}

async function end(runContext: RunContext, how: "finish" | "fail" | "free"): Promise<void> {
  await runContext.writer.write((run, now) => {
    if (!isDue(runContext, run, now, (intent) => intent.do === how)) return null;
    return { events: endingOf(runContext, run, how), ends: true };
  });
}

function endingOf(runContext: RunContext, run: RunState, how: "finish" | "fail" | "free"): readonly NewEvent[] {
  switch (how) {
    case "finish":
      return [botEvent(runContext, "verified", { type: "run.verified", data: { dryRun: run.dryRun } })];
    case "fail":
      return [botEvent(runContext, "failed", { type: "run.failed", data: { problem: preflightProblem(run) } })];
    case "free":
      return [];
    default:
      return how satisfies never;
  }
}

function preflightProblem(run: RunState): Problem {
  return {
    code: "preflight-blocked",
    where: run.title,
    what: "The preflight found that this can't start",
    next: nextAfterPreflight(run),
    ...run.problem,
    stateNow: stateNow(run),
  };
}

function nextAfterPreflight(run: RunState): string {
  if (unplannedInstead(run, run.preflight?.facts ?? [])) return `Run it unplanned: \`/dr unplanned ${run.id}\``;
  return [...(run.plan.beforehand ?? []), "Fix it and request the run again."].join(" ");
}

/** The run can't go on though nothing happened to it: a person is told why, and resumes or aborts. */
async function tellStuck(runContext: RunContext, refusal: Extract<Admission, { kind: "refused" }>): Promise<void> {
  await runContext.writer.write((run) => {
    if (run.ending !== null || run.stuck !== null) return null;
    const problem: Problem = {
      code: refusal.code,
      where: run.title,
      what: refusal.why,
      stateNow: stateNow(run),
      next: "Fix it and resume, or abort the run.",
    };
    const key = `stuck/${runContext.writer.state().version}`;
    return { events: [botEvent(runContext, key, { type: "run.stuck", data: { problem } })] };
  });
}

function isDue(runContext: RunContext, run: RunState, now: Date, wanted: (intent: Intent) => boolean): boolean {
  return next(run, { epoch: runContext.writer.lease.epoch, now }).intents.some(wanted);
}
