import type { Check, Evidences } from "../actions/contract.ts";
import type { ActionStep, Plan } from "../catalog/types.ts";
import { UNDO_STEP } from "../catalog/undo.ts";
import { messageOf } from "../lib/errors.ts";
import { jobOf, observe, type Surroundings } from "./look.ts";

/**
 * Whether what a plan takes back still is as its step left it: looked at by the step's own action, right before. Null: the
 * step takes nothing back, or what it takes back was never seen to be whole.
 */
export async function stillStands(
  plan: Plan,
  step: ActionStep,
  around: Surroundings,
  evidences: Evidences,
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
    const job = jobOf({ ...step, action, input }, around.actions, plan);
    const done = job.action.done(await observe(job, around, evidences, signal), job.input, before);
    if (done === "yes") return check(true, "It still is as the step left it.");
    if (done === "no")
      return check(false, "It is not as the step left it any more: something changed it since. Look before going on.");
    return check(false, "Whether it still is as the step left it can't be seen.", "warn");
  } catch (error) {
    return check(false, `Whether it still is as the step left it can't be seen: ${messageOf(error)}`);
  }
}
