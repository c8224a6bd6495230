import { allOf, oneOf } from "../../../src/incident/people.ts";
import type { ApprovalRefusal, Decided, SilenceWait, Vouched } from "../../../src/incident/refusal/approval.ts";
import type { WordsOf } from "../kit/refusal-words.ts";
import { clock } from "../kit/when.ts";
import { decidedBy } from "../run/refusals.ts";

/** Why an approval request can't be decided, or not by this person. */
export const APPROVAL_REFUSALS: WordsOf<ApprovalRefusal> = {
  "ask-unknown": ({ run }) => ({
    where: run,
    what: "This approval request doesn't exist here",
    allowed: "Approve in the run's thread",
    next: "`/dr status` shows open approvals",
  }),
  "ask-superseded": ({ where }) => ({
    where,
    what: "A newer request has replaced this one",
    allowed: "Only the newest request can be decided",
    next: NEWEST,
  }),
  "ask-void": ({ where, why }) => ({
    where,
    what: `This request is void: ${why ?? "it was requested again"}`,
    next: NEWEST,
  }),
  "gate-expired": ({ where }) => ({
    where,
    what: "The approval has expired",
    next: "Request it again: retry the approval in the run's thread",
  }),
  "gate-role": ({ where, roles, able }) => ({
    where,
    what: `You don't hold a role that decides this (${oneOf(roles)})`,
    allowed: able.length === 0 ? "No one on the roster may decide it now" : `${oneOf(able)} may decide it`,
  }),
  "gate-requester": ({ where, able }) => ({
    where,
    what: "You requested this run, so you can't approve it from any account",
    allowed: able.length === 0 ? "No one else on the roster can approve it" : `${oneOf(able)} may approve it`,
  }),
  "gate-added-later": ({ where, able }) => ({
    where,
    what: "You didn't hold an approving role when this was requested",
    allowed: mayApprove(able),
    next: "If you should, have it denied and requested again",
  }),
  "already-decided": ({ where, how }) => ({ where, what: decided(how) }),
  "counts-already": ({ where, gate, able }) => ({
    where,
    what: `You approved "${gate}", part of the same decision. One person counts once`,
    allowed: mayApprove(able),
  }),
  "place-taken": ({ where, by, place, able }) => ({
    where,
    what: `${by} already approved for ${place}. You and they count once together`,
    allowed:
      able.length === 0 ? "No one else on the roster may decide it" : "Another holder of the role may approve it",
  }),
  "plan-changed": ({ where }) => ({ where, what: "The plan has changed since it was shown", next: AGAIN }),
  "facts-changed": ({ where }) => ({ where, what: "The facts have changed since they were shown", next: AGAIN }),
  "step-up-needed": ({ where, wish }) =>
    wish === "approve"
      ? { where, what: "This approval needs an authenticator code", allowed: "Denying needs no code" }
      : { where, what: "Break-glass needs an authenticator code here", next: "`/dr enroll` sets one up" },
  "proof-vouched-by-same": ({ where, vouched }) => ({
    where,
    what: vouchedBySame(vouched),
    allowed: "Another colleague with an authenticator may vouch for you",
  }),
  "signed-other": ({ where }) => ({
    where,
    what: "You signed another request, plan or facts",
    next: "Look at the open request with `/dr approve`, and sign that",
  }),
  "question-empty": ({ where }) => ({ where, what: "Type your question", next: "`/dr ask <what you need to know>`" }),
  "nothing-asked": ({ where }) => ({ where, what: "No question is open here" }),
  "answer-empty": ({ where }) => ({ where, what: "Type your answer", next: "`/dr answer <what you know>`" }),
  "not-denied": ({ where }) => ({ where, what: "You didn't deny this, or it was requested again since" }),
  "not-escalating": ({ where, able }) => ({
    where,
    what: "Only the requester, the incident commander and the approvers can escalate",
    allowed: `${oneOf(able)} may do it`,
  }),
  "no-level-left": ({ where, able }) => ({
    where,
    what: "Everyone who may decide is already asked",
    allowed: able.length === 0 ? "No one else on the roster may decide it" : `${oneOf(able)} may decide it`,
  }),
  "break-glass-off": ({ where, system }) => ({
    where,
    what: `${system} has no break-glass`,
    allowed: "`breakGlass` in system.yml sets who may use it",
  }),
  "break-glass-role": ({ where, roles, able }) => ({
    where,
    what: `You don't hold a role that may use break-glass (${oneOf(roles)})`,
    allowed: able.length === 0 ? "No one on the roster may use it" : `${oneOf(able)} may use it`,
  }),
  "chain-not-silent": ({ where, waits }) => ({
    where,
    what: "Break-glass is for approvers who don't answer. They still have time",
    allowed: notBefore(waits),
    ...(waits.kind === "level" && { next: "`/dr escalate` escalates now" }),
  }),
  "second-awaited": ({ where, able, aloneFrom }) => ({
    where,
    what: "A second person must confirm",
    allowed: `${oneOf(able)} may confirm it${aloneFrom === null ? "" : `. From ${clock(aloneFrom)} you may go on alone`}`,
  }),
  "requester-alone": ({ where, able }) => ({
    where,
    what: "You requested this run, so you can't override its approval alone",
    allowed:
      able.length === 0
        ? "No one else on the roster may use break-glass here"
        : `${oneOf(able)} may confirm it, or use break-glass instead`,
  }),
  "nothing-to-confirm": ({ where }) => ({ where, what: "No break-glass request is open here" }),
  "not-second": ({ where, own, able }) => ({
    where,
    what: own ? "The second person must be someone else" : "You can't be the second person here",
    allowed: able.length === 0 ? "No one on the roster can confirm it" : `${oneOf(able)} can confirm it`,
  }),
  "nothing-to-review": () => ({ what: "No break-glass needs a review here" }),
  "review-own": ({ where, involved }) => ({
    where,
    what: "You were involved, so you can't review it",
    allowed: `Anyone on the roster except ${allOf(involved)} may review it`,
  }),
  "finding-missing": ({ where }) => ({ where, what: "Say what you found", next: "`/dr review <what you found>`" }),
};

const NEWEST = "Use the newest request in the run's thread";
const AGAIN = "Decide the new request in the run's thread";

function mayApprove(able: readonly string[]): string {
  return able.length === 0 ? "No one else on the roster may decide it" : `${oneOf(able)} may approve it`;
}

function decided(how: Decided): string {
  switch (how.kind) {
    case "denied":
      return `Already decided: ${how.says ?? "denied"}`;
    case "by-you":
      return "You already approved. One person counts once";
    case "enough":
      return "Already decided: enough people have approved";
    case "by":
      return `Already decided by ${decidedBy(how.by)}`;
    default:
      return how satisfies never;
  }
}

function vouchedBySame(vouched: Vouched): string {
  switch (vouched.kind) {
    case "self":
      return "You can't vouch for your own new authenticator";
    case "by-requester":
      return `${vouched.person} vouched for you and requested this run, so your authenticator doesn't count here yet`;
    case "counted-once":
      return `You and ${vouched.person} count once here: one of you vouched for the other's new authenticator`;
    default:
      return vouched satisfies never;
  }
}

function notBefore(waits: SilenceWait): string {
  if (waits.kind === "until") return `From ${clock(waits.at)}, if there is still no answer`;
  const when = waits.at === null ? "" : ` at ${clock(waits.at)}`;
  return `${waits.role ?? "The next level"} is asked first${when}`;
}
