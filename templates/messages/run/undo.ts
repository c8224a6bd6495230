import type { PlanStep } from "../../../src/catalog/types.ts";
import { stepsInOrder } from "../../../src/incident/order.ts";
import type { IncidentState, RunState } from "../../../src/incident/state.ts";
import {
  builtUpon,
  changedSteps,
  promotedBefore,
  undoneBy,
  undoRefusal,
  wayBackOf,
} from "../../../src/incident/undo.ts";
import { actionValue } from "../kit/action-value.ts";
import type { Button } from "../kit/blocks.ts";
import { cut, plain, safe } from "../kit/escape.ts";
import { changes } from "./plan.ts";
import { UNDO_REFUSALS } from "./undo-refusals.ts";

/** What an ended run has changed, the last first, and how each of it is taken back. Empty: nothing of it stands. */
export function waysBack(state: IncidentState, run: RunState): readonly string[] {
  if (run.dryRun) return [];
  return stepsInOrder(run.plan)
    .toReversed()
    .flatMap(({ step }) => wayBack(state, run, step) ?? [])
    .map((line) => `• ${line}`);
}

/** The button that undoes what has to be undone first, where something can be. */
export function undoButton(state: IncidentState, run: RunState): Button | null {
  const first = changedSteps(state, run).find(({ step }) => isOffered(state, run, step.step));
  if (first === undefined) return null;
  const title = plain(first.step.step.title);
  return {
    label: "Undo last change",
    verb: "run.undo",
    actionValue: actionValue(run.id, first.step.step.id),
    aloud: `Undo ${title}`,
    confirm: {
      title: "Undo this step?",
      says: `${cut(title, 200)}. The people who approved it are asked to approve the undo.`,
      yes: "Request undo",
      no: "Not now",
    },
  };
}

function isOffered(state: IncidentState, run: RunState, step: PlanStep): boolean {
  const way = wayBackOf(step);
  return (way === null || way.kind === "step") && undoRefusal(state, run.id, step.id) === null;
}

function wayBack(state: IncidentState, run: RunState, step: PlanStep): string | null {
  const title = `“${safe(cut(step.title, 150))}”`;
  const found = run.steps.get(step.id);
  if (step.kind === "manual") return found?.status === "done" ? `${title}: by hand` : null;
  if (found?.origin === undefined || step.kind !== "action") return null;
  const undone = undoneBy(state, run.id, step.id);
  if (undone) return `${title}: undone (${safe(undone.id)})`;
  const way = wayBackOf(step);
  switch (way?.kind) {
    case "nothing":
      return null;
    case "never":
      return `${title} can't be undone. ${safe(way.says)}`;
    case "by-hand":
      return `${title}: by hand. ${safe(way.says)}`;
    default: {
      const refusal =
        promotedBefore(state, run, step.id) ?? builtUpon(state, run, step.id) ?? undoRefusal(state, run.id, step.id);
      if (refusal?.code === "undo-behind")
        return `${title} can't be undone any more: ${safe(UNDO_REFUSALS["undo-behind"](refusal).what)}`;
      if (refusal?.code === "undo-past")
        return `${title} can't be undone alone: ${safe(UNDO_REFUSALS["undo-past"](refusal).what)}`;
      if (refusal?.code === "undo-under-way") return `${title}: being undone now`;
      return `${title}: \`/dr undo ${step.id} ${run.id}\``;
    }
  }
}

/** What a card says of the way back of these steps: only what their actions say. `all`: what they are together. */
export function noReturnWords(steps: readonly PlanStep[], all: "every step" | "every step this approves"): string {
  const never = steps.find((step) => wayBackOf(step)?.kind === "never");
  if (never) return `“${safe(cut(never.title, 60))}”${never.when === null ? "" : ", if it is needed"}`;
  const changing = steps.filter((step) => changes(step) || step.kind === "manual");
  if (changing.length === 0) return "none: nothing is changed";
  if (changing.some((step) => wayBackOf(step) === null)) return "not recorded in this plan";
  const byHand = changing.filter((step) => wayBackOf(step)?.kind === "by-hand");
  if (byHand.length === 0) return `none: ${all} can be undone`;
  const more = byHand.length - 1;
  const named = `“${safe(cut(byHand[0]?.title ?? "", 32))}”${more > 0 ? ` and ${more} more` : ""}`;
  const others = byHand.length < changing.length ? "; the others can be undone" : "";
  return `none; by hand: ${named}${others}`;
}
