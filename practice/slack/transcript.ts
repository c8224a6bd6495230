import { elementsOf } from "./blockkit/check.ts";
import type { Block, Message } from "./objects.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Everything said so far as plain text: a heading per channel, `Name: text`, threads indented under their root, buttons in
 * brackets. No times and no ids, so that two runs of the same story print the same page.
 */
export function transcript(snapshot: Snapshot): string {
  return snapshot.channels
    .map((channel) => ({ channel, said: all(snapshot, channel.id) }))
    .filter(({ said }) => said.length > 0)
    .map(({ channel, said }) =>
      [heading(snapshot, channel), ...said.filter(isRoot).flatMap((root) => thread(snapshot, root, said))].join("\n"),
    )
    .join("\n\n")
    .concat("\n");
}

function all(snapshot: Snapshot, channel: string): Message[] {
  return [...snapshot.messages, ...snapshot.ephemerals]
    .filter((one) => one.channel === channel)
    .sort((a, b) => a.ts.localeCompare(b.ts));
}

function isRoot(message: Message): boolean {
  return !message.thread_ts || message.thread_ts === message.ts;
}

function heading(snapshot: Snapshot, channel: Snapshot["channels"][number]): string {
  const people = channel.members.map((id) => nameOf(snapshot, id)).join(" and ");
  const name = channel.kind === "im" ? people : `#${channel.name}`;
  return `── ${name}${channel.topic.value ? ` ── ${plain(snapshot, channel.topic.value)}` : ""}`;
}

function thread(snapshot: Snapshot, root: Message, said: readonly Message[]): string[] {
  const replies = said.filter((one) => one !== root && one.thread_ts === root.ts);
  return [...lines(snapshot, root), ...replies.flatMap((one) => lines(snapshot, one).map((line) => `    ${line}`))];
}

function lines(snapshot: Snapshot, message: Message): string[] {
  const who = nameOf(snapshot, message.user);
  if (message.subtype && message.subtype !== "thread_broadcast") return [`* ${who} ${plain(snapshot, message.text)}`];
  const aside = message.only ? ` (only to ${nameOf(snapshot, message.only)})` : "";
  const edited = message.edited ? " (edited)" : "";
  const words = plain(snapshot, message.text || textOf(message.blocks ?? []));
  const [first = "", ...rest] = words.split("\n");
  return [
    `${who}${aside}: ${first}${rest.length === 0 ? edited : ""}`,
    ...rest.map((line, i) => `  ${line}${i === rest.length - 1 ? edited : ""}`),
    ...(message.files ?? []).map((file) => `  [file ${file.name}]`),
    ...buttons(message.blocks ?? []),
  ];
}

function buttons(blocks: readonly Block[]): string[] {
  const all = blocks.flatMap(elementsOf).flatMap((element) => {
    const label = (element.text ?? element.placeholder) as { text?: string } | undefined;
    return element.action_id && label?.text ? [`[${label.text}]`] : [];
  });
  return all.length > 0 ? [`  ${all.join(" ")}`] : [];
}

function textOf(blocks: readonly Block[]): string {
  const words = (value: unknown): string[] =>
    typeof value === "object" && value !== null && typeof (value as { text?: unknown }).text === "string"
      ? [(value as { text: string }).text]
      : [];
  return blocks
    .flatMap((block) => [
      ...words(block),
      ...words(block.text),
      ...((block.fields as unknown[] | undefined) ?? []).flatMap(words),
      ...(block.type === "context" ? ((block.elements as unknown[]) ?? []).flatMap(words) : []),
    ])
    .join("\n");
}

function plain(snapshot: Snapshot, text: string): string {
  return text
    .replace(/<@([A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id) => `@${nameOf(snapshot, id)}`)
    .replace(/<#([A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id) => `#${snapshot.channels.find((one) => one.id === id)?.name ?? id}`)
    .replace(/<!date\^[^>|]*\|([^>]*)>/g, "$1")
    .replace(/<!(here|channel|everyone)(?:\|[^>]*)?>/g, "@$1")
    .replace(/<!subteam\^[A-Z0-9]+\|([^>]*)>/g, "$1")
    .replace(/<((?:https?|mailto):[^>|]+)\|([^>]*)>/g, "$2 ($1)")
    .replace(/<((?:https?|mailto):[^>]+)>/g, "$1")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}

function nameOf(snapshot: Snapshot, id: string): string {
  return snapshot.users.find((user) => user.id === id)?.real_name ?? id;
}
