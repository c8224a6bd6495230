import type { WebClient } from "@slack/web-api";
import type { Logger } from "../../lib/log.ts";
import type { Queue } from "../../projection/outbox/queues.ts";
import type { Outbox } from "../../projection/outbox.ts";
import { type CallFailure, callFailureOf } from "./call-failure.ts";
import { backoffSeconds } from "./deliver.ts";
import { limits } from "./limits.ts";
import type { DesiredChannel } from "./places.ts";

export interface ChannelSetup {
  readonly outbox: Outbox;
  readonly client: WebClient;
  readonly log: Logger;
  readonly owner: string;
}

/** What surrounds the messages of a channel, as it was last seen. `wanted` is set when all of that is there. */
interface DeliveredSetup {
  topic?: string;
  /** When the topic was set, in milliseconds of this process's clock since 1970. */
  topicAt?: number;
  invited?: string[];
  bookmarks?: string[];
  pinned?: string[];
  /** It was archived, and nothing is written to it. */
  archived?: boolean;
  wanted?: DesiredChannel;
}

/** Already so, or will never be so: nothing to try again. */
const SETTLED = new Set([
  "already_in_channel",
  "cant_invite_self",
  "cant_invite",
  "user_not_found",
  "user_is_restricted",
  "ura_max_channels",
  "no_user",
  "already_pinned",
  "too_many_pins",
  "too_many_bookmarks",
  "message_not_found",
  "missing_scope",
  "not_authorized",
  "restricted_action",
  "invalid_link",
  "already_archived",
]);

/**
 * Topic, members, bookmarks and pins. It never holds up a message, and its failures are its own. `waiting`: a message to
 * be pinned is not there yet.
 */
export async function setUpChannel(deps: ChannelSetup, queue: Queue): Promise<"done" | "waiting" | "failed"> {
  const channel = queue.place as string;
  const wanted = queue.wanted as DesiredChannel;
  const have = { ...(queue.shown as DeliveredSetup) };
  delete have.wanted;
  const posted = await deps.outbox.deliveredAs(queue.stream as string, wanted.pinned);
  const failed = (
    await Promise.all([
      setTopic(deps, channel, wanted, have),
      invite(deps, channel, wanted, have),
      bookmark(deps, channel, wanted, have, queue.setupFailures > 0),
      pin(deps, channel, wanted, have, posted),
    ])
  ).filter((failure) => failure !== null);
  const isWhole = failed.length === 0 && have.topic === wanted.topic;
  const last = isWhole ? await archive(deps, queue, wanted, have) : null;
  if (last !== null && last !== "waiting") failed.push(last);
  const waiting = last === "waiting" || wanted.pinned.some((key) => !posted.has(key));
  const isTopicDue = have.topic !== wanted.topic;
  if (failed.length === 0 && !waiting && !isTopicDue) have.wanted = wanted;
  const waits = [retryIn(failed, waiting, queue.setupFailures), isTopicDue ? topicWait(have) : null];
  const again = waits.reduce(
    (first, wait) => (first === null ? wait : wait === null ? first : Math.min(first, wait)),
    null,
  );
  await deps.outbox.setUp(queue.queue, deps.owner, have, again, failed.length > 0, wanted);
  return failed.length > 0 ? "failed" : waiting ? "waiting" : "done";
}

function retryIn(failed: readonly CallFailure[], waiting: boolean, failures: number): number | null {
  const limited = failed.map((failure) => (failure.kind === "limited" ? failure.seconds : 0));
  if (failed.length > 0) return Math.max(...limited, backoffSeconds(failures));
  return waiting ? 2 : null;
}

/** Slack tells everyone in the channel each time, so what changes within a minute is told once. */
async function setTopic({ client }: ChannelSetup, channel: string, wanted: DesiredChannel, have: DeliveredSetup) {
  if (have.topic === wanted.topic || topicWait(have) > 0) return null;
  const failure = await attempt(
    async () => void (await client.conversations.setTopic({ channel, topic: wanted.topic })),
  );
  if (failure !== null) return failure;
  have.topic = wanted.topic;
  have.topicAt = Date.now();
  return null;
}

/** Seconds until the topic may be set again. */
function topicWait({ topicAt = 0 }: DeliveredSetup): number {
  const since = Math.max(0, Date.now() - topicAt) / 1000;
  return Math.max(0, limits.topicEverySeconds - since);
}

async function invite({ client, log }: ChannelSetup, channel: string, wanted: DesiredChannel, have: DeliveredSetup) {
  const missing = wanted.invite.filter((user) => !have.invited?.includes(user));
  const failed: (CallFailure | null)[] = [];
  for (let i = 0; i < missing.length; i += limits.inviteUsers) {
    const users = missing.slice(i, i + limits.inviteUsers);
    const together = await attempt(
      async () => void (await client.conversations.invite({ channel, users: users.join(","), force: true })),
    );
    if (together?.kind === "refused" && users.length > 1) failed.push(...(await oneByOne(users)));
    else failed.push(together);
    if (together === null) have.invited = [...(have.invited ?? []), ...users];
  }
  return failed.find((failure) => failure !== null) ?? null;

  async function oneByOne(users: readonly string[]) {
    const results: (CallFailure | null)[] = [];
    for (const user of users) {
      const failure = await attempt(async () => void (await client.conversations.invite({ channel, users: user })));
      if (failure === null) have.invited = [...(have.invited ?? []), user];
      else if (failure.kind === "refused") {
        log.warn(
          { event: "slack.not_invited", user, says: failure.says },
          "a person could not be invited to an incident's channel",
        );
        have.invited = [...(have.invited ?? []), user];
      } else results.push(failure);
    }
    return results;
  }
}

async function bookmark(
  { client }: ChannelSetup,
  channel: string,
  wanted: DesiredChannel,
  have: DeliveredSetup,
  unsure: boolean,
) {
  const markOf = (title: string, link: string) => `${title}\n${link}`;
  return attempt(async () => {
    const missing = wanted.bookmarks.filter(({ title, link }) => !have.bookmarks?.includes(markOf(title, link)));
    if (missing.length === 0) return;
    const there = unsure ? ((await client.bookmarks.list({ channel_id: channel })).bookmarks ?? []) : [];
    for (const { title, link } of missing) {
      const same = there.some((one) => one.title === title && one.link === link);
      if (!same)
        await client.bookmarks.add({
          channel_id: channel,
          type: "link",
          title: title.slice(0, limits.bookmarkTitle),
          link,
        });
      have.bookmarks = [...(have.bookmarks ?? []), markOf(title, link)];
    }
  });
}

async function pin(
  { client }: ChannelSetup,
  channel: string,
  wanted: DesiredChannel,
  have: DeliveredSetup,
  posted: ReadonlyMap<string, string>,
) {
  let first: CallFailure | null = null;
  for (const key of wanted.pinned) {
    const timestamp = posted.get(key);
    if (timestamp === undefined || have.pinned?.includes(timestamp)) continue;
    const failure = await attempt(async () => void (await client.pins.add({ channel, timestamp })));
    if (failure === null) have.pinned = [...(have.pinned ?? []), timestamp];
    first ??= failure;
  }
  return first;
}

/** The last thing that is done to it: `waiting` while there is still something to be said there. */
async function archive({ client, outbox }: ChannelSetup, queue: Queue, wanted: DesiredChannel, have: DeliveredSetup) {
  if (wanted.archived !== true || have.archived === true) return null;
  if ((await outbox.pending(queue.queue)).length > 0) return "waiting";
  const failure = await attempt(
    async () => void (await client.conversations.archive({ channel: queue.place as string })),
  );
  if (failure === null) have.archived = true;
  return failure;
}

export function isArchived({ shown }: Queue): boolean {
  return (shown as DeliveredSetup | null)?.archived === true;
}

/**
 * Its incident was reopened. Slack lets many apps archive a channel and not take it back: then the incident gets a new channel with
 * everything in it.
 */
export async function unarchive(
  { client, outbox, log, owner }: ChannelSetup,
  queue: Queue,
): Promise<CallFailure | null> {
  const channel = queue.place as string;
  const failure = await client.conversations.unarchive({ channel }).then(() => null, callFailureOf);
  if (failure?.kind === "refused" && failure.error !== "not_archived") {
    log.warn(
      { event: "slack.not_unarchived", channel, error: failure.error },
      "slack does not take an archived channel back; its incident gets a new one",
    );
    await outbox.lost(queue.queue, owner);
    return null;
  }
  if (failure !== null && failure.kind !== "refused") return failure;
  const { archived: _was, wanted: _delivered, ...have } = queue.shown as DeliveredSetup;
  await outbox.setUp(queue.queue, owner, have, 0, false, queue.wanted);
  return null;
}

/** Null: it is so now, or never will be. */
async function attempt(work: () => Promise<void>): Promise<CallFailure | null> {
  try {
    await work();
    return null;
  } catch (error) {
    const failure = callFailureOf(error);
    return failure.kind === "refused" && SETTLED.has(failure.error) ? null : failure;
  }
}
