import type { Check } from "../actions/contract.ts";
import type { ActionStep, Plan } from "../catalog/types.ts";
import { UNDO_STEP } from "../catalog/undo.ts";
import type { RunState } from "../incident/state.ts";
import { messageOf } from "../lib/errors.ts";
import { evidencesOf } from "./evidence.ts";
import { jobOf, observe, type Surroundings } from "./look.ts";

/**
 * Whether what a plan takes back still is as its step left it: looked at by the step's own action, right before. Null: the
 * step takes nothing back, or what it takes back was never seen to be whole.
 *
 * @param undone the run whose step it was: what it did may be known only from what a step before it had found
 */
export async function stillUnchanged(
  plan: Plan,
  step: ActionStep,
  around: Surroundings,
  undone: Pick<RunState, "steps"> | null,
  signal?: AbortSignal,
): Promise<Check | null> {
  const { undoes } = plan;
  if (undoes === undefined || step.id !== UNDO_STEP || !undoes.verified) return null;
  const { action, input, before } = undoes;
  const check = (ok: boolean, says: string, level: Check["level"] = "block"): Check => ({
    id: "undo.stands",
    ok,
    level,
    says,
  });
  try {
    const evidences = evidencesOf(() => undone ?? { steps: new Map() });
    const job = jobOf({ ...step, action, input }, around.actions, plan);
    const done = job.action.done(await observe(job, around, evidences, signal), job.input, before);
    if (done === "yes") return check(true, "Unchanged since the step.");
    if (done === "no") return check(false, "It changed since the step. Check before you continue.");
    return check(false, "Whether it changed since the step can't be checked.", "warn");
  } catch (error) {
    return check(false, `Whether it changed since the step can't be checked: ${messageOf(error)}`);
  }
}
