import { setTimeout as pause } from "node:timers/promises";
import type { StepProcess } from "../incident/state.ts";
import type { Problem } from "../lib/errors.ts";
import { END_GRACE_SECONDS, endProcess, type Life, lookAtProcess } from "../lib/processes.ts";
import type { Attempt } from "./attempt.ts";

/** How often it is looked whether a process that an earlier attempt started still runs. */
const LOOK_AGAIN_MS = 250;
/** So long is waited for what runs where no one here can look, before people are asked. */
const PATIENCE_MS = 60_000;

/** A process that may still change something, and until when. */
export interface StillRunning {
  readonly process: StepProcess;
  readonly life: Life;
  readonly until: Date;
}

/**
 * Waits until nothing that this step has started can still be changing something: until it is known to have ended, or its
 * time is over since it was started, wherever it runs. The one who asks for the step to be tried again waits as well. What
 * runs here is ended when its time is over, or at once where the run has ended.
 *
 * @returns null, or what may still be running: then nothing may be repeated
 */
export async function outlived(attempt: Attempt, runHasEnded: boolean): Promise<StillRunning | null> {
  const { runContext } = attempt;
  const process = processOf(attempt);
  if (process === null) return null;
  const until = endOf(process);
  const began = performance.now();
  for (let looks = 1; ; looks++) {
    const life = await lookAtProcess(process);
    if (life === "gone") return null;
    const over = runContext.now() >= until;
    const stops = runHasEnded || runContext.halt.aborted;
    if (life === "alive" && (over || stops)) return ended(process);
    if (life === "unknown" && over) return null;
    if (life === "unknown" && (stops || performance.now() - began > PATIENCE_MS)) return { process, life, until };
    if (looks === 1)
      attempt.reporter.say(`${sayRunning({ process, life, until })} Waiting for it, at most until ${clock(until)}`);
    await pause(LOOK_AGAIN_MS, undefined, { signal: runContext.lost });
  }
}

/** After its attempt ended it: null where that worked, as far as this machine can tell. */
export async function stillRunning(attempt: Attempt): Promise<StillRunning | null> {
  const process = processOf(attempt);
  if (process === null || (await lookAtProcess(process)) !== "alive") return null;
  return ended(process);
}

export function sayRunning({ process, life }: StillRunning): string {
  const where = `pid ${process.pid} on ${process.host}, since ${clock(process.since)}`;
  return life === "alive" ? `It is still running (${where}).` : `It may still be running (${where}).`;
}

/** What people are told of it when they are asked. */
export function problemOfRunning(where: string, running: StillRunning): Problem {
  const { process, life, until } = running;
  const why =
    life === "alive"
      ? "Lifeboat can't end it, so nothing is repeated"
      : `It can't be checked from here, so nothing is repeated before ${clock(until)}`;
  return {
    code: "still-running",
    where,
    what: `${sayRunning(running)} ${why}`,
    allowed: "Retry waits for its end and then looks first; skip goes on without it; abort ends the run",
    next: `End process ${process.pid} on ${process.host} if it runs and check the target. Then retry, skip with a reason, or abort.`,
    stateNow: "What it changed, or may still change, is unknown.",
  };
}

async function ended(process: StepProcess): Promise<StillRunning | null> {
  return (await endProcess(process)) === "alive" ? { process, life: "alive", until: endOf(process) } : null;
}

function endOf({ since, seconds }: StepProcess): Date {
  return new Date(since.getTime() + (seconds + END_GRACE_SECONDS) * 1000);
}

function processOf({ runContext, step }: Attempt): StepProcess | null {
  return runContext.writer.run().steps.get(step.id)?.process ?? null;
}

function clock(time: Date): string {
  return `${time.toISOString().slice(11, 19)} UTC`;
}
