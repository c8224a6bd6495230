import type { Message } from "../slack/index.ts";

/** What one message of a run's thread asks of the people who read it, from nothing but what it shows. */
export type Call =
  | { readonly kind: "over"; readonly verified: boolean; readonly says: string }
  /** Nothing goes on until someone decides what to do about it. */
  | { readonly kind: "problem"; readonly says: string }
  /** `ask`: one question of one gate. `people`: those it waits for, by account. `given`: how many have approved. */
  | {
      readonly kind: "gate";
      readonly ask: string;
      readonly people: readonly string[];
      readonly given: number;
      readonly needsCode: boolean;
      /** Its button opens a form, which asks for a code or lists a long plan, in place of asking whether one is sure. */
      readonly opensForm: boolean;
    }
  /** `people`: who may say that it is done; empty: anyone. */
  | { readonly kind: "by hand"; readonly step: string; readonly people: readonly string[] };

export function callOf(message: Message): Call | null {
  const says = message.text;
  const end = /(?:^|· )(Done and verified|Failed|Aborted): /.exec(headerOf(message))?.[1];
  if (end !== undefined) return { kind: "over", verified: end === "Done and verified", says };
  if (/is blocked: nothing runs until it's resumed/.test(says)) return { kind: "problem", says };
  if (buttonOf(message, "step.retry")) return { kind: "problem", says };
  const approve = buttonOf(message, "gate.approve");
  const words = wordsOf(message);
  // Who is asked next is told with the same buttons; whom it waits for stands on the question itself.
  const waits = /\*Waiting for:\*.*/.exec(words)?.[0];
  if (approve && waits !== undefined) {
    return {
      kind: "gate",
      ask: carriedBy(approve)[1],
      people: mentionsIn(waits),
      given: Number(/\*Approvals:\* (\d+) of/.exec(words)?.[1] ?? 0),
      needsCode: /needs a code/.test(words),
      opensForm: approve.confirm === undefined,
    };
  }
  const done = buttonOf(message, "step.confirm");
  if (done) {
    // The second line of the first section says whose it is.
    const who = wordsOf(message).split("\n")[1] ?? "";
    return { kind: "by hand", step: carriedBy(done)[1], people: mentionsIn(who) };
  }
  return null;
}

/**
 * The first message of the thread in which a run is told; a run that is over has no button any more. From its first reply on, Slack gives
 * it a `thread_ts` of its own.
 */
export function isRootOf(message: Message, run: string): boolean {
  const { ts, thread_ts: thread = ts } = message;
  return thread === ts && wordsOf(message).includes(`${run}, plan `);
}

export function isReplyTo(message: Message, root: Message): boolean {
  return message.channel === root.channel && message.thread_ts === root.ts && message.ts !== root.ts && !message.only;
}

/** It has a button that only a run which goes on has. */
export function asksForMore(message: Message): boolean {
  return ["run.abort", "gate.approve", "step.confirm"].some((action) => buttonOf(message, action) !== undefined);
}

interface Button {
  readonly action_id?: string;
  readonly value?: string;
  readonly confirm?: object;
}

export function buttonOf(message: Message, action: string): Button | undefined {
  return (message.blocks ?? [])
    .filter((block) => block.type === "actions")
    .flatMap((block) => block.elements as Button[])
    .find(({ action_id: id = "" }) => id === action || id.startsWith(`${action}:`));
}

/** A button carries the run and what it is about. */
function carriedBy({ value = "" }: Button): [run: string, about: string] {
  const at = value.indexOf("/");
  return [value.slice(0, at), value.slice(at + 1)];
}

function headerOf(message: Message): string {
  const header = message.blocks?.find((block) => block.type === "header");
  return (header?.text as { text?: string } | undefined)?.text ?? "";
}

/** Its sections and contexts, a line each. */
function wordsOf(message: Message): string {
  return (message.blocks ?? [])
    .flatMap((block) => {
      if (block.type === "section") return [(block.text as { text?: string } | undefined)?.text ?? ""];
      if (block.type === "context") return (block.elements as { text?: string }[]).map(({ text }) => text ?? "");
      return [];
    })
    .join("\n");
}

function mentionsIn(words: string): readonly string[] {
  return [...words.matchAll(/<@([UW][A-Z0-9]+)>/g)].map(([, user]) => user as string);
}
