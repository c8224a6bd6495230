import type { Plan, PlanStep } from "../../../src/catalog/types.ts";
import { isFence } from "../../../src/incident/fences.ts";
import type { RunState, StepState } from "../../../src/incident/state.ts";
import { type Unfenced, unfencedAfter, unfencedIn } from "../../../src/incident/unfenced.ts";
import { cut, plain, safe } from "../kit/escape.ts";
import { clock } from "../kit/when.ts";
import { stepsOf } from "./plan.ts";

type Names = { readonly names: (who: string) => string };

/**
 * Is the old side kept from taking writes? Told from what was seen, never from what is planned. `covered`: what the approval lets
 * happen; a fence that comes after it isn't spoken of yet. Null: nothing is fenced here.
 */
export function fenceWords(run: RunState, covered: readonly PlanStep[]): string | null {
  const open = new Set(unfencedIn(run).map(({ step }) => step));
  const fences = [...run.steps.values()].filter(
    ({ step, status }) => isFence(step) && status !== "passedOver" && !open.has(step.id),
  );
  const soon = new Set(covered.map(({ id }) => id));
  const waiting = fences.filter((one) => said(one) === null && soon.has(one.step.id));
  const numbers = waiting.map(({ step }) => numberOf(run.plan, step.id));
  const all = [...fences.map(said), numbers.length === 0 ? null : `pending, step ${numbers.join(" and ")}`];
  const words = all.filter((one) => one !== null).join("; ");
  return words === "" ? null : words;
}

/**
 * "⚠️ NOT FENCED: orders-b …", a line a server, the same on the decision, its confirmation, the result, the status and wherever else.
 * `asking`: it is read by people who have not approved yet.
 */
export function notFencedLines(run: RunState, around: Names, asking = false): readonly string[] {
  return unfencedIn(run).map((one) => notFenced(one, around, asking));
}

/** The same for a whole incident: what no later run has fenced or rebuilt. */
export function stillUnfenced(runs: Iterable<RunState>, around: Names): readonly string[] {
  return unfencedAfter(runs).map(({ one }) => notFenced(one, around, false));
}

/** Lines of a card as sentences, for its text. */
export function aloud(lines: readonly string[]): string {
  return lines.map((line) => `${line.replaceAll("*", "")} `).join("");
}

/** For a plain-text dialog. */
export function notFencedPlain(run: RunState): string {
  const servers = unfencedIn(run).map(({ server }) => plain(cut(server, 60)));
  return servers.length === 0 ? "" : `⚠ NOT FENCED: ${servers.join(", ")}. You accept this by approving. `;
}

function notFenced({ server, acceptedBy }: Unfenced, around: Names, asking: boolean): string {
  const people = acceptedBy.map((person) => around.names(person)).join(" and ");
  const signed = people === "" ? "" : ` Accepted by ${people}.`;
  const sign = asking ? " You accept this by approving." : people === "" ? " Not accepted yet." : "";
  return `⚠️ *NOT FENCED: ${safe(cut(server, 120))}.* If it comes back, two servers take writes.${signed}${sign}`;
}

/** Counted from 1, as the list of all steps counts. */
function numberOf(plan: Plan, step: string): number {
  return stepsOf(plan).findIndex(({ id }) => id === step) + 1;
}

/** Null: its turn has not come. */
function said(step: StepState): string | null {
  const title = `“${safe(cut(step.step.title, 80))}”`;
  switch (step.status) {
    case "done":
      return `${safe(cut(step.says, 150))} (seen ${clock(step.at)})`;
    case "skipped":
      return `⚠️ ${title} was skipped`;
    case "failed":
    case "stopped":
      return `⚠️ ${title} failed`;
    case "running":
      return `${title} is running`;
    case "waiting":
    case "open":
    case "gate":
    case "passedOver":
      return null;
    default:
      return step satisfies never;
  }
}
