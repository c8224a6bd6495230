import { inOneBranch } from "../branches.ts";
import { errorAt, type Fault } from "../fault.ts";
import { offer } from "../suggest.ts";
import type { Runbook } from "../types.ts";
import { isBefore, type Placed, runsIn, stepsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const unreachable: Rule = {
  id: "unreachable",
  says: "Every step can run: its mode is offered, and its condition asks an action that is over by then.",
  *runbook({ runbook }) {
    const all = stepsOf(runbook);
    for (const placed of all) {
      yield* modeFaults(placed, runbook);
      yield* conditionFaults(placed, all, runbook);
    }
  },
};

function* modeFaults({ step, path }: Placed, { modes }: Runbook): Generator<Fault> {
  if (step.mode === null || modes.includes(step.mode)) return;
  yield errorAt([...path, "mode"], `Step "${step.id}" never runs: this runbook is not offered ${step.mode}`, {
    allowed: `Allowed: ${modes.join(", ")}`,
    next: `Add ${step.mode} to "modes", or take the step out`,
  });
}

function* conditionFaults(placed: Placed, all: readonly Placed[], { modes }: Runbook): Generator<Fault> {
  const { step, path } = placed;
  if (step.when === null) return;
  const at = [...path, "when", "step"];
  const asked = all.find((other) => other.step.id === step.when?.step);
  const askable = all.filter((other) => other.step.does.kind === "action" && isBefore(other, placed));
  const choice = offer(
    step.when.step,
    askable.map((other) => other.step.id),
  );
  if (asked === undefined) {
    yield errorAt(at, `There is no step "${step.when.step}"`, choice);
  } else if (asked.step.does.kind !== "action") {
    yield errorAt(at, `Step "${asked.step.id}" leaves no facts: only actions do`, { allowed: choice.allowed });
  } else if (!isBefore(asked, placed)) {
    const when =
      asked.stage === placed.stage && !inOneBranch(asked.stage, asked.step.id, step.id)
        ? "runs beside"
        : "is not over before";
    yield errorAt(at, `Step "${asked.step.id}" ${when} "${step.id}", so its facts are not there yet`, {
      allowed: choice.allowed,
    });
  } else {
    const without = modes.filter((mode) => runsIn(step, mode) && !runsIn(asked.step, mode));
    if (without.length > 0) {
      const what = `Step "${asked.step.id}" does not run ${without.join(" or ")}, so "${step.id}" would never run there`;
      yield errorAt(at, what, { next: `Give "${step.id}" the same mode` });
    }
  }
}
