import type { Mode, Plan } from "../../src/catalog/types.ts";

/** Set before everything a drill or the practice workspace says, so that nobody takes it for real, or the reverse. */
export function kindPrefix(kind: "real" | "drill", practice: boolean): string {
  if (kind === "drill") return practice ? "PRACTICE DRILL · " : "DRILL · ";
  return practice ? "PRACTICE · " : "";
}

export function kindSentence(kind: "real" | "drill", practice: boolean): string | null {
  if (practice) return "Practice workspace: only the practice estate is touched, nothing of yours.";
  return kind === "drill" ? "This is a drill, not an incident." : null;
}

export function modeWords(mode: Mode): string {
  return mode === "planned" ? "planned (waits until nothing is lost)" : "unplanned (fences the old side, accepts loss)";
}

/** "dry run of Fail over the database" or the title alone. Not escaped. */
export function runTitle(plan: Pick<Plan, "title">, dryRun: boolean): string {
  return dryRun ? `Dry run: ${plan.title}` : plan.title;
}
