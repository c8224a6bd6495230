import type { Path } from "./fault.ts";
import type { Scalar } from "./reference.ts";
import type { Condition, Mode, Runbook, RunbookStep } from "./types.ts";

/** A runbook as it is written: where it includes another, that one is named and not yet there. `use.ts` puts it there. */
export interface Draft extends Omit<Runbook, "stages" | "uses"> {
  readonly stages: readonly DraftStage[];
}

export interface DraftStage {
  readonly id: string;
  readonly title: string;
  readonly parallel: boolean;
  /** Absent: it does not say how long it should take. */
  readonly withinSeconds?: number;
  readonly path: Path;
  /** The stages of another runbook stand in its place. */
  readonly use: Use | null;
  /** One where it is not parallel. */
  readonly lanes: readonly DraftBranch[];
}

export interface DraftBranch {
  readonly id: string;
  readonly title: string;
  readonly items: readonly (RunbookStep | Use)[];
}

export interface Use {
  readonly use: string;
  readonly id: string;
  readonly title: string;
  readonly as: Mode | null;
  readonly gates: "keep" | "drop";
  readonly mode: Mode | null;
  /** As in `RunbookStep`. */
  readonly towards?: string | null;
  readonly moves?: string | null;
  readonly when: Condition | null;
  /** What the inputs of the included runbook are here: a value, or a reference to an input of this one. */
  readonly inputs: Readonly<Record<string, Scalar>>;
  readonly path: Path;
}

export function isUse(item: RunbookStep | Use): item is Use {
  return "use" in item;
}
