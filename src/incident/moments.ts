import type { Audience } from "../catalog/types.ts";
import type { Moment } from "./events.ts";
import { isPrivate } from "./members.ts";
import type { Declared, IncidentState } from "./state.ts";

/** Moments there are words for, in the order of a night. */
export const moments = [
  "initial",
  "progress",
  "escalation",
  "approval-requested",
  "failover-starting",
  "degraded",
  "resolution",
  "postmortem",
  "drill-announcement",
  "drill-result",
] as const satisfies readonly Moment[];

/**
 * What an audience may be told now, the most fitting first. What is not here would be untrue: that it is over while it
 * is open, or that it goes on when it is over.
 */
export function momentsNow(state: IncidentState, audience: Audience): readonly Moment[] {
  const { declared, comms } = state;
  // What there are words for is an incident's; planned work is announced by people.
  if (declared === null || declared.kind === "maintenance") return [];
  if (isPrivate(declared) && audience !== "responders") return [];
  const outside = audience === "customers" || audience === "status-page";
  const drill = declared.kind === "drill";
  if (drill && !isToldOf(declared, audience)) return [];
  const over = comms.over;
  if (over !== null) {
    const told = comms.updates.some((one) => one.audience === audience && afterwards(one, over.version));
    const endings: Moment[] = drill ? ["drill-result", "postmortem"] : ["resolution", "postmortem"];
    return told ? endings.reverse() : endings;
  }
  const opened = comms.opened?.version ?? 0;
  const said = comms.updates.some((one) => one.audience === audience && one.version > opened);
  const first: Moment[] = drill ? ["drill-announcement", "initial"] : ["initial"];
  const { turning, likely } = going(state, outside);
  const all = said
    ? [...turning, "progress" as const, ...likely, ...first]
    : [...first, ...turning, "progress" as const, ...likely];
  return [...new Set(all)];
}

/** A drill tells whom its calendar entry names; one that no entry names tells no one outside. */
function isToldOf({ drill }: Declared, audience: Audience): boolean {
  if (drill !== undefined) return drill.audiences.includes(audience);
  return audience === "responders" || audience === "executives";
}

function afterwards({ version, moment }: { version: number; moment: Moment }, over: number): boolean {
  return version > over && (moment === "resolution" || moment === "drill-result");
}

/** What the runs are at: asking, asking higher up, moving; and what may be true beside it, though no run says so. */
function going(state: IncidentState, outside: boolean): { turning: readonly Moment[]; likely: readonly Moment[] } {
  const live = [...state.runs.values()].filter(({ endedAt, dryRun }) => endedAt === null && !dryRun);
  const levels = live.flatMap((run) =>
    [...run.steps.values()].flatMap((step) =>
      step.status === "gate" && step.gate.outcome === "open" ? [step.gate.level] : [],
    ),
  );
  const asked: Moment[] = levels.some((level) => level > 0)
    ? ["escalation", "approval-requested"]
    : ["approval-requested"];
  const turning: Moment[] = [
    ...(levels.length > 0 && !outside ? asked : []),
    ...(live.some(({ status }) => status === "running") ? (["failover-starting"] as const) : []),
  ];
  return { turning, likely: ["degraded", "failover-starting", ...(outside ? [] : (["escalation"] as const))] };
}
