import type { Fault } from "../fault.ts";
import type { Chain } from "../system.ts";
import type { ActionCard, Runbook, System } from "../types.ts";

/** One thing that must hold of the catalogue. It looks at a system, at a runbook, or at both; it opens no catalogue file. */
export interface Rule {
  /** Kebab-case; stands behind each of its findings. */
  readonly id: string;
  /** What must hold, in one sentence. */
  readonly says: string;
  /** It judges each part by itself, so it is of use where the rest could not be read. */
  readonly judgesParts?: true;
  system?(view: SystemView): Iterable<Fault>;
  runbook?(view: RunbookView): Iterable<Fault>;
  /** It looks at a system beside its runbooks; what it finds stands in the system's file. */
  whole?(view: WholeView): Iterable<Fault>;
}

export interface SystemView {
  readonly system: System;
  readonly chains: ReadonlyMap<string, Chain>;
  /** The system's own folder. */
  readonly home: string;
}

export interface WholeView {
  readonly system: System;
  /** All of them, those with mistakes of their own too. */
  readonly runbooks: readonly Runbook[];
  /** As in `RunbookView`. */
  readonly cards: ReadonlyMap<string, ActionCard> | null;
}

export interface RunbookView {
  readonly system: System;
  readonly runbook: Runbook;
  /** All runbooks of the system, this one among them. */
  readonly siblings: readonly Runbook[];
  /** Null when nothing is known of actions; what depends on them is then left to the planner. */
  readonly cards: ReadonlyMap<string, ActionCard> | null;
}
