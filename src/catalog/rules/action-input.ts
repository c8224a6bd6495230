import { errorAt, type Path } from "../fault.ts";
import { referencesIn, resolve, type Scalar, type Scope, scopeOf } from "../reference.ts";
import { scriptNamed, unreadScript, withScript } from "../script.ts";
import type { System } from "../types.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const actionInput: Rule = {
  id: "action-input",
  says: "What a step gives its action is what the action takes, in every mode it runs in.",
  judgesParts: true,
  *runbook({ system, runbook, cards }) {
    const said = new Set<string>();
    for (const mode of runbook.modes) {
      const scope = scopeOf(system, runbook, mode, undefined);
      for (const { path, does } of actionsOf(runbook, mode)) {
        const card = cards?.get(does.action);
        const references = referencesIn(does.with);
        if (isUnknownScript(system, does.with)) continue;
        if (card === undefined || references.some(({ name }) => !scope.known.includes(name))) continue;
        const checked = card.checkInput(
          withScript(
            resolve(does.with, (name) => valueOrSample(name, scope, system)),
            system,
            unreadScript,
          ),
        );
        if (checked.ok) continue;
        const guessed = references.filter(({ name }) => !scope.values.has(name)).map((reference) => reference.path);
        for (const error of checked.errors) {
          const key = JSON.stringify([path, error.path, error.message]);
          if (said.has(key) || guessed.some((guess) => isUnder(error.path, guess))) continue;
          said.add(key);
          const part = error.path.length === 0 ? "" : `, "${error.path.join(".")}"`;
          yield errorAt([...path, "with", ...error.path], `${does.action}${part}: ${error.message}`);
        }
      }
    }
  },
};

/** Said by another rule, and once is enough. */
function isUnknownScript(system: System, input: unknown): boolean {
  const named = scriptNamed(input);
  return named !== null && system.scripts.every(({ name }) => name !== named);
}

/**
 * Stands in for a value only an installation can give, so that the rest of an input can be checked. Every name gets
 * another, because an input may demand that two of them differ; nothing is said about the guessed value itself.
 */
function valueOrSample(name: string, { values }: Scope, system: System): Scalar {
  const known = values.get(name);
  if (known !== undefined) return known;
  const index = system.variables.findIndex((variable) => `var.${variable.name}` === name);
  const variable = system.variables[index];
  if (variable?.type === "number") return index + 1;
  return variable?.type === "boolean" ? false : (variable?.name ?? name);
}

function isUnder(path: Path, top: Path): boolean {
  return top.every((part, index) => path[index] === part);
}
