import { errorAt, type Fault, type Path } from "../fault.ts";
import { type Reference, referableParts, referencesIn } from "../reference.ts";
import { scopeOf, systemScope } from "../scope.ts";
import { nearest } from "../suggest.ts";
import { stepsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const unknownReference: Rule = {
  id: "unknown-reference",
  says: `Every \${…} refers to something, and stands only where it is replaced.`,
  judgesParts: true,
  *system({ system }) {
    const { known } = systemScope(system, undefined);
    for (const [i, one] of (system.readiness?.accounts ?? []).entries())
      for (const reference of referencesIn(one, ["readiness", "accounts", i])) yield* unknown(reference, known);
    for (const { id, probe } of system.triage?.questions ?? []) {
      const path = ["triage", "questions", id, "probe", "with"];
      for (const reference of referencesIn(probe?.with, path)) yield* unknown(reference, known);
    }
  },
  *runbook({ system, runbook }) {
    const { known } = scopeOf(system, runbook, "planned", undefined);
    for (const { path, value } of referableParts(runbook)) {
      for (const reference of referencesIn(value, path)) yield* unknown(reference, known);
    }
    const fixed: { path: Path; value: unknown }[] = [
      { path: ["title"], value: runbook.title },
      { path: ["summary"], value: runbook.summary },
      ...stepsOf(runbook).map(({ step, path }) => ({ path: [...path, "when", "is"], value: step.when?.is })),
    ];
    for (const { path, value } of fixed) {
      if (referencesIn(value).length === 0) continue;
      yield errorAt(path, `Nothing is replaced in "${path.at(-1)}"`, { next: "Write it out" });
    }
  },
};

/** Of a target that is known its own names; else everything but the fields of targets. */
function near(name: string, known: readonly string[]): readonly string[] {
  const [head] = name.split(".");
  const own = known.filter((one) => one.startsWith(`${head}.`));
  if (own.length > 0) return own;
  return known.filter((one) => one.split(".").length <= 2);
}

function* unknown({ path, name }: Reference, known: readonly string[]): Generator<Fault> {
  if (known.includes(name)) return;
  if (name === "") {
    yield errorAt(path, "This is not a whole reference", {
      allowed: `A reference is \${name}, in a value, never in a key`,
    });
  } else {
    const meant = nearest(name, known);
    yield errorAt(path, `\${${name}} refers to nothing`, {
      allowed: `Allowed: ${near(name, known).join(", ")}`,
      ...(meant === null ? {} : { next: `Did you mean \${${meant}}?` }),
    });
  }
}
