import type { Submitted } from "./reopen.ts";

/**
 * Something a person did in Slack, reduced to what is needed to answer it: what the inbox holds. Every field came from
 * Slack; `carries` and `form` came through a person's hands and are looked up, never believed.
 */
export interface Delivery {
  readonly user: string;
  readonly channel: string | null;
  readonly thread: string | null;
  /** Pressed on a reply that stands in the channel as well. Slack doesn't say in which of the two. */
  readonly broadcast?: true;
  readonly verb: string;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | true>>;
  readonly rest: string;
  readonly form: Readonly<Record<string, string>> | null;
  readonly carries: string | null;
  /** Lets its holder speak as the bot for half an hour: never logged. */
  readonly responseUrl: string | null;
  /** Typed in a message that mentions the bot: at its start, or somewhere within other words. */
  readonly mention?: "alone" | "within";
  /** More was typed than is read. */
  readonly tooLong?: true;
  /** A message whose link belongs to the form, as `link`. */
  readonly about: { readonly channel: string; readonly ts: string } | null;
  /** When the person did it, by Slack's clock, in ISO 8601. Left out: Slack doesn't say (slash commands and submissions). */
  readonly doneAt?: string;
}

/** What arrives once with a delivery and is worth nothing later. */
export interface InteractionHandles {
  /** Opens one form, within three seconds. */
  readonly trigger: string | null;
  /** The open form it came from: a form in answer takes its place. */
  readonly view: string | null;
  /** The form that was sent, with what was typed in it: shown again when it is refused. */
  readonly form?: Submitted;
}

export interface Interaction {
  /** The same for every delivery that means the same. */
  readonly key: string;
  readonly kind:
    | "slack.command"
    | "slack.action"
    | "slack.submission"
    | "slack.shortcut"
    | "slack.mention"
    | "slack.joined";
  readonly delivery: Delivery;
  readonly live: InteractionHandles;
}

/** `commands/index.ts`, as far as a transport needs it. */
export type ReadLine = (text: string) => Pick<Delivery, "verb" | "words" | "options" | "rest" | "tooLong">;

/** `ts`: seconds since 1970 and six digits, as Slack stamps messages and presses. Nothing where there is none. */
export function doneAt(ts: string | undefined): { readonly doneAt?: string } {
  const seconds = Number(ts);
  return Number.isFinite(seconds) && seconds > 0 ? { doneAt: new Date(seconds * 1000).toISOString() } : {};
}

export const NOTHING_TYPED = { words: [], options: {}, rest: "" } as const;
