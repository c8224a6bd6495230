import type { Preflight, ShownFact } from "../../src/incident/events.ts";
import type { IncidentState, RunState } from "../../src/incident/state.ts";
import { onceEach } from "../../src/incident/status.ts";
import { actions, context, lines, section } from "./blocks.ts";
import { safe } from "./escape.ts";
import { checkLine, distinct, factLine } from "./facts.ts";
import { runTitle } from "./kind.ts";
import type { Block, Message } from "./message.ts";
import { at } from "./when.ts";

/** What was seen before anything was changed. */
export function preflight(state: IncidentState, run: RunState, seen: Preflight & { readonly at: Date }): Message {
  const failed = seen.checks.filter(({ ok, level }) => !ok && level === "block");
  const warned = seen.checks.filter(({ ok, level }) => !ok && level === "warn");
  const passed = seen.checks.filter(({ ok }) => ok);
  return {
    text: `${verdict(run, seen)} Data that would be lost: ${safe(seen.loss)}.${failed.length > 0 ? ` ${onceEach(failed).map(safe).join(" ")}` : ""}`,
    blocks: [
      section(`${seen.ready ? "🔎" : "❌"} *${verdict(run, seen)}*\nData that would be lost: *${safe(seen.loss)}*`),
      ...lines([...new Set([...failed, ...warned].map(checkLine))]),
      ...lines(distinct(seen.facts).slice(0, 30).map(factLine)),
      ...offer(state, run, seen),
      context(
        `${passed.length} of ${seen.checks.length} checks are as they should be · looked ${at(seen.at)} · facts ${seen.factsHash.slice(0, 8)}`,
      ),
    ],
  };
}

function verdict(run: RunState, seen: Preflight): string {
  const title = safe(runTitle(run.plan, run.dryRun));
  return seen.ready
    ? `Preflight of ${title}: ready. Nothing has been changed.`
    : `Preflight of ${title}: not ready, so nothing was started and nothing was changed.`;
}

/** A planned switch needs the old primary. When it is dead, the way on is the unplanned one, offered until a later run is there. */
function offer(state: IncidentState, run: RunState, seen: Preflight): Block[] {
  return seen.ready ? [] : offerUnplanned(state, run, seen.facts);
}

export function offerUnplanned(state: IncidentState, run: RunState, facts: readonly ShownFact[]): Block[] {
  const taken = [...state.runs.values()].some(({ requestedAt }) => requestedAt > run.requestedAt);
  if (taken || !primaryIsDead(run, facts)) return [];
  return [
    section(
      "The primary does not answer, so a planned switch can not wait for the last write. The unplanned one can go.",
    ),
    actions({ label: "Run it unplanned", verb: "run.unplanned", carries: run.id, style: "primary" }),
  ];
}

function primaryIsDead(run: RunState, facts: readonly ShownFact[]): boolean {
  if (run.mode !== "planned") return false;
  return facts.some(({ id, value }) => id === "primaryReachable" && value === false);
}
