import { changesSomething } from "../drill.ts";
import { errorAt, type Fault } from "../fault.ts";
import type { ActionCard, Occasion, Runbook } from "../types.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

type Cards = ReadonlyMap<string, ActionCard>;

export const drillPlace: Rule = {
  id: "drill-place",
  says: "What stands on the calendar loses no data of production: a drill that changes something has a drill environment or is a production exercise.",
  *whole({ system, runbooks, cards }) {
    if (cards === null) return;
    for (const occasion of system.calendar ?? []) {
      const book = runbooks.find(({ id }) => id === occasion.runbook);
      const fault = book === undefined ? null : faultOf(occasion, book, cards);
      if (fault !== null) yield fault;
    }
  },
};

function faultOf(occasion: Occasion, book: Runbook, cards: Cards): Fault | null {
  // Nothing of it is performed.
  if (occasion.kind === "tabletop") return null;
  const at = ["calendar", occasion.id];
  const loses = losesData(book, cards, occasion);
  const changes = changesSomething(book, cards, occasion.mode ?? undefined);
  if (occasion.environment === "drill") {
    if (occasion.kind !== "drill")
      return errorAt([...at, "environment"], `A ${occasion.kind} is held on production`, { next: "Make it a drill" });
    if (book.exercise === true)
      return errorAt([...at, "environment"], `"${book.id}" is a production exercise, and changes production`, {
        next: "Leave environment out, or let the drill use a runbook that is no exercise",
      });
    return null;
  }
  if (occasion.kind === "drill") {
    if (book.exercise === true || !changes) return null;
    const what = loses === null ? "would change production" : `would lose data of production: ${loses}`;
    return errorAt([...at, "runbook"], `A drill of "${book.id}" ${what}`, {
      allowed: "environment: drill, held with the values of LIFEBOAT_DRILL_VALUES; or a runbook with exercise: true",
      next: "Add environment: drill",
    });
  }
  if (loses !== null)
    return errorAt([...at, "runbook"], `A ${occasion.kind} by "${book.id}" would lose data of production: ${loses}`, {
      next: "Make it a drill with environment: drill",
    });
  if (changes && book.maintenance !== true)
    return errorAt(
      [...at, "runbook"],
      `A ${occasion.kind} ${occasion.kind === "backup" ? "copies" : "looks"}, and "${book.id}" changes something`,
      {
        allowed: "A runbook that only looks, or one with maintenance: true",
        next: "Make it a drill, or add maintenance: true to the runbook if nothing else uses what it changes",
      },
    );
  return null;
}

/** What of production would be gone; null: nothing. */
function losesData(book: Runbook, cards: Cards, { mode }: Occasion): string | null {
  if (book.maintenance === true) return null;
  const [given] = book.givesUp ?? [];
  if (given !== undefined) return given;
  const step = actionsOf(book, mode ?? undefined).find(({ does }) => cards.get(does.action)?.risk === "irreversible");
  return step === undefined ? null : `"${step.step.title}" cannot be undone`;
}
