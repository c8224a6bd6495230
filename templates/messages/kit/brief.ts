import type { Problem } from "../../../src/lib/errors.ts";
import { trimmedEnd } from "../../../src/lib/trim.ts";
import { ended, withCommands } from "./escape.ts";

/**
 * Everything that went wrong is said in three lines first: the cause, the state now, what to do next. Together they are about fifty
 * words; what is longer is in the run's details (`details.ts`).
 */
export interface Brief {
  readonly cause: string;
  readonly stateNow: string | null;
  readonly next: string | null;
  /** Something was left out. */
  readonly cut: boolean;
}

/** Words of the three lines together. */
export const BRIEF_WORDS = 50;
const NEXT_WORDS = 20;
const STATE_WORDS = 18;
const STATE_MIN = 10;
/** Of the cause, however much the other two need. */
const CAUSE_WORDS = 12;

/** Not escaped. `head`: what stands before the cause, so that it is counted too. `beside`: words that share the line of the state. */
export function briefOf(
  problem: Pick<Problem, "what" | "stateNow" | "next" | "allowed">,
  head = "",
  beside = 0,
): Brief {
  const next = problem.next ? fittedNext(problem.next) : null;
  const stateNow = problem.stateNow ? fitted(problem.stateNow, Math.max(STATE_MIN, STATE_WORDS - beside)) : null;
  const left = BRIEF_WORDS - wordsIn(head) - wordsIn(next ?? "") - wordsIn(stateNow ?? "");
  const cause = fitted(problem.what, Math.max(CAUSE_WORDS, left));
  const given = [problem.what, problem.stateNow ?? null, problem.next ?? null];
  const isCut = [cause, stateNow, next].some((shown, n) => shown !== null && shown !== oneLine(given[n] ?? ""));
  return { cause, stateNow, next, cut: isCut || problem.allowed !== undefined };
}

/** For mrkdwn. `head` is safe already and stands before the cause. */
export function briefLines(head: string, { cause, stateNow, next }: Brief): readonly string[] {
  return [
    `${head}${head === "" ? "" : " "}${ended(withCommands(cause))}`,
    ...(stateNow === null ? [] : [`*State now:* ${withCommands(stateNow)}`]),
    ...(next === null ? [] : [`*Next:* ${withCommands(next)}`]),
  ];
}

/** The same for those who don't see blocks. */
export function briefWords({ cause, stateNow, next }: Brief): string {
  return [cause, stateNow, next]
    .filter((part) => part !== null)
    .map((part) => ended(withCommands(part)))
    .join(" ");
}

/** Where the sentence with the command is too long, the command is kept, and of the words before it as many as fit. */
function fittedNext(text: string): string {
  const shown = fitted(text, NEXT_WORDS);
  const command = /`[^`]{1,300}`/.exec(oneLine(text))?.[0];
  const isCut = shown.endsWith("…");
  if (command === undefined || !isCut || shown.includes(command)) return wholeSpans(shown);
  const left = NEXT_WORDS - wordsIn(command);
  if (left < 0) return wholeSpans(shown);
  const [before = ""] = oneLine(text).split(command);
  return left === 0 || before.trim() === "" ? command : `${fitted(before, left)} ${command}`;
}

/** Without a command that was cut in the middle. */
function wholeSpans(text: string): string {
  if (text.split("`").length % 2 === 1) return text;
  return `${text.slice(0, text.lastIndexOf("`")).trimEnd()}…`;
}

/** As many of its sentences as fit; of a first one that is too long, as many of its words. Output of programs is no sentence. */
export function fitted(text: string, words: number): string {
  const [first = "", ...others] = sentencesOf(text);
  if (wordsIn(first) > words) return `${clause(first.split(" ").slice(0, words).join(" "))}…`;
  let shown = first;
  for (const sentence of others) {
    if (wordsIn(shown) + wordsIn(sentence) > words) break;
    shown = `${shown} ${sentence}`;
  }
  return shown;
}

/** Up to its last comma, where that is most of it. */
function clause(text: string): string {
  const at = Math.max(text.lastIndexOf(", "), text.lastIndexOf("; "));
  return trimmedEnd(at > text.length / 2 ? text.slice(0, at) : text, " ,;:.");
}

function sentencesOf(text: string): readonly string[] {
  return oneLine(text).split(/(?<=[.!?…])\s+(?=[\p{Lu}“"`])/u);
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

export function wordsIn(text: string): number {
  return text.split(/\s+/).filter((word) => word !== "").length;
}
