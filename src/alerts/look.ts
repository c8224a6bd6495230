import type { Observations } from "../catalog/binding.ts";
import { planPrepared } from "../catalog/plan.ts";
import { type PlanRequest, preparePlan } from "../catalog/prepare.ts";
import type { TargetLook } from "../catalog/roles.ts";
import type { Problem } from "../lib/errors.ts";
import type { LookAtProposal } from "./proposals.ts";

export interface LookOptions extends Pick<PlanRequest, "catalog" | "cards"> {
  /** Read for every look, as for every plan. */
  readonly variables: PlanRequest["variables"];
  /** Looks at members of targets, read-only and bounded; absent: none answers. */
  readonly lookAt?: (targets: readonly TargetLook[], drill: boolean) => Promise<Observations>;
}

/**
 * Plans the runbook as a request for it would, and throws the plan away: who is active is looked up, and whatever stands against it now is said. A runbook
 * that needs to be told something is planned when it is requested.
 */
export function lookByPlanning(options: LookOptions): LookAtProposal {
  return async ({ system, runbook, mode }) => {
    const { catalog, cards, variables } = options;
    const book = catalog.runbooks.find((one) => one.system === system && one.id === runbook);
    const needed = (book?.inputs ?? []).filter((input) => input.default === null);
    if (needed.length > 0) return { ok: true, says: [`Needs ${needed.map(({ name }) => name).join(", ")}`] };
    const request: PlanRequest = { catalog, cards, variables, system, runbook, mode, kind: "real", dryRun: false };
    const prepared = preparePlan(request);
    if (!prepared.ok) return { ok: false, says: prepared.problems.map(clause) };
    const seen = (await options.lookAt?.(prepared.targets, false)) ?? new Map();
    const planned = planPrepared(request, prepared, seen);
    const saw = [...seen.values()].flatMap((members) => [...members.values()].map(({ says }) => says));
    if (!planned.ok) return { ok: false, says: [...planned.problems.map(clause), ...saw] };
    return { ok: true, says: saw };
  };
}

function clause({ where, what }: Problem): string {
  return where === undefined ? what : `${where}: ${what}`;
}
