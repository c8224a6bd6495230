import type { WebClient } from "@slack/web-api";
import type { Lane, Outbox } from "../../timeline/outbox.ts";
import { channelName } from "../clamp.ts";
import type { Identity } from "../identity.ts";
import { type Trouble, troubleOf } from "../trouble.ts";
import type { WantedChannel } from "./drawing.ts";

export interface Making {
  readonly outbox: Outbox;
  readonly client: WebClient;
  readonly identity: () => Identity;
  readonly owner: string;
  /** Where an incident is shown when Slack lets no channel be made for it. */
  readonly announceIn: string | null;
}

const SUFFIXES = ["", ...Array.from({ length: 19 }, (_, i) => `-${i + 2}`)];
/** Slack will never let this bot make a channel; trying again changes nothing. */
const NOT_ALLOWED = new Set([
  "restricted_action",
  "missing_scope",
  "no_permission",
  "user_is_restricted",
  "method_not_supported_for_channel_type",
]);

/**
 * Makes the incident's own channel, once: an attempt whose answer was lost, or a rebuild, finds the channel this bot made
 * under that name; a name somebody else holds gets a suffix. Slack's id and name are what is kept.
 */
export async function makeChannel(deps: Making, lane: Lane): Promise<Trouble | null> {
  const wanted = lane.wanted as WantedChannel;
  if (!(await deps.outbox.making(lane.lane, deps.owner))) return null;
  try {
    const taken = new Set((await deps.outbox.places()).values());
    for (const suffix of SUFFIXES) {
      const name = channelName(wanted.name, suffix);
      const made = await create(deps, name, taken);
      if (made === null) continue;
      await deps.outbox.made(lane.lane, deps.owner, made.id, made.name, false);
      return null;
    }
    return { kind: "refused", error: "name_taken", says: `Every name like ${wanted.name} is taken.` };
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble.kind !== "refused" || !NOT_ALLOWED.has(trouble.error) || deps.announceIn === null) return trouble;
    await deps.outbox.made(lane.lane, deps.owner, deps.announceIn, "", true);
    return null;
  }
}

/** Opens somebody's direct messages; Slack gives the same channel each time. */
export async function openDirect(deps: Making, lane: Lane, user: string): Promise<Trouble | null> {
  try {
    const { channel } = await deps.client.conversations.open({ users: user });
    if (!channel?.id) throw new Error("Slack opened direct messages and gave them no id.");
    await deps.outbox.made(lane.lane, deps.owner, channel.id, "", false);
    return null;
  } catch (error) {
    return troubleOf(error);
  }
}

/** Learns the id of a channel people know by its name. */
export async function findNamed(deps: Making, lane: Lane, name: string): Promise<Trouble | null> {
  try {
    const found = await channelCalled(deps, name);
    if (!found?.id)
      return { kind: "refused", error: "channel_not_found", says: `There is no public channel #${name}.` };
    await deps.outbox.made(lane.lane, deps.owner, found.id, name, false);
    return null;
  } catch (error) {
    return troubleOf(error);
  }
}

async function create(deps: Making, name: string, taken: ReadonlySet<string>) {
  try {
    const { channel } = await deps.client.conversations.create({ name, is_private: false });
    if (!channel?.id) throw new Error("Slack made a channel and gave it no id.");
    return { id: channel.id, name: channel.name ?? name };
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble.kind !== "refused" || trouble.error !== "name_taken") throw error;
    return findOwn(deps, name, taken);
  }
}

async function findOwn(deps: Making, name: string, taken: ReadonlySet<string>) {
  const own = await channelCalled(deps, name);
  return own?.id && own.creator === deps.identity().botUser && !taken.has(own.id) ? { id: own.id, name } : null;
}

async function channelCalled(deps: Pick<Making, "client">, name: string) {
  let cursor: string | undefined;
  for (let page = 0; page < 20; page++) {
    const answer = await deps.client.conversations.list({
      exclude_archived: true,
      limit: 1000,
      types: "public_channel",
      ...(cursor && { cursor }),
    });
    const found = answer.channels?.find((channel) => channel.name === name);
    if (found) return found;
    cursor = answer.response_metadata?.next_cursor || undefined;
    if (cursor === undefined) return null;
  }
  return null;
}
