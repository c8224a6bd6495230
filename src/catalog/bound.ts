import type { Problem } from "../lib/errors.ts";
import { type Input, valueFault } from "./input.ts";
import { allowedOf } from "./input-words.ts";
import type { Scalar } from "./reference.ts";
import { nearest } from "./suggest.ts";
import type { Runbook } from "./types.ts";

/** The value of every input of a runbook, in its order; or everything that is wrong with what was given. */
export type Bound =
  | { readonly ok: true; readonly values: ReadonlyMap<string, Scalar> }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function bindInputs(runbook: Runbook, given: ReadonlyMap<string, Scalar>): Bound {
  const inputs = runbook.inputs ?? [];
  const problems = [...given.keys()].flatMap((name) => unknownInput(runbook, name) ?? []);
  const values = new Map<string, Scalar>();
  for (const input of inputs) {
    const value = given.get(input.name) ?? input.default;
    const fault = value === null ? null : valueFault(input, value);
    if (value === null) problems.push(inputMissing(runbook, input));
    else if (fault !== null) problems.push(inputProblem(runbook, input, fault));
    else values.set(input.name, value);
  }
  return problems.length === 0 ? { ok: true, values } : { ok: false, problems };
}

/** Null: the runbook has an input of this name. */
export function unknownInput({ title, inputs = [] }: Runbook, name: string): Problem | null {
  const names = inputs.map((input) => input.name);
  if (names.includes(name)) return null;
  const meant = nearest(name, names);
  return {
    code: "input-unknown",
    where: title,
    what: `It has no input "${name}"`,
    allowed: names.length === 0 ? "It has none" : inputs.map(allowedOf).join(". "),
    ...(meant !== null && { next: `Did you mean ${meant}=…?` }),
  };
}

export function inputMissing({ title }: Runbook, input: Input): Problem {
  return { code: "input-missing", where: title, what: `"${input.name}" is not given`, allowed: allowedOf(input) };
}

export function inputProblem({ title }: Runbook, input: Input, what: string): Problem {
  return { code: "input-wrong", where: title, what, allowed: allowedOf(input) };
}
