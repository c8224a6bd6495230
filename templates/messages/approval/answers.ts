import type { System } from "../../../src/catalog/types.ts";
import type { Delegations } from "../../../src/incident/delegation.ts";
import type { RunState } from "../../../src/incident/state.ts";
import { ended, safe } from "../kit/escape.ts";
import type { Message } from "../kit/message.ts";
import { roleWords } from "../kit/people.ts";
import { said } from "../kit/reply.ts";
import { at, clock } from "../kit/when.ts";
import { runName } from "../run/answers.ts";
import { notFencedPlain } from "../run/fence.ts";
import { changedWords } from "../run/left.ts";

/** What a person is told when their command about an approval, a delegation or an authenticator was carried out. */

/** `why`: what there is nothing to do about then. */
export function noOpenApproval(run: RunState, why?: "ask" | "answer" | "override"): Message {
  return said(`${runName(run)} has no open approval${why === undefined ? "." : NOTHING_TO[why]}`);
}

const NOTHING_TO = {
  ask: ", so there's nothing to ask about.",
  answer: ", so there's nothing to answer.",
  override: " to override.",
} as const;

export function approved(run: RunState): Message {
  return said([`Your approval of ${runName(run)} is recorded.`, safe(run.plan.target)]);
}

/** Below the card of an approval request. @param ask its id */
export function howToApprove(run: RunState, ask: string): string {
  return `To approve exactly this, type \`/dr approve ${safe(run.id)} ${safe(ask)}\`.`;
}

/** @param left where things are left, safe */
export function denied(run: RunState, reason: string, left: readonly string[]): Message {
  return said([`You denied ${runName(run)}: ${ended(safe(reason))} The run is paused.`, ...left]);
}

/** Above the form that denies it. Not escaped. */
export function denySays(run: RunState): string {
  return `${run.plan.target}. The run stops here. ${changedWords(run)}`;
}

export function denialExplained(run: RunState, reason: string): Message {
  return said(`Your reason for denying ${runName(run)} is posted: ${safe(reason)}`);
}

/** Above the form for the reason of a denial. Not escaped. */
export function explainSays(run: RunState): string {
  return `${run.plan.title}: ${run.plan.target}. The reason is posted in the thread.`;
}

/** @param role its title; null: it isn't known */
export function escalated(run: RunState, role: string | null): Message {
  return said(
    `${runName(run)} is escalated to ${role === null ? "the next level" : safe(role)}. ${safe(run.plan.target)}`,
  );
}

/** Above the form that escalates it. Not escaped. */
export function escalateSays(run: RunState, role: string | null): string {
  return `${run.plan.target}. ${role ?? "The next level"} is asked now and reads your reason.`;
}

/** @param by who was asked, safe */
export function questionAsked(run: RunState, by: string): Message {
  return said(`${by} was asked in the thread of ${runName(run)}. The approval stays open.`);
}

export function questionAnswered(run: RunState): Message {
  return said(`Your answer is in the thread of ${runName(run)}.`);
}

/** Above the form that uses break-glass, one idea a line. Not escaped. */
export function breakGlassSays(run: RunState): string {
  return [
    `${run.plan.target}.`,
    notFencedPlain(run).trim(),
    "You override an approval. Everyone is told now, and someone else reviews it.",
  ]
    .filter((line) => line !== "")
    .join("\n");
}

/** @param aloneAt from when they may go on alone; null: never, because they requested the run */
export function breakGlassWaits(run: RunState, reason: string, aloneAt: Date | null): Message {
  return said([
    `Your break-glass request is recorded for ${runName(run)}: ${safe(reason)}`,
    aloneAt === null
      ? "A second person must confirm in the thread: you requested this run, so you can't go on alone."
      : `A second person is asked to confirm in the thread. From ${clock(aloneAt)} you may go on alone.`,
  ]);
}

export function breakGlassUsed(run: RunState): Message {
  return said(`Break-glass used for ${runName(run)}. Everyone is told; someone else must review it: \`/dr review\`.`);
}

/** Above the form that confirms it. Not escaped. */
export function confirmBreakSays(run: RunState, reason: string): string {
  return `${run.plan.title}: ${run.plan.target}. Your confirmation overrides the approval. Reason given: ${reason}`;
}

export function breakGlassConfirmed(run: RunState): Message {
  return said(`You are the second person: break-glass used for ${runName(run)}. Someone else must review it.`);
}

export function nothingToReview(): Message {
  return said("No break-glass needs a review.");
}

export function severalToReview(due: readonly { readonly run: RunState; readonly reason: string }[]): Message {
  return said([
    "Several need a review; name one:",
    ...due.map(({ run, reason }) => `• ${runName(run)}: ${safe(reason)}`),
  ]);
}

/** @param by who used it, safe */
export function reviewDue(run: RunState, by: string, reason: string): Message {
  return said([
    `${runName(run)}: break-glass by ${by}. Reason: ${ended(safe(reason))}`,
    `Next: \`/dr review ${safe(run.id)} <what you found>\``.replace("<what you found>", "&lt;what you found&gt;"),
  ]);
}

export function reviewed(run: RunState, finding: string): Message {
  return said(`Break-glass of ${runName(run)} reviewed: ${safe(finding)}`);
}

/** @param to safe */
export function delegated(to: string, role: string, system: System, id: string, length: string, until: Date): Message {
  return said([
    `${to} may decide as *${roleWords(system, role)}* for you for ${length}, until ${clock(until)}.`,
    `Together you count once. To end it: \`/dr delegate end ${safe(role)} ${safe(id)}\`.`,
  ]);
}

export function delegationEnded(name: string, role: string, system: System): Message {
  return said([
    `${safe(name)} no longer decides as *${roleWords(system, role)}*.`,
    "Their approvals for steps not yet started are void.",
  ]);
}

/** @param nameOf safe */
export function delegations(now: Delegations, system: System, nameOf: (id: string) => string): Message {
  if (now.length === 0)
    return said("No roles are delegated. To delegate yours: `/dr delegate &lt;role&gt; to @sam for 2h`.");
  return said([
    "Delegated now:",
    ...now.map(
      ({ role, from, to, until }) =>
        `• *${roleWords(system, role)}*: ${nameOf(to)} for ${nameOf(from)}, until ${clock(until)}`,
    ),
  ]);
}

export function alreadyEnrolled(method: string): Message {
  return said([
    `You already have an authenticator set up (${safe(method)}).`,
    "A new phone? `/dr enroll --again` replaces it; you need a code of the current one.",
  ]);
}

/** @param lines the key and how to enter it, safe */
export function enrolling(lines: readonly string[], replaces: boolean): Message {
  const then = replaces ? "`/dr enroll 123456 --current 654321`" : "`/dr enroll 123456`";
  return said([...lines, `Then confirm with the code it shows: ${then}, within ten minutes.`]);
}

/** @param from when its codes begin to count; null: now */
export function enrolled(from: Date | null): Message {
  if (from === null) return said("Your authenticator is set up. Approvals that need a code will ask for it.");
  return said([
    `Your authenticator counts from ${at(from)}, for approvals requested after that.`,
    "Sooner, if a colleague with an authenticator vouches for you: `/dr vouch @you`. The announce channel is told.",
  ]);
}

export function endorsementNotNeeded(): Message {
  return said("Here a code counts as soon as it's enrolled; no vouching needed.");
}

export function endorsed(name: string): Message {
  return said([
    `You vouched for ${safe(name)}: their code counts from now.`,
    "It doesn't count together with your own approval, nor for runs you request.",
    "They and the announce channel are told.",
  ]);
}

/** Above the form that vouches. */
export function endorseSays(name: string): string {
  return `*${safe(name)}* set up an authenticator. Vouch only after seeing or hearing them: an attacker in their Slack account would ask you for this.`;
}
