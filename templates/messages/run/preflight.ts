import type { Preflight, ShownFact } from "../../../src/incident/events.ts";
import { failedOf, findingsOf } from "../../../src/incident/findings.ts";
import { unplannedInstead } from "../../../src/incident/offers.ts";
import type { IncidentState, RunState } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, lines, section } from "../kit/blocks.ts";
import { ended, safe } from "../kit/escape.ts";
import { checksCount, findingLines } from "../kit/facts.ts";
import { runTitle } from "../kit/kind.ts";
import type { Block, Message } from "../kit/message.ts";
import type { Surroundings } from "../kit/view.ts";
import { at } from "../kit/when.ts";
import { detailsButton } from "./details.ts";
import { aloud, notFencedLines } from "./fence.ts";

/** An approval is still to come: who gives it accepts what is shown. */
function decides({ steps }: RunState): boolean {
  return [...steps.values()].some(
    (state) =>
      state.step.kind === "gate" &&
      (state.status === "waiting" || (state.status === "gate" && state.gate.outcome === "open")),
  );
}

/** What was seen before anything was changed: what would be lost, what is wrong. The rest is in the details. */
export function preflight(run: RunState, seen: Preflight & { readonly at: Date }, around: Surroundings): Message {
  const risks = notFencedLines(run, around, run.endedAt === null && decides(run));
  const verdict = `Preflight passed: ${safe(runTitle(run.plan, run.dryRun))}. Nothing has been changed.`;
  return {
    text: `${verdict} Data loss: ${safe(seen.loss)}. ${aloud(risks)}${checksCount(seen.checks)}.`,
    blocks: [
      section(`🔎 *${verdict}*\n*Data loss:* ${safe(seen.loss)}`),
      ...lines([...risks, ...findingLines(seen.checks)]),
      actions(detailsButton(run, null)),
      context(`${checksCount(seen.checks)} · ${at(seen.at)} · facts ${seen.factsHash.slice(0, 8)}`),
    ],
  };
}

/** The first of what stops it, and how many more there are. Not escaped. */
export function firstFinding(checks: Preflight["checks"]): string {
  const [first = "A check failed", ...others] = findingsOf(failedOf(checks, "block")).map(({ says }) => says);
  return others.length === 0
    ? first
    : `${ended(first)} And ${others.length} more ${others.length === 1 ? "problem" : "problems"}.`;
}

/** The way on when the old primary is dead, until a later run is there. */
export function offerUnplanned(state: IncidentState, run: RunState, facts: readonly ShownFact[]): Block[] {
  const button = unplannedInstead(run, facts) ? unplannedButton(state, run) : [];
  if (button.length === 0) return [];
  return [
    section(`*Next:* Run it unplanned, without the old primary: \`/dr unplanned ${run.id}\``),
    actions(...button),
  ];
}

/** Empty: a later run was requested already. */
export function unplannedButton(state: IncidentState, run: RunState): readonly Button[] {
  const taken = [...state.runs.values()].some(({ requestedAt }) => requestedAt > run.requestedAt);
  if (taken) return [];
  return [{ label: "Run it unplanned", verb: "run.unplanned", actionValue: actionValue(run.id), style: "primary" }];
}
