import { allOf, oneOf } from "../../../src/incident/people.ts";
import type { Deciders, RunRefusal } from "../../../src/incident/refusal/run.ts";
import type { WordsOf } from "../kit/refusal-words.ts";

/** What a run and its steps refuse. */
export const RUN_REFUSALS: WordsOf<RunRefusal> = {
  "run-unknown": ({ runId }) => ({ what: `This incident has no run ${runId}`, next: "`/dr status` lists its runs" }),
  "run-known": ({ runId }) => ({ what: `There is already a run ${runId}` }),
  "run-ended": ({ run, status }) => ({
    where: run,
    what: `The run has ended (${status})`,
    allowed: "Only a run in progress can be changed",
    next: "Start a new run if more is needed",
  }),
  "run-paused": ({ run }) => ({ where: run, what: "The run is already paused" }),
  "run-not-paused": ({ run }) => ({ where: run, what: "The run isn't paused" }),
  "not-steering": ({ run, able }) => ({
    where: run,
    what: "Only the requester, the incident commander and the approvers may do this",
    allowed: `${oneOf(able)} may do it. Anyone on the roster may pause the run`,
    next: "`/dr pause` holds it while you ask them",
  }),
  "asked-too-often": ({ where, what, times }) =>
    what === "run"
      ? {
          where,
          what: `You requested this ${times} times within an hour`,
          allowed: "Someone else on the roster may request it",
          stateNow: "Nothing was requested",
          next: "Ask the approvers: `/dr ask`",
        }
      : {
          where,
          what: `This was requested ${times} times within an hour`,
          stateNow: "No more requests for now",
          next: "Ask the approvers, or abort: `/dr abort <why>`",
        },
  "plan-hash": () => ({ what: "The plan doesn't match its hash", next: "Request the run again" }),
  "plan-system": ({ run, system, incidentSystem }) => ({
    what: `"${run}" is for ${system}, and this incident is about ${incidentSystem}`,
    allowed: "Each system has its own approvers",
    next: `Declare an incident for ${system}`,
  }),
  "plan-kind": ({ incident, plan }) => ({
    what: `This is a ${incident === "drill" ? "drill" : "real incident"}, and the plan is ${plan === "drill" ? "a drill" : "for real"}`,
    allowed: "Drills and real incidents don't mix",
  }),
  "drill-nowhere": ({ run }) => ({
    where: run,
    what: "The plan doesn't say where this drill runs",
    next: "Request the drill again",
  }),
  "plan-uncovered": ({ steps }) => ({
    what: `No approval comes before ${allOf(steps.map(quoted))}`,
    allowed: "Every change needs an approval before it",
    next: "Add a gate to the runbook; a dry run needs none",
  }),
  "step-unknown": ({ run, stepId, known }) => ({
    where: run,
    what: `This run has no step ${stepId}`,
    allowed: `Steps: ${known.join(", ")}`,
  }),
  "step-not-failed": ({ step, status }) => ({
    where: step,
    what: `The step is ${status}`,
    allowed: "Retry works on failed or stopped steps, and on denied or expired approvals",
  }),
  "step-tries-again": ({ step }) => ({ where: step, what: "The step is about to be retried automatically" }),
  "step-not-manual": ({ step }) => ({
    where: step,
    what: "This isn't a manual step",
    allowed: "Only manual steps are confirmed",
  }),
  "step-not-open": ({ step, status }) => ({ where: step, what: `The step is ${status}: it can't be confirmed now` }),
  "step-role": ({ step, role, able }) => ({
    where: step,
    what: `This step needs the role ${role}, which you don't hold`,
    allowed: able.length === 0 ? "No one on the roster holds it" : `${oneOf(able)} may confirm it`,
  }),
  "skip-approved": ({ step, gate, able }) => ({
    where: step,
    what: `${quoted(gate)} was approved with this step in it`,
    allowed: able.length === 0 ? "No one on the roster may skip it now" : `${oneOf(able)} may skip it`,
    next: "Ask them, retry the step, or abort the run",
  }),
  "gate-not-skippable": ({ step }) => ({
    where: step,
    what: "An approval can't be skipped",
    allowed: "Approve it, deny it, or abort the run",
  }),
  "step-not-skippable": ({ step, status }) => ({
    where: step,
    what: `The step is ${status}`,
    allowed: "Only steps that haven't started can be skipped",
  }),
  "look-not-skippable": ({ step }) => ({
    where: step,
    what: "Without this check, later steps could change the wrong side",
    allowed: "Retry it, or abort the run and request it again",
  }),
  "fence-not-skippable": ({ step, after }) => ({
    where: step,
    what: `Without this fence, ${quoted(after)} could leave two primaries that take writes`,
    allowed: "Retry the fence, or abort the run",
  }),
  "too-late": ({ where, by, stateNow }) => ({
    where,
    what: `Already decided by ${decidedBy(by)}, and its steps have started`,
    allowed: "The run can be paused or aborted instead",
    stateNow,
  }),
};

/** "Ana and Bo", "Ana, by break-glass" */
export function decidedBy({ people, breakGlass }: Deciders): string {
  return `${allOf(people)}${breakGlass ? ", by break-glass" : ""}`;
}

function quoted(title: string): string {
  return `"${title}"`;
}
