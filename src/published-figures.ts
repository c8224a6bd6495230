import { readCalendar } from "./calendar/read.ts";
import type { CalendarState } from "./calendar/state.ts";
import type { Occasion, System } from "./catalog/types.ts";
import type { RunFigures } from "./incident/figures.ts";
import { type Trend, trendDataOf, trendsOf } from "./incident/trends.ts";
import type { Incidents } from "./incidents/index.ts";
import type { Readiness, SystemReadiness } from "./readiness/state.ts";
import type { Kept, SystemFigures } from "./telemetry/cloudwatch.ts";
import type { Timeline } from "./timeline/contract.ts";

const YEAR_MS = 365 * 86_400_000;
/** Records figures are made from: the newest. */
const RECORDS_MAX = 500;
const OF_BACKUPS: ReadonlySet<Occasion["kind"]> = new Set(["verification", "restore-test"]);

export interface FiguresParts {
  readonly systems: () => readonly System[];
  readonly timeline: Pick<Timeline, "read" | "now">;
  readonly incidents: Pick<Incidents, "all">;
  readonly readiness: Pick<Readiness, "of">;
}

/** What stands now, of every system that runs here. Private incidents are in no figure: a count of one names it. */
export async function publishedFigures(parts: FiguresParts): Promise<readonly SystemFigures[]> {
  const systems = parts.systems();
  const figures: RunFigures[] = [];
  let count = 0;
  for await (const state of parts.incidents.all()) {
    if (++count > RECORDS_MAX) break;
    if (state.declared?.private === undefined) figures.push(...trendDataOf(state).figures);
  }
  const trends = trendsOf(figures);
  const ready = await parts.readiness.of(systems);
  return Promise.all(
    systems.map(async (system) => {
      const state = await readCalendar(parts.timeline, system.id);
      const now = parts.timeline.now();
      return {
        system: system.id,
        drills: keptOf(system, state, now, () => true),
        backups: keptOf(system, state, now, ({ kind }) => OF_BACKUPS.has(kind)),
        ready: readyOf(ready.find((one) => one.system === system.id)),
        runs: trends.filter((one) => one.system === system.id && one.kind === "real").flatMap(newestOf),
      };
    }),
  );
}

function keptOf(system: System, state: CalendarState, now: Date, counts: (occasion: Occasion) => boolean): Kept {
  const recent = (at: Date) => now.getTime() - at.getTime() <= YEAR_MS;
  const records = (system.calendar ?? []).filter(counts).flatMap(({ id }) => state.occasions.get(id) ?? []);
  const kept = records.flatMap(({ done }) => done.filter(({ at }) => recent(at))).length;
  const missed = records
    .flatMap(({ slots }) => [...slots.values()])
    .filter(({ outcome }) => outcome?.as === "missed" && recent(outcome.at)).length;
  return { kept, of: kept + missed };
}

function readyOf(readiness: SystemReadiness | undefined): Kept {
  const proven = (readiness?.runbooks ?? []).filter(({ state }) => state !== "neverProven");
  return { kept: proven.filter(({ state }) => state === "ready").length, of: proven.length };
}

function newestOf({ runbook, mode, runs }: Trend): SystemFigures["runs"] {
  const last = runs.at(-1);
  return last === undefined ? [] : [{ runbook, mode, rtoSeconds: last.rto.seconds, rpoSeconds: last.rpo.seconds }];
}
