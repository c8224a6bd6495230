import type { IncidentStatus } from "../events.ts";

/** About an incident: its beginning, what it is, its end, what is left to do, its decision tree. */
export type LifeRefusal =
  | { readonly code: "not-declared"; readonly what: "incident" | "maintenance" }
  | { readonly code: "already-declared" }
  | { readonly code: "title-missing" }
  | { readonly code: "system-unknown"; readonly system: string }
  | {
      readonly code: "severity-unknown";
      readonly system: string;
      readonly severity: string;
      readonly known: readonly string[];
    }
  | { readonly code: "severity-same"; readonly severity: string }
  | { readonly code: "impact-later" }
  | { readonly code: "private-kind" }
  | { readonly code: "incident-over"; readonly status: IncidentStatus }
  | { readonly code: "incident-open"; readonly status: IncidentStatus; readonly wish: Wish }
  | { readonly code: "not-maintenance"; readonly kind: "drill" | "real" }
  /** `incident`: its id. */
  | { readonly code: "maintenance"; readonly incident: string }
  | { readonly code: "status-unknown"; readonly to: string; readonly known: readonly string[] }
  | { readonly code: "status-same"; readonly status: IncidentStatus }
  | { readonly code: "note-empty" }
  | { readonly code: "note-later" }
  | { readonly code: "reason-missing"; readonly reason: MissingReason }
  | { readonly code: "postmortem-missing" }
  | { readonly code: "statement-missing" }
  /** They signed off exactly this, and nothing happened since. */
  | { readonly code: "signed-off" }
  | { readonly code: "review-missing"; readonly runs: readonly NamedRun[] }
  | {
      readonly code: "run-live";
      readonly runs: readonly (NamedRun & { readonly status: string })[];
      readonly wish: Wish;
    }
  | { readonly code: "action-empty" }
  | { readonly code: "actions-full"; readonly most: number }
  /** `asked`: as typed; empty: nothing was. `open`: ids. */
  | { readonly code: "action-unknown"; readonly asked: string; readonly open: readonly string[] }
  | { readonly code: "action-done"; readonly action: string }
  | { readonly code: "due-unclear"; readonly due: string }
  | { readonly code: "due-past"; readonly due: string }
  | { readonly code: "no-triage"; readonly system: string }
  /** `asks`: the question that is open now; null: none is. */
  | { readonly code: "answered-already"; readonly asks: string | null }
  | { readonly code: "question-changed" };

/** What it should become. */
export type Wish = "resolved" | "reopened" | "closed" | "written up" | "signed off";

/** For what a reason has to be given. `where`: the run's or the step's title. */
export type MissingReason =
  | { readonly for: "reopen" }
  | { readonly for: "abort" | "break-glass" | "explain"; readonly where: string }
  /** `step`: its id. */
  | { readonly for: "skip"; readonly where: string; readonly step: string };

export interface NamedRun {
  readonly title: string;
  readonly id: string;
}
