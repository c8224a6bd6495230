import type { LaterStep, UndoRefusal } from "../../../src/incident/refusal/undo.ts";
import type { Words, WordsOf } from "../kit/refusal-words.ts";

const LEADS_BACK = "Go on from here: by a runbook that leads back, or by hand";

/** Why a step can't be undone, or not now. */
export const UNDO_REFUSALS: WordsOf<UndoRefusal> = {
  "undo-unknown": () => ({
    what: "This incident has no such step to undo",
    next: "`/dr status` lists its runs",
  }),
  "undo-live": ({ where, run, runId }) => ({
    where,
    what: `“${run}” is still in progress`,
    allowed: "A step can be undone once its run has ended",
    next: `Abort it first: \`/dr abort ${runId} <why>\``,
  }),
  "undo-running": ({ where }) => ({
    where,
    what: "How this step ended is still being checked",
    next: "Try again in a moment",
  }),
  "undo-nothing": ({ where, because }) => ({ where, what: NOTHING[because] }),
  "undo-done": ({ where, runId }) => ({ where, what: `Already undone by ${runId}` }),
  "undo-under-way": ({ where, runId }) => ({ where, what: `It is being undone now, by ${runId}` }),
  "undo-behind": ({ where, later }) => ({
    where,
    what: `“${later}” came after it and can't be undone`,
    next: LEADS_BACK,
  }),
  "undo-past": ({ where, earlier, failback }) => ({
    where,
    what: `“${earlier}” came before it and can't be undone. Undone alone, this step would leave users without service`,
    next: failback === null ? LEADS_BACK : `Fail back instead: \`/dr failback ${failback}\``,
  }),
  "undo-moved": ({ where, title, runId }) => ({
    where,
    what: `“${title}” was moved since (${runId})`,
    next: LEADS_BACK,
  }),
  "undo-order": ({ where, later }) => ({ where, ...outOfOrder(later) }),
  "undo-gate": ({ where }) => ({
    where,
    what: "The plan doesn't ask the people who approved the step",
    next: "Request the undo again",
  }),
};

const NOTHING = {
  manual: "This was done by hand, and is undone by hand",
  "read-only": "This step changes nothing",
  unchanged: "This run changed nothing here",
} as const;

function outOfOrder({ title, id, runId, otherRun, never }: LaterStep): Words {
  const undo = `\`/dr undo ${id} ${runId}\``;
  if (otherRun === null) return { what: `“${title}” came after it and must be undone first`, next: undo };
  const changed = `“${title}” of “${otherRun}” (${runId}) has changed the same target since`;
  if (never === null) return { what: changed, next: `Undo that first: ${undo}` };
  return { what: `${changed}, and can't be undone: ${never}`, next: "Go on from here: a runbook that leads back" };
}
