import type { Mode } from "../catalog/types.ts";
import { openActions } from "../incident/actions.ts";
import { unreviewed } from "../incident/break-glass.ts";
import { isPrivate } from "../incident/members.ts";
import type { IncidentState } from "../incident/state.ts";
import { isLive } from "../incident/status.ts";

/**
 * What lists need of an incident in which nothing is open any more. It names no person, so no one has to be forgotten in it.
 */
export interface Summary {
  /** Of what this file calls over: summaries of another rule are not believed. */
  readonly rule: typeof RULE;
  /** Null: it was never declared. */
  readonly system: string | null;
  /** Runs that ended verified, dry runs left out. */
  readonly verified: readonly VerifiedRun[];
}

export interface VerifiedRun {
  readonly run: string;
  readonly runbook: string;
  readonly mode: Mode;
  /** ISO 8601. */
  readonly at: string;
}

const RULE = 1;

/** Null: something in it is open (the incident itself, a run, a review of a break-glass, an action item). */
export function summaryOf(state: IncidentState): Summary | null {
  if (isOpen(state) && state.declared !== null) return null;
  if ([...state.runs.values()].some(isLive) || unreviewed(state).length > 0) return null;
  if (openActions(state).length > 0) return null;
  return { rule: RULE, system: state.declared?.system ?? null, verified: verifiedIn(state) };
}

/** What ran in a private incident is told to no one else. */
export function verifiedIn({ declared, runs }: IncidentState): readonly VerifiedRun[] {
  if (isPrivate(declared)) return [];
  return [...runs.values()].flatMap(({ id, runbook, mode, dryRun, ending, endedAt, plan }) =>
    ending?.as === "verified" && !dryRun && plan?.tabletop !== true && endedAt !== null
      ? [{ run: id, runbook, mode, at: endedAt.toISOString() }]
      : [],
  );
}

/** A summary as it was stored by a process with a key; null: one of another rule, by another version of the program. */
export function asSummary(stored: unknown): Summary | null {
  const found = stored as Summary | undefined;
  return found?.rule === RULE ? found : null;
}

export function isOpen({ status }: IncidentState): boolean {
  return status !== "resolved" && status !== "closed";
}
