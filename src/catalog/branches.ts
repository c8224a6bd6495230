import type { Branch } from "./types.ts";

/** What is true of the order inside a stage, of a runbook or of a plan. */
interface Ordered {
  readonly parallel: boolean;
  readonly lanes?: readonly Branch[];
}

/** True for two steps of a stage that never run at the same time. */
export function inOneBranch({ parallel, lanes }: Ordered, one: string, other: string): boolean {
  return !parallel || (lanes?.some(({ steps }) => steps.includes(one) && steps.includes(other)) ?? false);
}

/** The steps of a stage by branch, in order: one after the other inside, side by side among them. */
export function branchesOf<S extends { readonly id: string }>(
  stage: Ordered & { readonly steps: readonly S[] },
): readonly { readonly branch: Branch | null; readonly steps: readonly S[] }[] {
  if (!stage.parallel) return [{ branch: null, steps: stage.steps }];
  const lanes: { branch: Branch | null; steps: S[] }[] = [];
  for (const step of stage.steps) {
    const branch = stage.lanes?.find(({ steps }) => steps.includes(step.id)) ?? null;
    const known = branch === null ? undefined : lanes.find((one) => one.branch === branch);
    if (known === undefined) lanes.push({ branch: branch, steps: [step] });
    else known.steps.push(step);
  }
  return lanes;
}
