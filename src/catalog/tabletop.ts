import type { Runbook, RunbookStage, RunbookStep } from "./types.ts";

/**
 * The runbook as a tabletop walks it: every step is answered by people, every gate is decided as for real, and nothing of it calls an action,
 * looks at a target or holds one. What depends on what a step finds is walked in any case.
 */
export function asTabletop(runbook: Runbook): Runbook {
  const { id, system, summary, component, modes } = runbook;
  return {
    ...{ id, system, summary, component, modes },
    title: `Tabletop: ${runbook.title}`,
    ...{ starts: null, rtoSeconds: null, rpoSeconds: null, changes: null },
    stages: runbook.stages.map(walkedStage),
    ...{ beforehand: [], afterwards: [] },
  };
}

function walkedStage({ path, id, title, steps }: RunbookStage): RunbookStage {
  return { path, id, title: asText(title), parallel: false, steps: steps.map(walkedStep) };
}

function walkedStep({ path, id, title, mode, does }: RunbookStep): RunbookStep {
  const same = { path, id, title: asText(title), mode, when: null };
  if (does.kind === "gate") {
    const { exercise: _, ...gate } = does.gate;
    return { ...same, does: { kind: "gate", gate } };
  }
  const role = does.kind === "manual" ? does.role : null;
  const instructions = does.kind === "manual" ? `${asText(does.instructions)} ${SAY}` : SAY;
  return { ...same, does: { kind: "manual", instructions, role } };
}

const SAY = "Nothing is performed. Say who does it, what you expect to see, and what you do if it fails.";

/** What is looked up for a real plan stays as it is written. */
function asText(words: string): string {
  return words.replaceAll(/\$\{([^${}]*)\}/g, "‹$1›");
}
