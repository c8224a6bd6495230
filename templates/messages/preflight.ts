import type { Preflight, ShownFact } from "../../src/incident/events.ts";
import { failedOf, findingsOf } from "../../src/incident/findings.ts";
import { unplannedInstead } from "../../src/incident/offers.ts";
import { changesThings, stepsInOrder } from "../../src/incident/order.ts";
import type { IncidentState, RunState } from "../../src/incident/state.ts";
import { UNFENCED } from "../../src/incident/unfenced.ts";
import { actionValue } from "./action-value.ts";
import { actions, context, lines, section } from "./blocks.ts";
import { safe } from "./escape.ts";
import { checksCount, distinct, factLine, findingLines } from "./facts.ts";
import { aloud, notFencedLines } from "./fence.ts";
import { runTitle } from "./kind.ts";
import type { Block, Message } from "./message.ts";
import type { Surroundings } from "./view.ts";
import { at } from "./when.ts";

/** What was seen before anything was changed: the verdict, what is wrong, and the rest in the small print. */
export function preflight(
  state: IncidentState,
  run: RunState,
  seen: Preflight & { readonly at: Date },
  around: Surroundings,
): Message {
  const failed = findingsOf(failedOf(seen.checks, "block")).map(({ says }) => safe(says));
  const risks = notFencedLines(run, around, run.endedAt === null && !run.dryRun);
  const facts = factsNow(run, seen.facts).map(factLine);
  return {
    text: `${verdict(run, seen)} Data loss: ${safe(seen.loss)}. ${aloud(risks)}${checksCount(seen.checks)}.${failed.length > 0 ? ` ${failed.join(" ")}` : ""}`,
    blocks: [
      section(`${seen.ready ? "🔎" : "❌"} *${verdict(run, seen)}*\n*Data loss:* ${safe(seen.loss)}`),
      ...lines([...risks, ...findingLines(seen.checks)]),
      ...(seen.ready ? [] : offerUnplanned(state, run, seen.facts)),
      ...(facts.length > 0 ? [context(facts.join(" · "))] : []),
      context(`${checksCount(seen.checks)} · ${at(seen.at)} · facts ${seen.factsHash.slice(0, 8)}`),
    ],
  };
}

function verdict(run: RunState, seen: Preflight): string {
  const title = safe(runTitle(run.plan, run.dryRun));
  return seen.ready
    ? `Preflight passed: ${title}. Nothing has been changed.`
    : `Preflight failed: ${title}. Nothing was started or changed.`;
}

const FACTS_MAX = 30;

/**
 * What says how things stand now. A step that looks at the outcome of a change before it sees what is not there yet: shown here,
 * it would contradict the checks that passed. The loss stands above, once.
 */
function factsNow(run: RunState, facts: readonly ShownFact[]): readonly ShownFact[] {
  const order = stepsInOrder(run.plan).map(({ step }) => step);
  const first = order.findIndex(changesThings);
  const outcomes = new Set(
    order.filter((step, n) => first !== -1 && n > first && !changesThings(step)).map(({ id }) => id),
  );
  return distinct(facts.filter(({ step, id }) => !outcomes.has(step) && id !== "loss" && id !== UNFENCED)).slice(
    0,
    FACTS_MAX,
  );
}

/** The way on when the old primary is dead, until a later run is there. */
export function offerUnplanned(state: IncidentState, run: RunState, facts: readonly ShownFact[]): Block[] {
  const taken = [...state.runs.values()].some(({ requestedAt }) => requestedAt > run.requestedAt);
  if (taken || !unplannedInstead(run, facts)) return [];
  return [
    section(`*Next:* Run it unplanned, without the old primary: \`/dr unplanned ${run.id}\``),
    actions({ label: "Run it unplanned", verb: "run.unplanned", actionValue: actionValue(run.id), style: "primary" }),
  ];
}
