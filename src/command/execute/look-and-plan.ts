import { modeOfOccasion } from "../../catalog/approved-ahead.ts";
import { type Planned, planPrepared } from "../../catalog/plan.ts";
import { type PlanRequest, preparePlan, sharedServers } from "../../catalog/prepare.ts";
import type { Occasion, Runbook } from "../../catalog/types.ts";
import type { CommandContext } from "../context.ts";

/** Looks who is active, and plans. */
export async function lookAndPlan(context: CommandContext, request: PlanRequest): Promise<Planned> {
  const prepared = preparePlan(request);
  if (!prepared.ok) return prepared;
  const { targets, inDrillEnvironment, apart } = prepared;
  const [drill, production] = await Promise.all([
    apart && context.lookAt?.(apart.drill, true),
    apart && context.lookAt?.(apart.production, false),
  ]);
  const shared = drill && production ? sharedServers(drill, production) : [];
  if (shared.length > 0) return { ok: false, problems: shared };
  const seen = targets.length === 0 ? null : await context.lookAt?.(targets, inDrillEnvironment);
  return planPrepared(request, prepared, seen ?? new Map());
}

/** Plans what the calendar would run for this entry now, as it would. */
export function planOfOccasion(
  context: CommandContext,
  runbook: Runbook,
  occasion: Pick<Occasion, "mode">,
): Promise<Planned> {
  const { catalog, cards, variables } = context;
  const mode = modeOfOccasion(occasion, runbook);
  const of = { system: runbook.system, runbook: runbook.id, mode, kind: "real" as const };
  return lookAndPlan(context, { catalog, cards, variables, inputs: new Map(), dryRun: false, tabletop: false, ...of });
}
