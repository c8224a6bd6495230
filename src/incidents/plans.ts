import type { Plan } from "../catalog/types.ts";
import type { Plans } from "../incident/evolve.ts";
import type { Timeline } from "../timeline/contract.ts";

/** A plan from its canonical bytes. The one who reads them checks that they have the hash they are stored under. */
export function decodePlan(bytes: Uint8Array): Plan {
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as Plan;
}

export interface PlanOfRun {
  readonly run: string;
  readonly planHash: string;
}

/** Plans by their hash, each read and decoded once: what stands under a hash never changes. */
export interface PlanCache {
  /** Those that were read. One that is not stored is absent: its run then has no steps. */
  readonly plans: Plans;
  /** Of these, the ones no one has looked for yet. */
  unknown(wanted: readonly PlanOfRun[]): readonly PlanOfRun[];
  /** Looks for these. False: one of them is not stored (or not with that hash), so it is looked for again next time. */
  learn(wanted: readonly PlanOfRun[]): Promise<boolean>;
}

/** So many are kept; the one read first goes first. */
const KEPT = 1000;

export function createPlanCache(timeline: Pick<Timeline, "planOf">): PlanCache {
  const plans = new Map<string, Plan>();
  const missing = new Set<string>();

  async function look({ run, planHash }: PlanOfRun): Promise<boolean> {
    if (plans.has(planHash)) return true;
    const stored = await timeline.planOf(run);
    if (stored?.planHash !== planHash) {
      missing.add(planHash);
      return false;
    }
    missing.delete(planHash);
    plans.set(planHash, decodePlan(stored.planBytes));
    return true;
  }

  return {
    plans,
    unknown: (wanted) => wanted.filter(({ planHash }) => !plans.has(planHash) && !missing.has(planHash)),
    async learn(wanted) {
      let all = true;
      for (const one of wanted) all = (await look(one)) && all;
      for (const hash of plans.keys()) {
        if (plans.size <= Math.max(KEPT, wanted.length)) break;
        plans.delete(hash);
      }
      return all;
    },
  };
}
