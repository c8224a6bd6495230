import { errorAt, type Fault, type Path } from "../fault.ts";
import { namesStep } from "../names-step.ts";
import { referencesIn } from "../reference.ts";
import type { Runbook } from "../types.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const inputIsData: Rule = {
  id: "input-is-data",
  says: "What a responder types is data: no text of theirs becomes SQL, and it never chooses a script, a secret or a step.",
  judgesParts: true,
  *runbook({ runbook }) {
    for (const { path, does } of actionsOf(runbook)) yield* check(does.with, [...path, "with"], runbook);
  },
};

function* check(value: unknown, path: Path, runbook: Runbook): Generator<Fault> {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* check(item, [...path, i], runbook);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    const at = [...path, key];
    const named = referencesIn(item, at).filter(({ name }) => name.startsWith("input."));
    if (key === "sql") yield* named.flatMap(({ path, name }) => inSql(name, path, runbook));
    else if (chooses(key)) {
      for (const { path, name } of named)
        yield errorAt(path, `\${${name}} would choose what "${key}" names`, {
          next: "Write it out, or make a runbook for each",
        });
    } else yield* check(item, at, runbook);
  }
}

/** A key whose value names something of ours: a step, an environment variable, a script, a manifest. */
function chooses(key: string): boolean {
  return namesStep(key) || ["script", "manifest", "manifests", "environment"].includes(key);
}

function inSql(name: string, path: Path, { inputs = [] }: Runbook): Fault[] {
  const input = inputs.find((one) => `input.${one.name}` === name);
  if (input?.type !== "text") return [];
  const fault = errorAt(path, `\${${name}} is a text, and would be read as SQL`, {
    allowed: "In SQL an input is a choice, a number, a moment or a boolean",
  });
  return [fault];
}
