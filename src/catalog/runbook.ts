import type { Draft, DraftBranch, DraftStage, Use } from "./draft.ts";
import { errorAt, type Fault, type Path } from "./fault.ts";
import { AS_SEEN, type Input, toInput } from "./input.ts";
import { manualSchema, type WrittenRunbook, type WrittenStage, type WrittenStep, waitSchema } from "./schema.ts";
import { checkShape } from "./shape.ts";
import { offer } from "./suggest.ts";
import { type Chain, chainAfter, toChain } from "./system.ts";
import type { Gate, Runbook, RunbookStep, System } from "./types.ts";

/** Words that stand where an action's id does and are done by people and by time. */
const manual = "human.confirm";
const wait = "wait";

type Does = RunbookStep["does"];

/** A runbook as it is written. Where there are faults it is only good for finding more of them. */
export function toDraft(
  id: string,
  written: WrittenRunbook,
  system: System,
  chains: ReadonlyMap<string, Chain>,
): { draft: Draft; faults: readonly Fault[] } {
  const component = system.components.find((one) => one.id === written.component);
  const read = written.stages.map((stage, i) => toStage(stage, ["stages", i], chains));
  const { direction } = written;
  const inputs = [
    ...Object.entries(written.inputs).map(([name, input]) => toInput(name, input, ["inputs", name])),
    ...(direction === undefined ? [] : sidesOf(system).map((input) => ({ input, faults: [] }))),
  ];
  const draft = {
    id,
    system: system.id,
    title: written.title,
    summary: written.summary,
    ...toStarts(written.starts),
    component: written.component ?? null,
    modes: written.modes,
    ...(inputs.length > 0 && { inputs: inputs.map(({ input }) => input) }),
    ...(direction !== undefined && { direction }),
    ...(written.mends !== undefined && { mendsSplit: true as const }),
    rtoSeconds: written.rto === undefined ? (component?.rtoSeconds ?? null) : written.rto,
    rpoSeconds: written.rpo === undefined ? (component?.rpoSeconds ?? null) : written.rpo,
    changes: written.changes ?? null,
    ...(written.givesUp.length > 0 && { givesUp: written.givesUp }),
    ...(written.part && { part: written.part }),
    ...(written.maintenance && { maintenance: written.maintenance }),
    ...(written.exercise && { exercise: written.exercise }),
    ...(written.drill && { drill: written.drill }),
    ...(written.reprotect !== undefined && { reprotect: written.reprotect }),
    ...(written.probation !== undefined && { probationSeconds: written.probation }),
    stages: read.map(({ stage }) => stage),
    beforehand: written.beforehand,
    afterwards: written.afterwards,
  };
  return { draft, faults: [...inputs, ...read].flatMap(({ faults }) => faults) };
}

type Chains = ReadonlyMap<string, Chain>;
type Item = DraftBranch["items"][number];
interface Read<T> {
  readonly is: T;
  readonly faults: readonly Fault[];
}

function toStage(written: WrittenStage, path: Path, chains: Chains): { stage: DraftStage; faults: readonly Fault[] } {
  const { id, title, parallel, within } = written;
  const head = { id, title, parallel, path, ...(within !== undefined && { withinSeconds: within }) };
  if (written.use !== undefined) {
    const faults = [
      ...strayKeys(written, ["steps"], path, "A stage that includes a runbook has no steps of its own"),
      ...(parallel
        ? [errorAt([...path, "parallel"], "Its stages come as they are", { at: "key", next: branchesHint })]
        : []),
    ];
    return { stage: { ...head, use: toUse({ ...written, use: written.use }, path), lanes: [] }, faults };
  }
  const lanes = (written.steps ?? []).map((step, j) => toBranch(step, [...path, "steps", j], parallel, chains));
  const items = lanes.flatMap(({ is }) => is.items);
  const faults = [
    ...(written.steps === undefined
      ? [errorAt([...path, "id"], `Stage "${id}" does nothing`, { allowed: 'Give it "steps" or "use"' })]
      : []),
    ...strayKeys(
      written,
      ["as", "gates", "inputs", "mode", "when", "towards", "moves"],
      path,
      'Only a stage with "use" has this',
    ),
    ...lanes.flatMap(({ faults }) => faults),
  ];
  const all = parallel ? lanes.map(({ is }) => is) : [{ id, title, items }];
  return { stage: { ...head, use: null, lanes: all }, faults };
}

const branchesHint = "To run it beside others, make it a step of a parallel stage";

function toBranch(written: WrittenStep, path: Path, parallel: boolean, chains: Chains): Read<DraftBranch> {
  const { id, title, steps } = written;
  if (steps === undefined) {
    const { is, faults } = toItem(written, path, chains);
    return { is: { id, title, items: [is] }, faults };
  }
  const read = steps.map((step, k) => toItem(step, [...path, "steps", k], chains));
  const alone = parallel
    ? []
    : [
        errorAt([...path, "steps"], "In a stage that is not parallel there are no branches", {
          at: "key",
          next: "Write them one after the other, or make the stage parallel",
        }),
      ];
  const strays = strayKeys(
    written,
    [
      "action",
      "gate",
      "use",
      "as",
      "gates",
      "inputs",
      "with",
      "retries",
      "timeout",
      "mode",
      "when",
      "towards",
      "moves",
    ],
    path,
    "A branch has steps and nothing else",
  );
  return {
    is: { id, title, items: read.map(({ is }) => is) },
    faults: [...alone, ...strays, ...read.flatMap(({ faults }) => faults)],
  };
}

function toItem(written: Omit<WrittenStep, "steps">, path: Path, chains: Chains): Read<Item> {
  const { id, title, use } = written;
  if (use !== undefined) {
    const says = "A step that includes a runbook does nothing itself";
    const faults = strayKeys(written, ["action", "gate", "with", "retries", "timeout"], path, says);
    return { is: toUse({ ...written, use }, path), faults };
  }
  const { does, faults } = toStep(written, path, chains);
  const strays = strayKeys(written, ["as", "gates", "inputs"], path, 'Only a step with "use" has this');
  const held = does ?? ({ kind: "wait", seconds: 0 } as const);
  return {
    is: { path, id, title, mode: written.mode ?? null, ...sidesIn(written), when: written.when ?? null, does: held },
    faults: [...faults, ...strays],
  };
}

function toUse(
  {
    id,
    title,
    use,
    as,
    gates,
    inputs,
    mode,
    when,
    ...written
  }: Pick<WrittenStage, "id" | "title" | "as" | "gates" | "inputs" | "mode" | "when" | "towards" | "moves"> & {
    use: string;
  },
  path: Path,
): Use {
  return {
    ...{ use, id, title, path },
    ...sidesIn(written),
    ...{ as: as ?? null, gates: gates ?? "keep", inputs: inputs ?? {}, mode: mode ?? null, when: when ?? null },
  };
}

function sidesIn({ towards, moves }: Pick<WrittenStage, "towards" | "moves">): Pick<RunbookStep, "towards" | "moves"> {
  return { ...(towards !== undefined && { towards }), ...(moves !== undefined && { moves }) };
}

function strayKeys<T extends object>(
  written: T,
  keys: readonly (keyof T & string)[],
  path: Path,
  says: string,
): Fault[] {
  return keys.filter((key) => written[key] !== undefined).map((key) => errorAt([...path, key], says, { at: "key" }));
}

const LEAVES = "failover site";

function toStarts(written: string | readonly string[] | undefined): Pick<Runbook, "starts" | "leavesSite"> {
  const all = written === undefined ? [] : [written].flat();
  const [verb, target] = all.find((words) => words !== LEAVES)?.split(" ") ?? [];
  return {
    starts: verb === undefined || target === undefined ? null : { verb: verb as "failover" | "restore", target },
    ...(all.includes(LEAVES) && { leavesSite: true }),
  };
}

/** What a person may say of the direction, where it can't be seen. */
function sidesOf({ sites }: System): readonly Input[] {
  const side = (name: string, description: string): Input => ({
    ...{ name, description, type: "choice", default: AS_SEEN, choices: [AS_SEEN, ...sites.map(({ id }) => id)] },
    ...{ example: null, pattern: null, min: null, max: null },
  });
  return [
    side("from", "The site to leave, where it cannot be seen which one is active"),
    side("to", "The site to go to, where there are several"),
  ];
}

function toStep(
  step: Omit<WrittenStep, "steps">,
  path: Path,
  chains: Chains,
): { does: Does | null; faults: readonly Fault[] } {
  const stray = (key: "with" | "retries" | "timeout", says: string) =>
    step[key] === undefined ? [] : [errorAt([...path, key], says, { at: "key" })];
  if (step.gate !== undefined) {
    const { gate, faults } = toGate(step.gate, [...path, "gate"], chains);
    const strays = [
      ...(step.action === undefined
        ? []
        : [errorAt([...path, "action"], "A step is either an action or a gate", { next: "Make it two steps" })]),
      ...stray("with", "A gate has no input"),
      ...stray("retries", "A gate can't have retries: it's requested again when it expires"),
      ...stray("timeout", 'A gate has "expires"'),
    ];
    return { does: { kind: "gate", gate }, faults: [...faults, ...strays] };
  }
  if (step.action === undefined) {
    const allowed = `Give it "action" (an action's id, ${manual} or ${wait}), "gate" or "use"`;
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
      faults: [
        ...faults,
        ...stray("retries", "Work by hand is not retried"),
        ...stray("timeout", 'Work by hand has "atMost" in its input'),
      ],
    };
  }
  if (step.action === wait) {
    const { value, faults } = checkShape(waitSchema, step.with ?? {}, [...path, "with"]);
    return {
      does: value && { kind: "wait", seconds: value.for },
      faults: [
        ...faults,
        ...stray("retries", "A wait is not retried"),
        ...stray("timeout", 'A wait has "for" in its input'),
      ],
    };
  }
  return {
    does: {
      ...{ kind: "action", action: step.action, with: step.with ?? {}, retries: step.retries ?? 0 },
      ...(step.timeout !== undefined && { timeoutSeconds: step.timeout }),
    },
    faults: [],
  };
}

function toGate(written: NonNullable<WrittenStep["gate"]>, path: Path, chains: ReadonlyMap<string, Chain>) {
  const { quorum, expires, escalate, stepUp, remind, exercise } = written;
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
        ? [errorAt(path, "No one is asked here", { allowed: 'A "role", or an "escalate" that names a chain' })]
        : [];
  const chain = named ?? [];
  const gate: Gate = {
    role: role ?? "",
    quorum,
    expiresSeconds: expires,
    stepUp,
    remindSeconds: remind,
    ...(exercise && { exercise }),
    escalate: typeof escalate === "string" ? chainAfter(chain, role ?? "") : chain,
  };
  return { gate, faults };
}
