import type { Fault, Path } from "./fault.ts";
import { runbookSchema, type WrittenRunbook } from "./schema.ts";

/**
 * What can be read of a runbook with mistakes in its shape, so that the rules find the other mistakes in the same go.
 * Steps and stages that can't be read are held by a wait of no time, so that everything else keeps its place. Never
 * planned, never run. Null when too little is left.
 */
export function parsePartially(raw: unknown, faults: readonly Fault[]): WrittenRunbook | null {
  const paths = faults.map(({ path }) => path);
  if (!isGroup(raw) || !Array.isArray(raw.stages) || paths.some(([key]) => key === "component")) return null;
  const sound = Object.entries(raw).filter(([key]) => !paths.some(([wrong]) => wrong === key));
  const inputs = soundInputs(raw.inputs, paths);
  const stages = raw.stages.map((stage: unknown, i) => {
    const wrong = paths.filter(([key, index]) => key === "stages" && index === i);
    return soundStage(stage, i, wrong);
  });
  const parsed = runbookSchema.safeParse({ title: "?", summary: "?", ...Object.fromEntries(sound), inputs, stages });
  return parsed.success ? parsed.data : null;
}

/** What refers to an input with a mistake is not wrong itself. */
function soundInputs(inputs: unknown, paths: readonly Path[]): unknown {
  if (!isGroup(inputs)) return {};
  const wrong = (name: string) => paths.some(([key, one]) => key === "inputs" && one === name);
  return Object.fromEntries(
    Object.entries(inputs)
      .filter(([name]) => /^[a-z][A-Za-z0-9]*$/.test(name))
      .map(([name, input]) => [name, wrong(name) ? { type: "moment", description: "?" } : input]),
  );
}

function soundStage(stage: unknown, i: number, wrong: readonly Path[]): unknown {
  if (wrong.length === 0) return stage;
  const written = isGroup(stage) && Array.isArray(stage.steps) ? stage.steps : [];
  const steps = written.map((step: unknown, j) =>
    wrong.some(([, , key, index]) => key === "steps" && index === j) ? unread(i, j) : step,
  );
  const inSteps = wrong.every(([, , key, index]) => key === "steps" && index !== undefined);
  if (inSteps) return { ...(stage as object), steps };
  const parallel = isGroup(stage) && stage.parallel === true;
  return { id: `unread-${i}`, title: "?", parallel, steps: steps.length > 0 ? steps : [unread(i, 0)] };
}

function unread(i: number, j: number): unknown {
  return { id: `unread-${i}-${j}`, title: "?", action: "wait", with: { for: "0s" } };
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
