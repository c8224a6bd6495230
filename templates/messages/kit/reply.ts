import { actions, type Button, lines } from "./blocks.ts";
import type { Message } from "./message.ts";

/** A private answer: sentences, already safe, and perhaps what to press next. */
export function said(sentences: string | readonly string[], ...buttons: readonly Button[]): Message {
  const all = typeof sentences === "string" ? [sentences] : sentences;
  return { text: all.join("\n"), blocks: [...lines(all), ...(buttons.length > 0 ? [actions(...buttons)] : [])] };
}
