import type { Choice } from "./doing.ts";

/**
 * What could be done about an incident now, as whoever reads its timeline knows: the core draws no buttons. Not all of it is allowed, and
 * what is allowed may not be any more when it arrives.
 */
interface Row {
  readonly type: string;
  readonly run: string | null;
  readonly data: string;
}

/** Where a run stands, as far as it tells what can be done about it. */
interface RunSeen {
  readonly gates: Map<string, GateSeen>;
  /** What stands beside a step that waits for a person: what can be typed about it. */
  readonly steps: Map<string, readonly string[]>;
  readonly changed: Set<string>;
  isOver: boolean;
  isHalted: boolean;
  unreviewed: boolean;
}

interface GateSeen {
  isOpen: boolean;
  isAsked: boolean;
  /** Someone else was asked after the first. */
  isSilent: boolean;
  isBroken: "no" | "asked" | "yes";
  deniedBy: string | null;
}

interface Seen {
  readonly runs: Map<string, RunSeen>;
  readonly loans: Map<string, string>;
  kind: string;
  isPrivate: boolean;
  status: "open" | "resolved" | "closed";
  question: { readonly walk: string; readonly question: string; readonly answers: readonly string[] } | null;
  proposed: { readonly walk: string; readonly mode: string } | null;
  actions: number;
  updates: number;
  isDue: boolean;
}

type Data = Readonly<Record<string, unknown>>;

/** Verdicts on a step that a person can do something about, and what. */
const WAITS: Readonly<Record<string, readonly string[]>> = {
  "step.failed": ["retry", "skip"],
  "step.stopped": ["retry", "skip"],
  "step.opened": ["done", "skip"],
};

const USERS: Readonly<Record<string, string>> = { ana: "UANA", bo: "UBO", cy: "UCY", dee: "UDEE", vi: "UVI" };
const COMMANDERS = ["UBO", "UCY", "UDEE"];
const BREAKERS = [...COMMANDERS, "UVI"];

export function openingsIn(stream: string, rows: readonly Row[]): readonly Choice[] {
  if (rows[0]?.type !== "incident.declared") return [];
  const seen = seenIn(rows);
  const may = (line: string, more: Partial<Choice> = {}): Choice => {
    const [verb = ""] = line.split(" ");
    return { action: verb, value: `${stream} ${line}`, block: "", message: null, ...more };
  };
  return [...aboutIncident(stream, seen, may), ...[...seen.runs].flatMap(([id, run]) => aboutRun(id, run, may))];
}

type May = (line: string, more?: Partial<Choice>) => Choice;

function aboutIncident(stream: string, seen: Seen, may: May): readonly Choice[] {
  const { kind, status, question, proposed, actions } = seen;
  if (status !== "open") {
    const lines = [
      "postmortem",
      "close",
      "close --no-postmortem small",
      "sign-off all of it held",
      "reopen it is back",
    ];
    return [...lines.map((line) => may(line)), ...told(may, "resolution")];
  }
  const isLive = [...seen.runs.values()].some(({ isOver }) => !isOver);
  const found: Choice[] = [];
  if (kind === "maintenance") found.push(may("raise P1 it spreads"));
  else {
    if (!isLive) found.push(may("resolve it is well"));
    if (seen.updates < 2) found.push(...told(may, "progress"));
    if (seen.loans.size === 0) found.push(may("delegate incident-commander to @ana for 1m away", { by: COMMANDERS }));
    if (question === null) found.push(may("triage"));
  }
  for (const answer of question?.answers ?? [])
    found.push(may("triage.answer", { actionValue: [stream, question?.walk, question?.question, answer].join("/") }));
  if (proposed !== null)
    found.push(may("triage.start", { actionValue: [stream, proposed.walk, proposed.mode].join("/") }));
  if (seen.isDue) found.push(may("snooze 1", { by: COMMANDERS }));
  if (seen.isPrivate) found.push(may("invite @bo @ana --reason skill"));
  if (actions > 0) found.push(may(`action done A${actions}`));
  for (const [borrower, lender] of seen.loans)
    found.push(may(`delegate end incident-commander @${borrower}`, { by: [USERS[lender] ?? ""] }));
  return found;
}

/** An update as its form is sent. */
function told(may: May, moment: string): readonly Choice[] {
  const fields = ["news", "doing", "users", "nextUpdate", "ended", "cause", "lost", "left", "next", "thanks"];
  const filled = Object.fromEntries(fields.map((name) => [`field-${name}`, "as it is"]));
  return [may("update", { form: { template: `responders-${moment}`, ...filled } })];
}

function aboutRun(id: string, run: RunSeen, may: May): readonly Choice[] {
  if (run.isOver) {
    const undone = [...run.changed].map((step) => may(`undo ${step} ${id}`));
    const review = may(`review ${id} it was right`);
    return run.unreviewed ? [...undone, review, review, review] : undone;
  }
  const found: Choice[] = [];
  for (const [ask, gate] of run.gates) {
    const about = `${id}/${ask}`;
    if (gate.deniedBy !== null)
      found.push(may("gate.explain it is too late", { actionValue: about, by: [USERS[gate.deniedBy] ?? ""] }));
    if (!gate.isOpen) continue;
    found.push(may(`approve ${id} ${ask}`, { action: "gate.approve" }), may(`ask ${id} is it safe?`));
    found.push(may("plan.steps", { actionValue: about, opensForm: true }), may(`deny ${id} not now`));
    if (gate.isAsked) found.push(may(`answer ${id} it is`));
    const breaks = may(`break-glass ${id} no one is there`, { by: BREAKERS });
    if (gate.isBroken === "no") found.push(...(gate.isSilent ? [breaks, breaks, breaks] : [breaks]));
    const confirms = may("gate.confirm-break", { actionValue: about });
    if (gate.isBroken === "asked") found.push(breaks, confirms, confirms, confirms);
  }
  for (const [step, verbs] of run.steps) found.push(...verbs.map((verb) => may(`${verb} ${id} ${step} because`)));
  if (run.isHalted) found.push(may(`resume ${id}`), may(`abort ${id} enough`));
  return found;
}

function seenIn(rows: readonly Row[]): Seen {
  const seen: Seen = {
    ...{ runs: new Map(), loans: new Map(), kind: "", isPrivate: false },
    ...{ status: "open", question: null, proposed: null, actions: 0, updates: 0, isDue: false },
  };
  for (const { type, run, data } of rows) {
    if (type === "run.preflighted") continue;
    const says = JSON.parse(data) as Data;
    if (run === null) incident(seen, type, says);
    else inRun(seen.runs, run, type, says);
  }
  return seen;
}

function incident(seen: Seen, type: string, says: Data): void {
  if (type === "incident.declared") Object.assign(seen, { kind: says.kind, isPrivate: says.private !== undefined });
  if (type === "incident.raised") seen.kind = "real";
  if (type === "incident.resolved") seen.status = "resolved";
  if (type === "incident.closed") seen.status = "closed";
  if (type === "incident.reopened") seen.status = "open";
  if (type === "action.added") seen.actions++;
  if (type === "update.posted") seen.updates++;
  if (type === "comms.reminded") seen.isDue = true;
  if (type === "incident.roleDelegated") seen.loans.set(String(says.to), String(says.from));
  if (type === "incident.delegationEnded") seen.loans.delete(String(says.to));
  if (type === "triage.asked") {
    const answers = (says.answers as readonly { readonly id: string }[]).map((answer) => answer.id);
    seen.question = { walk: String(says.triage), question: String(says.question), answers };
  }
  if (type !== "triage.concluded") return;
  const book = says.runbook as { readonly modes: readonly string[] } | null;
  seen.question = null;
  seen.proposed = book === null ? null : { walk: String(says.triage), mode: book.modes[0] ?? "" };
}

function inRun(runs: Map<string, RunSeen>, id: string, type: string, says: Data): void {
  if (type === "run.requested")
    runs.set(id, {
      ...{ gates: new Map(), steps: new Map(), changed: new Set() },
      ...{ isOver: false, isHalted: false, unreviewed: false },
    });
  const run = runs.get(id);
  if (run === undefined) return;
  if (/^run\.(?:verified|aborted|failed)$/.test(type)) run.isOver = true;
  if (type === "run.paused" || type === "run.stuck") run.isHalted = true;
  if (type === "run.resumed") run.isHalted = false;
  if (type === "gate.reviewed") run.unreviewed = false;
  if (type.startsWith("gate.")) inGate(run, type, says);
  if (!type.startsWith("step.")) return;
  const step = String(says.step);
  const waits = WAITS[type];
  if (waits === undefined) run.steps.delete(step);
  else run.steps.set(step, waits);
  if (type === "step.intended") run.changed.add(step);
}

function inGate(run: RunSeen, type: string, says: Data): void {
  const ask = String(says.ask);
  if (type === "gate.opened")
    run.gates.set(ask, { isOpen: true, isAsked: false, isSilent: false, isBroken: "no", deniedBy: null });
  const gate = run.gates.get(ask);
  if (gate === undefined) return;
  if (type === "gate.asked") gate.isAsked = true;
  if (type === "gate.escalated") gate.isSilent = true;
  if (type === "gate.breakAsked") gate.isBroken = "asked";
  if (type === "gate.broken") {
    gate.isBroken = "yes";
    run.unreviewed = true;
  }
  if (type === "gate.explained") gate.deniedBy = null;
  if (type === "gate.denied") gate.deniedBy = String(says.person);
  if (/^gate\.(?:passed|denied|expired|voided)$/.test(type)) gate.isOpen = false;
}
