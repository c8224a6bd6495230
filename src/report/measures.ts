import { interruptionOf, isAfterRecovery, recoveryOf } from "../incident/recovery.ts";
import type { RunState } from "../incident/state.ts";
import { doneAt, eventsOf, type Known, stepTitle } from "./known.ts";
import { length } from "./length.ts";
import { lossOf, rowsOf } from "./run-facts.ts";

/** One figure with where it comes from. `event`: the version it stands on, or null. */
export interface Measure {
  readonly what: string;
  readonly value: string;
  readonly how: string;
  readonly event: number | null;
}

export const NOT_MEASURED = "not measured";

/** What was measured of the impact, and what was not. Nothing in it is estimated. */
export function measuresOf(known: Known): readonly Measure[] {
  const { declared } = known.state;
  const recovering = known.runs.filter((run) => !isAfterRecovery(known.runs, run) && run.plan.undoes === undefined);
  const several = recovering.length > 1;
  const runs = recovering.filter(changed);
  return [
    ...(declared?.kind === "real" ? [impactOf(known)] : []),
    ...runs.flatMap((run) => ofRun(known, run, several ? ` (${run.plan.title})` : "")),
    ...(declared?.kind === "real" ? [REQUESTS, ...toldOf(known)] : []),
  ];
}

const REQUESTS: Measure = {
  what: "Failed requests",
  value: NOT_MEASURED,
  how: "Lifeboat doesn't see requests: add the number from the load balancer or the metrics",
  event: null,
};

function impactOf({ state, when }: Known): Measure {
  const what = "Length of the impact";
  const start = state.declared?.impactStartedAt ?? null;
  const event = state.declared === null ? null : 1;
  if (start === null)
    return { what, value: NOT_MEASURED, how: "No start of the impact was recorded at the declaration", event };
  if (state.resolvedAt === null)
    return { what, value: NOT_MEASURED, how: `It began at ${when.said(start)}, and isn't resolved`, event };
  const value = length((state.resolvedAt.getTime() - start.getTime()) / 1000);
  return { what, value, how: "From the start of the impact, as it was declared, to the resolution", event };
}

function ofRun(known: Known, run: RunState, of: string): readonly Measure[] {
  const { rpo } = recoveryOf(known.state, run);
  const event = rpo === null ? null : doneAt(known, run, rpo.step);
  const lost: Measure[] =
    rpo === null
      ? [{ what: `Data lost${of}`, value: NOT_MEASURED, how: "No step of the run measures it", event }]
      : [
          { what: `Data lost${of}`, value: lossOf({ ...rpo, rows: null }, known.when), how: rpo.method, event },
          rpo.rows === null
            ? { what: `Rows lost${of}`, value: NOT_MEASURED, how: "No step counted rows", event: null }
            : { what: `Rows lost${of}`, value: rowsOf(rpo.rows), how: rpo.method, event },
        ];
  return [gapOf(known, run, of), ...lost];
}

/** How long writes were not possible, as an upper bound: its steps say when service was back, and the loss which write was the last. */
function gapOf(known: Known, run: RunState, of: string): Measure {
  const what = `Write gap${of}`;
  const { from, until, last } = interruptionOf(run);
  const keptUntil = recoveryOf(known.state, run).rpo?.keptUntil;
  const start = keptUntil !== undefined ? new Date(keptUntil) : run.mode === "planned" ? from : null;
  if (until === null || last === null)
    return { what, value: NOT_MEASURED, how: "No step of the run interrupted or restored service", event: null };
  if (start === null)
    return { what, value: NOT_MEASURED, how: "No step knew the newest write that was kept", event: null };
  const since = keptUntil !== undefined ? "the newest write that was kept" : "the first step that stopped writes";
  const how = `From ${since}, at ${known.when.short(start, known.day)}, to the end of “${stepTitle(run, last)}”`;
  const seconds = Math.max((until.getTime() - start.getTime()) / 1000, 0);
  return { what, value: `at most ${length(seconds)}`, how, event: doneAt(known, run, last) };
}

/** When people outside were first told. */
function toldOf({ state, events, when }: Known): readonly Measure[] {
  const what = "Customers told";
  const outside = (audience: string) => audience === "customers" || audience === "status-page";
  const first = eventsOf(events, "update.posted").find(({ data }) => outside(data.audience));
  const declared = state.declared?.at;
  if (first === undefined || declared === undefined)
    return [
      {
        what,
        value: "no update was posted",
        how: "No update to customers or to the status page is recorded",
        event: null,
      },
    ];
  const value = `${length(Math.max((first.at.getTime() - declared.getTime()) / 1000, 0))} after the declaration`;
  return [{ what, value, how: `First update, at ${when.said(first.at)}`, event: first.version }];
}

/** True for a run that changed something, or may have. */
export function changed(run: RunState): boolean {
  return [...run.steps.values()].some(
    ({ step, attempts }) => step.kind === "action" && step.risk !== "read" && attempts > 0,
  );
}
