import { momentAhead } from "../../../templates/messages/run/command-refusals.ts";
import { inputMissing, inputProblem, unknownInput } from "../../catalog/bound.ts";
import { type Input, momentValue, valueFault } from "../../catalog/input.ts";
import type { Scalar } from "../../catalog/reference.ts";
import { nearest } from "../../catalog/suggest.ts";
import type { Runbook } from "../../catalog/types.ts";
import { LifeboatError, type Problem } from "../../lib/errors.ts";
import { momentIn } from "./moment.ts";

/** What was typed for the inputs of a runbook, read and held against what they allow. */
export interface Read {
  readonly values: ReadonlyMap<string, Scalar>;
  readonly problems: readonly Problem[];
  /** What was right, as it can be typed again and still means the same: a moment is absolute. */
  readonly written: ReadonlyMap<string, string>;
  /** What was not, as it was typed. */
  readonly wrong: ReadonlyMap<string, string>;
  /** For the line to type next: what was right, what was probably meant, and `…` for what only they can know. */
  readonly next: ReadonlyMap<string, string>;
}

/** `kept`: what an earlier run was given, where nothing is typed now. */
export function readInputs(
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
      if (!meant.has(name)) problems.push(inputMissing(runbook, input));
      const text = meant.get(name);
      if (text !== undefined) wrong.set(name, text);
      next.set(name, text ?? "…");
    } else if (fault !== null || typeof value === "object") {
      problems.push(inputProblem(runbook, input, `${fault}`));
      wrong.set(name, text ?? String(kept.get(name)));
      next.set(name, (text === undefined ? null : nearest(text, input.choices)) ?? "…");
    } else {
      values.set(name, value);
      const again = input.type === "moment" ? String(value) : (text ?? String(value));
      written.set(name, again);
      next.set(name, again);
    }
  }
  return { values, problems, written, wrong, next };
}

function properName(names: readonly string[], typed: string): string {
  return names.find((name) => name.toLowerCase() === typed.toLowerCase()) ?? typed;
}

const YES = ["yes", "y", "true", "on"];
const NO = ["no", "n", "false", "off"];

/** The value someone typed, as a plan holds it. */
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
    return { fault: momentAhead(momentValue(moment), momentValue(now)) };
  } catch (error) {
    if (error instanceof LifeboatError) return { fault: error.problem.what };
    throw error;
  }
}
