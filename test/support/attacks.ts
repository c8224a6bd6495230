import { readArgs, readLine } from "../../commands/index.ts";
import { momentIn } from "../../src/command/parse/moment.ts";
import { LINE_MAX } from "../../src/command/parse/tokens.ts";
import { toHtml, toPage, toSlack, toText, wordsOf } from "../../src/comms/rich-text.ts";
import { eventOf } from "../../src/paging/webhook/payload.ts";
import { isSigned } from "../../src/paging/webhook/signature.ts";
import { truncateMessage } from "../../src/sinks/slack/truncate.ts";
import { takeMention } from "../../src/slack/listen/mention.ts";
import { takeShortcut } from "../../src/slack/listen/shortcut.ts";
import { section } from "../../templates/messages/kit/blocks.ts";
import { cut, plain, plainWords, safe, withCommands } from "../../templates/messages/kit/escape.ts";

/** Texts that made something quadratic, here or elsewhere, each of about this many characters. */
const SIZE = 100_000;
const many = (part: string) => part.repeat(Math.ceil(SIZE / part.length));
export const attacks: Readonly<Record<string, string>> = {
  "opened quotes": many("“a "),
  "straight quotes": many('"a '),
  "half options": many('--a="b '),
  "many words": `failover ${many("a ")}`,
  blanks: `a${many(" ")}b`,
  "blanks and ends": many(" \n"),
  "half references": many("<@U1|"),
  "half groups": many("<!subteam^"),
  "half dates": many("<!date^1^{time}|"),
  "half links": many("<https://a|"),
  "half tags": many("<"),
  marks: many("*a "),
  "code spans": many("`/dr "),
  commas: many("a,"),
  numbers: many("1 "),
  minutes: `${many("1m ")}x`,
  assignments: many("a=b "),
  dots: many("a."),
  hyphens: `x${many("-")}x`,
  "marks that combine": many("a\u0300\u0301"),
  "hidden characters": many("\u200b\u202e"),
  entities: many("&amp;"),
  "half templates": many("{{"),
  brackets: many("(["),
};

/** Ways in for words from outside. */
export const ways: Readonly<Record<string, (text: string) => unknown>> = {
  "/dr": (text) => readLine(text),
  "/dr, with as much as is read": (text) => readLine(text.slice(0, LINE_MAX)),
  "lifeboat dr": (text) => readArgs(text.split(" ")),
  "a mention": (text) => takeMention({ user: "U1", text, ts: "1.1", channel: "C1" }, readLine, "U0BOT"),
  "a mention within a line": (text) =>
    takeMention({ user: "U1", text: text.slice(0, LINE_MAX), ts: "1.1", channel: "C1" }, readLine, null),
  "a message shortcut": (text) =>
    takeShortcut({
      type: "message_action",
      callback_id: "add_to_timeline",
      trigger_id: "1",
      user: { id: "U1" },
      channel: { id: "C1" },
      message: { type: "message", text, ts: "1.1" },
    } as unknown as Parameters<typeof takeShortcut>[0]),
  "a time": (text) => attempt(() => momentIn(text, new Date(0))),
  "a webhook": (text) => eventOf(Buffer.from(JSON.stringify({ event: { id: "1", data: { title: text } } }))),
  "a webhook's signature": (text) => isSigned(Buffer.from("{}"), text, ["a secret of sixteen"]),
  "mrkdwn: safe": safe,
  "mrkdwn: plain": plain,
  "mrkdwn: commands": withCommands,
  "mrkdwn: as plain words": plainWords,
  "mrkdwn: cut": (text) => cut(text, 100),
  "a message to Slack": (text) => truncateMessage({ text, blocks: [section(text)] }),
  "an update as text": (text) => toText(wordsOf(text)),
  "an update on a page": (text) => toPage(wordsOf(text)),
  "an update in a mail": (text) => toHtml(wordsOf(text)),
  "an update in Slack": (text) => toSlack(wordsOf(text)),
};

function attempt(work: () => unknown): void {
  try {
    work();
  } catch {
    // A refusal is an answer too.
  }
}
