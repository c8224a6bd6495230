import type { Path } from "./fault.ts";
import type { Mode, Runbook } from "./types.ts";

export type Scalar = string | number | boolean;

/** One `${…}` and where it stands. `whole`: it is all of its value, so that the value's type is kept. */
export interface Reference {
  readonly path: Path;
  readonly name: string;
  readonly whole: boolean;
}

const pattern = /\$\{([^{}]*)\}/g;
const wholePattern = /^\$\{([^{}]*)\}$/;

/** Every reference inside a value, however deep. An opening `${` that is never closed is a reference without a name. */
export function referencesIn(value: unknown, path: Path = []): Reference[] {
  if (typeof value === "string") return referencesInText(value, path);
  if (Array.isArray(value)) return value.flatMap((item, index) => referencesIn(item, [...path, index]));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, item]) => [
      ...referencesInText(key, [...path, key]).map((found) => ({ ...found, name: "" })),
      ...referencesIn(item, [...path, key]),
    ]);
  }
  return [];
}

function referencesInText(text: string, path: Path): Reference[] {
  const whole = wholePattern.test(text);
  const named = [...text.matchAll(pattern)].map((match) => ({ path, name: (match[1] ?? "").trim(), whole }));
  return text.replaceAll(pattern, "").includes(`\${`) ? [...named, { path, name: "", whole: false }] : named;
}

/** The value with every reference replaced. `lookUp` must know every name: ask `referencesIn` first. */
export function resolve(value: unknown, lookUp: (name: string) => unknown): unknown {
  if (typeof value === "string") return resolveText(value, lookUp);
  if (Array.isArray(value)) return value.map((item) => resolve(item, lookUp));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, lookUp)]));
  }
  return value;
}

function resolveText(text: string, lookUp: (name: string) => unknown): unknown {
  const whole = wholePattern.exec(text);
  if (whole !== null) return lookUp((whole[1] ?? "").trim());
  return text.replaceAll(pattern, (_, name: string) => String(lookUp(name.trim())));
}

/** The value with the references that are known by now replaced, and the others as they are. */
export function resolveKnown<T>(value: T, known: ReadonlyMap<string, Scalar>): T {
  return resolve(value, (name) => known.get(name) ?? `\${${name}}`) as T;
}

/** Resolves text that stays text, whatever the type of what it refers to. */
export function resolveSentence(text: string, lookUp: (name: string) => unknown): string {
  return String(resolveText(text, lookUp));
}

/** Where a runbook may refer to something: everything that is bound when it becomes a plan. */
export function* referableParts(runbook: Runbook, mode?: Mode): Generator<{ path: Path; value: unknown }> {
  if (runbook.changes !== null) yield { path: ["changes"], value: runbook.changes };
  for (const stage of runbook.stages) {
    const steps = stage.steps.filter((step) => !mode || step.mode === null || step.mode === mode);
    if (steps.length > 0) yield { path: [...stage.path, "title"], value: stage.title };
    for (const branch of stage.lanes ?? []) yield { path: [...stage.path, "steps"], value: branch.title };
    for (const step of steps) {
      const { path } = step;
      yield { path: [...path, "title"], value: step.title };
      if (step.does.kind === "action") yield { path: [...path, "with"], value: step.does.with };
      if (step.does.kind === "manual") yield { path: [...path, "with", "instructions"], value: step.does.instructions };
    }
  }
  for (const [i, sentence] of (runbook.givesUp ?? []).entries()) yield { path: ["givesUp", i], value: sentence };
  for (const [i, sentence] of runbook.beforehand.entries()) yield { path: ["beforehand", i], value: sentence };
  for (const [i, sentence] of runbook.afterwards.entries()) yield { path: ["afterwards", i], value: sentence };
}
