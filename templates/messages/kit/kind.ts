import type { Mode, Plan } from "../../../src/catalog/types.ts";
import type { RecordKind } from "../../../src/incident/events.ts";

/** Set before everything a drill or the practice workspace says, so that no one takes it for real, or the reverse. */
export function kindPrefix(kind: RecordKind, practice: boolean): string {
  if (kind === "drill") return practice ? "PRACTICE DRILL · " : "DRILL · ";
  return practice ? "PRACTICE · " : "";
}

export function kindSentence(kind: RecordKind, practice: boolean): string | null {
  if (practice) return "Practice workspace: nothing real is touched.";
  return kind === "drill" ? "This is a drill, not an incident." : null;
}

/** Where a drill is held; null: that needs no words. */
export function drillWords({ drill }: Pick<Plan, "drill">): string | null {
  switch (drill?.on) {
    case "exercise":
      return EXERCISE;
    case "environment":
      return "Drill environment: production is not touched.";
    default:
      return null;
  }
}

/** On the card of every approval of a production exercise, in its notification and in its confirmation. */
export const EXERCISE = "PRODUCTION EXERCISE: this changes production.";

/** What would be lost is a line of its own, and is measured: a planned run that gives data up says so there. */
export function modeWords(mode: Mode): string {
  return mode === "planned" ? "planned" : "unplanned (fences the old side, data loss possible)";
}

/** "dry run of Fail over the database" or the title alone. Not escaped. */
export function runTitle(plan: Pick<Plan, "title">, dryRun: boolean): string {
  return dryRun ? `Dry run: ${plan.title}` : plan.title;
}
