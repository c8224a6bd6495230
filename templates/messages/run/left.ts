import { changesThings, stepsInOrder } from "../../../src/incident/order.ts";
import type { RunState, StepState } from "../../../src/incident/state.ts";
import { changesOf } from "../../../src/incident/state-now.ts";
import { cut, safe } from "../kit/escape.ts";

/** Where a run was left, in lines that fit a phone. */

const NAMED = 2;

/** "Changed: “Fence orders-a” and 2 more. Unknown, check first: “Promote orders-b”." Not escaped. */
export function changedWords(run: Pick<RunState, "steps">): string {
  const { done, unsure } = changesOf(run);
  if (done.length === 0 && unsure.length === 0) return "Nothing was changed.";
  return [
    ...(done.length > 0 ? [`Changed: ${named(done)}.`] : []),
    ...(unsure.length > 0 ? [`Unknown, check first: ${named(unsure)}.`] : []),
  ].join(" ");
}

/** After a denial, or an approval no one gave in time: what was changed, what does not run, what people can do. For mrkdwn. */
export function leftLines(run: RunState, gate: string): readonly string[] {
  const behind = stepsBehind(run, gate);
  return [
    `*State now:* ${safe(changedWords(run))}`,
    `*Paused:* ${behind.length === 0 ? "nothing follows this approval" : safe(named(behind))}`,
    "*Next:* ask again, change the plan, or abort the run",
  ];
}

/** What comes after it in the plan and has not begun: what changes something, where anything does. */
function stepsBehind(run: RunState, gate: string): readonly StepState[] {
  const order = stepsInOrder(run.plan).map(({ step }) => step.id);
  const after = order.slice(order.indexOf(gate) + 1);
  const waiting = after.flatMap((id) => run.steps.get(id) ?? []).filter(({ status }) => status === "waiting");
  const changing = waiting.filter(({ step }) => changesThings(step));
  return changing.length > 0 ? changing : waiting;
}

/** "“Fence orders-a”, “Promote orders-b” and 3 more" */
function named(steps: readonly StepState[]): string {
  const titles = steps.slice(0, NAMED).map(({ step }) => `“${cut(step.title, 60)}”`);
  const more = steps.length - titles.length;
  if (more > 0) return `${titles.join(", ")} and ${more} more`;
  return titles.join(" and ");
}
