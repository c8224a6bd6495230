import type { GateStep, PlanStep } from "../../src/catalog/types.ts";
import { type Awaited, awaited } from "../../src/incident/authority.ts";
import type { GateState, IncidentState, RunState } from "../../src/incident/state.ts";
import { actions, type Button, context, header, lines, section } from "./blocks.ts";
import { clockOrigin, deadlineOf } from "./deadline.ts";
import { cut, ended, plain, safe } from "./escape.ts";
import { checkLine, distinct, factLine } from "./facts.ts";
import { kindPrefix, kindSentence } from "./kind.ts";
import type { Block, Message } from "./message.ts";
import { ackWords, notPaged, pageOf } from "./paged.ts";
import { roleWords } from "./people.ts";
import { changes, coveredBy } from "./plan.ts";
import type { Surroundings } from "./view.ts";
import { at, between, clock, lasting } from "./when.ts";

/** One ask of one gate, and all that surrounds it. */
export interface Ask {
  readonly state: IncidentState;
  readonly run: RunState;
  readonly step: GateStep;
  readonly gate: GateState;
}

/** The question to the person who may decide: everything needed for it, on one phone screen. */
export function gateCard(ask: Ask, around: Surroundings): Message {
  const { run, step, gate } = ask;
  const who = awaited(run, gate, around.system, around.now);
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const note = kindSentence(run.plan.kind, around.practice);
  return {
    text: `${prefix}${safe(run.plan.title)} needs ${missingWords(who)} by ${who.asked.map((level) => asks(level, around)).join("; ")}: ${ended(safe(step.title))} ${ended(safe(run.plan.target))} Data lost: ${safe(gate.loss)}. Expires at ${clock(gate.expiresAt)}.`,
    blocks: [
      header(`${prefix}Decide: ${plain(run.plan.title)}`),
      section(
        [
          `*${safe(run.plan.target)}*`,
          `*Data lost:* ${safe(gate.loss)}`,
          `*No way back after:* ${noReturn(ask)}`,
          `*Not deciding:* ${waitingCosts(ask, around)}`,
        ].join("\n"),
      ),
      ...lines(["*Approving lets this happen*", ...covered(ask), ...warnings(run)]),
      section(authority(ask, who, around)),
      ...paged(ask, around),
      decide(ask, who),
      ...seen(run),
      context(
        `Bound to plan ${gate.planHash.slice(0, 8)} and facts ${gate.factsHash.slice(0, 8)}: if either changes, it is asked again · asked ${at(gate.openedAt)}${note ? ` · ${note}` : ""}`,
      ),
    ],
  };
}

/** What became of it; nothing in it can be pressed. */
export function gateOutcome({ run, step, gate }: Ask, around: Surroundings): Message {
  const what = `${kindPrefix(run.plan.kind, around.practice)}${safe(run.plan.title)}, ${safe(step.title)}`;
  const says = outcomeWords(gate, around);
  const after = gate.closedAt ? between(gate.openedAt, gate.closedAt) : null;
  const waited =
    after === null ? "." : gate.outcome === "voided" && gate.says ? ` (after ${after})` : ` after ${after}.`;
  const approvals = gate.approvals.map(
    ({ person, role, at: when }) => `${around.names(person)} (${roleWords(around.system, role)}) approved ${at(when)}`,
  );
  return {
    text: `${what}: ${says}${waited}`,
    blocks: [
      section(`${MARKS[gate.outcome]} *${what}*\n${says}${waited}`),
      ...lines(approvals),
      ...again(run, step, gate),
      context(
        `Data lost as shown: ${safe(gate.loss)} · plan ${gate.planHash.slice(0, 8)}, facts ${gate.factsHash.slice(0, 8)}`,
      ),
    ],
  };
}

/** Refused or expired: the run stands still until somebody asks again or gives up. */
function again(run: RunState, step: GateStep, gate: GateState): Block[] {
  if (run.endedAt !== null || (gate.outcome !== "denied" && gate.outcome !== "expired")) return [];
  return [
    actions(
      { label: "Ask again", verb: "step.retry", detail: gate.ask, carries: `${run.id}/${step.id}` },
      { label: "Abort run…", verb: "run.abort", detail: gate.ask, carries: run.id, style: "danger" },
    ),
  ];
}

/** An earlier ask of a gate that was asked again since. */
export function gateSuperseded(run: RunState, step: PlanStep, around: Surroundings): Message {
  const text = `${kindPrefix(run.plan.kind, around.practice)}${safe(run.plan.title)}, ${safe(step.title)}: this question was closed without an approval. It was asked again below.`;
  return { text, blocks: [section(`⏹️ ${text}`)] };
}

/** The run ended while the question was open. */
export function gateAbandoned({ run, step }: Ask, around: Surroundings): Message {
  const text = `${kindPrefix(run.plan.kind, around.practice)}${safe(run.plan.title)}, ${safe(step.title)}: the run ended before this was decided. Nothing is asked any more.`;
  return { text, blocks: [section(`⏹️ ${text}`)] };
}

/** Nobody answered in time: said anew, because an edited message rings no phone. */
export function escalation(ask: Ask, role: string, level: number, around: Surroundings): Message {
  const { run, gate } = ask;
  const people = awaited(run, gate, around.system, around.now).asked[level]?.people ?? [];
  const who = `${kindPrefix(run.plan.kind, around.practice)}${asks({ role, people }, around)}`;
  if (gate.outcome !== "open" || run.endedAt !== null) {
    const text = `${kindPrefix(run.plan.kind, around.practice)}${roleWords(around.system, role)} was asked too, because nobody had decided on ${safe(run.plan.title)}. That is over.`;
    return { text, blocks: [section(`⏹️ ${text}`)] };
  }
  const text = `${who}: nobody has decided on ${safe(run.plan.title)} since ${clock(gate.openedAt)}, so you are asked now. ${safe(run.plan.target)}. Data lost: ${safe(gate.loss)}. Expires at ${clock(gate.expiresAt)}.`;
  return {
    text,
    blocks: [section(`📣 ${text}`), decide(ask, awaited(run, gate, around.system, around.now), String(level))],
  };
}

/** Nobody approves what enough have approved; denying stays possible until it starts. */
function decide({ run, gate }: Ask, { missing }: Awaited, detail?: string): Block {
  const carries = `${run.id}/${gate.ask}`;
  const own = detail === undefined ? {} : { detail };
  const deny: Button = {
    ...own,
    label: "Deny…",
    verb: "gate.deny",
    carries,
    style: "danger",
    aloud: `Deny ${plain(run.plan.title)}`,
  };
  if (missing === 0) return actions(deny);
  const approve: Button = {
    ...own,
    label: "Approve",
    verb: "gate.approve",
    carries,
    style: "primary",
    aloud: `Approve ${plain(run.plan.title)}`,
    confirm: {
      title: `Approve: ${run.plan.title}?`,
      says: `${cut(run.plan.target, 140)}. Data lost: ${cut(gate.loss, 120)}.`,
      yes: "Approve",
      no: "Not yet",
    },
  };
  return actions(approve, deny);
}

const MARKS: Readonly<Record<GateState["outcome"], string>> = {
  open: "✋",
  passed: "✅",
  denied: "⛔",
  expired: "⌛",
  voided: "⏹️",
};

function outcomeWords(gate: GateState, around: Surroundings): string {
  const people = gate.approvals.map(({ person }) => around.names(person)).join(" and ");
  switch (gate.outcome) {
    case "open":
      return "open";
    case "passed":
      return `approved by ${people}`;
    case "denied":
      return `${safe(cut(gate.says ?? "Denied", 500))}`;
    case "expired":
      return "expired, nobody decided in time";
    case "voided":
      return `no longer holds${gate.says ? `: ${ended(safe(cut(gate.says, 500)))}` : ""}`;
    default:
      return gate.outcome satisfies never;
  }
}

function missingWords({ missing, approved }: Awaited): string {
  if (missing === 0) return "nothing more";
  if (approved.length > 0) return `${missing} more ${missing === 1 ? "approval" : "approvals"}`;
  return missing === 1 ? "approval" : `approval by ${missing} people`;
}

/** What is changed, a line each; what only looks is one line, so that all of it stays on one screen of a phone. */
function covered({ run, step }: Ask): string[] {
  const all = coveredBy(run.plan, step.id);
  const does = all.filter((one) => changes(one) || one.kind === "manual");
  const looks = all.length - does.length;
  const rest = looks === 0 ? [] : [`• and ${looks} ${looks === 1 ? "step that only looks" : "steps that only look"}`];
  return [...does.map(({ title }) => `• ${safe(cut(title, 150))}`), ...rest];
}

function noReturn({ run, step }: Ask): string {
  const covered = coveredBy(run.plan, step.id).find(({ id }) => id === run.plan.pointOfNoReturn);
  return covered ? safe(covered.title) : "every step of this part can be undone";
}

/** What it costs to wait, in the objective's own minutes. Said to the minute, so it changes once a minute. */
function waitingCosts({ state, run }: Ask, { now }: Surroundings): string {
  const deadline = deadlineOf(state, run);
  if (deadline === null || run.plan.rtoSeconds === null) return "no recovery time objective is set.";
  const left = Math.floor((deadline.getTime() - now.getTime()) / 60_000);
  const objective = `the objective of ${lasting(run.plan.rtoSeconds)} since ${clockOrigin(state)}`;
  if (left < 0) return `${objective} passed ${at(deadline)}.`;
  return `${left === 0 ? "less than a minute" : lasting(left * 60)} left of ${objective}, until ${at(deadline)}.`;
}

function warnings(run: RunState): string[] {
  const failed = run.preflight?.checks.filter(({ ok }) => !ok) ?? [];
  return [...new Set(failed.map(checkLine))].slice(0, 5);
}

/** What the approval is bound to, for whoever reads on: below the buttons, in small print. */
function seen(run: RunState): Block[] {
  const facts = run.preflight?.facts.filter(({ id, material }) => material || /^lag/.test(id)) ?? [];
  if (facts.length === 0) return [];
  return [context(`What was seen: ${distinct(facts).slice(0, 10).map(factLine).join(" · ")}`)];
}

function authority({ run, gate }: Ask, who: Awaited, around: Surroundings): string {
  const { asked, approved, missing, next } = who;
  const later = gate.escalate.slice(gate.level).map(({ role }) => roleWords(around.system, role));
  const given = approved.map(({ person }) => around.names(person));
  return [
    `*Asked now:* ${asked.map((level) => asks(level, around)).join("; ")}`,
    `*Approvals:* ${approved.length} given${given.length > 0 ? ` (${given.join(", ")})` : ""}, ${missing} missing; not ${around.names(run.requester)}, who asked for the run`,
    ...onCall(gate, around),
    later.length > 0 ? `*May decide at any time:* ${later.join(", ")}` : null,
    next ? `*If nobody answers:* ${asks(next, around)} is asked ${at(next.at)}` : null,
    `*Expires:* ${at(who.expiresAt)}`,
    who.possible ? null : "⚠️ *Nobody is left who could give it:* the roster has too few people who may. Deny or abort.",
  ]
    .filter((line) => line !== null)
    .join("\n");
}

/** Who is on call now, and by whose word: the newest level that was asked for. */
function onCall({ summons }: GateState, around: Surroundings): string[] {
  const last = summons.toSorted((a, b) => a.level - b.level).at(-1);
  if (last === undefined) return [];
  const who = last.people.length === 0 ? "nobody" : last.people.map((id) => around.names(id)).join(", ");
  const why = last.why === null ? "" : ` ${safe(ended(cut(last.why, 300)))}`;
  if (last.source === "pagerduty") {
    const left = last.why === null ? "" : ` Left out:${why}`;
    return [`*On call now:* ${who}, says PagerDuty.${left}`];
  }
  return [`*On call now:* by the roster, ${who}.${why}`];
}

/** Whose phone rang and who answered it; or that nobody's could be made to. */
function paged({ state, gate }: Ask, around: Surroundings): Block[] {
  const page = pageOf(state, gate.ask);
  const failing = notPaged(state);
  return [
    ...(page ? [context(ackWords(page, around))] : []),
    ...(failing && page === null ? [section(`⚠️ ${failing}`)] : []),
  ];
}

/** "incident commander (@ana)": a level and whoever of it could still approve. */
function asks({ role, people }: { role: string; people: Awaited["asked"][number]["people"] }, around: Surroundings) {
  const who = people.slice(0, 5).map(({ id }) => around.names(id));
  const more = people.length > 5 ? ` and ${people.length - 5} more` : "";
  return `${roleWords(around.system, role)} (${who.length === 0 ? "nobody who could" : who.join(", ")}${more})`;
}
