/** About what was moved from one site to another, and the new side. `run`: a title; ids are called so. */
export type MoveRefusal =
  | {
      readonly code: "moved-recently";
      readonly run: string;
      /** What was moved last, and between which sites, by title. */
      readonly moved: { readonly title: string; readonly from: string; readonly to: string; readonly at: Date };
      readonly minutes: number;
      /** Until then it needs a reason. */
      readonly until: Date;
    }
  /** `healthy`: as it was seen last; null: no one has looked. */
  | { readonly code: "on-probation"; readonly run: string; readonly until: Date; readonly healthy: boolean | null }
  | { readonly code: "nothing-to-commit" }
  | { readonly code: "committed"; readonly run: string }
  | { readonly code: "moved-again"; readonly run: string }
  /** `until`: it is healthy, and still watched; null: it is not healthy, `says` why. */
  | {
      readonly code: "not-proven";
      readonly run: string;
      readonly runId: string;
      readonly until: Date | null;
      readonly says: readonly string[];
    };
