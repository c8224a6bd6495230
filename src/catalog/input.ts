import { z } from "zod";
import { errorAt, type Fault, type Path } from "./fault.ts";
import { INPUT_LENGTH_MAX } from "./input-words.ts";
import type { Scalar } from "./reference.ts";
import { scalar, sentence } from "./schema-parts.ts";
import { containsPassword } from "./secret.ts";
import { show } from "./shape.ts";

/**
 * What the one who starts a runbook says about tonight: which node, which revision, to which moment. A value is data and
 * nothing else: of one type, bounded, held against what its runbook allows before anything is planned.
 */
export interface Input {
  readonly name: string;
  readonly type: "text" | "number" | "choice" | "moment" | "boolean";
  /** What it is, and where a responder finds it. */
  readonly description: string;
  /** Null: it has to be given. */
  readonly default: Scalar | null;
  /** What it could be, for the one who has to type one; null where the type says it. */
  readonly example: Scalar | null;
  /** Of a text: what all of it has to fit. */
  readonly pattern: string | null;
  /** Of a number. */
  readonly min: number | null;
  readonly max: number | null;
  /** Of a choice; else empty. */
  readonly choices: readonly string[];
}

/** The value of `from` and `to` where the direction is what was seen. */
export const AS_SEEN = "as-seen";

export const inputSchema = z.strictObject({
  type: z
    .enum(["text", "number", "choice", "moment", "boolean"])
    .describe("text needs a pattern, choice its choices; moment is a point in time that has passed, stored in UTC"),
  description: sentence.describe("What it is and where a responder finds it: The node that is to be emptied"),
  default: scalar.optional().describe("Taken where none is given. Left out: it has to be given"),
  example: scalar.optional().describe("What it could look like, shown to the person who types one: worker-3"),
  pattern: z.string().min(1).max(300).optional().describe("Of a text: a regular expression that all of it has to fit"),
  min: z.number().optional().describe("Of a number: the least that is allowed. Numbers are whole"),
  max: z.number().optional().describe("Of a number: the most that is allowed"),
  choices: z
    .array(z.string().trim().min(1).max(75))
    .min(2, "At least two choices")
    .max(100, "At most 100 choices")
    .optional()
    .describe("Of a choice: what can be chosen"),
});

type WrittenInput = z.output<typeof inputSchema>;

/** What belongs to one type only. `needed`: it can't be left out there. */
const ofType = [
  { key: "pattern", type: "text", needed: 'What all of it has to fit: "[a-z0-9-]{1,63}"' },
  { key: "example", type: "text", needed: "What it could look like, for the person who types one" },
  { key: "choices", type: "choice", needed: "What can be chosen: [api-gateway, auth-service]" },
  { key: "min", type: "number", needed: null },
  { key: "max", type: "number", needed: null },
] as const;

export function toInput(name: string, written: WrittenInput, path: Path): { input: Input; faults: readonly Fault[] } {
  const sound = written.pattern === undefined || compiles(written.pattern);
  const input: Input = {
    name,
    type: written.type,
    description: written.description,
    default: written.default ?? null,
    example: written.example ?? null,
    pattern: written.type === "text" ? (sound ? (written.pattern ?? "") : "") : null,
    min: written.min ?? null,
    max: written.max ?? null,
    choices: written.choices ?? [],
  };
  const faults = [
    ...ofType.flatMap(({ key, type, needed }) => {
      if (written.type === type && needed !== null && written[key] === undefined)
        return [errorAt(path, `"${key}" is missing`, { allowed: needed })];
      if (written.type === type || written[key] === undefined || key === "example") return [];
      return [errorAt([...path, key], `Only a ${type} has "${key}", and this is a ${written.type}`, { at: "key" })];
    }),
    ...(sound ? [] : [errorAt([...path, "pattern"], "This is not a regular expression")]),
    ...(endless.test(written.pattern ?? "")
      ? [
          errorAt([...path, "pattern"], "What repeats without end stands in what repeats without end", {
            next: "Say how often at most, or a text could keep the bot busy for hours: ([a-z]{1,63}[.]){1,5}",
          }),
        ]
      : []),
    ...(input.min !== null && input.max !== null && input.min > input.max
      ? [errorAt([...path, "min"], `Nothing is at least ${input.min} and at most ${input.max}`)]
      : []),
  ];
  if (faults.length > 0) return { input, faults };
  return { input, faults: [...ownFaults(input, "default", path), ...ownFaults(input, "example", path)] };
}

function ownFaults(input: Input, key: "default" | "example", path: Path): Fault[] {
  const value = input[key];
  const fault = value === null ? null : valueFault(input, value);
  return fault === null ? [] : [errorAt([...path, key], `The ${key} is not one of its own values: ${fault}`)];
}

/** `([a-z]+[.])*`: on some texts it takes for ever to say no. */
const endless = /\((?:[^()\\]|\\.)*(?:[+*]|\{\d+,\})(?:[^()\\]|\\.)*\)(?:[+*]|\{\d+,\})/;

function compiles(pattern: string): boolean {
  try {
    wholePattern(pattern);
    return true;
  } catch {
    return false;
  }
}

function wholePattern(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, "u");
}

/** Why an input can't have this value, in one sentence; null: it can. A moment is ISO 8601 in UTC. */
export function valueFault(input: Input, value: Scalar): string | null {
  switch (input.type) {
    case "text":
      return textFault(input, value);
    case "number":
      return numberFault(input, value);
    case "choice":
      return input.choices.includes(String(value)) && typeof value === "string"
        ? null
        : `${show(value)} is none of its choices`;
    case "moment":
      return isMoment(value) ? null : `${show(value)} is not a moment in UTC, as in 2026-11-21T02:13:00Z`;
    case "boolean":
      return typeof value === "boolean" ? null : `${show(value)} is neither true nor false`;
    default:
      return input.type satisfies never;
  }
}

/** Nothing that is not seen, nothing that reads like an option to a program, nothing that refers to something else. */
function textFault({ pattern }: Input, value: Scalar): string | null {
  if (typeof value !== "string") return `${show(value)} is not a text`;
  if (value === "") return "It is empty";
  if (value.length > INPUT_LENGTH_MAX) return `It is longer than ${INPUT_LENGTH_MAX} characters`;
  if (/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(value)) return "There is an invisible character in it";
  if (value.startsWith("-")) return `${show(value)} begins with a hyphen`;
  if (value.includes("${")) return "It refers to something else; it has to be the value itself";
  if (containsPassword(value)) return "It holds a password, and plans are shown to everyone";
  return wholePattern(pattern ?? "").test(value) ? null : `${show(value)} does not fit "${pattern}"`;
}

function numberFault({ min, max }: Input, value: Scalar): string | null {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) return `${show(value)} is not a whole number`;
  if (min !== null && value < min) return `${value} is less than ${min}`;
  return max !== null && value > max ? `${value} is more than ${max}` : null;
}

function isMoment(value: Scalar): value is string {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(value)) return false;
  const moment = new Date(value);
  return !Number.isNaN(moment.getTime()) && momentValue(moment) === value.replace(".000Z", "Z");
}

/** As a plan holds it: to the second, and finer only where it was given so. */
export function momentValue(moment: Date): string {
  return moment.toISOString().replace(".000Z", "Z");
}

/** Stands in for a value no one has given yet, so that the rest of what holds it can be checked. */
export function sampleOf({ type, default: usual, example, choices, min, max }: Input): Scalar {
  if (usual !== null) return usual;
  if (example !== null) return example;
  if (type === "number") return min ?? Math.min(1, max ?? 1);
  if (type === "choice") return choices[0] ?? "";
  return type === "boolean" ? false : "2026-11-21T02:13:00Z";
}

/** True when every value of `outer` is one of `inner`, so that the first can be handed on as the second. */
export function fits(outer: Input, inner: Input): boolean {
  if (outer.type === "choice") return outer.choices.every((choice) => valueFault(inner, choice) === null);
  if (outer.type !== inner.type) return false;
  const low = inner.min === null || (outer.min !== null && outer.min >= inner.min);
  const high = inner.max === null || (outer.max !== null && outer.max <= inner.max);
  return outer.pattern === inner.pattern && low && high;
}
