import { setTimeout as passing } from "node:timers/promises";
import { type Line, readLine } from "../../src/catalog/cycles.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { movesOf } from "../../src/catalog/moves.ts";
import { offer } from "../../src/catalog/suggest.ts";
import type { Mode } from "../../src/catalog/types.ts";
import { LifeboatError } from "../../src/lib/errors.ts";
import type { InjectableFault, SystemEnvironment } from "../environment/system-environment.ts";
import { type InvariantMonitor, monitorInvariant, type Violation } from "./invariant.ts";
import { type Play, type Played, playLine } from "./play.ts";
import type { RunReport } from "./run-report.ts";
import { typedInputs } from "./typed-inputs.ts";

export interface SequenceOptions {
  /** As typed after `/dr`, `break <what>` with the id of a strike or its title, or `wait 30s`. */
  readonly lines: readonly string[];
  /** How long each run may take. */
  readonly seconds: number;
  /** True: a run that did not end verified does not end the sequence. */
  readonly keepGoing?: boolean;
  /** Called before each run is asked for. */
  readonly onRun?: (line: string) => Promise<void>;
  /** Called with each line that is over; the next one waits for it. */
  readonly onLine?: (line: string, play: Play | null) => Promise<void> | void;
}

/** One run of a sequence, in figures. */
export interface SequenceRun {
  readonly runbook: string;
  readonly mode: Mode;
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
 * @throws LifeboatError `line-unreadable` or `strike-unknown` before anything is played
 */
export async function playSequence(practice: Played, options: SequenceOptions): Promise<Sequence> {
  const { environment } = practice;
  const lines = options.lines.map((text) => ({ text, line: understand(practice, text) }));
  await environment.reset();
  const monitor = await monitorInvariant(environment);
  const runs: SequenceRun[] = [];
  try {
    for (const { text, line } of lines) {
      if (line.kind === "break") {
        const { id, returns = false } = line.strike;
        await monitor.faultInjected(async () => environment.inject?.(id), returns);
        await options.onLine?.(text, null);
        continue;
      }
      if (line.kind === "wait") {
        await passing(line.seconds * 1000);
        await options.onLine?.(text, null);
        continue;
      }
      await options.onRun?.(text);
      const play = await playOne(practice, text, line, monitor, options.seconds);
      await options.onLine?.(text, play);
      runs.push(runOf(line, play));
      if (!isWell(play) && !options.keepGoing) break;
    }
    const healthy = await settlesHealthy(environment);
    const writers = await environment.writers();
    const { violations } = monitor;
    const all = lines.filter(({ line }) => line.kind === "run").length;
    const verified = runs.length === all && runs.every(({ outcome }) => outcome === "verified");
    const well = verified && healthy && isOneEach(writers) && violations.length === 0;
    return { outcome: well ? "verified" : "stopped", runs, writers: writers.length, healthy, violations };
  } finally {
    await monitor.stop();
  }
}

type Understood =
  | Extract<Line, { kind: "run" | "wait" }>
  | { readonly kind: "break"; readonly strike: InjectableFault };

function understand({ systemFolder, environment }: Played, text: string): Understood {
  const { systems, runbooks } = loadCatalog(systemFolder).catalog;
  const [system] = systems;
  const read = readLine(text, { components: system?.components ?? [], sites: system?.sites ?? [], runbooks });
  if (!read.ok) {
    const { what, allowed, next } = read;
    throw new LifeboatError({
      ...{ code: "line-unreadable", where: `"${text}"`, what },
      ...(allowed && { allowed }),
      ...(next && { next }),
    });
  }
  return read.line.kind === "break" ? { kind: "break", strike: strikeNamed(environment, read.line.what) } : read.line;
}

/** By its id, or by its title as the panel names it. */
function strikeNamed({ strikes = [] }: SystemEnvironment, what: string): InjectableFault {
  const found = strikes.find(({ id, title }) => id === what || title.toLowerCase() === what.toLowerCase());
  if (found) return found;
  const { allowed, next } = offer(
    what,
    strikes.map(({ id }) => id),
  );
  throw new LifeboatError({
    ...{ code: "strike-unknown", what: `Nothing here is called "${what}"`, allowed },
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
