/** About a run and its steps. `run`, `step`, `where`: titles; ids are called so. */
export type RunRefusal =
  | { readonly code: "run-unknown"; readonly runId: string }
  | { readonly code: "run-known"; readonly runId: string }
  | { readonly code: "run-ended"; readonly run: string; readonly status: string }
  | { readonly code: "run-paused"; readonly run: string }
  | { readonly code: "run-not-paused"; readonly run: string }
  | { readonly code: "not-steering"; readonly run: string; readonly able: readonly string[] }
  | {
      readonly code: "asked-too-often";
      readonly where: string;
      readonly what: "run" | "approval";
      readonly times: number;
    }
  | { readonly code: "plan-hash" }
  | {
      readonly code: "plan-system";
      readonly run: string;
      readonly system: string;
      /** Id of the system the incident is about. */
      readonly incidentSystem: string;
    }
  | { readonly code: "plan-kind"; readonly incident: "drill" | "real"; readonly plan: "drill" | "real" }
  | { readonly code: "drill-nowhere"; readonly run: string }
  | { readonly code: "plan-uncovered"; readonly steps: readonly string[] }
  | { readonly code: "step-unknown"; readonly run: string; readonly stepId: string; readonly known: readonly string[] }
  | { readonly code: "step-not-failed"; readonly step: string; readonly status: string }
  | { readonly code: "step-tries-again"; readonly step: string }
  | { readonly code: "step-not-manual"; readonly step: string }
  | { readonly code: "step-not-open"; readonly step: string; readonly status: string }
  | {
      readonly code: "step-role";
      readonly step: string;
      readonly role: string;
      /** Who holds the role, by name. */
      readonly able: readonly string[];
    }
  | { readonly code: "skip-approved"; readonly step: string; readonly gate: string; readonly able: readonly string[] }
  | { readonly code: "gate-not-skippable"; readonly step: string }
  | { readonly code: "step-not-skippable"; readonly step: string; readonly status: string }
  | { readonly code: "look-not-skippable"; readonly step: string }
  /** `after`: what can't be undone and comes after the fence. */
  | { readonly code: "fence-not-skippable"; readonly step: string; readonly after: string }
  | { readonly code: "too-late"; readonly where: string; readonly by: Deciders; readonly stateNow: string };

/** Who has decided, by name; by break-glass it is one. */
export interface Deciders {
  readonly people: readonly string[];
  readonly breakGlass: boolean;
}
