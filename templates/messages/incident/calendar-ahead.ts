import type { Gate, Occasion, Plan, System } from "../../../src/catalog/types.ts";
import { oneOf, roleTitle } from "../../../src/incident/people.ts";
import type { Problem } from "../../../src/lib/errors.ts";
import { code } from "../approval/forms.ts";
import { calendarValue } from "../kit/action-value.ts";
import { section } from "../kit/blocks.ts";
import { safe } from "../kit/escape.ts";
import type { Form, Message } from "../kit/message.ts";
import { said } from "../kit/reply.ts";
import { lasting } from "../kit/when.ts";
import { stepLines } from "../run/plan-steps.ts";
import { minute } from "./calendar.ts";

/** What people read who approve a calendar entry's plan before its hour, take that back, or may not. */

/** What exactly is approved: this plan, for so long, so often. */
export interface AheadShown {
  readonly system: System;
  readonly occasion: Occasion;
  readonly gate: Gate;
  readonly plan: Plan;
  readonly planHash: string;
  readonly now: Date;
  /** When it is due next; null: never again. */
  readonly next: Date | null;
  /** It takes a code. */
  readonly coded: boolean;
}

/** Of a plan's hash: what is typed to mean it. */
export function shortHash(planHash: string): string {
  return planHash.slice(0, 12);
}

export function aheadForm(shown: AheadShown): Form {
  const { system, occasion, planHash, coded } = shown;
  return {
    callback: "calendar.approve",
    title: "Approve ahead",
    submit: "Approve",
    actionValue: calendarValue(system.id, occasion.id, shortHash(planHash)),
    blocks: [...sections(linesOf(shown)), ...(coded ? [code()] : [])],
  };
}

/** The same where no form can be opened. */
export function aheadText(shown: AheadShown): Message {
  const { system, occasion, planHash, coded } = shown;
  const line = `/dr calendar approve ${safe(system.id)}/${safe(occasion.id)} ${shortHash(planHash)}${coded ? " --code <code>" : ""}`;
  return said([...linesOf(shown), `Approve it: \`${line}\``]);
}

function linesOf({ system, occasion, gate, plan, planHash, now, next }: AheadShown): string[] {
  const holds = occasion.approvedAhead?.expiresSeconds ?? 0;
  const steps = plan.stages.flatMap((stage) => stage.steps);
  return [
    `*${safe(occasion.title)}* (${safe(system.title)}): approve its runs ahead?`,
    `*Runs:* ${safe(plan.title)}`,
    `*Changes:* ${safe(plan.target)}`,
    `*How often:* ${safe(occasion.schedule)} (${safe(occasion.timezone)})${next === null ? "" : `, next ${minute(next)}`}`,
    `*Holds until:* ${minute(new Date(now.getTime() + holds * 1000))} (${lasting(holds)})`,
    `*Ends sooner:* when this plan or its times change, or you no longer decide as ${safe(roleTitle(gate.role, system))}`,
    ...(gate.quorum > 1 ? [`*Approvals needed:* ${gate.quorum}`] : []),
    `*Plan:* \`${planHash}\``,
    ...steps.flatMap((step, n) => stepLines(step, n + 1, false)),
  ];
}

/** A section holds 3000 characters. */
const SECTION_LENGTH = 2800;

function sections(lines: readonly string[]) {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last === undefined || last.length + line.length > SECTION_LENGTH) texts.push(line);
    else texts[texts.length - 1] = `${last}\n${line}`;
  }
  return texts.map(section);
}

/** @param missing how many more people have to approve it */
export function approvedAhead({ title }: Occasion, until: Date, missing: number): Message {
  if (missing > 0)
    return said(`✅ Approved ahead: *${safe(title)}*. ${missing} more must approve it before it counts.`);
  return said([
    `✅ Approved ahead: *${safe(title)}*, until ${minute(until)}.`,
    "Runs that end verified stay quiet. You're told when one fails or is missed.",
  ]);
}

export function revokedAhead({ title }: Occasion, was: boolean): Message {
  if (!was) return said(`*${safe(title)}* isn't approved ahead.`);
  return said([
    `⏹️ No longer approved ahead: *${safe(title)}*. Approvers are asked at its hour.`,
    "A run in progress goes on: `/dr abort` stops it.",
  ]);
}

export function notAhead(title: string): Problem {
  return {
    code: "ahead-not-offered",
    where: title,
    what: "Its runs can't be approved ahead",
    allowed: "Entries with approvedAhead, whose runbook only looks or adds copies",
  };
}

export function mayNotApproveAhead({ title }: Occasion, able: readonly string[]): Problem {
  return {
    code: "ahead-not-yours",
    where: title,
    what: "You don't decide this approval",
    allowed: able.length === 0 ? "No one holds the role" : `${oneOf(able)} can approve it`,
  };
}

export function mayNotRevokeAhead({ title }: Occasion): Problem {
  return {
    code: "ahead-revoke-not-yours",
    where: title,
    what: "You can't take this approval back",
    allowed: "Its organiser, the roles that approve it, and the incident commander can",
  };
}

/** The requester of a run never approves it, also ahead. */
export function requestsItself({ title }: Occasion, organiser: string): Problem {
  return {
    code: "ahead-requester",
    where: title,
    what: `You would be its requester: no one else is left as ${organiser}`,
    allowed: "Someone who doesn't request it approves it",
  };
}

export function planChanged({ title }: Occasion, entry: string): Problem {
  return {
    code: "ahead-plan-changed",
    where: title,
    what: "The plan is no longer the one you were shown",
    stateNow: "Nothing was approved",
    next: `\`/dr calendar approve ${entry}\` shows it as it is now`,
  };
}

export function noCodeAhead({ title }: Occasion): Problem {
  return {
    code: "ahead-not-proved",
    where: title,
    what: "This approval needs an authenticator code, and you have none set up",
    stateNow: "Nothing was approved",
    next: "`/dr enroll`",
  };
}
