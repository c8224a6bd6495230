import type { Button } from "../../../templates/messages/kit/blocks.ts";
import { ERASED, isErased, safe } from "../../../templates/messages/kit/escape.ts";
import type { Message } from "../../../templates/messages/kit/message.ts";
import { refusal } from "../../../templates/messages/kit/refusal.ts";
import type { Surroundings } from "../../../templates/messages/kit/view.ts";
import { isPrivate } from "../../incident/members.ts";
import { incidentName } from "../../incident/numbers.ts";
import type { IncidentState } from "../../incident/state.ts";
import { LifeboatError, type Problem } from "../../lib/errors.ts";
import type { Reply } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { namedIn } from "../resolve/system.ts";

/** An answer only the person who asked sees. What it says is in `templates/messages/<subject>/answers.ts`. */
export function say(message: Message): Reply {
  return { kind: "private", message };
}

/** A code that was mistyped or used: the next one is a few seconds away. */
const AGAIN: ReadonlySet<string> = new Set(["proof-wrong", "proof-used"]);

export function no(problem: Problem, ...buttons: readonly Button[]): Extract<Reply, { kind: "private" }> {
  const again = AGAIN.has(problem.code) && { again: true as const };
  return { kind: "private", message: refusal(problem, ...buttons), refused: true, ...again };
}

/** Stops the handling of a request; `answer` records it and says it. */
export function stop(problem: Problem): never {
  throw new LifeboatError(problem);
}

/** Where an incident is shown: its channel, or its name where it has none. For mrkdwn. */
export async function whereOf(context: CommandContext, incident: string): Promise<string> {
  const channel = await context.channelOf(incident);
  return channel === null ? safe(incidentName(await context.incidents.read(incident))) : channelWords(channel);
}

/** Where an incident typed in `channel` is announced, if that is another place: direct messages reach no one else. For mrkdwn. */
export function announcedElsewhere({ announceIn }: CommandContext, channel: string | null): string | null {
  if (announceIn == null || !channel?.startsWith("D")) return null;
  return /^[CG][A-Z0-9]{5,}$/.test(announceIn) ? `<#${announceIn}>` : `#${safe(announceIn)}`;
}

/** For a file of this incident: one of a private incident is never put where others read. */
export function confidential({ declared }: IncidentState): { readonly confidential?: true } {
  return isPrivate(declared) ? { confidential: true } : {};
}

export function channelWords(channel: string): string {
  return /^[CGD][A-Z0-9]{5,}$/.test(channel) ? `<#${channel}>` : safe(channel);
}

/** A person id or Slack user id as a private answer says it: by name. */
export function nameIn(context: CommandContext, who: string): string {
  const people = context.catalog.systems.flatMap(({ people }) => people);
  const person = people.find(({ id }) => id === who) ?? people.find(({ slack }) => slack.includes(who));
  if (person) return safe(person.name);
  if (isErased(who)) return ERASED;
  return /^[UW][A-Z0-9]{5,}$/.test(who) ? `<@${who}>` : safe(who);
}

/** What messages drawn for one person know: the same as in the channel, with names in place of mentions. */
export function surroundings(context: CommandContext, state: IncidentState, channel: string | null): Surroundings {
  return {
    system: namedIn(context, state),
    now: context.timeline.now(),
    practice: context.practice,
    names: (who) => nameIn(context, who),
    channel,
    bridgeUrl: context.bridgeUrl ?? null,
  };
}
