import type { System } from "../catalog/types.ts";
import { isAnswered, plannedGate } from "./authority.ts";
import { isRequester } from "./delegation.ts";
import type { ApprovalAhead, DataOf, NewEvent } from "./events.ts";
import { personById } from "./people.ts";
import type { RunState, StepState } from "./state.ts";

/**
 * A run whose plan people approved before its hour. What they gave answers the gate the first time it is asked, as long as that asks for
 * nothing they didn't see; what is asked again is asked of people. From there on it is judged like any approval (`start.ts`).
 */

type Opened = Extract<NewEvent, { type: "gate.opened" }>;

/** The gate's opening with what answers it; the opening alone where people have to be asked. */
export function answerAhead(run: RunState, opened: Opened, system: System, now: Date): readonly NewEvent[] {
  const { data } = opened;
  const isFirst = run.steps.get(data.step)?.status === "waiting";
  const isAsSeen = data.planHash === run.planHash && data.today === undefined && data.differs === undefined;
  if (run.ahead === undefined || !isFirst || !isAsSeen || (data.unfenced ?? []).length > 0) return [opened];
  const { occasion } = run.ahead;
  const given = run.ahead.approvals.filter((one) => counts(one, run, data, system, now));
  if (new Set(given.map(({ person }) => person)).size < data.quorum) return [opened];
  const { step, ask, planHash, factsHash } = data;
  return [
    { ...opened, data: { ...data, ahead: true } },
    ...given.map(
      ({ person, role, at, until, proved, vouchedBy, version }): NewEvent => ({
        type: "gate.approved",
        data: {
          ...{ step, ask, person, role, planHash, factsHash, onBehalfOf: null, proved, vouchedBy },
          ahead: { occasion, at, until, version },
        },
        key: `${ask}/ahead/${person}`,
        run: run.id,
        actor: { kind: "bot" },
      }),
    ),
  ];
}

function counts(one: ApprovalAhead, run: RunState, asked: DataOf<"gate.opened">, system: System, now: Date): boolean {
  const person = personById(one.person, system);
  if (person === null) return false;
  const roles = [asked.role, ...asked.escalate.map(({ role }) => role)];
  return (
    person.roles.includes(one.role) &&
    roles.includes(one.role) &&
    asked.approvers.includes(one.person) &&
    !isRequester(person, run) &&
    (one.proved || plannedGate(run, asked.step)?.stepUp !== true) &&
    now < new Date(one.until)
  );
}

/** What no one was there for: it failed or stands still, or people were asked to decide. */
export function needsPeople(run: RunState): boolean {
  if (run.ending !== null) return run.ending.as !== "verified";
  return run.paused || run.stuck !== null || [...run.steps.values()].some((step) => isLeftToPeople(run, step));
}

function isLeftToPeople(run: RunState, step: StepState): boolean {
  if (step.status !== "gate") return ["failed", "stopped", "skipped"].includes(step.status);
  const { outcome, ahead } = step.gate;
  if (outcome === "open") return ahead !== true && !isAnswered(run, step.gate);
  return outcome !== "passed";
}
