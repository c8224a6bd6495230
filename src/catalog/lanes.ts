import type { Lane } from "./types.ts";

/** What is true of the order inside a stage, of a runbook or of a plan. */
interface Ordered {
  readonly parallel: boolean;
  readonly lanes?: readonly Lane[];
}

/** True for two steps of a stage that never run at the same time. */
export function inOneLane({ parallel, lanes }: Ordered, one: string, other: string): boolean {
  return !parallel || (lanes?.some(({ steps }) => steps.includes(one) && steps.includes(other)) ?? false);
}

/** The steps of a stage by lane, in order: one after the other inside, side by side among them. */
export function lanesOf<S extends { readonly id: string }>(
  stage: Ordered & { readonly steps: readonly S[] },
): readonly { readonly lane: Lane | null; readonly steps: readonly S[] }[] {
  if (!stage.parallel) return [{ lane: null, steps: stage.steps }];
  const lanes: { lane: Lane | null; steps: S[] }[] = [];
  for (const step of stage.steps) {
    const lane = stage.lanes?.find(({ steps }) => steps.includes(step.id)) ?? null;
    const known = lane === null ? undefined : lanes.find((one) => one.lane === lane);
    if (known === undefined) lanes.push({ lane, steps: [step] });
    else known.steps.push(step);
  }
  return lanes;
}
