import { setTimeout as pause } from "node:timers/promises";
import type { RunState } from "../incident/state.ts";
import type { Leases } from "../timeline/contract.ts";
import { createHolds } from "./holds.ts";
import { carryOut, tellStuck, type Work } from "./intents.ts";
import { type Intent, next } from "./next.ts";
import type { RunContext } from "./run-context.ts";
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

/** Work that left the timeline as it was is not repeated faster than this. */
const NOTHING_HAPPENED_MS = 25;

/**
 * Drives one run under its lease: asks `next`, performs every intent beside the others, and asks again whenever one is
 * over, something happens on the timeline, or time makes something due. `left` rejects with `LeaseLost`, or with what is
 * wrong with the engine itself.
 */
export function driveRun(runContext: RunContext, halt: () => void, leases: Leases): RunDriver {
  const { writer, lost } = runContext;
  const { lease } = writer;
  const underWay = new Map<string, Promise<void>>();
  const holds = createHolds();
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

  const launch = (intent: Intent | Work): void => {
    if (intent.do === "halt") {
      halt();
      return;
    }
    const key = "step" in intent ? intent.step : intent.do;
    if (underWay.has(key) || holds.has(key)) return;
    const { version } = writer.state();
    const work = carry(key, intent)
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

  /** A refusal nothing explains is told to a person; only look-ups of people are tried again for a while. */
  const carry = async (key: string, work: Work): Promise<void> => {
    const admission = await carryOut(runContext, work);
    if (admission !== null && holds.takesToPeople(key, admission)) await tellStuck(runContext, admission);
  };

  const wait = (wakeAt: Date | null): Promise<void> => {
    const dues = [...holds.remaining()];
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
      if (underWay.size === 0 && !poked && holds.remaining().length === 0) {
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
