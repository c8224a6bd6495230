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
import { botEvent, type Driven } from "./driven.ts";
import { askAtGate, moveGate } from "./gate.ts";
import { LeaseLost } from "./journal.ts";
import { type Intent, next } from "./next.ts";
import { perform } from "./perform.ts";
import { lookAhead } from "./preflight.ts";

/** How a run left this process. */
export type Left =
  | { readonly kind: "ended" }
  /** Nothing to do until then, or until the next event. */
  | { readonly kind: "released"; readonly wakeAt: Date | null };

export interface Driver {
  /** Call when something may have happened to the run: its timeline has at least this version. */
  poke(version: number): void;
  /** Starts nothing more; leaves the run to others as soon as nothing is under way. */
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
export function driveRun(driven: Driven, halt: () => void, leases: Leases): Driver {
  const { journal, lost } = driven;
  const { lease } = journal;
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
    const { version } = journal.state();
    const work = carry(intent)
      .catch((error: unknown) => {
        broken ??= { error };
      })
      .finally(() => {
        underWay.delete(key);
        inVain ||= journal.state().version === version;
        poke();
      });
    underWay.set(key, work);
  };

  /** Claimed by us and carried by nobody: the answer to the claim was lost, not the claim. */
  const ownSteps = (run: RunState): readonly Work[] =>
    [...run.steps.values()]
      .filter((step) => step.status === "running" && step.epoch === lease.epoch)
      .map((step): Work => ({ do: "carryOn", step: step.step.id }));

  const carry = async (intent: Exclude<Work, { do: "halt" }>): Promise<void> => {
    const against = trusts(intent) ? null : catalogueAgainst(driven, intent.do === "takeOver" ? intent.step : null);
    if (against !== null) return heed("step" in intent ? intent.step : intent.do, against);
    switch (intent.do) {
      case "preflight":
        return preflight(driven);
      case "openGate":
        return askAtGate(driven, intent.step);
      case "moveGate":
        return moveGate(driven, intent.step);
      case "passGates":
        return heed(intent.do, await passLastGates(driven));
      case "open":
        return heed(intent.step, await admit(driven, intent, (_run, now) => opened(driven, intent, now)));
      case "start":
      case "takeOver":
        return attempt(intent);
      case "settle":
        return performClaimed(driven, intent.step, true);
      case "carryOn":
        return performClaimed(driven, intent.step, driven.halt.aborted);
      case "closeWait":
        return closeWait(driven, intent.step);
      case "tellLate":
        return tellLate(driven);
      case "finish":
      case "fail":
      case "free":
        return end(driven, intent.do);
      default:
        return intent satisfies never;
    }
  };

  const attempt = async (intent: Extract<Intent, { do: "start" | "takeOver" }>): Promise<void> => {
    const admission = await claim(driven, intent);
    if (admission.kind !== "admitted") return heed(intent.step, admission);
    driven.killPoint(intent.step, "started");
    await performClaimed(driven, intent.step, false);
  };

  /** A refusal nothing explains is told to a person; only look-ups of people are tried again for a while. */
  const heed = async (key: string, admission: Admission): Promise<void> => {
    if (admission.kind !== "refused") {
      held.delete(key);
      return;
    }
    const tries = held.get(key)?.tries ?? 0;
    const seconds = admission.code === "standing-unknown" ? LOOK_UP_WAITS[tries] : undefined;
    if (seconds === undefined) return tellStuck(driven, admission);
    held.set(key, { tries: tries + 1, until: performance.now() + seconds * 1000 });
  };

  const wait = (wakeAt: Date | null): Promise<void> => {
    const dues = [...held.values()].map((hold) => hold.until - performance.now()).filter((ms) => ms > 0);
    if (wakeAt) dues.push(wakeAt.getTime() - driven.now().getTime());
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
        await journal.refresh();
      }
      const run = journal.run();
      if (journal.ended()) return { kind: "ended" };
      const due = next(run, { epoch: lease.epoch, now: driven.now() });
      if (!draining) for (const work of [...due.intents, ...ownSteps(run)]) launch(work);
      if (underWay.size === 0 && !poked && !isHeld()) {
        const wakeAt = draining ? driven.now() : due.wakeAt;
        if (await leases.release(lease, journal.state().version, wakeAt)) return { kind: "released", wakeAt };
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
      news ||= version > journal.state().version;
      poke();
    },
    drain() {
      draining = true;
      poke();
    },
    left,
  };
}

/** What neither looks at a target nor begins anything: it needs nobody's catalogue. */
function trusts(intent: Exclude<Work, { do: "halt" }>): boolean {
  return !["preflight", "openGate", "passGates", "open", "start", "takeOver"].includes(intent.do);
}

/** Looks at everything once, before anything. */
async function preflight(driven: Driven): Promise<void> {
  const looked = await lookAhead(driven.journal.run(), driven.around, driven.lost);
  await driven.journal.write((run, now) => {
    if (!isDue(driven, run, now, (intent) => intent.do === "preflight")) return null;
    return { events: [botEvent(driven, "preflight", { type: "run.preflighted", data: looked })] };
  });
}

async function claim(driven: Driven, intent: Extract<Intent, { do: "start" | "takeOver" }>): Promise<Admission> {
  const { step, attempt } = intent;
  const { epoch } = driven.journal.lease;
  const started = () =>
    botEvent(driven, `start/${step}/${attempt}/${epoch}`, {
      type: "step.started",
      data: { step, attempt, epoch },
    });
  if (intent.do === "start" || intent.reached === "started") return admit(driven, intent, started);
  const taken = await driven.journal.write((run, now) =>
    isDue(driven, run, now, (one) => one.do === "takeOver" && one.step === step) ? { events: [started()] } : null,
  );
  return { kind: taken ? "admitted" : "moved" };
}

/** `onlySettle`: what is left of a run that has ended is looked at and recorded, and nothing is caused. */
async function performClaimed(driven: Driven, id: string, onlySettle: boolean): Promise<void> {
  const state = driven.journal.run().steps.get(id);
  if (state?.status !== "running") return;
  const { reached, before, askedAt, handle, epoch } = state as Extract<StepState, { status: "running" }>;
  const from = { reached, before, askedAt, handle, epoch, onlySettle };
  await perform(driven, state.step as ActionStep, state.attempts, from);
}

function opened(driven: Driven, intent: Extract<Intent, { do: "open" }>, now: Date): NewEvent {
  const until = intent.seconds === null ? null : new Date(now.getTime() + intent.seconds * 1000).toISOString();
  const times = driven.journal.state().version;
  return botEvent(driven, `open/${intent.step}/${times}`, { type: "step.opened", data: { step: intent.step, until } });
}

async function closeWait(driven: Driven, step: string): Promise<void> {
  await driven.journal.write((run, now) => {
    if (!isDue(driven, run, now, (intent) => intent.do === "closeWait" && intent.step === step)) return null;
    const planned = run.steps.get(step)?.step;
    const note = planned?.kind === "wait" ? `Waited ${planned.seconds} s` : "Not confirmed in time; continuing without";
    return { events: [botEvent(driven, `waited/${step}`, { type: "step.confirmed", data: { step, note } })] };
  });
}

/** Decided once more where it is written: whoever notices first records it. */
async function tellLate(driven: Driven): Promise<void> {
  await driven.journal.write((run, now) => {
    const { events } = clocksDue(run, now);
    return run.ending === null && events.length > 0 ? { events } : null;
  });
}

async function end(driven: Driven, how: "finish" | "fail" | "free"): Promise<void> {
  await driven.journal.write((run, now) => {
    if (!isDue(driven, run, now, (intent) => intent.do === how)) return null;
    return { events: endingOf(driven, run, how), ends: true };
  });
}

function endingOf(driven: Driven, run: RunState, how: "finish" | "fail" | "free"): readonly NewEvent[] {
  switch (how) {
    case "finish":
      return [botEvent(driven, "verified", { type: "run.verified", data: { dryRun: run.dryRun } })];
    case "fail":
      return [botEvent(driven, "failed", { type: "run.failed", data: { problem: preflightProblem(run) } })];
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

/** The run can not go on though nothing happened to it: a person is told why, and resumes or aborts. */
async function tellStuck(driven: Driven, refusal: Extract<Admission, { kind: "refused" }>): Promise<void> {
  await driven.journal.write((run) => {
    if (run.ending !== null || run.stuck !== null) return null;
    const problem: Problem = {
      code: refusal.code,
      where: run.title,
      what: refusal.why,
      stateNow: stateNow(run),
      next: "Fix it and resume, or abort the run.",
    };
    const key = `stuck/${driven.journal.state().version}`;
    return { events: [botEvent(driven, key, { type: "run.stuck", data: { problem } })] };
  });
}

function isDue(driven: Driven, run: RunState, now: Date, wanted: (intent: Intent) => boolean): boolean {
  return next(run, { epoch: driven.journal.lease.epoch, now }).intents.some(wanted);
}
