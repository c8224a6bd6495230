import { aheadFault, modeOfOccasion } from "../approved-ahead.ts";
import { errorAt } from "../fault.ts";
import type { Occasion } from "../types.ts";
import type { Rule } from "./rule.ts";

const KINDS: ReadonlySet<Occasion["kind"]> = new Set(["backup", "verification"]);

export const approvedAhead: Rule = {
  id: "approved-ahead",
  says: "What is approved ahead of its hour is announced, starts by itself, and only looks or adds copies.",
  *whole({ system, runbooks, cards }) {
    for (const occasion of system.calendar ?? []) {
      if (occasion.approvedAhead === undefined) continue;
      const book = runbooks.find(({ id }) => id === occasion.runbook);
      // A runbook that isn't there is said elsewhere.
      if (occasion.runbook !== null && book === undefined) continue;
      const what =
        entryFault(occasion) ??
        (book === undefined || cards === null ? null : aheadFault(book, modeOfOccasion(occasion, book), cards));
      if (what === null) continue;
      yield errorAt(["calendar", occasion.id, "approvedAhead"], `It can't be approved ahead: ${what}`, {
        at: "key",
        allowed: "A backup or verification whose runbook has one gate, and only looks or adds copies",
        next: "Leave approvedAhead out: approvers are then asked at its hour",
      });
    }
  },
};

function entryFault({ runbook, organiser, unannounced, environment, kind }: Occasion): string | null {
  if (unannounced) return "it's a surprise";
  if (!KINDS.has(kind)) return `it's a ${kind.replace("-", " ")}`;
  if (environment === "drill") return "it's held in the drill environment";
  if (runbook === null) return "it has no runbook";
  return organiser === null ? "it has no organiser, so people start it" : null;
}
