import { allOf } from "../../../src/incident/people.ts";
import type { LifeRefusal, MissingReason, NamedRun } from "../../../src/incident/refusal/life.ts";
import type { Words, WordsOf } from "../kit/refusal-words.ts";

/** What an incident refuses, from its declaration to its end. */
export const LIFE_REFUSALS: WordsOf<LifeRefusal> = {
  "not-declared": ({ what }) => ({ what: `There is no such ${what}` }),
  "already-declared": () => ({ what: "This incident is already declared", next: "`/dr status` shows it" }),
  "title-missing": () => ({
    what: "An incident needs a title",
    allowed: "A few words on what people see",
    next: "`/dr declare Checkout fails for all customers`",
  }),
  "system-unknown": ({ system }) => ({ what: `There is no system "${system}" here` }),
  "severity-unknown": ({ system, severity, known }) => ({
    what: `${system} has no severity ${severity}`,
    allowed: `Severities: ${known.join(", ")}`,
  }),
  "severity-same": ({ severity }) => ({ what: `Severity is already ${severity}` }),
  "impact-later": () => ({ what: "The impact can't have started in the future" }),
  "private-kind": () => ({ what: "Only an incident can be private", next: "Drop `--drill` or `--private`" }),
  "incident-over": ({ status }) => ({
    what: `The incident is ${status}`,
    allowed: "This needs an open incident",
    next: "Reopen it first: `/dr reopen <why>`",
  }),
  "incident-open": ({ status, wish }) => ({
    what: `The incident is still open (${status})`,
    allowed: `It can be ${wish} once it's resolved`,
    next: "`/dr resolve` resolves it",
  }),
  "not-maintenance": ({ kind }) => ({
    what: kind === "drill" ? "This is a drill" : "This is already an incident",
    next: "`/dr severity <P0-P3>` changes its severity",
  }),
  maintenance: ({ incident }) => ({
    what: "Maintenance has no severity",
    next: `Make it an incident: \`/dr raise P1 --incident ${incident}\``,
  }),
  "status-unknown": ({ to, known }) => ({
    what: `"${to}" isn't a status you can set`,
    allowed: `Statuses: ${known.join(", ")}`,
    next: "`/dr resolve` resolves, `/dr reopen` reopens",
  }),
  "status-same": ({ status }) => ({ what: `The incident is already ${status}` }),
  "note-empty": () => ({ what: "The note is empty", next: "`/dr note <what happened>`" }),
  "note-later": () => ({ what: "A note can't be about the future" }),
  "reason-missing": ({ reason }) => reasonMissing(reason),
  "statement-missing": () => ({ what: "Say what you attest", next: "`/dr sign-off <what you attest>`" }),
  "signed-off": () => ({
    what: "You signed off exactly this already",
    allowed: "A record that went on can be signed off again",
  }),
  "postmortem-missing": () => ({
    what: "There is no post-mortem yet",
    allowed: "Draft it, or say why there is none",
    next: "`/dr postmortem`, or `/dr close --no-postmortem <why>`",
  }),
  "review-missing": ({ runs }) => ({
    what: `Break-glass was used for ${allOf(runs.map(named))}, and not reviewed`,
    allowed: "Someone who wasn't involved must review it before you close",
    next: "`/dr review <what you found>`",
  }),
  "run-live": ({ runs, wish }) => ({
    what: `Still in progress: ${allOf(runs.map(({ title, id, status }) => `"${title}" (${id}, ${status})`))}`,
    allowed: `An incident can be ${wish} once no run is in progress`,
    next: "Let it finish, or abort it: `/dr abort <why>`",
  }),
  "action-empty": () => ({
    what: "Say what has to be done",
    next: "`/dr action add <what> --owner @<who> --due <YYYY-MM-DD>`",
  }),
  "actions-full": ({ most }) => ({ what: `An incident has at most ${most} action items` }),
  "action-unknown": ({ asked, open }) => ({
    what: asked === "" ? "Say which action item is done" : `There is no action item ${asked} here`,
    allowed: open.length === 0 ? "No action item is open" : `Open: ${open.join(", ")}`,
    next: "`/dr action list` shows them",
  }),
  "action-done": ({ action }) => ({ what: `${action} is already done` }),
  "due-unclear": ({ due }) => ({
    what: `"${due}" isn't a date`,
    allowed: "A date as YYYY-MM-DD",
    next: "`--due 2026-12-24`",
  }),
  "due-past": ({ due }) => ({ what: `${due} has passed`, allowed: "Choose today or a later day" }),
  "no-triage": ({ system }) => ({
    where: system,
    what: "This system has no decision tree",
    next: "`/dr runbook` lists the runbooks; a tree goes under `triage:` in system.yml",
  }),
  "answered-already": ({ asks }) => ({
    what: "This question is already answered, or triage was restarted",
    next: asks === null ? "`/dr triage` restarts it" : `Open question: ${asks}`,
  }),
  "question-changed": () => ({
    what: "The decision tree has changed since this question was asked",
    next: "`/dr triage` restarts it",
  }),
};

function reasonMissing(reason: MissingReason): Words {
  switch (reason.for) {
    case "reopen":
      return { what: "Say why you reopen it", next: "`/dr reopen <why>`" };
    case "abort":
      return { where: reason.where, what: "Say why you abort it", next: "`/dr abort <why>`" };
    case "break-glass":
      return { where: reason.where, what: "Break-glass needs a reason", next: "`/dr break-glass <why>`" };
    case "explain":
      return { where: reason.where, what: "The reason is empty" };
    case "skip":
      return { where: reason.where, what: "Skipping needs a reason", next: `\`/dr skip ${reason.step} <why>\`` };
    default:
      return reason satisfies never;
  }
}

function named({ title, id }: NamedRun): string {
  return `"${title}" (${id})`;
}
