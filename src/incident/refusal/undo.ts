/** About taking a step back. `where`: the step's title, or the plan's. */
export type UndoRefusal =
  | { readonly code: "undo-unknown" }
  | { readonly code: "undo-live"; readonly where: string; readonly run: string; readonly runId: string }
  | { readonly code: "undo-running"; readonly where: string }
  | { readonly code: "undo-nothing"; readonly where: string; readonly because: "manual" | "read-only" | "unchanged" }
  | { readonly code: "undo-done"; readonly where: string; readonly runId: string }
  | { readonly code: "undo-under-way"; readonly where: string; readonly runId: string }
  /** `later`: a step that came after it and can't be undone. */
  | { readonly code: "undo-behind"; readonly where: string; readonly later: string }
  /** `earlier`: what made another server take the writes and can't be undone. `failback`: the run, where it can be failed back. */
  | { readonly code: "undo-past"; readonly where: string; readonly earlier: string; readonly failback: string | null }
  /** `title`: what a later run of whichever incident moved, the same as this one. */
  | { readonly code: "undo-moved"; readonly where: string; readonly title: string; readonly runId: string }
  | { readonly code: "undo-order"; readonly where: string; readonly later: LaterStep }
  | { readonly code: "undo-gate"; readonly where: string };

/** A step that was built on what should be taken back. */
export interface LaterStep {
  readonly title: string;
  readonly id: string;
  readonly runId: string;
  /** Title of its run, where that is another one. */
  readonly otherRun: string | null;
  /** Why it can't be undone; null: it can. */
  readonly never: string | null;
}
