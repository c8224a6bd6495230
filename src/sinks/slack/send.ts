import type { WebClient } from "@slack/web-api";
import type { Block } from "../../../templates/messages/kit/message.ts";
import type { Item } from "../../projection/outbox/messages.ts";
import type { Identity } from "./identity.ts";

/** Slack's block types are a closed union; ours are plain JSON that `truncate.ts` and the workspace's validator check. */
type PostArguments = Parameters<WebClient["chat"]["postMessage"]>[0];
type UpdateArguments = Parameters<WebClient["chat"]["update"]>[0];

const EVENT_TYPE = "lifeboat";
/** Slack's clock and ours may differ by this much and more. */
const SKEW_SECONDS = 300;
const PAGES = 10;

/** Our name for a message, in its metadata: how it is recognised when the answer to a post was lost. */
export function nameOf(item: Pick<Item, "stream" | "key">): string {
  return `${item.stream}/${item.key}`;
}

/** Posts; resolves with the message's `ts`. */
export async function post(client: WebClient, item: Item, channel: string): Promise<string> {
  const { text, blocks } = contentOf(item);
  const answer = await client.chat.postMessage({
    channel,
    text,
    ...(blocks.length > 0 && { blocks }),
    ...(item.rootAs !== null && { thread_ts: item.rootAs, reply_broadcast: item.broadcast }),
    metadata: { event_type: EVENT_TYPE, event_payload: { key: nameOf(item) } },
    unfurl_links: false,
    unfurl_media: false,
  } as unknown as PostArguments);
  if (!answer.ts) throw new Error("Slack took the message and gave it no ts.");
  return answer.ts;
}

/** Edits. A lost answer is harmless: the same edit again changes nothing. */
export async function edit(client: WebClient, item: Item, channel: string): Promise<void> {
  const { text, blocks } = contentOf(item);
  await client.chat.update({
    channel,
    ts: item.deliveredAs as string,
    text,
    // Left out, the old blocks would stay.
    blocks,
    metadata: { event_type: EVENT_TYPE, event_payload: { key: nameOf(item) } },
  } as unknown as UpdateArguments);
}

/** The `ts` of a message that was sent though no one knows, or null: it is not there. */
export async function find(client: WebClient, item: Item, channel: string, who: Identity): Promise<string | null> {
  const [first] = await copiesOf(client, item, channel, who, (item.sendingSince?.getTime() ?? 0) / 1000 - SKEW_SECONDS);
  return first ?? null;
}

/** Copies of a message that came to be because it was sent again; `edit` reaches only the one that is known. */
const COPY_SECONDS = 3600;

/**
 * Makes copies of a direct message say what it says now. A copy comes to be where its first sending was not found again: without the right
 * to read direct messages, or because Slack did not show it yet.
 */
export async function editCopies(client: WebClient, item: Item, channel: string, who: Identity): Promise<void> {
  const since = Number(item.deliveredAs) - COPY_SECONDS;
  const copies = await copiesOf(client, item, channel, who, since, "all");
  for (const ts of copies) if (ts !== item.deliveredAs) await edit(client, { ...item, deliveredAs: ts }, channel);
}

/** The `ts` of our messages of this name, the newest first: the first one found, or all. `since`: seconds since 1970. */
async function copiesOf(
  client: WebClient,
  item: Item,
  channel: string,
  who: Identity,
  since: number,
  which: "first" | "all" = "first",
): Promise<readonly string[]> {
  const oldest = String(Math.max(0, since));
  const found: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const asked = { channel, oldest, limit: 200, include_all_metadata: true, ...(cursor && { cursor }) };
    const answer =
      item.rootAs === null
        ? await client.conversations.history(asked)
        : await client.conversations.replies({ ...asked, ts: item.rootAs });
    const ours = (answer.messages ?? []).filter(
      (message) => (message.user === who.botUser || message.bot_id === who.bot) && keyIn(message) === nameOf(item),
    );
    found.push(...ours.flatMap(({ ts }) => (ts ? [ts] : [])));
    cursor = answer.response_metadata?.next_cursor || undefined;
    if (cursor === undefined || (which === "first" && found.length > 0)) break;
  }
  return found;
}

function keyIn(message: unknown): unknown {
  const { metadata } = message as { metadata?: { event_type?: string; event_payload?: { key?: unknown } } };
  return metadata?.event_type === EVENT_TYPE ? metadata.event_payload?.key : undefined;
}

function contentOf(item: Item): { text: string; blocks: readonly Block[] } {
  const { text, blocks } = item.desired as { text: string; blocks: readonly Block[] };
  return { text, blocks: item.plain ? [] : blocks };
}
