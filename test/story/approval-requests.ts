import type { Message } from "../../practice/slack/index.ts";
import type { PracticeHarness } from "./harness.ts";

/** A question as it stands in the run's thread, with the ids its buttons carry. */
export interface Question {
  readonly card: Message;
  readonly channel: string;
  readonly run: string;
  readonly ask: string;
}

/** What is moved again within the hour needs a reason; where nothing was moved before, it is left out of the record. */
export const AGAIN = ' --again "One test after the other"';

/** What may move something; an undo never does. */
const STARTS = /^\/dr (?:failover|restore|runbook)\b/;

/** Someone asks for a run, and the question whether it may go on is there. */
export async function askFor(harness: PracticeHarness, words: string, who = "UALEX"): Promise<Question> {
  const isNew = newFrom(harness);
  await harness.workspace.as(who).slash(STARTS.test(words) ? words + AGAIN : words);
  return questionOf(await harness.workspace.as("USAM").waitForMessage((m) => isNew(m) && isQuestion(m), 30_000));
}

export function questionOf(card: Message): Question {
  const value = buttonOf(card, "gate.approve")?.value ?? "";
  const [run = "", ask = ""] = value.split("/");
  return { card, channel: card.channel, run, ask };
}

/** The one who comes next says it: true for messages that are not there yet. */
export function newFrom(harness: PracticeHarness): (message: Message) => boolean {
  const { messages, ephemerals } = harness.workspace.snapshot();
  const before = new Set([...messages, ...ephemerals].map(({ channel, ts }) => `${channel}/${ts}`));
  return ({ channel, ts }) => !before.has(`${channel}/${ts}`);
}

/** What someone alone is told in answer to what they do. */
export async function answerTo(
  harness: PracticeHarness,
  user: string,
  userAction: () => Promise<unknown>,
): Promise<string> {
  const isNew = newFrom(harness);
  await userAction();
  return harness.workspace.as(user).waitForAnswer((m) => isNew(m) && m.only === user, 10_000);
}

/** The first new word of the bot to everyone that fits. */
export async function heard(
  harness: PracticeHarness,
  isNew: (m: Message) => boolean,
  pattern: RegExp,
  ms = 30_000,
): Promise<Message> {
  return harness.workspace.as("USAM").waitForMessage((m) => isNew(m) && !m.only && pattern.test(m.text), ms);
}

/** As it stands in the thread; the same question by direct message is for one pair of eyes. */
export function isQuestion(message: Message): boolean {
  return !message.only && !message.channel.startsWith("D") && buttonOf(message, "gate.approve") !== undefined;
}

export function buttonOf(message: Message, action: string): { value?: string } | undefined {
  return (message.blocks ?? [])
    .filter((block) => block.type === "actions")
    .flatMap((block) => block.elements as { action_id?: string; value?: string }[])
    .find(({ action_id: id = "" }) => id === action || id.startsWith(`${action}:`));
}
