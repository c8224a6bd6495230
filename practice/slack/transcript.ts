import { elementsOf } from "./blockkit/check.ts";
import type { Block, Message } from "./objects.ts";
import type { Sight } from "./sight.ts";

/**
 * Everything said so far as plain text: a heading per channel, `Name: text`, threads indented under their root, buttons in
 * brackets. No times and no ids, so that two runs of the same story print the same page.
 */
export function transcript(sight: Sight): string {
  return sight.channels
    .map((channel) => ({ channel, said: all(sight, channel.id) }))
    .filter(({ said }) => said.length > 0)
    .map(({ channel, said }) =>
      [heading(sight, channel), ...said.filter(isRoot).flatMap((root) => thread(sight, root, said))].join("\n"),
    )
    .join("\n\n")
    .concat("\n");
}

function all(sight: Sight, channel: string): Message[] {
  return [...sight.messages, ...sight.ephemerals]
    .filter((one) => one.channel === channel)
    .sort((a, b) => a.ts.localeCompare(b.ts));
}

function isRoot(message: Message): boolean {
  return !message.thread_ts || message.thread_ts === message.ts;
}

function heading(sight: Sight, channel: Sight["channels"][number]): string {
  const people = channel.members.map((id) => nameOf(sight, id)).join(" and ");
  const name = channel.kind === "im" ? people : `#${channel.name}`;
  return `── ${name}${channel.topic.value ? ` ── ${plain(sight, channel.topic.value)}` : ""}`;
}

function thread(sight: Sight, root: Message, said: readonly Message[]): string[] {
  const replies = said.filter((one) => one !== root && one.thread_ts === root.ts);
  return [...lines(sight, root), ...replies.flatMap((one) => lines(sight, one).map((line) => `    ${line}`))];
}

function lines(sight: Sight, message: Message): string[] {
  const who = nameOf(sight, message.user);
  if (message.subtype && message.subtype !== "thread_broadcast") return [`* ${who} ${plain(sight, message.text)}`];
  const aside = message.only ? ` (only to ${nameOf(sight, message.only)})` : "";
  const edited = message.edited ? " (edited)" : "";
  const words = plain(sight, message.text || textOf(message.blocks ?? []));
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

function plain(sight: Sight, text: string): string {
  return text
    .replace(/<@([A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id) => `@${nameOf(sight, id)}`)
    .replace(/<#([A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id) => `#${sight.channels.find((one) => one.id === id)?.name ?? id}`)
    .replace(/<!date\^[^>|]*\|([^>]*)>/g, "$1")
    .replace(/<!(here|channel|everyone)(?:\|[^>]*)?>/g, "@$1")
    .replace(/<!subteam\^[A-Z0-9]+\|([^>]*)>/g, "$1")
    .replace(/<((?:https?|mailto):[^>|]+)\|([^>]*)>/g, "$2 ($1)")
    .replace(/<((?:https?|mailto):[^>]+)>/g, "$1")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}

function nameOf(sight: Sight, id: string): string {
  return sight.users.find((user) => user.id === id)?.real_name ?? id;
}
