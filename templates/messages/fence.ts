import type { RunState, StepState } from "../../src/incident/state.ts";
import { cut, safe } from "./escape.ts";
import { clock } from "./when.ts";

/** Is the old side kept from taking writes? Told from what was seen, never from what is planned. */
export function fenceWords(run: RunState): string {
  const fences = [...run.steps.values()].filter(
    ({ step, status }) => step.kind === "action" && /\.fence/i.test(step.action) && status !== "passedOver",
  );
  if (fences.length === 0) return "this plan fences nothing";
  return fences.map(said).join("; ");
}

function said(step: StepState): string {
  const title = `“${safe(cut(step.step.title, 80))}”`;
  switch (step.status) {
    case "done":
      return `${safe(cut(step.says, 150))} (seen ${clock(step.at)})`;
    case "skipped":
      return `⚠️ ${title} was skipped`;
    case "failed":
    case "stopped":
      return `⚠️ ${title} did not succeed`;
    case "running":
      return `${title} is under way`;
    case "waiting":
    case "open":
    case "gate":
    case "passedOver":
      return `not yet; ${title} does it`;
    default:
      return step satisfies never;
  }
}
