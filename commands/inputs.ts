import { inputProblem, unknownInput } from "../src/catalog/bound.ts";
import { type Input, momentValue, valueFault } from "../src/catalog/input.ts";
import type { Scalar } from "../src/catalog/reference.ts";
import { nearest } from "../src/catalog/suggest.ts";
import type { Plan, Runbook } from "../src/catalog/types.ts";
import { LifeboatError, type Problem } from "../src/lib/errors.ts";
import { inputsForm, inputsWanted } from "../templates/messages/inputs.ts";
import type { Reply, Request } from "./command.ts";
import type { House } from "./house.ts";
import { momentIn } from "./moment.ts";

/** In a form, what stands before the name of an input. */
const FIELD = "input.";

/** What a responder gives to a runbook by name: `node=worker-3`. */
export interface Assigned {
  readonly words: readonly string[];
  readonly given: ReadonlyMap<string, string>;
}

/**
 * Words as they were typed, those of the form `name=value` apart. Of moments people type the blanks too: `to=10m ago`,
 * `to=2026-11-21 02:13 UTC`. `names`: only these, where anything else is prose.
 */
export function assignedIn(words: readonly string[], names: readonly string[] | null = null): Assigned {
  const rest: string[] = [];
  const given = new Map<string, string>();
  let last: string | null = null;
  for (const word of words) {
    const [, name, value] = /^([A-Za-z][A-Za-z0-9]*)=([\s\S]*)$/.exec(word) ?? [];
    const known = names?.find((one) => one.toLowerCase() === name?.toLowerCase());
    if (name !== undefined && value !== undefined && (names === null || known !== undefined)) {
      last = known ?? name;
      given.set(last, value);
    } else if (last !== null && goesOn(given.get(last) ?? "", word)) given.set(last, `${given.get(last)} ${word}`);
    else {
      last = null;
      rest.push(word);
    }
  }
  return { words: rest, given };
}

function goesOn(value: string, word: string): boolean {
  if (/^(ago|utc|z)$/i.test(word)) return /\d/.test(value);
  return /^\d{4}-\d\d-\d\d$/.test(value) && /^\d\d?:\d\d/.test(word);
}

/** Every input of the runbook with its value, or what to say instead of starting it. */
export type Gathered =
  | { readonly kind: "values"; readonly values: ReadonlyMap<string, Scalar> }
  | { readonly kind: "reply"; readonly reply: Reply };

interface From {
  /** What an earlier run of it was given; what is said now comes first. */
  readonly kept?: ReadonlyMap<string, Scalar>;
  /** Behind `/dr`, without inputs and options: `runbook node-drain`; left out: as it was typed. */
  readonly head?: string;
  /** As for `assignedIn`. */
  readonly names?: readonly string[];
}

/** Reads what was typed or filled in. Nothing is lost by a mistake: the answer holds all that was right, and the form all that was typed. */
export function gatherInputs(house: House, request: Request, runbook: Runbook, from: From = {}): Gathered {
  const { words, given } = assignedIn(request.words, from.names ?? null);
  const filled = Object.entries(request.form ?? {}).flatMap(([field, value]): [string, string][] =>
    field.startsWith(FIELD) ? [[field.slice(FIELD.length), value]] : [],
  );
  const typed = new Map([...given, ...filled].filter(([, value]) => value.trim() !== ""));
  const read = readInputs(runbook, typed, from.kept ?? new Map(), house.timeline.now());
  if (!request.wantsForm && read.problems.length === 0) return { kind: "values", values: read.values };
  const head = from.head ?? [request.verb, ...words].join(" ");
  const behind = optionWords(request.options);
  const line = (values: ReadonlyMap<string, string>) => lineOf(head, values, behind);
  const carries = line(new Map([...read.written, ...read.wrong]));
  if (request.canAskForm && request.wantsForm) {
    const initial = new Map([...read.written, ...read.wrong]);
    return { kind: "reply", reply: { kind: "form", form: inputsForm(runbook, initial, carries) } };
  }
  const message = inputsWanted(runbook, read.problems, `/dr ${line(read.next)}`, carries);
  return { kind: "reply", reply: { kind: "private", message, refused: true } };
}

interface Read {
  readonly values: ReadonlyMap<string, Scalar>;
  readonly problems: readonly Problem[];
  /** What was right, as it can be typed again. */
  readonly written: ReadonlyMap<string, string>;
  /** What was not, as it was typed. */
  readonly wrong: ReadonlyMap<string, string>;
  /** For the line to type next: what was right, what was probably meant, and `…` for what only they can know. */
  readonly next: ReadonlyMap<string, string>;
}

function readInputs(
  runbook: Runbook,
  typed: ReadonlyMap<string, string>,
  kept: ReadonlyMap<string, Scalar>,
  now: Date,
): Read {
  const inputs = runbook.inputs ?? [];
  const names = inputs.map(({ name }) => name);
  const named = new Map([...typed].map(([name, value]) => [properName(names, name), value] as const));
  const values = new Map<string, Scalar>();
  const problems = [...named.keys()].flatMap((name) => unknownInput(runbook, name) ?? []);
  const [written, wrong, next] = [new Map<string, string>(), new Map<string, string>(), new Map<string, string>()];
  const meant = new Map(
    [...named].flatMap(([name, value]): [string, string][] => {
      const near = names.includes(name) ? null : nearest(name, names);
      return near === null ? [] : [[near, value]];
    }),
  );
  for (const input of inputs) {
    const { name } = input;
    const text = named.get(name);
    const value = text === undefined ? (kept.get(name) ?? null) : valueIn(input, text, now);
    const fault = value === null ? null : typeof value === "object" ? value.fault : valueFault(input, value);
    if (value === null) {
      if (input.default !== null) {
        values.set(name, input.default);
        continue;
      }
      if (!meant.has(name)) problems.push(inputProblem(runbook, input, `"${name}" is not given`));
      const text = meant.get(name);
      if (text !== undefined) wrong.set(name, text);
      next.set(name, text ?? "…");
    } else if (fault !== null || typeof value === "object") {
      problems.push(inputProblem(runbook, input, `"${name}": ${fault}`));
      wrong.set(name, text ?? String(kept.get(name)));
      next.set(name, (text !== undefined && choiceMeant(input, text)) || "…");
    } else {
      values.set(name, value);
      written.set(name, text ?? String(value));
      next.set(name, text ?? String(value));
    }
  }
  return { values, problems, written, wrong, next };
}

function properName(names: readonly string[], typed: string): string {
  return names.find((name) => name.toLowerCase() === typed.toLowerCase()) ?? typed;
}

const YES = ["yes", "y", "true", "on"];
const NO = ["no", "n", "false", "off"];

/** The value somebody typed, as a plan holds it. */
function valueIn(input: Input, typed: string, now: Date): Scalar | { readonly fault: string } {
  const text = typed.trim();
  switch (input.type) {
    case "text":
      return text;
    case "choice":
      return input.choices.find((choice) => choice.toLowerCase() === text.toLowerCase()) ?? text;
    case "number":
      return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : text;
    case "boolean":
      if (YES.includes(text.toLowerCase())) return true;
      return NO.includes(text.toLowerCase()) ? false : text;
    case "moment":
      return passed(text, now);
    default:
      return input.type satisfies never;
  }
}

function passed(text: string, now: Date): string | { readonly fault: string } {
  try {
    const moment = momentIn(text, now);
    if (moment.getTime() <= now.getTime()) return momentValue(moment);
    return { fault: `${momentValue(moment)} has not come yet; it is ${momentValue(now)} now` };
  } catch (error) {
    if (error instanceof LifeboatError) return { fault: error.problem.what };
    throw error;
  }
}

function choiceMeant({ choices }: Input, text: string): string | null {
  return nearest(text, choices);
}

/** `runbook node-drain node=worker-3 --dry-run`: what can be typed, and read again. */
function lineOf(head: string, values: ReadonlyMap<string, string>, options: readonly string[]): string {
  const given = [...values].map(([name, value]) => `${name}=${quoted(value)}`);
  return [head, ...given, ...options].join(" ");
}

function quoted(value: string): string {
  const plain = value.replace(/\p{Cc}+/gu, " ").slice(0, 250);
  if (!/[\s"'“”„‘«]/.test(plain)) return plain;
  return plain.includes('"') ? `'${plain.replaceAll("'", "’")}'` : `"${plain}"`;
}

function optionWords(options: Request["options"]): string[] {
  return Object.entries(options).map(([name, value]) => (value === true ? `--${name}` : `--${name} ${quoted(value)}`));
}

/** What an earlier run was given, as far as its runbook still asks for it. */
export function keptFrom({ plan }: { readonly plan: Plan }, { inputs = [] }: Runbook): ReadonlyMap<string, Scalar> {
  const kept = (plan.inputs ?? []).filter(({ name }) => inputs.some((input) => input.name === name));
  return new Map(kept.map(({ name, value }) => [name, value]));
}

/** True when it can not be started without being told something. */
export function needsInputs({ inputs = [] }: Runbook): boolean {
  return inputs.some((input) => input.default === null);
}

/** What to type for a runbook whose inputs nobody has given: `node=… revision=…`; empty where it needs none. */
export function inputsToType({ inputs = [] }: Runbook): string {
  return inputs
    .filter((input) => input.default === null)
    .map(({ name }) => ` ${name}=…`)
    .join("");
}
