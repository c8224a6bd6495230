import type { ApprovalRefusal } from "./refusal/approval.ts";
import type { CommsRefusal } from "./refusal/comms.ts";
import type { LifeRefusal } from "./refusal/life.ts";
import type { MoveRefusal } from "./refusal/move.ts";
import type { PeopleRefusal } from "./refusal/people.ts";
import type { RunRefusal } from "./refusal/run.ts";
import type { UndoRefusal } from "./refusal/undo.ts";

/**
 * Why something was not done: a stable code, and the facts that a sentence about it needs. Names and titles are ready to be shown, and
 * not escaped. The sentences are in `templates/messages`, by the same subjects (`refused.ts` there holds every code against its words).
 */
export type Refusal =
  | LifeRefusal
  | PeopleRefusal
  | CommsRefusal
  | RunRefusal
  | MoveRefusal
  | UndoRefusal
  | ApprovalRefusal;
export type RefusalCode = Refusal["code"];
export type RefusalOf<C extends RefusalCode> = Extract<Refusal, { code: C }>;

export function isRefusal(value: object): value is Refusal {
  return "code" in value;
}
