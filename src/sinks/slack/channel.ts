import type { WebClient } from "@slack/web-api";
import type { Logger } from "../../lib/log.ts";
import type { Queue } from "../../projection/outbox/queues.ts";
import type { Outbox } from "../../projection/outbox.ts";
import { type CallFailure, callFailureOf } from "./call-failure.ts";
import type { Identity } from "./identity.ts";
import { isSlackChannel } from "./names.ts";
import { announceQueue, type DesiredChannel, namedOf } from "./places.ts";
import { channelName } from "./truncate.ts";

export interface Making {
  readonly outbox: Outbox;
  readonly client: WebClient;
  readonly identity: () => Identity;
  readonly owner: string;
  /** The channel incidents are announced in: its id, or its name. */
  readonly announceIn: string | null;
  readonly log: Logger;
}

const SUFFIXES = ["", ...Array.from({ length: 19 }, (_, i) => `-${i + 2}`)];
/**
 * Makes the incident's own channel, once: an attempt whose answer was lost, or a rebuild, finds the channel this bot made
 * under that name; a name someone else holds gets a suffix. Slack's id and name are what is kept. Whatever else Slack refuses
 * it for, the incident is handled where it is announced.
 */
export async function makeChannel(deps: Making, queue: Queue): Promise<CallFailure | null> {
  const wanted = queue.wanted as DesiredChannel;
  if (!(await deps.outbox.making(queue.queue, deps.owner))) return null;
  try {
    const taken = new Set((await deps.outbox.places()).values());
    for (const suffix of SUFFIXES) {
      const name = channelName(wanted.name, suffix);
      const made = await create(deps, name, taken, wanted);
      if (made === null) continue;
      await deps.outbox.made(queue.queue, deps.owner, made.id, made.name);
      return null;
    }
    return await handleElsewhere(deps, queue, "name_taken");
  } catch (error) {
    const failure = callFailureOf(error);
    return failure.kind === "refused" ? handleElsewhere(deps, queue, failure.error) : failure;
  }
}

async function handleElsewhere(deps: Making, queue: Queue, error: string): Promise<null> {
  deps.log.warn(
    { event: "slack.channel_refused", incident: queue.stream, error },
    "slack does not create the incident's channel; it is handled elsewhere",
  );
  const { private: hidden } = queue.wanted as DesiredChannel;
  const place = hidden ? null : announceQueue(deps.announceIn);
  await deps.outbox.unmade(queue.queue, deps.owner, place ?? "", error);
  return null;
}

type Announcing = Pick<Making, "client" | "announceIn"> & { readonly outbox: Pick<Making["outbox"], "queue"> };

/** The id of the channel incidents are announced in; null: there is none by that name that this bot can see. */
export async function announceChannel(deps: Announcing): Promise<string | null> {
  const queue = announceQueue(deps.announceIn);
  const name = queue === null ? null : namedOf(queue);
  if (queue === null || name === null) return queue;
  const known = (await deps.outbox.queue(queue))?.place;
  return known ?? (await channelCalled(deps, name))?.id ?? null;
}

/** Why nothing can be announced, as a sentence for operators and the Home tab; null: it can; undefined: no one can tell now. */
export async function announceProblem(deps: Announcing): Promise<string | null | undefined> {
  const { announceIn } = deps;
  if (announceIn === null) return null;
  const words = isSlackChannel(announceIn) ? announceIn : `#${announceIn}`;
  const problem = (what: string) =>
    `Incidents can't be announced: ${what}. Set LIFEBOAT_ANNOUNCE_CHANNEL to a public channel, or to the id of one Lifeboat was invited to.`;
  try {
    const id = await announceChannel(deps);
    if (id === null) return problem(`there is no public channel ${words}`);
    const { channel } = await deps.client.conversations.info({ channel: id });
    return channel?.is_archived ? problem(`${words} is archived`) : null;
  } catch (error) {
    const failure = callFailureOf(error);
    if (failure.kind !== "refused" || failure.error !== "channel_not_found") return undefined;
    return problem(`there is no channel ${words} that Lifeboat can see`);
  }
}

/** Opens someone's direct messages; Slack gives the same channel each time. */
export async function openDirect(deps: Making, queue: Queue, user: string): Promise<CallFailure | null> {
  try {
    const { channel } = await deps.client.conversations.open({ users: user });
    if (!channel?.id) throw new Error("Slack opened direct messages and gave them no id.");
    await deps.outbox.made(queue.queue, deps.owner, channel.id, "");
    return null;
  } catch (error) {
    return callFailureOf(error);
  }
}

/** Learns the id of a channel people know by its name. */
export async function findNamed(deps: Making, queue: Queue, name: string): Promise<CallFailure | null> {
  try {
    const found = await channelCalled(deps, name);
    if (!found?.id)
      return { kind: "refused", error: "channel_not_found", says: `There is no public channel #${name}.` };
    await deps.outbox.made(queue.queue, deps.owner, found.id, name);
    return null;
  } catch (error) {
    return callFailureOf(error);
  }
}

async function create(deps: Making, name: string, taken: ReadonlySet<string>, wanted: DesiredChannel) {
  try {
    const { channel } = await deps.client.conversations.create({ name, is_private: wanted.private === true });
    if (!channel?.id) throw new Error("Slack made a channel and gave it no id.");
    return { id: channel.id, name: channel.name ?? name };
  } catch (error) {
    const failure = callFailureOf(error);
    if (failure.kind !== "refused" || failure.error !== "name_taken") throw error;
    return findOwn(deps, name, taken, wanted);
  }
}

/** How far Slack's clock and the store's may be apart. */
const CLOCKS_APART_SECONDS = 600;

/** A store that begins again begins with number 1: a channel that is older than the incident is of another store's. */
async function findOwn(deps: Making, name: string, taken: ReadonlySet<string>, wanted: DesiredChannel) {
  const own = await channelCalled(deps, name, wanted.private === true ? "private_channel" : "public_channel");
  const since = (wanted.since ?? 0) - CLOCKS_APART_SECONDS;
  const isOurs = own?.creator === deps.identity().botUser && (own.created ?? 0) >= since;
  return own?.id && isOurs && !taken.has(own.id) ? { id: own.id, name } : null;
}

async function channelCalled(
  deps: Pick<Making, "client">,
  name: string,
  types: "public_channel" | "private_channel" = "public_channel",
) {
  let cursor: string | undefined;
  for (let page = 0; page < 20; page++) {
    const answer = await deps.client.conversations.list({
      exclude_archived: true,
      limit: 1000,
      types,
      ...(cursor && { cursor }),
    });
    const found = answer.channels?.find((channel) => channel.name === name);
    if (found) return found;
    cursor = answer.response_metadata?.next_cursor || undefined;
    if (cursor === undefined) return null;
  }
  return null;
}
