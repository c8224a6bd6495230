import { type Draft, type DraftStage, isUse, type Use } from "./draft.ts";
import { errorAt, type Fault } from "./fault.ts";
import { fits, type Input, sampleOf, valueFault } from "./input.ts";
import { namesStep } from "./names-step.ts";
import { resolveKnown, type Scalar } from "./reference.ts";
import { offer } from "./suggest.ts";
import type {
  Branch,
  Condition,
  Mode,
  Runbook,
  RunbookStage,
  RunbookStep,
  System,
  Used,
  WrittenClock,
} from "./types.ts";
import { runsIn } from "./walk.ts";

/**
 * `use` puts the steps of another runbook of the same system where it stands, so that what is checked, planned and hashed is
 * flat. Their ids begin with the id of where they are included, and everything among them that names a step follows. Where a
 * whole stage is included, its stages come as they are; in a list of steps they come one after the other, and in
 * a parallel stage as one branch. How long its stages should take comes along with them, unless the place says it for all.
 */
export interface Flat {
  readonly runbook: Runbook;
  readonly faults: readonly Fault[];
}

export interface Shelf {
  readonly system: System;
  readonly drafts: ReadonlyMap<string, Draft>;
}

export function flatten(draft: Draft, shelf: Shelf): Flat {
  const faults: Fault[] = [];
  const uses: Used[] = [];
  const words = {
    givesUp: [...(draft.givesUp ?? [])],
    beforehand: [...draft.beforehand],
    afterwards: [...draft.afterwards],
  };
  const clocks: WrittenClock[] = [];
  const take = (use: Use): Taken => {
    const found = included(use, draft, shelf);
    faults.push(...found.faults);
    if (found.used === null) return { stages: [], clocks: [] };
    uses.push(found.used);
    words.givesUp.push(...found.givesUp);
    if (use.mode === null && use.when === null) {
      words.beforehand.push(...found.beforehand);
      words.afterwards.push(...found.afterwards);
    }
    return found;
  };
  const stages = draft.stages.flatMap((stage) => {
    const flat =
      stage.use === null ? { stages: [flatStage(stage, take)], clocks: [] } : asStages(stage.use, take(stage.use));
    clocks.push(...clockedBy(stage, flat));
    return flat.stages;
  });
  const runbook = {
    ...draft,
    stages,
    ...(clocks.length > 0 && { clocks }),
    ...(uses.length > 0 && { uses }),
    ...(words.givesUp.length > 0 && { givesUp: [...new Set(words.givesUp)] }),
    beforehand: [...new Set(words.beforehand)],
    afterwards: [...new Set(words.afterwards)],
  };
  return { runbook, faults };
}

interface Taken {
  readonly stages: readonly RunbookStage[];
  readonly clocks: readonly WrittenClock[];
}
type Take = (use: Use) => Taken;

function clockedBy({ id, title, withinSeconds, path }: DraftStage, flat: Taken): readonly WrittenClock[] {
  if (withinSeconds === undefined) return flat.clocks;
  return [{ id, title, withinSeconds, stages: flat.stages.map((stage) => stage.id), path: [...path, "within"] }];
}

function flatStage({ id, title, parallel, path, lanes }: DraftStage, take: Take): RunbookStage {
  const flat = lanes.map((branch) => ({
    id: branch.id,
    title: branch.title,
    steps: branch.items.flatMap((item) => (isUse(item) ? take(item).stages.flatMap(({ steps }) => steps) : [item])),
  }));
  const several = flat
    .filter(({ steps }) => steps.length > 1)
    .map((branch): Branch => ({ ...branch, steps: branch.steps.map((step) => step.id) }));
  const steps = flat.flatMap((branch) => branch.steps);
  return { id, title, parallel, path, steps, ...(parallel && several.length > 0 && { lanes: several }) };
}

function asStages(use: Use, { stages, clocks }: Taken): Taken {
  const named = <T extends { readonly id: string; readonly title: string }>(one: T): T => ({
    ...one,
    id: `${use.id}-${one.id}`,
    title: `${use.title}: ${one.title}`,
  });
  return {
    stages: stages.map(named),
    clocks: clocks.map((clock) => ({ ...named(clock), stages: clock.stages.map((id) => `${use.id}-${id}`) })),
  };
}

interface Included extends Taken {
  readonly faults: readonly Fault[];
  /** Null: there is nothing to include. */
  readonly used: Used | null;
  readonly givesUp: readonly string[];
  readonly beforehand: readonly string[];
  readonly afterwards: readonly string[];
}

function included(use: Use, draft: Draft, shelf: Shelf): Included {
  const at = [...use.path, "use"];
  const nothing = (fault: Fault): Included => ({
    faults: [fault],
    used: null,
    stages: [],
    clocks: [],
    givesUp: [],
    beforehand: [],
    afterwards: [],
  });
  const inner = shelf.drafts.get(use.use);
  if (inner === undefined) {
    return nothing(errorAt(at, `This system has no runbook "${use.use}"`, offer(use.use, others(draft, shelf))));
  }
  const circle = wayBack(inner, draft.id, shelf);
  if (circle !== null) {
    return nothing(errorAt(at, `It would include itself without end: ${[draft.id, ...circle].join(" → ")}`));
  }
  if (circles(inner, shelf)) return nothing(errorAt(at, `"${inner.id}" has mistakes`, { next: "Correct them first" }));
  const { runbook } = flatten(inner, shelf);
  // Which way it goes is the including runbook's to say.
  const handed = (inner.inputs ?? [])
    .filter(({ name }) => inner.direction === undefined || (name !== "from" && name !== "to"))
    .map((input) => handOn(input, use, draft));
  const faults = [
    ...modeFaults(use, draft, inner),
    ...conditionFaults(use, runbook),
    ...strayInputs(use, inner),
    ...handed.flatMap(({ fault }) => fault ?? []),
  ];
  const known = new Map([
    ...knownBy(use, inner, shelf.system),
    ...handed.map(({ name, value }) => [`input.${name}`, value] as const),
  ]);
  const { stages, dropped } = renamed(use, runbook, known);
  const steps = stages.flatMap((stage) => stage.steps.map(({ id }) => id));
  return {
    faults,
    used: { id: use.id, runbook: use.use, path: use.path, steps, dropped },
    stages,
    clocks: (runbook.clocks ?? []).map((clock) => ({
      ...clock,
      title: resolveKnown(clock.title, known),
      stages: clock.stages.filter((id) => stages.some((stage) => stage.id === id)),
      path: at,
    })),
    givesUp: resolveKnown(runbook.givesUp ?? [], known),
    beforehand: resolveKnown(runbook.beforehand, known),
    afterwards: resolveKnown(runbook.afterwards, known),
  };
}

function others(draft: Draft, { drafts }: Shelf): string[] {
  return [...drafts.keys()].filter((id) => id !== draft.id);
}

function usesOf({ stages }: Draft): readonly Use[] {
  return stages.flatMap(({ use, lanes }) => [
    ...(use === null ? [] : [use]),
    ...lanes.flatMap(({ items }) => items.filter(isUse)),
  ]);
}

/** The runbooks on the way from one to the one it must not come to, both ends included; null: it does not come there. */
function wayBack(from: Draft, to: string, shelf: Shelf, seen: ReadonlySet<string> = new Set()): string[] | null {
  if (from.id === to) return [to];
  if (seen.has(from.id)) return null;
  for (const { use } of usesOf(from)) {
    const next = shelf.drafts.get(use);
    const way = next && wayBack(next, to, shelf, new Set([...seen, from.id]));
    if (way) return [from.id, ...way];
  }
  return null;
}

/** True when what it includes never comes to an end. */
function circles(draft: Draft, shelf: Shelf, trail: readonly string[] = []): boolean {
  if (trail.includes(draft.id)) return true;
  return usesOf(draft).some(({ use }) => {
    const next = shelf.drafts.get(use);
    return next !== undefined && circles(next, shelf, [...trail, draft.id]);
  });
}

function modeFaults(use: Use, draft: Draft, inner: Draft): Fault[] {
  const offered = { allowed: `"${inner.id}" is offered ${inner.modes.join(" and ")}` };
  if (use.as !== null) {
    if (inner.modes.includes(use.as)) return [];
    return [errorAt([...use.path, "as"], `"${inner.id}" is not offered ${use.as}`, offered)];
  }
  const needed = draft.modes.filter((mode) => use.mode === null || use.mode === mode);
  const without = needed.filter((mode) => !inner.modes.includes(mode));
  if (without.length === 0) return [];
  const what = `"${inner.id}" is not offered ${without.join(" or ")}, and this runbook is`;
  const next = `Say in which mode it is included: as: ${inner.modes[0]}`;
  return [errorAt([...use.path, "use"], what, { ...offered, next })];
}

/**
 * A step that is included under a condition and has one of its own keeps its own: the step that it asks is included under the
 * same condition, so without that one it is passed over, and so is whatever asks it. Only a gate would be asked all the same.
 */
function whenIn(use: Use, { when }: RunbookStep, ids: ReadonlyMap<string, string>): Condition | null {
  return when === null ? use.when : { ...when, step: idIn(ids, when.step) };
}

function conditionFaults(use: Use, runbook: Runbook): Fault[] {
  if (use.when === null || use.gates === "drop") return [];
  const bound = runbook.stages.flatMap(({ steps }) => steps).find(({ when, does }) => when && does.kind === "gate");
  if (bound === undefined) return [];
  const what = `Gate "${bound.id}" of "${runbook.id}" has its own condition, so this one would not apply to it`;
  const next = "Leave its gates out (gates: drop) behind a gate of your own, or write the steps out";
  return [errorAt([...use.path, "when"], what, { at: "key", next })];
}

function strayInputs(use: Use, inner: Draft): Fault[] {
  const names = (inner.inputs ?? []).map(({ name }) => name);
  return Object.keys(use.inputs)
    .filter((name) => !names.includes(name))
    .map((name) =>
      errorAt([...use.path, "inputs", name], `"${inner.id}" has no input "${name}"`, {
        at: "key",
        ...offer(name, names),
      }),
    );
}

interface Handed {
  readonly name: string;
  readonly value: Scalar;
  readonly fault: Fault | null;
}

/** What an input of an included runbook is here: what `inputs` says, else the input of the same name, else its default. */
function handOn(inner: Input, use: Use, draft: Draft): Handed {
  const { name } = inner;
  const own = draft.inputs ?? [];
  const given = use.inputs[name];
  const at = given === undefined ? [...use.path, "use"] : [...use.path, "inputs", name];
  // Said once, here: nothing more is said of where it goes.
  const wrong = (what: string, more = {}): Handed => ({ name, value: sampleOf(inner), fault: errorAt(at, what, more) });
  const reference = /^\$\{input\.([^{}]+)\}$/.exec(String(given ?? `\${input.${name}}`))?.[1];
  if (given !== undefined && reference === undefined) {
    const fault = valueFault(inner, given);
    return fault === null
      ? { name, value: given, fault }
      : wrong(`${fault}`, { allowed: `A value, or one whole \${input.…}` });
  }
  const outer = own.find((input) => input.name === reference);
  if (outer === undefined && given === undefined && inner.default !== null)
    return { name, value: inner.default, fault: null };
  if (outer === undefined) {
    const names = own.map((input) => input.name);
    if (given !== undefined) return wrong(`This runbook has no input "${reference}"`, offer(String(reference), names));
    const next = `Declare "${name}" among the inputs of this runbook, or give it here: inputs: { ${name}: … }`;
    return wrong(`"${use.use}" needs its input "${name}"`, { next });
  }
  if (fits(outer, inner)) return { name, value: `\${input.${outer.name}}`, fault: null };
  const allowed = "One of the same type that is as narrow: the same pattern, choices of its own, limits within its own";
  return wrong(`The input "${outer.name}" may be what "${use.use}" does not take`, { allowed });
}

/** What an included runbook refers to and only it knows. */
function knownBy(use: Use, inner: Draft, system: System): ReadonlyMap<string, Scalar> {
  const component = system.components.find(({ id }) => id === inner.component);
  return new Map([
    ...(use.as === null ? [] : ([["mode", use.as]] as const)),
    ...(component === undefined
      ? []
      : ([
          ["component.id", component.id],
          ["component.title", component.title],
        ] as const)),
  ]);
}

function renamed(use: Use, inner: Runbook, known: ReadonlyMap<string, Scalar>) {
  const ids = new Map(inner.stages.flatMap(({ steps }) => steps.map(({ id }) => [id, `${use.id}-${id}`] as const)));
  const runs = (step: RunbookStep) => modeIn(use, step) !== undefined;
  const rename = (step: RunbookStep): RunbookStep => ({
    path: [...use.path, "use"],
    id: idIn(ids, step.id),
    title: resolveKnown(step.title, known),
    mode: modeIn(use, step) ?? null,
    ...sidesIn(use, step),
    when: whenIn(use, step, ids),
    does: doesIn(step.does, ids, known),
  });
  const isOut = (step: RunbookStep) => use.gates === "drop" && step.does.kind === "gate";
  const all = inner.stages.flatMap(({ steps }) => steps).filter(runs);
  const dropped = all.filter(isOut).flatMap((step) => {
    const before = all.slice(all.indexOf(step)).find((other) => !isOut(other));
    if (step.does.kind !== "gate" || before === undefined) return [];
    return [{ step: rename(step), gate: step.does.gate, before: idIn(ids, before.id) }];
  });
  const stages = inner.stages
    .map(({ lanes, ...stage }): RunbookStage => {
      const steps = stage.steps.filter((step) => runs(step) && !isOut(step));
      const kept = lanes?.map((branch) => ({
        ...branch,
        id: `${use.id}-${branch.id}`,
        steps: branch.steps.filter((id) => steps.some((step) => step.id === id)).map((id) => idIn(ids, id)),
      }));
      return {
        ...stage,
        path: [...use.path, "use"],
        title: resolveKnown(stage.title, known),
        steps: steps.map(rename),
        ...(kept && { lanes: kept.filter((branch) => branch.steps.length > 1) }),
      };
    })
    .filter(({ steps }) => steps.length > 0);
  return { stages, dropped };
}

function sidesIn(use: Use, step: RunbookStep): Pick<RunbookStep, "towards" | "moves"> {
  const towards = step.towards ?? use.towards;
  const moves = step.moves ?? use.moves;
  return { ...(towards && { towards }), ...(moves && { moves }) };
}

/** The mode a step has where it is included; undefined: it never runs there. */
function modeIn(use: Use, step: RunbookStep): Mode | null | undefined {
  if (use.as !== null) return runsIn(step, use.as) ? use.mode : undefined;
  if (use.mode !== null && !runsIn(step, use.mode)) return undefined;
  return step.mode ?? use.mode;
}

function idIn(ids: ReadonlyMap<string, string>, id: string): string {
  return ids.get(id) ?? id;
}

function doesIn(
  does: RunbookStep["does"],
  ids: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, Scalar>,
): RunbookStep["does"] {
  if (does.kind === "manual") return { ...does, instructions: resolveKnown(does.instructions, known) };
  if (does.kind !== "action") return does;
  return { ...does, with: withIn(resolveKnown(does.with, known), ids) };
}

function withIn(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => withIn(item, ids));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, namesStep(key) ? named(item, ids) : withIn(item, ids)]),
  );
}

function named(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return idIn(ids, value);
  if (Array.isArray(value)) return value.map((item) => named(item, ids));
  return withIn(value, ids);
}
