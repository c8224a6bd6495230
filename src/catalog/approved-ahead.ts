import type { ActionCard, Gate, Mode, Occasion, Runbook } from "./types.ts";
import { gatesOf, stepsOf } from "./walk.ts";

/**
 * What may be approved before its hour: planned work every step of which looks or adds a copy, behind one gate. Nothing else is, because who
 * approves ahead sees the plan, and not the night (`docs/decisions/0014-approved-ahead.md`).
 */

/** The mode a calendar entry runs its runbook in. */
export function modeOfOccasion({ mode }: Pick<Occasion, "mode">, { modes }: Pick<Runbook, "modes">): Mode {
  return mode ?? (modes.includes("planned") ? "planned" : (modes[0] ?? "planned"));
}

/** The gate an approval ahead answers; null: this runbook has not exactly one. */
export function gateAhead(runbook: Runbook, mode: Mode): Gate | null {
  const [only, ...more] = gatesOf(runbook, mode);
  return only === undefined || more.length > 0 ? null : only.gate;
}

/** Why this runbook can't be approved ahead, a clause; null: it can. */
export function aheadFault(runbook: Runbook, mode: Mode, cards: ReadonlyMap<string, ActionCard>): string | null {
  const [given] = runbook.givesUp ?? [];
  const steps = stepsOf(runbook, mode).map(({ step }) => step);
  const beyond = steps.find(({ does }) => does.kind === "action" && !isHarmless(cards.get(does.action)));
  const manual = steps.find(({ does }) => does.kind === "manual");
  if (runbook.direction !== undefined) return `"${runbook.id}" moves something from one site to another`;
  if (runbook.drill || runbook.exercise) return `"${runbook.id}" is an exercise`;
  if (given !== undefined) return `"${runbook.id}" gives up data: ${given}`;
  if (beyond?.does.kind === "action")
    return `step "${beyond.id}" (${beyond.does.action}) does more than look or add a copy`;
  if (manual !== undefined) return `step "${manual.id}" is done by people, who would have to be there`;
  if (runbook.maintenance !== true) return `"${runbook.id}" isn't planned work: it has no maintenance: true`;
  if ((runbook.inputs ?? []).length > 0) return `"${runbook.id}" has inputs, which are said when it's requested`;
  const gates = gatesOf(runbook, mode).length;
  return gates === 1 ? null : `"${runbook.id}" has ${gates === 0 ? "no gate" : `${gates} gates`}, and needs one`;
}

/** An action no one knows of is judged elsewhere. */
function isHarmless(card: ActionCard | undefined): boolean {
  return card === undefined || card.risk === "read" || card.copies === true;
}
