import { errorAt, type Fault, type Path } from "../fault.ts";
import { namesOnlyStep } from "../names-step.ts";
import { offer } from "../suggest.ts";
import { actionsOf, isBefore } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const unknownStep: Rule = {
  id: "unknown-step",
  says: "Where an input names a step (fenceStep, quietSteps, restoreFrom, after), that step is over before.",
  *runbook({ runbook, cards }) {
    const said = new Set<string>();
    for (const mode of runbook.modes) {
      const all = actionsOf(runbook, mode);
      for (const placed of all) {
        // What a promotion relies on is judged by unfenced-promote.
        if (cards?.get(placed.does.action)?.promotes) continue;
        const before = all.filter((other) => isBefore(other, placed)).map(({ step }) => step.id);
        for (const { name, path } of namedIn(placed.does.with, [...placed.path, "with"])) {
          const key = JSON.stringify([path, name]);
          if (before.includes(name) || said.has(key)) continue;
          said.add(key);
          yield fault(placed.step.id, name, path, before, mode);
        }
      }
    }
  },
};

function fault(step: string, name: string, path: Path, before: readonly string[], mode: string): Fault {
  return errorAt(
    path,
    `Step "${step}" relies on step "${name}", which is not over before it (${mode})`,
    offer(name, before),
  );
}

function namedIn(value: unknown, path: Path): { name: string; path: Path }[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => namedIn(item, [...path, i]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    namesOnlyStep(key) ? texts(item, [...path, key]) : namedIn(item, [...path, key]),
  );
}

function texts(value: unknown, path: Path): { name: string; path: Path }[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => texts(item, [...path, i]));
  return typeof value === "string" ? [{ name: value, path }] : [];
}
