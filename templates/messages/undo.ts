import type { PlanStep } from "../../src/catalog/types.ts";
import { wayBackOf } from "../../src/incident/undo.ts";
import { cut, safe } from "./escape.ts";
import { changes } from "./plan.ts";

const NAMED_MAX = 3;

/** What a card says of the way back of these steps: only what their actions say. `all`: what they are together. */
export function noReturnWords(steps: readonly PlanStep[], all: "every step" | "every step of this part"): string {
  const never = steps.find((step) => wayBackOf(step)?.kind === "never");
  if (never) return `“${safe(cut(never.title, 150))}”${never.when === null ? "" : ", if it is needed"}`;
  const changing = steps.filter((step) => changes(step) || step.kind === "manual");
  if (changing.length === 0) return "none: nothing is changed";
  if (changing.some((step) => wayBackOf(step) === null)) return "not recorded in this plan";
  const byHand = changing.filter((step) => wayBackOf(step)?.kind === "by-hand");
  if (byHand.length === 0) return `none: ${all} can be undone`;
  const named = byHand.slice(0, NAMED_MAX).map(({ title }) => `“${safe(cut(title, 80))}”`);
  const more = byHand.length - named.length;
  const others = byHand.length < changing.length ? "the others can be undone" : "";
  return `none, but by hand: ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}${others && `; ${others}`}`;
}
