import type { Clock, Plan } from "../../../src/catalog/types.ts";
import { dueAt, isLate, tookSeconds } from "../../../src/incident/clocks.ts";
import { COMMANDER } from "../../../src/incident/people.ts";
import { isSettled } from "../../../src/incident/settled.ts";
import type { ClockState, IncidentState, RunState } from "../../../src/incident/state.ts";
import { section } from "../kit/blocks.ts";
import { cut, ended, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import { holders, roleWords } from "../kit/people.ts";
import type { ShownMessage, Surroundings } from "../kit/view.ts";
import { clock as hour, lasting } from "../kit/when.ts";

/** Stages that say how long they should take: on the plan, while they run, and when they are late. */

/** The clock whose first stage this is. */
export function clockAt(plan: Plan, stage: string): Clock | null {
  return plan.clocks?.find(({ stages: [first] }) => first === stage) ?? null;
}

/** "within 5 min", or "3 to 8 within 10 min" by the numbers of the stages; beside the stage it begins with. */
export function givenWords(plan: Plan, { stages, withinSeconds }: Clock): string {
  const numbers = stages.map((id) => plan.stages.findIndex((stage) => stage.id === id) + 1);
  const several = numbers.length > 1 ? `${Math.min(...numbers)} to ${Math.max(...numbers)} ` : "";
  return `⏱ ${several}within ${lasting(withinSeconds)}`;
}

/** How a clock stands now: "3 min of 5 min". */
export function clockWords(run: RunState, clock: Clock, now: Date): string {
  const given = lasting(clock.withinSeconds);
  const one = run.clocks?.get(clock.id);
  if (one === undefined) return `⏱ ${given} allowed`;
  const took = tookSeconds(one, now);
  const late = isLate(one, now);
  if (one.endedAt !== null) return `${late ? "⏰ late: " : "⏱ "}took ${lasting(took)} of ${given}`;
  return late ? `⏰ *late*: ${minutes(took)} of ${given}` : `⏱ ${minutes(took)} of ${given}, until ${hour(dueAt(one))}`;
}

function minutes(seconds: number): string {
  return seconds < 60 ? "less than 1 min" : lasting(Math.floor(seconds / 60) * 60);
}

/** Clocks that run, as one sentence for those who do not see the list. */
export function runningClocks(run: RunState, now: Date): readonly string[] {
  return [...(run.clocks?.values() ?? [])]
    .filter(({ endedAt }) => endedAt === null)
    .map((one) => {
      const late = isLate(one, now) ? "late, " : "";
      const took = `${minutes(tookSeconds(one, now))} of ${lasting(one.clock.withinSeconds)}`;
      return `${safe(one.clock.title)}: ${late}${took}`;
    });
}

/** When what is said of its clocks is no longer true: each whole minute, and when one becomes late. */
export function clockMoments(run: RunState, now: Date): readonly Date[] {
  return [...(run.clocks?.values() ?? [])]
    .filter(({ endedAt }) => endedAt === null)
    .flatMap((one) => {
      const whole = Math.floor(tookSeconds(one, now) / 60) + 1;
      const due = dueAt(one);
      return [new Date(one.startedAt.getTime() + whole * 60_000), ...(due > now ? [due] : [])];
    });
}

/** Every stage that is or was late: in the thread, and to the one who commands. */
export function renderLate(state: IncidentState, run: RunState, around: Surroundings): readonly ShownMessage[] {
  return [...(run.clocks?.values() ?? [])]
    .filter(({ lateAt }) => lateAt !== null)
    .flatMap((one): ShownMessage[] => {
      const key = `late:${run.id}:${one.clock.id}`;
      const message = lateStage(state, run, one, around, false);
      const apart = lateStage(state, run, one, around, true);
      return [
        { key, in: "incident", under: `run:${run.id}`, priority: 0, message, broadcast: true },
        ...accounts(state, around).map(
          ([person, account]): ShownMessage => ({
            ...{ key: `${key}:to:${person}`, in: { person: account }, under: null, priority: 0, message: apart },
          }),
        ),
      ];
    });
}

/** `apart`: read far from the thread. */
function lateStage(
  state: IncidentState,
  run: RunState,
  one: ClockState,
  around: Surroundings,
  apart: boolean,
): Message {
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const what = `${prefix}Stage "${safe(one.clock.title)}" of ${safe(run.plan.title)}`;
  const given = lasting(one.clock.withinSeconds);
  if (one.endedAt !== null) {
    const text = `${what} was late: it took ${lasting(tookSeconds(one, around.now))} of ${given}.`;
    return { text, blocks: [section(`⏰ ${text}`)] };
  }
  const people = holders(around.system, state, COMMANDER).slice(0, 3);
  const who = people.length === 0 ? roleWords(around.system, COMMANDER) : people.map(around.names).join(", ");
  const where = !apart || around.channel === null ? "" : ` All of it is in <#${around.channel}>.`;
  const text = `${who}: ${what} is late: limit ${given}, until ${hour(dueAt(one))}. ${atNow(run, one)} Nothing stops because of it.${where}`;
  return { text, blocks: [section(`⏰ ${text}`)] };
}

/** What of the stage is not settled and has begun. */
function atNow(run: RunState, { clock }: ClockState): string {
  const at = [...run.steps.values()].filter(
    (step) => clock.stages.includes(step.stage) && step.status !== "waiting" && !isSettled(step),
  );
  if (at.length === 0) return "None of it is running.";
  return `Now: ${ended(at.map(({ step }) => safe(cut(step.title, 100))).join("; "))}`;
}

function accounts(state: IncidentState, around: Surroundings): readonly (readonly [string, string])[] {
  return holders(around.system, state, COMMANDER)
    .slice(0, 3)
    .flatMap((id) => {
      const account = around.system.people.find((person) => person.id === id)?.slack[0];
      return account === undefined ? [] : [[id, account] as const];
    });
}
