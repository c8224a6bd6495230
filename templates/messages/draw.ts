import type { GateStep } from "../../src/catalog/types.ts";
import type { Declared, IncidentState, RunState, StepState } from "../../src/incident/state.ts";
import { announcement } from "./announcement.ts";
import { attemptsOf, stuck } from "./attempts.ts";
import { statusCard } from "./card.ts";
import { channelOf } from "./channel.ts";
import { deadlineOf } from "./deadline.ts";
import { type Ask, escalation, gateAbandoned, gateCard, gateOutcome, gateSuperseded } from "./gate.ts";
import { manualOver, manualStep } from "./manual.ts";
import { preflight } from "./preflight.ts";
import { result } from "./result.ts";
import { roleTaken } from "./role.ts";
import { runCard } from "./run.ts";
import { stepList } from "./steps.ts";
import { drawTold } from "./told.ts";
import type { DrawIncident, ShownMessage, Surroundings, View } from "./view.ts";

/** Everything Slack should show of an incident: the same state, surroundings and time give the same view. */
export const drawIncident: DrawIncident = (state, around): View => {
  const { declared } = state;
  if (declared === null) return { channel: null, messages: [], redrawAt: null };
  return {
    channel: channelOf(state, declared, around),
    messages: [
      {
        key: "announcement",
        in: "announce",
        under: null,
        priority: 1,
        message: announcement(state, declared, around),
      },
      { key: "card", in: "incident", under: null, priority: 1, message: statusCard(state, declared, around) },
      ...[...state.roles].map(([role, person]): ShownMessage => {
        const message = roleTaken(role, person, around);
        return { key: `role:${role}:${person}`, in: "incident", under: null, priority: 1, message, once: true };
      }),
      ...[...state.runs.values()].flatMap((run) => drawRun(state, declared, run, around)),
      ...drawTold(state, declared, around),
    ],
    redrawAt: redrawAt(state, around.now),
  };
};

function drawRun(state: IncidentState, declared: Declared, run: RunState, around: Surroundings): ShownMessage[] {
  const root = `run:${run.id}`;
  const reply = (
    key: string,
    priority: 0 | 1 | 2,
    message: ShownMessage["message"],
    broadcast = false,
  ): ShownMessage => ({
    key,
    in: "incident",
    under: root,
    priority,
    message,
    ...(broadcast && { broadcast }),
  });
  const over = result(state, run, around);
  return [
    { key: root, in: "incident", under: null, priority: 1, message: runCard(state, declared, run, around) },
    ...(run.preflight ? [reply(`preflight:${run.id}`, 1, preflight(state, run, run.preflight))] : []),
    ...(run.preflight?.ready && !run.dryRun ? [reply(`steps:${run.id}`, 2, stepList(run, around))] : []),
    ...[...run.steps.values()].flatMap((step) => drawStep(state, run, step, around, reply)),
    ...(run.stuck && run.endedAt === null
      ? [reply(`stuck:${run.id}`, 0, stuck(state, run, run.stuck, around), true)]
      : []),
    ...(over ? [reply(`result:${run.id}`, 0, over, true)] : []),
  ];
}

type Reply = (key: string, priority: 0 | 1 | 2, message: ShownMessage["message"], broadcast?: boolean) => ShownMessage;

function drawStep(
  state: IncidentState,
  run: RunState,
  step: StepState,
  around: Surroundings,
  reply: Reply,
): ShownMessage[] {
  if (step.status === "gate" && step.step.kind === "gate")
    return drawGate({ state, run, step: step.step, gate: step.gate }, around, reply);
  if (step.step.kind === "manual") {
    const manual = step.step;
    const key = `manual:${run.id}:${manual.id}`;
    if (step.status === "open" && run.endedAt === null)
      return [reply(key, 0, manualStep(state, run, step, manual, around), true)];
    const message = manualOver(run, step, around);
    return message ? [reply(key, 0, message, true)] : [];
  }
  return attemptsOf(run, step, around).map(({ attempt, message, asks }) =>
    reply(`attempt:${run.id}:${step.step.id}:${attempt}`, asks ? 0 : 1, message, asks),
  );
}

function drawGate(ask: Ask, around: Surroundings, reply: Reply): ShownMessage[] {
  const { run, step, gate } = ask;
  return [
    ...gate.earlier.map((earlier) => reply(`gate:${earlier}`, 0, gateSuperseded(run, step, around), true)),
    reply(`gate:${gate.ask}`, 0, drawAsk(ask, around), true),
    ...gate.escalate
      .slice(0, gate.level)
      .map(({ role }, n) =>
        reply(`gate:${gate.ask}:asked:${n + 1}`, 0, escalation(ask, role, n + 1, around), gate.outcome === "open"),
      ),
  ];
}

function drawAsk(ask: Ask & { step: GateStep }, around: Surroundings): ShownMessage["message"] {
  if (ask.gate.outcome !== "open") return gateOutcome(ask, around);
  return ask.run.endedAt === null ? gateCard(ask, around) : gateAbandoned(ask, around);
}

/** The next moment at which a sentence about time stops being true though nothing happens. */
function redrawAt(state: IncidentState, now: Date): Date | null {
  const live = [...state.runs.values()].filter(({ endedAt }) => endedAt === null);
  const moments = live.flatMap((run) => {
    const deadline = deadlineOf(state, run);
    if (deadline === null || deadline <= now) return [];
    return isAsked(run) ? [nextMinute(deadline, now)] : [deadline];
  });
  return moments.reduce<Date | null>((first, moment) => (first === null || moment < first ? moment : first), null);
}

function isAsked(run: RunState): boolean {
  return [...run.steps.values()].some((step) => step.status === "gate" && step.gate.outcome === "open");
}

/** When the whole minutes left until the deadline become one fewer. */
function nextMinute(deadline: Date, now: Date): Date {
  const left = Math.floor((deadline.getTime() - now.getTime()) / 60_000);
  return new Date(deadline.getTime() - left * 60_000 + 1);
}
