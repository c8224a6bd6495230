import type { GateStep, Plan } from "../../../src/catalog/types.ts";
import { type Awaited, awaited, needsSecondFactor } from "../../../src/incident/authority.ts";
import { breakingRole, silentFrom } from "../../../src/incident/break-glass.ts";
import { delegationsNow } from "../../../src/incident/delegation.ts";
import { canAct, personById } from "../../../src/incident/people.ts";
import { timesAsked } from "../../../src/incident/repeated.ts";
import type { GateState, IncidentState, RunState } from "../../../src/incident/state.ts";
import { wayBackOf } from "../../../src/incident/undo.ts";
import { ackWords, notPaged, pageOf } from "../comms/page-status.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, header, section } from "../kit/blocks.ts";
import { cut, cutAtWord, ended, plain, safe } from "../kit/escape.ts";
import { warningsInShort } from "../kit/facts.ts";
import { EXERCISE, kindPrefix } from "../kit/kind.ts";
import type { Block, Message } from "../kit/message.ts";
import { roleWords } from "../kit/people.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, clock, lasting, local } from "../kit/when.ts";
import { againLines, againPlain } from "../run/again.ts";
import { deadlineOf } from "../run/deadline.ts";
import { directionLine } from "../run/direction.ts";
import { breakLine } from "../run/fault.ts";
import { aloud, fenceWords, notFencedLines, notFencedPlain } from "../run/fence.ts";
import { inputLine } from "../run/inputs.ts";
import { coveredBy, stepsOf } from "../run/plan.ts";
import { acts, isLong, stepsButton } from "../run/plan-steps.ts";
import { noReturnWords } from "../run/undo.ts";
import { openReviews } from "./break-glass.ts";

/** Of a step's title on the card: two of them a line of a phone. */
const TITLE_LENGTH = 26;
/** Of what the run moves: about two lines. */
const TARGET_LENGTH = 84;
/** Of the question, in large letters: two lines. */
const QUESTION_LENGTH = 60;

/** One ask of one gate, and all that surrounds it. */
export interface ApprovalRequest {
  readonly state: IncidentState;
  readonly run: RunState;
  readonly step: GateStep;
  readonly gate: GateState;
}

/** Who this ask waits for now, with what is delegated. */
export function awaitedNow({ state, run, gate }: ApprovalRequest, around: Surroundings): Awaited {
  return awaited(run, gate, around.system, around.now, delegationsNow(state, around.now));
}

/**
 * The question to the person who may decide, on one phone screen: only what decides. All that was seen stands in the
 * preflight's message above it, all steps at the top of the thread. `apart`: it is read away from its thread.
 */
export function gateCard(ask: ApprovalRequest, around: Surroundings, apart = false): Message {
  const { run, step, gate } = ask;
  const who = awaitedNow(ask, around);
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const inputs = inputLine(run.plan);
  const exercise = run.plan.drill?.on === "exercise";
  const risks = notFencedLines(run, around, true);
  const fence = fenceWords(run, coveredBy(run.plan, step.id));
  const direction = directionLine(run.plan);
  return {
    text: `${prefix}${exercise ? `${EXERCISE} ` : ""}${safe(run.plan.title)} ${who.missing === 0 ? "is approved" : `needs ${missingWords(who)} by ${waitedFor(who, around)}`}: ${ended(safe(step.title))} ${ended(safe(run.plan.target))} Data loss: ${ended(safe(gate.loss))} ${aloud([...againLines(run), ...risks])}Expires at ${clock(gate.expiresAt)}.`,
    blocks: [
      header(`${prefix}Decide: ${plain(cut(questionOf(run, step), QUESTION_LENGTH))}`),
      section(
        [
          ...(gate.because === null ? [] : [`🔁 *Asked again:* ${ended(safe(cut(gate.because, 300)))}`]),
          ...(gate.differs ?? [])
            .slice(0, 5)
            .map((one) => `⚠️ *Not as in the catalogue:* ${ended(safe(cut(one, 200)))}`),
          ...repeatedWords(ask, around),
          ...againLines(run),
          ...(exercise ? [`⚠️ *${EXERCISE}*`] : []),
          `*${safe(cut(run.plan.target, TARGET_LENGTH))}*`,
          ...(direction ? [`*Direction:* ${direction}`] : []),
          ...(inputs ? [`*Inputs:* ${inputs}`] : []),
          `*Data loss:* ${safe(gate.loss)}`,
          ...risks,
          ...(fence === null ? [] : [`*Fencing:* ${fence}`]),
          ...breakLine(run.plan),
          `*Point of no return:* ${noReturn(ask)}`,
          ...timeLeft(ask, around),
          `*Starts:* ${startWords(ask)}`,
          ...leftOut(run),
          ...warnings(run),
          ...openReviews(ask.state, around),
        ].join("\n"),
      ),
      section(waitingWords(ask, who, around)),
      ...paged(ask, around),
      ...decide(ask, who, around),
      context(contextWords(ask, around, apart)),
    ],
  };
}

/** "Move writes to orders-b?", without what a title explains after it; where it is no question, what it's about as well. */
function questionOf({ plan }: RunState, { title }: GateStep): string {
  const end = title.indexOf("?") + 1;
  return end > 0 ? title.slice(0, end) : `${plan.title}: ${title}`;
}

function contextWords({ run, gate }: ApprovalRequest, around: Surroundings, apart: boolean): string {
  const where = apart && around.channel ? [`details in <#${around.channel}>`] : [];
  return [
    `Requested by ${around.names(run.requester)} (can't approve)`,
    `expires ${local(gate.expiresAt)} (${gate.expiresAt.toISOString().slice(11, 16)} UTC)`,
    ...(needsSecondFactor(run, gate) ? ["needs a code: `/dr enroll`"] : []),
    ...where,
  ].join(" · ");
}

/** Who is waited for, how long already, and who comes next. */
function waitingWords(ask: ApprovalRequest, who: Awaited, around: Surroundings): string {
  const { gate, state } = ask;
  const { approved, missing, next } = who;
  const delegated = delegationsNow(state, around.now).filter(
    ({ role, from, to }) =>
      who.asked.some((level) => level.role === role) && [from, to].every((id) => acting(id, around)),
  );
  const reason = gate.risen.at(-1)?.why;
  const questions = gate.talk.at(-1)?.kind === "question" ? gate.talk.slice(-1) : [];
  return [
    missing === 0
      ? "*Approved:* enough people have approved."
      : `*Waiting for:* ${missing > 1 ? `${missing} × ` : ""}${waitedFor(who, around)}`,
    approved.length > 0
      ? `*Approvals:* ${approved.length} of ${gate.quorum} (${approved.map(({ person }) => around.names(person)).join(", ")})`
      : null,
    reason ? `📣 ${ended(safe(cut(reason, 250)))}` : null,
    ...delegated.map(
      ({ role, from, to, until }) =>
        `*Delegated:* ${around.names(to)} decides as ${roleWords(around.system, role)} for ${around.names(from)} until ${local(until)}`,
    ),
    ...onCall(gate, who, around),
    next ? `*Escalates to:* ${roleWords(around.system, next.role)} at ${local(next.at)}` : null,
    ...questions.map(({ person, says }) => `*Open question* of ${around.names(person)}: ${safe(cut(says, 200))}`),
    who.possible ? null : "⚠️ *Nobody left to approve:* too few people on the roster may. Deny or abort.",
  ]
    .filter((line) => line !== null)
    .join("\n");
}

/** "incident commander (@sam), for 3 min; VP Engineering (@vera)" */
export function waitedFor({ asked }: Awaited, around: Surroundings): string {
  return asked.map((level) => `${approvalRequests(level, around)}${forHowLong(level.since, around.now)}`).join("; ");
}

/** ", for 3 min". To the minute, so that it changes once a minute. */
function forHowLong(since: Date, now: Date): string {
  const minutes = Math.floor((now.getTime() - since.getTime()) / 60_000);
  return minutes < 1 ? "" : `, for ${lasting(minutes * 60)}`;
}

/** What can be pressed under a question. No one approves what enough have approved; denying stays possible until it starts. */
export function decide(ask: ApprovalRequest, who: Awaited, around: Surroundings, detail?: string): Block[] {
  const { run, gate } = ask;
  const carries = actionValue(run.id, gate.ask);
  const own = detail === undefined ? {} : { detail };
  const deny: Button = {
    ...own,
    label: "Deny",
    verb: "gate.deny",
    actionValue: carries,
    style: "danger",
    aloud: `Deny ${plain(run.plan.title)}`,
  };
  if (who.missing === 0) return [actions(deny)];
  const title = plain(run.plan.title);
  const talk: Button = {
    ...own,
    label: "Ask…",
    verb: "gate.ask",
    actionValue: carries,
    aloud: `Ask before deciding on ${title}`,
  };
  const rise: Button = {
    ...own,
    label: "Escalate",
    verb: "gate.escalate",
    actionValue: carries,
    aloud: `Escalate ${title} now`,
  };
  const buttons = [
    approve(ask, own),
    deny,
    stepsButton(ask, own),
    talk,
    ...(gate.level < gate.escalate.length ? [rise] : []),
  ];
  return [actions(...buttons), ...breakGlass(ask, who, around, own)];
}

function approve(ask: ApprovalRequest, own: { detail?: string }): Button {
  const { run, gate } = ask;
  const long = isLong(ask);
  return {
    ...own,
    label: long || needsSecondFactor(run, gate) ? "Approve…" : "Approve",
    verb: "gate.approve",
    actionValue: actionValue(run.id, gate.ask),
    style: "primary",
    aloud: `Approve ${plain(run.plan.title)}`,
    // The form that asks for a code, or that lists a long plan, is the second look.
    ...(!long &&
      !needsSecondFactor(run, gate) && {
        confirm: {
          title: `Approve: ${run.plan.title}?`,
          says: `${run.plan.drill?.on === "exercise" ? `${EXERCISE} ` : ""}${againPlain(run)}${notFencedPlain(run)}${cut(run.plan.target, 110)}. Data loss: ${cut(gate.loss, 120)}.`,
          yes: "Approve",
          no: "Not yet",
        },
      }),
  };
}

/** Offered where everyone has been asked and no one answers, or no one is left who could. */
function breakGlass(ask: ApprovalRequest, who: Awaited, around: Surroundings, own: { detail?: string }): Block[] {
  const { run, gate } = ask;
  const able = around.system.people.some((person) => breakingRole(person, around.system) !== null);
  const from = silentFrom(run, gate, around.system, around.now, delegationsNow(ask.state, around.now));
  const silent = from !== null && from <= around.now && (!who.possible || gate.reminders.length > 0);
  if (!able || !silent || gate.breaking !== null || gate.broken !== null) return [];
  return [
    actions({
      ...own,
      label: "Break-glass…",
      verb: "gate.break",
      actionValue: actionValue(run.id, gate.ask),
      style: "danger",
      aloud: `Break-glass for ${plain(run.plan.title)}`,
    }),
  ];
}

export function missingWords({ missing, approved }: Awaited): string {
  if (approved.length > 0) return `${missing} more ${missing === 1 ? "approval" : "approvals"}`;
  return missing === 1 ? "approval" : `approval by ${missing} people`;
}

/** What changes something, and how much only looks: "Fence orders-a → Promote orders-b (+ 3 read-only)". */
function startWords({ run, step }: ApprovalRequest): string {
  const covered = coveredBy(run.plan, step.id);
  if (covered.length === 0)
    return isLast(run.plan, step.id) ? "nothing: the run ends here" : "nothing: another approval follows";
  if (isLong({ run, step })) return `${covered.length} steps, all listed before you approve`;
  const acting = covered.filter(acts);
  const checks = covered.length - acting.length;
  const named = acting.map((one) => safe(cutAtWord(one.title, TITLE_LENGTH))).join(" → ");
  if (acting.length === 0) return `${covered.length} read-only ${covered.length === 1 ? "step" : "steps"}`;
  return checks === 0 ? named : `${named} (+ ${checks} read-only)`;
}

function isLast(plan: Plan, gate: string): boolean {
  return stepsOf(plan).at(-1)?.id === gate;
}

/** That the same was asked before within an hour is known to who is asked now. */
function repeatedWords({ state, run, gate }: ApprovalRequest, { now, names }: Surroundings): string[] {
  const times = timesAsked(state, run, gate, now);
  return times < 2 ? [] : [`⚠️ *Asked ${times} times within an hour*, requested by ${names(run.requester)}`];
}

/** Of what this approval lets happen; what can't be undone and has happened already is said too. */
function noReturn({ run, step }: ApprovalRequest): string {
  const passed = stepsOf(run.plan).find(
    (one) => wayBackOf(one)?.kind === "never" && run.steps.get(one.id)?.status === "done",
  );
  const before = passed ? `“${safe(cut(passed.title, 150))}” is done and can't be undone; from here on ` : "";
  return `${before}${noReturnWords(coveredBy(run.plan, step.id), "every step this approves")}`;
}

/** What the preflight warned of: it is a part of what is decided. */
function warnings(run: RunState): string[] {
  return [...warningsInShort(run.preflight?.checks ?? [])];
}

/** What was taken out of the plan before this question: it is a part of what is decided. */
function leftOut(run: RunState): string[] {
  const skipped = [...run.steps.values()].filter((one) => one.status === "skipped");
  if (skipped.length === 0) return [];
  const says = skipped.map((one) => `“${safe(cut(one.step.title, 80))}” (${safe(cut(one.reason, 80))})`);
  return [
    `*Skipped:* ${cut(says.slice(0, 5).join(", "), 600)}${says.length > 5 ? ` and ${says.length - 5} more` : ""}`,
  ];
}

/** What is left of the recovery time objective; nothing where no clock runs: planned work, no objective. To the minute. */
function timeLeft({ state, run }: ApprovalRequest, { now }: Surroundings): string[] {
  const deadline = deadlineOf(state, run);
  if (deadline === null || run.plan.rtoSeconds === null) return [];
  const left = Math.floor((deadline.getTime() - now.getTime()) / 60_000);
  const objective = lasting(run.plan.rtoSeconds);
  if (left < 0) return [`*RTO:* ${objective}, over since ${at(deadline)}`];
  return [`*RTO:* ${left === 0 ? "less than 1 min" : lasting(left * 60)} left of ${objective} (${local(deadline)})`];
}

function acting(id: string, { system }: Surroundings): boolean {
  const person = personById(id, system);
  return person === null || canAct(person);
}

/** Who is on call now, and by whose word: the newest level that was requested. */
function onCall({ summons }: GateState, { asked }: Awaited, around: Surroundings): string[] {
  const last = summons.toSorted((a, b) => a.level - b.level).at(-1);
  if (last === undefined) return [];
  const waited = asked[last.level]?.people.map(({ id }) => id) ?? [];
  const isSame = waited.length === last.people.length && waited.every((id) => last.people.includes(id));
  if (isSame && last.why === null) return [];
  const able = last.people.filter((id) => acting(id, around));
  const who = able.length === 0 ? "no one who can act" : able.map((id) => around.names(id)).join(", ");
  const why = last.why === null ? "" : ` ${safe(ended(cut(last.why, 300)))}`;
  if (last.source === "pagerduty") {
    const left = last.why === null ? "" : ` Left out:${why}`;
    return [`*On call (PagerDuty):* ${who}.${left}`];
  }
  return [`*On call (roster):* ${who}.${why}`];
}

/** Whose phone rang and who answered it; or that no one's could be made to. */
function paged({ state, gate }: ApprovalRequest, around: Surroundings): Block[] {
  const page = pageOf(state, gate.ask);
  const failing = notPaged(state);
  return [
    ...(page ? [context(ackWords(page, around))] : []),
    ...(failing && page === null ? [section(`⚠️ ${failing}`)] : []),
  ];
}

/** "incident commander (@ana)": a level and those in it who could still approve. */
export function approvalRequests(
  { role, people }: { role: string; people: Awaited["asked"][number]["people"] },
  around: Surroundings,
): string {
  const who = people.slice(0, 3).map(({ id }) => around.names(id));
  const more = people.length > 3 ? ` and ${people.length - 3} more` : "";
  return `${roleWords(around.system, role)} (${who.length === 0 ? "nobody available" : who.join(", ")}${more})`;
}
