import type { Action, ApplyContext } from "../actions/contract.ts";
import type { Origin } from "../catalog/conformance.ts";
import type { Touch } from "../catalog/drill.ts";
import type { Conformance, Plan, System } from "../catalog/types.ts";
import type { Logger } from "../lib/log.ts";
import type { Leases, Timeline } from "../timeline/contract.ts";

/** Looks up afresh whether a person on the roster is still someone who may approve. */
export interface AccountStatus {
  /**
   * Why an approval of this person does not count now (deactivated, guest, look-up failed), or null. `atCommandLine`: they gave it
   * there, so that a look-up that says nothing does not speak against it. `counted`: told what counts in place of Slack's answer,
   * where there is none.
   */
  check(
    system: System,
    person: string,
    atCommandLine?: boolean,
    counted?: (instead: string) => void,
  ): Promise<string | null>;
  /**
   * Why this person can't answer a question at all (deactivated, left), or null: they can, or no one can tell. Absent:
   * everyone is taken to be there.
   */
  gone?(system: System, person: string): Promise<string | null>;
}

export interface EnginePorts {
  readonly timeline: Timeline;
  readonly leases: Leases;
  /** Bare: the engine sets the deadlines, and waits for an `apply` that was asked to stop until it really has. */
  readonly actions: ReadonlyMap<string, Action>;
  /** Systems as they are today, by id: who may approve is pinned by the gate and narrowed by these. */
  readonly systems: Pick<ReadonlyMap<string, System>, "get">;
  readonly accountStatus: AccountStatus;
  /**
   * What the catalogue of this process, as it is now, says against a stored plan (`src/catalog/conformance.ts`). `origin`: see there. Asked in
   * the transaction that claims a step, so it has to be quick.
   */
  readonly conformance: (plan: Plan, origin: Origin | null) => Conformance;
  readonly log: Logger;
  readonly practice: boolean;
  /** A secret by the name the catalogue gave it; throws a `LifeboatError` that names what to set. */
  readonly secret: (name: string) => string;
  /** Why a run of this plan may not touch this, in a sentence; null: it may. */
  readonly drillLimits: (plan: Plan, touch: Touch) => string | null;
  /** Whose account scripts run under; absent: ours. */
  readonly scriptUser?: ApplyContext["scriptUser"];
  readonly settings?: Partial<EngineSettings>;
}

/** Milliseconds unless the name says otherwise. Reasons: `docs/internals.md`, "Who drives a run?". */
export interface EngineSettings {
  readonly pollMs: number;
  readonly beatMs: number;
  readonly beatRetryMs: number;
  readonly runsMax: number;
  readonly claimMax: number;
  /** A run whose driving fails this often in a row is handed to a person. */
  readonly errorsMax: number;
  /** A run whose drivers were lost so often in a row, none of them letting go of it, is handed to a person. */
  readonly deathsMax: number;
  /** How long a clean stop lets running steps finish before it abandons them to the next replica. */
  readonly drainMs: number;
  /** Older proof that the lease is ours is renewed before something is changed: a process may have been frozen. */
  readonly confirmedMs: number;
  /** One look at one target. */
  readonly observeSeconds: number;
  /** A step that said nothing for so long says that it is still at it. */
  readonly silenceMs: number;
}

export const defaultSettings: EngineSettings = {
  pollMs: 1_000,
  beatMs: 1_000,
  beatRetryMs: 150,
  runsMax: 50,
  claimMax: 20,
  errorsMax: 5,
  deathsMax: 8,
  drainMs: 5_000,
  confirmedMs: 2_000,
  observeSeconds: 15,
  silenceMs: 20_000,
};
