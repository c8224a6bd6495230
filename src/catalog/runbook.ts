import { errorAt, type Fault, type Path } from "./fault.ts";
import { manualSchema, type WrittenRunbook, type WrittenStep, waitSchema } from "./schema.ts";
import { checkShape } from "./shape.ts";
import { offer } from "./suggest.ts";
import { type Chain, chainAfter, toChain } from "./system.ts";
import type { Gate, Runbook, RunbookStep, System } from "./types.ts";

/** Words that stand where an action's id does and are done by people and by time. */
const manual = "human.confirm";
const wait = "wait";

type Does = RunbookStep["does"];

/** A runbook as the rest of the house reads it. Where there are faults it is only good for finding more of them. */
export function toRunbook(
  id: string,
  written: WrittenRunbook,
  system: System,
  chains: ReadonlyMap<string, Chain>,
): { runbook: Runbook; faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const component = system.components.find((one) => one.id === written.component);
  const stages = written.stages.map((stage, i) => ({
    id: stage.id,
    title: stage.title,
    parallel: stage.parallel,
    steps: stage.steps.map((step, j) => {
      const read = toStep(step, ["stages", i, "steps", j], chains);
      faults.push(...read.faults);
      const does = read.does ?? ({ kind: "wait", seconds: 0 } as const);
      return { id: step.id, title: step.title, mode: step.mode ?? null, when: step.when ?? null, does };
    }),
  }));
  const runbook = {
    id,
    system: system.id,
    title: written.title,
    summary: written.summary,
    starts: toStarts(written.starts),
    component: written.component ?? null,
    modes: written.modes,
    rtoSeconds: written.rto === undefined ? (component?.rtoSeconds ?? null) : written.rto,
    rpoSeconds: written.rpo === undefined ? (component?.rpoSeconds ?? null) : written.rpo,
    changes: written.changes ?? null,
    stages,
    beforehand: written.beforehand,
    afterwards: written.afterwards,
  };
  return { runbook, faults };
}

function toStarts(words: string | undefined): Runbook["starts"] {
  const [verb, target] = words?.split(" ") ?? [];
  return verb === undefined || target === undefined ? null : { verb: verb as "failover" | "restore", target };
}

function toStep(
  step: WrittenStep,
  path: Path,
  chains: ReadonlyMap<string, Chain>,
): { does: Does | null; faults: readonly Fault[] } {
  const stray = (key: "with" | "retries", says: string) =>
    step[key] === undefined ? [] : [errorAt([...path, key], says, { at: "key" })];
  if (step.gate !== undefined) {
    const { gate, faults } = toGate(step.gate, [...path, "gate"], chains);
    const strays = [
      ...(step.action === undefined
        ? []
        : [errorAt([...path, "action"], "A step is either an action or a gate", { next: "Make it two steps" })]),
      ...stray("with", "A gate has no input"),
      ...stray("retries", "A gate is not retried: it is asked again when it expires"),
    ];
    return { does: { kind: "gate", gate }, faults: [...faults, ...strays] };
  }
  if (step.action === undefined) {
    const allowed = `Give it "action" (an action's id, ${manual} or ${wait}) or "gate"`;
    return { does: null, faults: [errorAt([...path, "id"], `Step "${step.id}" does nothing`, { allowed })] };
  }
  if (step.action === manual) {
    const { value, faults } = checkShape(manualSchema, step.with ?? {}, [...path, "with"]);
    return {
      does: value && {
        kind: "manual",
        instructions: value.instructions,
        role: value.role ?? null,
        ...(value.atMost === undefined ? {} : { atMostSeconds: value.atMost }),
      },
      faults: [...faults, ...stray("retries", "Work by hand is not retried")],
    };
  }
  if (step.action === wait) {
    const { value, faults } = checkShape(waitSchema, step.with ?? {}, [...path, "with"]);
    return {
      does: value && { kind: "wait", seconds: value.for },
      faults: [...faults, ...stray("retries", "A wait is not retried")],
    };
  }
  return {
    does: { kind: "action", action: step.action, with: step.with ?? {}, retries: step.retries ?? 0 },
    faults: [],
  };
}

function toGate(written: NonNullable<WrittenStep["gate"]>, path: Path, chains: ReadonlyMap<string, Chain>) {
  const { quorum, expires, escalate, stepUp, remind } = written;
  const named = typeof escalate === "string" ? chains.get(escalate) : toChain(escalate);
  const role = written.role ?? (typeof escalate === "string" ? named?.[0]?.role : undefined);
  const faults =
    typeof escalate === "string" && named === undefined
      ? [
          errorAt(
            [...path, "escalate"],
            `This system has no escalation chain "${escalate}"`,
            offer(escalate, chains.keys()),
          ),
        ]
      : role === undefined
        ? [errorAt(path, "Nobody is asked here", { allowed: 'A "role", or an "escalate" that names a chain' })]
        : [];
  const chain = named ?? [];
  const gate: Gate = {
    role: role ?? "",
    quorum,
    expiresSeconds: expires,
    stepUp,
    remindSeconds: remind,
    escalate: typeof escalate === "string" ? chainAfter(chain, role ?? "") : chain,
  };
  return { gate, faults };
}
