import type { PhaseName } from "../../../src/incident/accounting.ts";
import type { Resolution, Share, Trend } from "../../../src/incident/trends.ts";
import { safe } from "../kit/escape.ts";
import { lasting } from "../kit/when.ts";

export interface TrendFacts {
  readonly title: string;
  readonly trends: readonly Trend[];
  readonly resolutions: readonly Resolution[];
  /** Entries of the calendar within a year: how many were done or missed, and how many of them were done. */
  readonly calendar: { readonly of: number; readonly kept: number };
}

const KINDS = { real: "for real", drill: "in drills", maintenance: "in planned work" } as const;
const PARTS: Readonly<Record<PhaseName, string>> = {
  detecting: "detecting",
  deciding: "deciding",
  people: "waiting for people",
  machines: "machines",
};

/** What recoveries took over time, a line an idea: the system, then each runbook, then how long incidents last. */
export function trendLines({ title, trends, resolutions, calendar }: TrendFacts): readonly string[] {
  const lines = [`*${safe(title)}*`];
  if (calendar.of > 0)
    lines.push(
      `Calendar, last 365 days: ${calendar.kept} of ${calendar.of} kept (${percent(calendar.kept, calendar.of)} %)`,
    );
  for (const one of resolutions)
    lines.push(
      `MTTR ${one.severity}: ${lasting(one.meanSeconds)} (${one.count} ${one.count === 1 ? "incident" : "incidents"}, longest ${lasting(one.longestSeconds)})`,
    );
  for (const one of trends) lines.push(...ofRunbook(one));
  if (trends.length === 0 && resolutions.length === 0) lines.push("No run or incident has ended yet.");
  return lines;
}

function ofRunbook(trend: Trend): readonly string[] {
  const { runs, medianRto, rtoMet, rpoMet, parts } = trend;
  const last = runs.at(-1)?.rto;
  const objective = last?.objective == null ? "" : ` of ${lasting(last.objective)}`;
  const rto = medianRto === null ? "not measured" : `${lasting(medianRto)}${objective} (median)`;
  const lines = [
    `• *${safe(trend.title)}* (${trend.mode}, ${KINDS[trend.kind]}): ${runs.length} ${runs.length === 1 ? "run" : "runs"}`,
    `   Recovery time (RTO): ${rto}${rtoMet === null ? "" : `, ${met(rtoMet)}`}${rpoMet === null ? "" : ` · Data loss (RPO): ${met(rpoMet)}`}`,
  ];
  if (parts === null) return lines;
  const told = (Object.keys(PARTS) as PhaseName[])
    .filter((name) => parts[name] >= 0.05)
    .map((name) => `${PARTS[name]} ${lasting(parts[name])}`);
  return told.length === 0 ? lines : [...lines, `   On average: ${told.join(", ")}`];
}

function met({ met: count, of }: Share): string {
  return `${count} of ${of} met`;
}

function percent(part: number, whole: number): number {
  return Math.round((part / whole) * 100);
}
