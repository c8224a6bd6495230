import { setTimeout as pause } from "node:timers/promises";
import { type Line, readLine } from "../../src/catalog/cycles.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { movesOf } from "../../src/catalog/moves.ts";
import { offer } from "../../src/catalog/suggest.ts";
import type { Mode } from "../../src/catalog/types.ts";
import { LifeboatError } from "../../src/lib/errors.ts";
import type { InjectableFault, SystemEnvironment } from "../environment/system-environment.ts";
import { type InvariantMonitor, monitorInvariant, type Violation } from "./invariant.ts";
import { type Play, type Played, playLine, sayLine } from "./play.ts";
import type { RunReport } from "./run-report.ts";
import { typedInputs } from "./typed-inputs.ts";

export interface SequenceOptions {
  /**
   * As typed after `/dr`, `break <what>` with the id of a fault or its title, or `wait 30s`. `undo` without a run means the run
   * that was played last.
   */
  readonly lines: readonly string[];
  /** How long each run may take. */
  readonly seconds: number;
  /** True: a run that did not end verified does not end the sequence. */
  readonly keepGoing?: boolean;
  /** Called before each run is requested. */
  readonly onRun?: (line: string) => Promise<void>;
  /** Called with each line that is over, with the answer where it started no run; the next one waits for it. */
  readonly onLine?: (line: string, play: Play | null, answer?: string) => Promise<void> | void;
}

/** One run of a sequence, in figures. */
export interface SequenceRun {
  /** `undo:fence` of the undo of the step `fence`; of a line that no run came of, the line itself. */
  readonly runbook: string;
  /** Null: no run came of a line that doesn't say it. */
  readonly mode: Mode | null;
  /** `refused`: nothing was started. */
  readonly outcome: RunReport["outcome"] | "refused";
  readonly rto: RunReport["rto"] | null;
  readonly rpo: RunReport["rpo"] | null;
  readonly problem: string | null;
  /** It moves something from one site to another. */
  readonly moves: boolean;
  /** It was refused first, as a second move of the same within the hour. */
  readonly refusedAgain: boolean;
}

export interface Sequence {
  /** `verified`: every run was, users are served, each database has exactly one writer, and nothing was violated. */
  readonly outcome: "verified" | "stopped";
  readonly runs: readonly SequenceRun[];
  /** How many servers take writes of the application at the end. */
  readonly writers: number;
  /** Users are served at the end. */
  readonly healthy: boolean;
  readonly violations: readonly Violation[];
}

const SETTLES_MS = 5000;

/**
 * Plays lines one after the other in one practice, without resetting the world in between: each run begins in what the one
 * before left behind. The world begins healthy.
 * @throws LifeboatError `line-unreadable` or `fault-unknown` before anything is played
 */
export async function playSequence(practice: Played, options: SequenceOptions): Promise<Sequence> {
  const { environment } = practice;
  const lines = options.lines.map((text) => ({ text, line: understand(practice, text) }));
  await environment.reset();
  const monitor = await monitorInvariant(environment);
  const runs: SequenceRun[] = [];
  /** The runbook that was played last decides who types what names none. */
  let book = lines.flatMap(({ line }) => (line.kind === "run" ? [line.runbook.id] : []))[0] ?? "";
  let last: string | null = null;
  try {
    for (const { text, line } of lines) {
      if (line.kind === "break") {
        const { id, returns = false } = line.fault;
        await monitor.faultInjected(async () => environment.inject?.(id), returns);
        await options.onLine?.(text, null);
        continue;
      }
      if (line.kind === "wait") {
        await pause(line.seconds * 1000);
        await options.onLine?.(text, null);
        continue;
      }
      if (line.kind === "said") {
        await options.onLine?.(text, null, await sayLine(practice, text, book, options.seconds));
        continue;
      }
      await options.onRun?.(text);
      const play: Play =
        line.kind === "run"
          ? await playOne(practice, text, line, monitor, options.seconds)
          : await playLine(practice, {
              line: line.verb === "undo" && last !== null && !/\brun-/.test(text) ? `${text} ${last}` : text,
              ...{ runbook: book, seconds: options.seconds, postmortem: false, monitor },
            });
      if (line.kind === "run") book = line.runbook.id;
      // An undo is of the run before it: one after the other, they walk back.
      if (line.kind === "run" || line.verb !== "undo") last = play.run ?? last;
      await options.onLine?.(text, play);
      runs.push(line.kind === "run" ? runOf(line, play) : startedRunOf(text, play));
      if (!isWell(play) && !options.keepGoing) break;
    }
    const healthy = await settlesHealthy(environment);
    const writers = await environment.writers();
    const { violations } = monitor;
    const all = lines.filter(({ line }) => line.kind === "run" || line.kind === "starts").length;
    const verified = runs.length === all && runs.every(({ outcome }) => outcome === "verified");
    const well = verified && healthy && isOneEach(writers) && violations.length === 0;
    return { outcome: well ? "verified" : "stopped", runs, writers: writers.length, healthy, violations };
  } finally {
    await monitor.stop();
  }
}

type Understood =
  | Extract<Line, { kind: "run" | "wait" }>
  | { readonly kind: "break"; readonly fault: InjectableFault }
  /** Starts a run whose runbook the bot finds by itself. */
  | { readonly kind: "starts"; readonly verb: string }
  /** Starts none: it's typed, and answered. */
  | { readonly kind: "said" };

/** Verbs of `/dr` that start a run without naming its runbook, and those that start none. */
export const STARTING_VERBS: readonly string[] = ["undo", "failback", "reprotect", "calendar"];
export const SAID_VERBS: readonly string[] = ["declare", "resolve", "note", "commit", "status", "reopen", "severity"];

function understand({ systemFolder, environment }: Played, text: string): Understood {
  const { systems, runbooks } = loadCatalog(systemFolder).catalog;
  const [system] = systems;
  const verb = text.trim().split(/\s+/)[0]?.toLowerCase() ?? "";
  if (STARTING_VERBS.includes(verb)) return { kind: "starts", verb };
  if (SAID_VERBS.includes(verb)) return { kind: "said" };
  const read = readLine(text, { components: system?.components ?? [], sites: system?.sites ?? [], runbooks });
  if (!read.ok) {
    const { what, allowed, next } = read;
    throw new LifeboatError({
      ...{ code: "line-unreadable", where: `"${text}"`, what },
      ...(allowed && { allowed }),
      ...(next && { next }),
    });
  }
  return read.line.kind === "break" ? { kind: "break", fault: faultNamed(environment, read.line.what) } : read.line;
}

/** By its id, or by its title as the panel names it. */
function faultNamed({ injectable = [] }: SystemEnvironment, what: string): InjectableFault {
  const found = injectable.find(({ id, title }) => id === what || title.toLowerCase() === what.toLowerCase());
  if (found) return found;
  const { allowed, next } = offer(
    what,
    injectable.map(({ id }) => id),
  );
  throw new LifeboatError({
    ...{ code: "fault-unknown", what: `Nothing here is called "${what}"`, allowed },
    ...(next && { next }),
  });
}

function playOne(
  practice: Played,
  text: string,
  { runbook, given }: Extract<Line, { kind: "run" }>,
  monitor: InvariantMonitor,
  seconds: number,
): Promise<Play> {
  const known = Object.entries(practice.environment.inputs?.(runbook.id) ?? {}).filter(
    ([name]) =>
      (runbook.inputs ?? []).some((input) => input.name === name) &&
      !given.some((one) => one.toLowerCase() === name.toLowerCase()),
  );
  const line = `${text}${typedInputs(Object.fromEntries(known))}`;
  return playLine(practice, { line, runbook: runbook.id, seconds, postmortem: false, monitor });
}

function runOf(
  { runbook, mode }: Extract<Line, { kind: "run" }>,
  { outcome, refused, refusedAgain, report, problem }: Play,
): SequenceRun {
  return {
    ...{ runbook: runbook.id, mode, moves: movesOf(runbook, {}) !== null, refusedAgain },
    outcome: refused ? ("refused" as const) : outcome,
    rto: report?.rto ?? null,
    rpo: report?.rpo ?? null,
    problem,
  };
}

function startedRunOf(text: string, { outcome, refused, refusedAgain, report, problem }: Play): SequenceRun {
  return {
    ...{ runbook: report?.runbook ?? text, mode: report?.mode ?? null, moves: false, refusedAgain },
    outcome: refused ? ("refused" as const) : outcome,
    rto: report?.rto ?? null,
    rpo: report?.rpo ?? null,
    problem,
  };
}

function isWell({ outcome, problem }: Play): boolean {
  return outcome === "verified" && problem === null;
}

async function settlesHealthy(environment: SystemEnvironment): Promise<boolean> {
  const until = performance.now() + SETTLES_MS;
  for (;;) {
    if (await environment.healthy()) return true;
    if (performance.now() > until) return false;
  }
}

function isOneEach(writers: Awaited<ReturnType<SystemEnvironment["writers"]>>): boolean {
  return writers.length > 0 && new Set(writers.map(({ database }) => database)).size === writers.length;
}
