import type { RunFigures } from "../incident/figures.ts";
import { type ResolvedIncident, resolutionsOf, type Trend, trendsOf } from "../incident/trends.ts";
import { trendPicture } from "../report/trend-picture.ts";
import { complianceOf, type Due } from "./calendar.ts";
import { csv } from "./csv.ts";

const RUNS = [
  ...["class", "system", "runbook", "mode", "record", "run", "requested_at", "outcome"],
  ...["rto_seconds", "rto_objective_seconds", "rto_met", "rto_counts_from"],
  ...["rpo_seconds", "rpo_objective_seconds", "rpo_met", "rpo_rows_lost", "rpo_method"],
  ...["detecting_seconds", "deciding_seconds", "people_seconds", "machines_seconds"],
] as const;

/** Every run's figures, the rows pictures are drawn from. */
export function runsCsv(figures: readonly RunFigures[], nameOf: (record: string) => string): string {
  const rows = trendsOf(figures).flatMap(({ runs }) => runs);
  return csv(
    RUNS,
    rows.map((one) => ({
      ...{ class: one.kind, system: one.system, runbook: one.runbook, mode: one.mode, record: nameOf(one.record) },
      ...{ run: one.run, requested_at: one.at, outcome: one.outcome },
      ...{ rto_seconds: one.rto.seconds, rto_objective_seconds: one.rto.objective, rto_met: one.rto.met },
      ...{ rto_counts_from: one.rtoFrom, rpo_seconds: one.rpo.seconds, rpo_objective_seconds: one.rpo.objective },
      ...{ rpo_met: one.rpo.met, rpo_rows_lost: one.rpo.rows, rpo_method: one.rpo.method },
      ...{ detecting_seconds: one.parts?.detecting, deciding_seconds: one.parts?.deciding },
      ...{ people_seconds: one.parts?.people, machines_seconds: one.parts?.machines },
    })),
  );
}

const RUNBOOKS = [
  ...["class", "system", "runbook", "mode", "title", "runs", "median_rto_seconds", "rto_judged", "rto_met"],
  ...["rpo_judged", "rpo_met", "mean_detecting_seconds", "mean_deciding_seconds", "mean_people_seconds"],
  ...["mean_machines_seconds", "picture"],
] as const;

export function runbooksCsv(trends: readonly Trend[]): string {
  return csv(
    RUNBOOKS,
    trends.map((one) => ({
      ...{ class: one.kind, system: one.system, runbook: one.runbook, mode: one.mode, title: one.title },
      ...{ runs: one.runs.length, median_rto_seconds: one.medianRto, rto_judged: one.rtoMet?.of ?? 0 },
      ...{ rto_met: one.rtoMet?.met ?? 0, rpo_judged: one.rpoMet?.of ?? 0, rpo_met: one.rpoMet?.met ?? 0 },
      ...{ mean_detecting_seconds: one.parts?.detecting, mean_deciding_seconds: one.parts?.deciding },
      ...{ mean_people_seconds: one.parts?.people, mean_machines_seconds: one.parts?.machines },
      picture: trendPicture(one, "p") === null ? null : pictureFile(one),
    })),
  );
}

/** In a folder of its system: ids of systems and runbooks may have hyphens, so that one between them would say nothing. */
export function pictureFile({
  kind,
  system,
  runbook,
  mode,
}: Pick<Trend, "kind" | "system" | "runbook" | "mode">): string {
  return `trends/${system}/${runbook}-${mode}-${kind}.svg`;
}

export function mttrCsv(resolved: readonly ResolvedIncident[]): string {
  return csv(
    ["system", "severity", "incidents", "mean_seconds", "median_seconds", "longest_seconds"],
    resolutionsOf(resolved).map((one) => ({
      ...{ system: one.system, severity: one.severity, incidents: one.count, mean_seconds: one.meanSeconds },
      ...{ median_seconds: one.medianSeconds, longest_seconds: one.longestSeconds },
    })),
  );
}

export function complianceCsv(systems: readonly string[], dues: readonly Due[]): string {
  const kinds = [...new Set(dues.map(({ kind }) => kind))].sort();
  return csv(
    ["system", "kind", "due", "done", "missed", "unknown", "planned", "percent_done"],
    systems.flatMap((system) =>
      kinds.flatMap((kind) => {
        const own = dues.filter((one) => one.system === system && one.kind === kind);
        if (own.length === 0) return [];
        const of = (status: Due["status"]) => own.filter((one) => one.status === status).length;
        const found = complianceOf(own);
        return {
          ...{ system, kind, due: own.length, done: of("done"), missed: of("missed"), unknown: of("unknown") },
          planned: of("planned"),
          percent_done: found === null ? null : Math.round((found.done / found.of) * 1000) / 10,
        };
      }),
    ),
  );
}
