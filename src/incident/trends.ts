import type { PhaseName } from "./accounting.ts";
import type { RecordKind, SeverityId } from "./events.ts";
import { figuresOf, type RunFigures } from "./figures.ts";
import type { IncidentState } from "./state.ts";

/** One runbook in one mode over time: for real, or in drills; the two are never mixed. */
export interface Trend {
  readonly system: string;
  readonly kind: RecordKind;
  readonly runbook: string;
  readonly mode: "planned" | "unplanned";
  readonly title: string;
  /** Oldest first. */
  readonly runs: readonly RunFigures[];
  /** Of those that were judged. Null: none was. */
  readonly rtoMet: Share | null;
  readonly rpoMet: Share | null;
  /** Of those that were measured, seconds. Null: none was. */
  readonly medianRto: number | null;
  /** Where the time goes, on average, seconds. Null: nothing was counted. */
  readonly parts: Readonly<Record<PhaseName, number>> | null;
}

export interface Share {
  readonly of: number;
  readonly met: number;
}

/** How long incidents of one severity lasted. */
export interface Resolution {
  readonly system: string;
  readonly severity: SeverityId;
  readonly count: number;
  /** Mean of the time from the start of the impact, else the declaration, to the resolution, seconds. */
  readonly meanSeconds: number;
  readonly medianSeconds: number;
  readonly longestSeconds: number;
}

/** What trends are made of: small, so that years of records can be taken in one after the other. */
export interface TrendData {
  readonly figures: readonly RunFigures[];
  readonly resolved: readonly ResolvedIncident[];
}

export interface ResolvedIncident {
  readonly system: string;
  readonly record: string;
  readonly severity: SeverityId;
  readonly at: Date;
  readonly seconds: number;
}

export function trendDataOf(state: IncidentState): TrendData {
  return { figures: figuresOf(state), resolved: resolvedOf(state) };
}

function resolvedOf({ id, declared, severity, resolvedAt }: IncidentState): readonly ResolvedIncident[] {
  if (declared?.kind !== "real" || resolvedAt === null) return [];
  const from = declared.impactStartedAt ?? declared.at;
  const seconds = Math.max(0, (resolvedAt.getTime() - from.getTime()) / 1000);
  return [{ system: declared.system, record: id, severity, at: resolvedAt, seconds }];
}

export function trendsOf(figures: Iterable<RunFigures>): readonly Trend[] {
  const groups = new Map<string, RunFigures[]>();
  for (const one of figures) {
    const key = JSON.stringify([one.system, one.kind, one.runbook, one.mode]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, runs]) => {
      const [first] = runs;
      if (first === undefined) return [];
      const inOrder = [...runs].sort(
        (one, other) => one.at.getTime() - other.at.getTime() || (one.run < other.run ? -1 : 1),
      );
      const { system, kind, runbook, mode } = first;
      return {
        ...{ system, kind, runbook, mode, title: inOrder.at(-1)?.title ?? runbook, runs: inOrder },
        rtoMet: shareOf(inOrder.map(({ rto }) => rto.met)),
        rpoMet: shareOf(inOrder.map(({ rpo }) => rpo.met)),
        medianRto: median(inOrder.flatMap(({ rto }) => rto.seconds ?? [])),
        parts: meanParts(inOrder),
      };
    });
}

/** MTTR, a row a system and severity. */
export function resolutionsOf(resolved: Iterable<ResolvedIncident>): readonly Resolution[] {
  const groups = new Map<string, ResolvedIncident[]>();
  for (const one of resolved) {
    const key = JSON.stringify([one.system, one.severity]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, all]) => {
      const [first] = all;
      const seconds = all.map((one) => one.seconds);
      if (first === undefined) return [];
      return {
        ...{ system: first.system, severity: first.severity, count: all.length },
        meanSeconds: mean(seconds),
        medianSeconds: median(seconds) ?? 0,
        longestSeconds: Math.max(...seconds),
      };
    });
}

function shareOf(verdicts: readonly (boolean | null)[]): Share | null {
  const judged = verdicts.filter((met) => met !== null);
  return judged.length === 0 ? null : { of: judged.length, met: judged.filter((met) => met).length };
}

function meanParts(runs: readonly RunFigures[]): Trend["parts"] {
  const counted = runs.flatMap(({ parts, outcome }) => (parts !== null && outcome === "verified" ? [parts] : []));
  if (counted.length === 0) return null;
  const of = (name: PhaseName) => mean(counted.map((parts) => parts[name]));
  return { detecting: of("detecting"), deciding: of("deciding"), people: of("people"), machines: of("machines") };
}

/** To the millisecond: a mean of three has no end of digits. */
function mean(values: readonly number[]): number {
  return Math.round((values.reduce((sum, one) => sum + one, 0) / values.length) * 1000) / 1000;
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] as number;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] as number) + high) / 2;
}
