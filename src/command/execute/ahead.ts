import type { GateOf } from "../../calendar/ahead.ts";
import { aheadFault, gateAhead, modeOfOccasion } from "../../catalog/approved-ahead.ts";
import type { Gate, Occasion, Runbook, System } from "../../catalog/types.ts";
import type { CommandContext } from "../context.ts";
import { planOfOccasion } from "./look-and-plan.ts";

/** What a calendar entry runs, where that may be approved ahead; null: it may not, also where it might before an edit. */
export function runbookAhead(
  { catalog, cards }: Pick<CommandContext, "catalog" | "cards">,
  system: Pick<System, "id">,
  occasion: Occasion,
): { readonly runbook: Runbook; readonly gate: Gate } | null {
  const runbook = catalog.runbooks.find(({ system: of, id }) => of === system.id && id === occasion.runbook);
  if (runbook === undefined || occasion.approvedAhead === undefined || occasion.unannounced) return null;
  const mode = modeOfOccasion(occasion, runbook);
  const gate = aheadFault(runbook, mode, cards) === null ? gateAhead(runbook, mode) : null;
  return gate === null ? null : { runbook, gate };
}

/** What the calendar asks of the catalogue as it is now. */
export function aheadIn(context: CommandContext) {
  const gateOf: GateOf = (system, occasion) => runbookAhead(context, system, occasion)?.gate ?? null;
  return {
    gateOf,
    async planHash(system: System, occasion: Occasion): Promise<string | null> {
      const found = runbookAhead(context, system, occasion);
      const planned = found === null ? null : await planOfOccasion(context, found.runbook, occasion);
      return planned?.ok ? planned.hash : null;
    },
  };
}
