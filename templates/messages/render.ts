import type { GateStep } from "../../src/catalog/types.ts";
import { isPrivate } from "../../src/incident/members.ts";
import type { Declared, GateState, IncidentState, RunState, StepState } from "../../src/incident/state.ts";
import { isSurprise } from "../../src/incident/surprise.ts";
import { breakGlassRequested, breakGlassUsed } from "./approval/break-glass.ts";
import { askedDirectly } from "./approval/direct.ts";
import { type ApprovalRequest, gateCard } from "./approval/gate.ts";
import { gateAbandoned, gateOutcome, gateSuperseded } from "./approval/gate-end.ts";
import { escalation, escalationOver, pastEscalations, reminder, type TalkedAbout, talk } from "./approval/gate-said.ts";
import { renderSentUpdates } from "./comms/sent-updates.ts";
import { actionReminders } from "./incident/action-items.ts";
import { renderAlerts } from "./incident/alerts.ts";
import { announcement } from "./incident/announcement.ts";
import { statusCard } from "./incident/card.ts";
import { renderChanges } from "./incident/change.ts";
import { channelOf, invited } from "./incident/channel.ts";
import { renderDrillNotices } from "./incident/drill.ts";
import { announcedInstead, inOneThread, toEach } from "./incident/elsewhere.ts";
import { roleAssigned, roleKey } from "./incident/role.ts";
import { splitBrain } from "./incident/split.ts";
import { triageCard } from "./incident/triage.ts";
import { unfilledRoles } from "./incident/unfilled.ts";
import { renderUnresolved } from "./incident/unresolved.ts";
import { section } from "./kit/blocks.ts";
import { kindPrefix } from "./kit/kind.ts";
import type { RenderIncident, ShownMessage, Surroundings, View } from "./kit/view.ts";
import { at, utcOnce } from "./kit/when.ts";
import { attemptsOf, stuck, stuckOver } from "./run/attempts.ts";
import { clockMoments, renderLate } from "./run/clocks.ts";
import { deadlineOf } from "./run/deadline.ts";
import { faultNote } from "./run/fault.ts";
import { manualOver, manualStep } from "./run/manual.ts";
import { preflight } from "./run/preflight.ts";
import { probationMessage } from "./run/probation.ts";
import { progressMoments } from "./run/progress.ts";
import { result } from "./run/result.ts";
import { runCard } from "./run/run.ts";
import { stepList } from "./run/steps.ts";

/** Everything Slack should show of an incident: the same state, surroundings and time give the same view. */
export const renderIncident: RenderIncident = (state, around): View => {
  const view = viewOf(state, around);
  return { ...view, messages: view.messages.map((one) => ({ ...one, message: utcOnce(one.message) })) };
};

function viewOf(state: IncidentState, around: Surroundings): View {
  const { declared } = state;
  if (declared === null) return { channel: null, messages: [], redrawAt: null };
  const runs = [...state.runs.values()].flatMap((run) => drawRun(state, declared, run, around));
  // Planned work has no channel and no card: a thread for each run, where it was typed.
  if (declared.kind === "maintenance") {
    const messages = [...runs, ...announcedInstead(declared, around)];
    return { channel: null, messages, redrawAt: redrawAt(state, around.now) };
  }
  const messages: ShownMessage[] = [
    ...announced(state, declared, around),
    ...renderDrillNotices(state, declared, around),
    {
      key: "card",
      in: "incident",
      under: null,
      priority: cardPriority(state),
      message: statusCard(state, declared, around),
    },
    ...roleQuestion(state, around),
    ...renderChanges(state, around),
    ...[...state.roles].map(([role, person]): ShownMessage => {
      const message = roleAssigned(state, role, person, around);
      return { key: roleKey(state, role, person), in: "incident", under: null, priority: 1, message, once: true };
    }),
    ...runs,
    ...(state.triages ?? []).map((triage, n, all): ShownMessage => {
      const message = triageCard(state, triage, n === all.length - 1, around);
      return { key: `triage:${triage.id}`, in: "incident", under: null, priority: 0, message };
    }),
    ...renderAlerts(state, around),
    ...renderUnresolved(state, around),
    ...renderSentUpdates(state, declared, around),
    ...actionReminders(state, around),
    ...archiveAnnounced(state),
    ...announcedInstead(declared, around),
  ];
  const refused = around.channelRefused != null;
  return {
    channel: refused ? null : channelOf(state, declared, around),
    messages: refused ? withoutChannel(state, declared, messages, around) : messages,
    redrawAt: redrawAt(state, around.now),
  };
}

/** Where Slack made no channel. */
function withoutChannel(
  state: IncidentState,
  declared: Declared,
  messages: readonly ShownMessage[],
  around: Surroundings,
): ShownMessage[] {
  return isPrivate(declared) ? toEach(messages, invited(state, declared, around)) : inOneThread(messages, declared);
}

/** Before the channel goes, in it: when, and what keeps it. */
function archiveAnnounced({ closing }: IncidentState): ShownMessage[] {
  if (closing === undefined || closing.archiveAt === null) return [];
  const text = `This channel is archived ${at(closing.archiveAt)}. Still needed? Reopen the incident: \`/dr reopen <why>\``;
  const message = { text, blocks: [section(`🗄️ ${text}`)] };
  return [{ key: `archive:${closing.at.getTime()}`, in: "incident", under: null, priority: 1, message, once: true }];
}

/** A surprise and what is private are announced nowhere. */
function announced(state: IncidentState, declared: Declared, around: Surroundings): ShownMessage[] {
  if (isSurprise(declared) || isPrivate(declared)) return [];
  const message = announcement(state, declared, around);
  return [{ key: "announcement", in: "announce", under: null, priority: 1, message }];
}

/** When the last run has ended, the card says so before the result is posted below it. */
function cardPriority({ runs }: IncidentState): 0 | 1 {
  return runs.size > 0 && [...runs.values()].every(({ endedAt }) => endedAt !== null) ? 0 : 1;
}

function roleQuestion(state: IncidentState, around: Surroundings): ShownMessage[] {
  const message = unfilledRoles(state, around);
  return message === null ? [] : [{ key: "roles", in: "incident", under: null, priority: 1, message }];
}

function drawRun(state: IncidentState, declared: Declared, run: RunState, around: Surroundings): ShownMessage[] {
  // It was approved ahead and goes on by itself: it's on the calendar, and in no one's way.
  if (run.ahead !== undefined && run.needed !== true) return [];
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
  const probation = probationMessage(run, around);
  const shown: ShownMessage[] = [
    { key: root, in: "incident", under: null, priority: 1, message: runCard(state, declared, run, around) },
    // Where it ends the run at once, as it does a dry run, what was seen is in the result.
    ...(run.preflight?.ready && !run.dryRun
      ? [
          reply(`preflight:${run.id}`, 1, preflight(run, run.preflight, around)),
          reply(`steps:${run.id}`, 2, stepList(run, around)),
        ]
      : []),
    ...renderLate(state, run, around),
    ...[...run.steps.values()].flatMap((step) => drawStep(state, run, step, around, reply)),
    ...drawStuck(state, run, around, reply),
    ...run.breaks.flatMap((broke): ShownMessage[] => {
      const message = breakGlassUsed(state, run, broke, around);
      const key = `glass:${broke.ask}`;
      const here: ShownMessage = { key, in: "incident", under: null, priority: 0, message };
      return isSurprise(declared) || isPrivate(declared)
        ? [here]
        : [here, { ...here, key: `${key}:announced`, in: "announce" }];
    }),
    ...(run.splits ?? []).map((split, n) => reply(`split:${run.id}:${n + 1}`, 0, splitBrain(run, split, around), true)),
    ...(run.faults ?? []).map((note, n) =>
      reply(`fault:${run.id}:${n + 1}`, 0, faultNote(run, note, around), !note.lifted),
    ),
    ...(over ? [reply(`result:${run.id}`, 0, over, true)] : []),
    ...(probation ? [reply(`probation:${run.id}`, 0, probation, true)] : []),
  ];
  const placed = isThread(declared, run) ? shown.flatMap(whereTyped) : shown;
  // The result is posted at once, so nothing above it may lag: no step may say "pending" under "Done and verified".
  return over === null ? placed : placed.map((message) => ({ ...message, priority: 0 }));
}

/** Each time it could not go on, a message of its own, which says so until it goes on or has ended. */
function drawStuck(state: IncidentState, run: RunState, around: Surroundings, reply: Reply): ShownMessage[] {
  const before = run.wasStuck ?? [];
  const key = (n: number) => (n === 0 ? `stuck:${run.id}` : `stuck:${run.id}:${n + 1}`);
  const now = run.stuck === null ? [] : [run.stuck];
  return [
    ...before.map((problem, n) => reply(key(n), 0, stuckOver(run, problem, "resumed", around), true)),
    ...now.map((problem) => {
      const message =
        run.endedAt === null ? stuck(state, run, problem, around) : stuckOver(run, problem, "the run ended", around);
      return reply(key(before.length), 0, message, true);
    }),
  ];
}

/** A run of maintenance, also where it has become an incident since: its thread stays where it is. */
function isThread({ kind, at }: Declared, { requestedAt }: RunState): boolean {
  return kind === "maintenance" || requestedAt < at;
}

/** The same in the thread alone: the channel has other things to do. */
function whereTyped(message: ShownMessage): ShownMessage[] {
  if (message.in === "announce") return [];
  if (message.in !== "incident") return [message];
  const { broadcast: _left, ...rest } = message;
  return [{ ...rest, in: "announce" }];
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

function drawGate(ask: ApprovalRequest, around: Surroundings, reply: Reply): ShownMessage[] {
  const { run, step, gate } = ask;
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const open = gate.outcome === "open" && run.endedAt === null;
  const wanted = breakGlassRequested(ask, around);
  return [
    ...gate.past.flatMap((past) => [
      reply(`gate:${past.ask}`, 0, gateSuperseded(run, step, past.says, around), true),
      ...pastEscalations(past).map((role, n) =>
        reply(`gate:${past.ask}:asked:${n + 1}`, 0, escalationOver(run.plan.title, role, prefix, around)),
      ),
      ...talks({ ...ask, gate: past, open: false }, around, reply),
    ]),
    reply(`gate:${gate.ask}`, 0, drawAsk(ask, around), true),
    ...gate.escalate
      .slice(0, gate.level)
      .map(({ role }, n) =>
        reply(`gate:${gate.ask}:asked:${n + 1}`, 0, escalation(ask, role, n + 1, around), gate.outcome === "open"),
      ),
    ...(open ? gate.reminders : []).map((_, n) => ({
      ...reply(`gate:${gate.ask}:reminded:${n + 1}`, 0, reminder(ask, n, around)),
      once: true,
    })),
    ...talks({ ...ask, open }, around, reply),
    ...(wanted ? [reply(`glass:${gate.ask}:wanted`, 0, wanted, true)] : []),
    ...askedDirectly(ask, drawAsk(ask, around, true), around),
  ];
}

/** A question loses its button when it is answered, or decided without an answer. */
function talks(ask: TalkedAbout, around: Surroundings, reply: Reply): ShownMessage[] {
  return ask.gate.talk.map((_, n) => reply(`gate:${ask.gate.ask}:said:${n + 1}`, 0, talk(ask, n, around)));
}

function drawAsk(
  ask: ApprovalRequest & { step: GateStep },
  around: Surroundings,
  apart = false,
): ShownMessage["message"] {
  if (ask.gate.outcome !== "open") return gateOutcome(ask, around);
  return ask.run.endedAt === null ? gateCard(ask, around, apart) : gateAbandoned(ask, around);
}

/** The next moment at which a sentence about time stops being true though nothing happens. */
function redrawAt(state: IncidentState, now: Date): Date | null {
  const live = [...state.runs.values()].filter(({ endedAt }) => endedAt === null);
  const moments = live.flatMap((run) => {
    const deadline = deadlineOf(state, run);
    const asked = openGates(run);
    const due = deadline === null || deadline <= now ? [] : [asked.length > 0 ? nextMinute(deadline, now) : deadline];
    return [
      ...due,
      ...clockMoments(run, now),
      ...progressMoments(run, now),
      ...asked.flatMap((gate) => gateMoments(state, gate, now)),
    ];
  });
  return moments.reduce<Date | null>((first, moment) => (first === null || moment < first ? moment : first), null);
}

function openGates(run: RunState): readonly GateState[] {
  return [...run.steps.values()].flatMap((step) =>
    step.status === "gate" && step.gate.outcome === "open" ? [step.gate] : [],
  );
}

/** When those who are asked have waited another minute, and when what is delegated or waited for ends. */
function gateMoments(state: IncidentState, gate: GateState, now: Date): Date[] {
  const since = [gate.openedAt, ...gate.risen.map(({ at }) => at)];
  const ends = [...state.delegations.map(({ until }) => until), ...(gate.breaking ? [gate.breaking.aloneAt] : [])];
  const minutes = since.map((at) => {
    const waited = Math.floor((now.getTime() - at.getTime()) / 60_000);
    return new Date(at.getTime() + (waited + 1) * 60_000);
  });
  return [...minutes, ...ends.filter((at) => at > now)];
}

/** When the whole minutes left until the deadline become one fewer. */
function nextMinute(deadline: Date, now: Date): Date {
  const left = Math.floor((deadline.getTime() - now.getTime()) / 60_000);
  return new Date(deadline.getTime() - left * 60_000 + 1);
}
