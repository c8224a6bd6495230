import { type Binding, type Lookup, sampleBinding, targetNames, valuesOf } from "./binding.ts";
import type { Path } from "./fault.ts";
import { sampleOf } from "./input.ts";
import type { Scalar } from "./reference.ts";
import type { Mode, Runbook, System } from "./types.ts";

/** What a runbook may refer to. A variable or input that has no value yet is in `known` and not in `values`. */
export interface Scope {
  readonly known: readonly string[];
  /** A scalar; for a member of a target an object, and for several of them a list. */
  readonly values: Lookup<unknown>;
  /** What an input could be. */
  readonly samples?: ReadonlyMap<string, Scalar>;
  /** Inside a value, what an installation would give; its name is in `values` all the same. */
  readonly guesses?: Lookup<readonly Path[]>;
}

/** What a system may refer to without its targets. */
interface Plain {
  readonly known: readonly string[];
  readonly values: ReadonlyMap<string, Scalar>;
}

/** `inputs`: each with its value, or undefined where none is given yet. `binding`: left out, every target is sampled. */
export function scopeOf(
  system: System,
  runbook: Pick<Runbook, "component" | "inputs" | "direction">,
  mode: Mode,
  given: ReadonlyMap<string, Scalar> | undefined,
  inputs: ReadonlyMap<string, Scalar> = new Map(),
  binding: Binding = sampleBinding(system, runbook),
): Scope {
  const component = system.components.find(({ id }) => id === runbook.component);
  const about: [string, Scalar][] =
    component === undefined
      ? []
      : [
          ["component.id", component.id],
          ["component.title", component.title],
        ];
  const scope = scopeWith(system, [["mode", mode], ...systemWords(system), ...about], given);
  const asked = runbook.inputs ?? [];
  const whole = withTargets(system, runbook, scope, binding);
  return {
    ...whole,
    known: [...whole.known, ...asked.map(({ name }) => `input.${name}`)],
    values: over(new Map([...inputs].map(([name, value]) => [`input.${name}`, value])), whole.values),
    samples: new Map(asked.map((input) => [`input.${input.name}`, sampleOf(input)])),
  };
}

/** What a system may refer to outside its runbooks: itself, its variables, and members of its targets but not their roles. */
export function systemScope(system: System, given: ReadonlyMap<string, Scalar> | undefined): Scope {
  return withTargets(system, null, scopeWith(system, systemWords(system), given), sampleBinding(system, null));
}

function withTargets(
  system: System,
  runbook: Pick<Runbook, "direction"> | null,
  scope: Plain,
  binding: Binding,
): Scope {
  const names = targetNames(system, runbook);
  const { values, guesses } = valuesOf(names, binding, scope.values, (name) => sampleOfVariable(system, name));
  return {
    known: [...scope.known, ...names.map(({ name }) => name)],
    values: over(values, scope.values),
    guesses,
  };
}

/** The first of the two that has it. */
function over(first: Lookup<unknown>, second: Lookup<unknown>): Lookup<unknown> {
  return {
    get: (name) => (first.has(name) ? first.get(name) : second.get(name)),
    has: (name) => first.has(name) || second.has(name),
  };
}

/** Stands in for a value only an installation can give. Every name gets another, because two of them may have to differ. */
export function sampleOfVariable({ variables }: System, name: string): Scalar {
  const index = variables.findIndex((variable) => `var.${variable.name}` === name);
  const variable = variables[index];
  if (variable?.type === "number") return index + 1;
  return variable?.type === "boolean" ? false : (variable?.name ?? name);
}

function systemWords(system: System): [string, Scalar][] {
  return [
    ["system.id", system.id],
    ["system.title", system.title],
  ];
}

function scopeWith(
  system: System,
  words: readonly (readonly [string, Scalar])[],
  given: ReadonlyMap<string, Scalar> | undefined,
): Plain {
  const values = new Map<string, Scalar>(words);
  const fixed = [...values.keys()];
  for (const variable of system.variables) {
    const value = given?.get(variable.name) ?? variable.default;
    if (value !== null) values.set(`var.${variable.name}`, value);
  }
  return { known: [...fixed, ...system.variables.map(({ name }) => `var.${name}`)], values };
}
