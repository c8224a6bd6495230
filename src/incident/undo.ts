import type { PlanStep, WayBack } from "../catalog/types.ts";
import { changesThings } from "./order.ts";

/**
 * Whether a step of a plan can be taken back, by its action's own word. Null: it changes nothing by itself, or its plan
 * is one of 0.1, where nobody asked its action.
 */
export function wayBackOf(step: PlanStep): WayBack | null {
  if (step.kind === "manual") return { kind: "by-hand", says: "It was done by hand." };
  if (!changesThings(step)) return null;
  if (step.undo !== undefined) return step.undo;
  return step.risk === "irreversible" ? { kind: "never", says: "It can't be undone." } : null;
}
