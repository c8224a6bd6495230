import {
  type AheadShown,
  aheadForm,
  aheadText,
  approvedAhead,
  mayNotApproveAhead,
  mayNotRevokeAhead,
  noCodeAhead,
  notAhead,
  planChanged,
  requestsItself,
  revokedAhead,
  shortHash,
} from "../../../templates/messages/incident/calendar-ahead.ts";
import { notOnRosterOf } from "../../../templates/messages/incident/command-refusals.ts";
import { notWritten } from "../../../templates/messages/kit/command-refusals.ts";
import { refusals } from "../../../templates/messages/kit/refusal.ts";
import { notPlanned } from "../../../templates/messages/run/answers.ts";
import { leavesRequester, mayRevoke, roleAhead } from "../../calendar/ahead.ts";
import { calendarStream } from "../../calendar/events.ts";
import { readCalendar } from "../../calendar/read.ts";
import { foldCalendar } from "../../calendar/state.ts";
import { nextOf } from "../../catalog/calendar.ts";
import { rolesOfGate } from "../../catalog/gates.ts";
import type { Occasion, Person, System } from "../../catalog/types.ts";
import { LIMITS } from "../../incident/decide/words.ts";
import { personOf, reachableNames, roleTitle } from "../../incident/people.ts";
import { LifeboatError } from "../../lib/errors.ts";
import { actorOf, type Reply, type Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { say, stop } from "../reply/say.ts";
import { NOTHING_PROVED, type StepUp } from "./act.ts";
import { runbookAhead } from "./ahead.ts";
import { planOfOccasion } from "./look-and-plan.ts";
import { proveSelf } from "./step-up.ts";

/** The entry of the calendar whose runs are to be approved ahead, or no longer. */
export interface AheadMeant {
  readonly system: System;
  readonly occasion: Occasion;
  /** The plan that was shown, as a button carries it; null: it was typed. */
  readonly shown: string | null;
  /** Words behind the entry. */
  readonly words: readonly string[];
}

/** Shown first what exactly: this plan, for so long, so often. Recorded where the plan still is the one that was shown. */
export async function approveAhead(context: CommandContext, request: Request, entry: AheadMeant): Promise<Reply> {
  const { system, occasion } = entry;
  const person = personOf(actorOf(request.caller), system);
  if (person === null) return stop(notOnRosterOf(system.title));
  const found = runbookAhead(context, system, occasion);
  if (found === null || occasion.approvedAhead === undefined) return stop(notAhead(occasion.title));
  const { runbook, gate } = found;
  const role = roleAhead(person.roles, gate);
  if (role === null) return stop(mayNotApproveAhead(occasion, await ableTo(context, system, rolesOfGate(gate))));
  const before = (await readCalendar(context.timeline, system.id)).occasions.get(occasion.id)?.ahead.approvals ?? [];
  const others = before.map((one) => one.person).filter((one) => one !== person.id);
  if (!leavesRequester(system, occasion, person.id, others))
    return stop(requestsItself(occasion, roleTitle(occasion.organiser ?? "", system)));
  const planned = await planOfOccasion(context, runbook, occasion);
  if (!planned.ok) return say(refusals(notPlanned(runbook.title), planned.problems));
  const { plan, hash: planHash } = planned;
  const now = context.timeline.now();
  const word = entry.shown ?? entry.words[0] ?? null;
  const shown = {
    ...{ system, occasion, gate, plan, planHash, coded: gate.stepUp },
    ...{ now, next: nextOf(occasion, now) },
  };
  if (word === null)
    return request.canAskForm && request.form === null
      ? { kind: "form", form: aheadForm(shown) }
      : say(aheadText(shown));
  const name = `${system.id}/${occasion.id}`;
  if (word !== shortHash(planHash) && word !== planHash) return stop(planChanged(occasion, name));
  const proved = gate.stepUp ? await provedAhead(context, request, shown, person) : NOTHING_PROVED;
  if ("kind" in proved) return proved;
  const decided = await context.timeline.decide(calendarStream(system.id), (events, now) => {
    const until = new Date(now.getTime() + (occasion.approvedAhead?.expiresSeconds ?? 0) * 1000);
    const data = {
      ...{ occasion: occasion.id, person: person.id, role, planHash, until: until.toISOString() },
      ...{ proved: proved.provedAfresh, vouchedBy: proved.vouchedBy },
    };
    const event = { type: "occasion.approved", data, key: `${request.key}/approved`, actor: actorOf(request.caller) };
    const have = foldCalendar(events).occasions.get(occasion.id)?.ahead.approvals ?? [];
    const with_ = new Set([...have.filter((one) => one.planHash === planHash).map((one) => one.person), person.id]);
    return { events: [event], value: { until, missing: Math.max(0, gate.quorum - with_.size) } };
  });
  if (decided.kind !== "written") throw new LifeboatError(notWritten());
  return say(approvedAhead(occasion, decided.value.until, decided.value.missing));
}

/** A code of theirs, as their gate asks for one. */
async function provedAhead(
  context: CommandContext,
  request: Request,
  shown: AheadShown,
  person: Person,
): Promise<StepUp | Reply> {
  const { system, occasion, planHash } = shown;
  const proved = await proveSelf(context, request, {
    ...{ system, person, where: occasion.title, form: () => aheadForm(shown) },
    typed: `/dr calendar approve ${system.id}/${occasion.id} ${shortHash(planHash)}`,
  });
  if (proved.kind === "asked") return proved.reply;
  return proved.proved.provedAfresh ? proved.proved : stop(noCodeAhead(occasion));
}

/** By anyone who could abort its run. Those who had approved it are told. */
export async function revokeAhead(
  context: CommandContext,
  request: Request,
  { system, occasion, words }: AheadMeant,
): Promise<Reply> {
  const person = personOf(actorOf(request.caller), system);
  if (person === null) return stop(notOnRosterOf(system.title));
  const gate = runbookAhead(context, system, occasion)?.gate ?? null;
  if (!mayRevoke(person, occasion, gate)) return stop(mayNotRevokeAhead(occasion));
  const said = typeof request.options.reason === "string" ? request.options.reason : words.join(" ");
  const reason = said.trim().slice(0, LIMITS.reason) || null;
  const decided = await context.timeline.decide(calendarStream(system.id), (events) => {
    const { approvals = [] } = foldCalendar(events).occasions.get(occasion.id)?.ahead ?? {};
    if (approvals.length === 0) return { events: [], value: null };
    const people = approvals.map((one) => one.person).filter((one) => one !== person.id);
    const data = { occasion: occasion.id, reason, people };
    const key = `${request.key}/revoked`;
    return { events: [{ type: "occasion.revoked", data, key, actor: actorOf(request.caller) }], value: null };
  });
  if (decided.kind !== "written") throw new LifeboatError(notWritten());
  return say(revokedAhead(occasion, decided.events.length > 0));
}

/** Names of those who hold one of these roles and can be reached. */
async function ableTo(context: CommandContext, system: System, roles: readonly string[]): Promise<readonly string[]> {
  const holders = system.people.filter((person) => person.roles.some((role) => roles.includes(role)));
  return reachableNames(holders, await context.unreachable?.());
}
