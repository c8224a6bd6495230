import { lines } from "./blocks.ts";
import { cut, safe } from "./escape.ts";
import { code } from "./help.ts";
import type { Message } from "./message.ts";
import { between, stamp } from "./when.ts";

/** What someone typed or pressed, refused because it is old: it is not done without asking again. */
export interface Late {
  /** The words that were typed after the bot's name or `/dr`; null: something was pressed. */
  readonly typed: string | null;
  /** When it was done by Slack's clock; null: Slack does not say. */
  readonly doneAt: Date | null;
  /** By the store's clock. */
  readonly now: Date;
}

/** Both clocks are named, so that a wrong one is seen. */
export function tooLate({ typed, doneAt, now }: Late): Message {
  const what = typed === null ? "your press" : typed === "" ? "your message" : code(cut(typed.replace(/`/g, "’"), 200));
  const when =
    doneAt === null
      ? "It could not be done in time."
      : `You sent it ${between(doneAt, now)} ago (${stamp(doneAt)}; it's ${stamp(now)} now), and it arrived late.`;
  return {
    text: `⛔ Not done: ${what}.\n${when}\nNothing changed.\nNext: ${typed === null ? "check the message and press again" : "send it again if you still want it"}.`,
    blocks: [],
  };
}

/** Slack opens a form within three seconds of a press, or not at all. */
export function formNotOpened(title: string): Message {
  return {
    text: `⛔ The form “${safe(title)}” could not be opened in time. Nothing changed.\nNext: do it again.`,
    blocks: [],
  };
}

/** A refusal that also holds what was typed into a form which can't be shown again. */
export function withTyped(message: Message, typed: readonly (readonly [label: string, typed: string])[]): Message {
  if (typed.length === 0) return message;
  const said = typed.map(([label, words]) => `*${safe(label)}:*\n${quoted(words)}`);
  const text = ["What you typed:", ...said].join("\n");
  return {
    text: `${message.text}\n${text}`,
    blocks: message.blocks.length === 0 ? [] : [...message.blocks, ...lines(said)],
  };
}

/** Its lines stay: what someone wrote is given back as it was. */
function quoted(words: string): string {
  const kept = words.length <= TYPED_MAX ? words : `${words.slice(0, TYPED_MAX)}…`;
  return kept
    .split("\n")
    .map((line) => `> ${safe(line)}`)
    .join("\n");
}

/** Characters of one field; a section of a message holds no more with their escapes. */
const TYPED_MAX = 2000;
