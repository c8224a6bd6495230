import { realpathSync } from "node:fs";
import { hashOf } from "../lib/canonical.ts";
import { messageOf } from "../lib/errors.ts";
import { type Binding, goesWith } from "./binding.ts";
import { stricter } from "./gates.ts";
import { manifestsNamed, readManifest } from "./manifest.ts";
import { namesOnlyStep } from "./names-step.ts";
import { referencesIn, type Scalar } from "./reference.ts";
import { readScript } from "./script.ts";
import { asTabletop } from "./tabletop.ts";
import type {
  ActionCard,
  ActionStep,
  Catalog,
  Conformance,
  Difference,
  Gate,
  Plan,
  PlanStep,
  Risk,
  Runbook,
  System,
  Target,
} from "./types.ts";
import { gatesOf, stepsOf } from "./walk.ts";

/**
 * Holds a stored plan against the catalogue of this process. Stored bytes are not trusted for themselves: a plan that this catalogue would
 * never make is not carried out as it stands. Compared is what protects people (who approves, which scripts, which secrets, which targets,
 * which steps), never the text of the files: an edit that touches none of it changes no run under way.
 */

export interface Grounds {
  readonly catalog: Catalog;
  readonly cards: ReadonlyMap<string, ActionCard>;
  /** Values of variables, as this installation gives them: a secret's name may be one. */
  readonly variables: ReadonlyMap<string, ReadonlyMap<string, Scalar>>;
}

/** For a plan that takes a step back: the run's plan it was a part of, and what that run recorded as there before. */
export interface Origin {
  readonly plan: Plan;
  /** Ids of the gates that covered the step, in the order of that plan. */
  readonly gates: readonly string[];
  readonly before: unknown;
}

/** `origin`: null where the plan takes nothing back, or where that run is not known. */
export function conformanceOf(plan: Plan, grounds: Grounds, origin: Origin | null = null): Conformance {
  const { catalog } = grounds;
  const system = catalog.systems.find(({ id }) => id === plan.system);
  if (system === undefined)
    return nothingFits(`the catalogue has no system ${plan.system}`, "Put the system back into the catalogue");
  if (plan.environment !== system.environment)
    return nothingFits(`it is for ${plan.environment}, and ${system.title} is ${system.environment}`);
  const book = plan.undoes === undefined ? plan : origin?.plan;
  if (book === undefined) return nothingFits("the run it takes a step back of is not known");
  const written = catalog.runbooks.find((one) => one.system === system.id && one.id === book.runbook);
  const runbook = written && book.tabletop ? asTabletop(written) : written;
  if (runbook === undefined) return nothingFits(`${system.title} has no runbook ${book.runbook}`);
  const way = wayOf(plan.undoes === undefined ? plan : book, system, runbook);
  const gates = plan.undoes === undefined ? gatesFor(plan, way, grounds) : gatesForUndo(plan, way, origin);
  const all = stepsIn(plan);
  return {
    gates: gates.required,
    differences: [
      ...gates.differences,
      ...(plan.undoes === undefined
        ? all.flatMap((step) => stepOf(step, way, grounds))
        : undoOf(plan, grounds, origin)),
      ...all.flatMap((step) => (step.kind === "action" ? inputOf(step, system, grounds) : [])),
      ...targetsOf(plan, system),
      ...(plan.undoes === undefined ? lookOf(plan, runbook, grounds) : []),
    ],
  };
}

const RANK: Record<Risk, number> = { read: 0, reversible: 1, disruptive: 2, irreversible: 3 };
const ROLES_CHECK = "roles.check";

function nothingFits(what: string, next?: string): Conformance {
  const says = next === undefined ? what : `${what}. ${next}`;
  return { gates: new Map(), differences: [{ step: null, firm: true, says }] };
}

function firm(step: string | null, says: string): Difference {
  return { step, firm: true, says };
}

/** A runbook as a plan of it goes: in its mode and its direction. */
interface Way {
  readonly system: System;
  readonly runbook: Runbook;
  /** Ids of its steps in order, those of the other mode or direction left out. */
  readonly order: readonly string[];
  readonly steps: ReadonlyMap<string, Runbook["stages"][number]["steps"][number]>;
  readonly gates: ReadonlyMap<string, Gate>;
}

function wayOf(plan: Plan, system: System, runbook: Runbook): Way {
  const roles = (plan.roles ?? []).map(({ target, active, basis, says }) => {
    return [target, { active, standby: [], detached: [], basis, says }] as const;
  });
  const { from, to } = plan.direction ?? { from: null, to: null };
  const binding: Binding = { roles: new Map(roles), from: from?.id ?? null, to: to?.id ?? null };
  const placed = stepsOf(runbook, plan.mode).filter(({ step }) => goesWith(step, system, binding));
  const ids = new Set(placed.map(({ step }) => step.id));
  return {
    system,
    runbook,
    order: placed.map(({ step }) => step.id),
    steps: new Map(placed.map(({ step }) => [step.id, step])),
    gates: new Map(
      gatesOf(runbook, plan.mode).flatMap(({ step, gate }) => (ids.has(step.id) ? [[step.id, gate] as const] : [])),
    ),
  };
}

interface Required {
  readonly required: ReadonlyMap<string, Gate>;
  readonly differences: readonly Difference[];
}

/**
 * What the catalogue asks for at each gate of the plan: what it says of that gate, and of every gate that should stand before a step behind
 * it and does not.
 */
function gatesFor(plan: Plan, way: Way, { cards }: Grounds): Required {
  const required = new Map<string, Gate>();
  const differences: Difference[] = [];
  const have: string[] = [];
  for (const step of stepsIn(plan)) {
    if (step.kind === "gate") {
      have.push(step.id);
      const today = way.gates.get(step.id);
      if (today !== undefined) required.set(step.id, today);
      continue;
    }
    if (!changes(step, cards)) continue;
    const at = way.order.indexOf(step.id);
    for (const [id, gate] of way.gates) {
      if (at === -1 || way.order.indexOf(id) > at || have.includes(id)) continue;
      const last = have.at(-1);
      const both = last === undefined ? null : stricter(required.get(last) ?? null, gate);
      if (last === undefined || both === null)
        differences.push(firm(step.id, `“${step.title}” needs the approval “${id}”, and the plan doesn't ask for it`));
      else required.set(last, both);
    }
  }
  return { required, differences };
}

function gatesForUndo(plan: Plan, way: Way, origin: Origin | null): Required {
  const today = (origin?.gates ?? []).flatMap((id) => way.gates.get(id) ?? []);
  const asked = stepsIn(plan).filter((step) => step.kind === "gate");
  if (today.length === 0 || today.length !== origin?.gates.length || today.length !== asked.length)
    return {
      required: new Map(),
      differences: [firm(null, `${way.runbook.title} no longer has the approval that the step needed`)],
    };
  return { required: new Map(asked.map(({ id }, n) => [id, today[n] as Gate])), differences: [] };
}

function stepsIn(plan: Plan): readonly PlanStep[] {
  return plan.stages.flatMap(({ steps }) => steps);
}

/** By what this version knows of the action, whatever the plan says. */
function changes(step: PlanStep, cards: Grounds["cards"]): step is ActionStep {
  return step.kind === "action" && (step.risk !== "read" || cards.get(step.action)?.risk !== "read");
}

/** A step that changes something has to be one of the runbook's. What only looks has its input held against the lists. */
function stepOf(step: PlanStep, { steps, runbook }: Way, { cards }: Grounds): readonly Difference[] {
  if (step.kind !== "action") return [];
  const known = steps.get(step.id)?.does;
  const weaker = weakened(step, cards);
  if (!changes(step, cards)) return weaker;
  if (known?.kind === "action" && known.action === step.action) return weaker;
  const instead = known?.kind === "action" ? `: there it is ${known.action}` : "";
  return [...weaker, firm(step.id, `“${step.title}” (${step.action}) isn't a step of ${runbook.title}${instead}`)];
}

/** The plan takes a step for more harmless than this version does. */
function weakened(step: ActionStep, cards: Grounds["cards"]): readonly Difference[] {
  const card = cards.get(step.action);
  if (card === undefined)
    return [firm(step.id, `“${step.title}” is an action this version doesn't have (${step.action})`)];
  const fences = card.fences?.(step.input) === true && step.fences !== true && !/\.fence$/.test(step.action);
  return [
    ...(RANK[step.risk] < RANK[card.risk]
      ? [firm(step.id, `“${step.title}” is ${card.risk}, and the plan says ${step.risk}`)]
      : []),
    ...(fences ? [firm(step.id, `“${step.title}” is a fence, and the plan doesn't say so`)] : []),
  ];
}

/** The call that takes a step back is the one its action names, made of what was recorded. */
function undoOf(plan: Plan, { cards }: Grounds, origin: Origin | null): readonly Difference[] {
  const { undoes } = plan;
  const steps = stepsIn(plan).filter((step) => step.kind === "action");
  const done = origin && stepsIn(origin.plan).find(({ id }) => id === undoes?.step);
  const no = (what: string) => [firm(steps[0]?.id ?? null, what)];
  if (undoes === undefined || origin === null || done?.kind !== "action")
    return no("the step it takes back is not known");
  if (done.action !== undoes.action || !isSame(done.input, undoes.input) || !isSame(origin.before, undoes.before))
    return no(`“${done.title}” was not done as this undo says`);
  const calls = stepsIn(origin.plan).filter((step) => step.kind === "action");
  const back = cards.get(done.action)?.undo(undoes.before, done.input, {
    calls: calls.map(({ action, input }) => ({ action, input })),
    acceptUnreachable: plan.mode === "unplanned",
  });
  const given = back?.kind === "step" ? cards.get(back.action)?.checkInput(back.input) : undefined;
  const [step, ...more] = steps;
  const fits =
    back?.kind === "step" && given?.ok === true && step?.action === back.action && isSame(step.input, given.input);
  return fits && more.length === 0 ? weakened(step, cards) : no(`“${done.title}” is not taken back like this`);
}

function isSame(one: unknown, other: unknown): boolean {
  return hashOf(one ?? null) === hashOf(other ?? null);
}

/** Scripts, manifests and secrets that the input of a step names. */
function inputOf(step: ActionStep, system: System, grounds: Grounds): readonly Difference[] {
  const listed = secretsOf(system, grounds);
  const strange = [...secretsIn(step.input)].filter((name) => !listed.has(name));
  return [
    ...scriptIn(step, system),
    ...manifestsIn(step, system),
    ...strange.map((name) =>
      firm(step.id, `“${step.title}” reads the secret ${name}, which ${system.title} doesn't list`),
    ),
  ];
}

interface BoundFile {
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
  readonly environment?: readonly string[];
}

function scriptIn(step: ActionStep, system: System): readonly Difference[] {
  const bound = (step.input as { script?: unknown } | null)?.script;
  if (!isFile(bound)) return [];
  const script = system.scripts.find(({ name }) => name === bound.name);
  const strange = (bound.environment ?? []).filter((name) => script && !script.environment.includes(name));
  const file = fileDiffers(step, bound, script, () => script && readScript(script).sha256, "script");
  return [
    ...file,
    ...strange.map((name) =>
      firm(step.id, `the script ${bound.name} is given ${name}, which ${system.title} doesn't list`),
    ),
  ];
}

function manifestsIn(step: ActionStep, system: System): readonly Difference[] {
  const bound = (step.input as { manifests?: unknown } | null)?.manifests;
  if (!Array.isArray(bound) || manifestsNamed(step.input).length > 0) return [];
  return bound.filter(isFile).flatMap((one) => {
    const known = system.manifests?.find(({ name }) => name === one.name);
    return fileDiffers(step, one, known, () => known && readManifest(known).sha256, "manifest");
  });
}

function isFile(value: unknown): value is BoundFile {
  const file = value as Partial<BoundFile> | null;
  return typeof file?.path === "string" && typeof file.sha256 === "string" && typeof file.name === "string";
}

function fileDiffers(
  step: ActionStep,
  bound: BoundFile,
  known: { readonly path: string } | undefined,
  hash: () => string | undefined,
  what: string,
): readonly Difference[] {
  if (known === undefined) return [firm(step.id, `the ${what} ${bound.name} isn't in the catalogue`)];
  if (known.path !== bound.path || !isThere(known.path))
    return [firm(step.id, `the ${what} ${bound.name} is ${known.path}, and the plan starts ${bound.path}`)];
  try {
    if (hash() === bound.sha256) return [];
    return [firm(step.id, `the ${what} ${bound.name} has changed since the plan was made`)];
  } catch (error) {
    return [firm(step.id, `the ${what} ${bound.name} can't be read: ${messageOf(error)}`)];
  }
}

function isThere(path: string): boolean {
  try {
    return realpathSync(path) === path;
  } catch {
    return false;
  }
}

/** Names of environment variables under keys such as `passwordFrom`, however deep. */
export function secretsIn(value: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (part: unknown, key: string | null): void => {
    if (typeof part === "string") {
      if (key !== null && /From$/.test(key) && !namesOnlyStep(key)) found.add(part);
    } else if (Array.isArray(part)) for (const one of part) walk(one, key);
    else if (typeof part === "object" && part !== null) for (const [name, one] of Object.entries(part)) walk(one, name);
  };
  walk(value, null);
  return found;
}

/** Every secret the files of a system name: in its targets, in its runbooks and for its scripts. */
function secretsOf(system: System, grounds: Grounds): ReadonlySet<string> {
  const names = writtenSecrets(system, grounds.catalog);
  const references = [...names].flatMap((name) => referencesIn(name).map((one) => one.name));
  if (references.length === 0) return names;
  const given = grounds.variables.get(system.id);
  const values = references.flatMap((reference) => {
    const variable = system.variables.find((one) => `var.${one.name}` === reference);
    return variable === undefined ? [] : [given?.get(variable.name) ?? variable.default];
  });
  return new Set([...names, ...values.filter((value) => typeof value === "string")]);
}

/** A catalogue that is read again has other lists. */
const written = new WeakMap<Catalog["runbooks"], Map<string, ReadonlySet<string>>>();

function writtenSecrets(system: System, { runbooks }: Catalog): ReadonlySet<string> {
  const known = written.get(runbooks) ?? new Map<string, ReadonlySet<string>>();
  written.set(runbooks, known);
  const before = known.get(system.id);
  if (before !== undefined) return before;
  const parts = [
    ...(system.targets ?? []).flatMap(({ members }) => members.map((one) => [one.with, one.values])),
    ...system.sites.map(({ values }) => values),
    ...runbooks
      .filter((one) => one.system === system.id)
      .flatMap((one) =>
        one.stages.flatMap(({ steps }) => steps.map(({ does }) => (does.kind === "action" ? does.with : null))),
      ),
  ];
  const found = new Set([...secretsIn(parts), ...system.scripts.flatMap(({ environment }) => environment)]);
  known.set(system.id, found);
  return found;
}

/** What a plan is bound to has to be there: its targets and the members that are active. A change of those may be accepted. */
function targetsOf(plan: Plan, system: System): readonly Difference[] {
  const find = (id: string): Target | undefined => system.targets?.find((one) => one.id === id);
  const soft = (says: string): Difference => ({ step: null, firm: false, says });
  const bound = (plan.roles ?? []).flatMap(({ target, title, active }) => {
    const known = find(target);
    if (known === undefined) return [soft(`${system.title} has no target ${title} any more`)];
    return known.members.some(({ id }) => id === active) ? [] : [soft(`${title} has no member ${active} any more`)];
  });
  const component = plan.component !== null && !system.components.some(({ id }) => id === plan.component);
  return [...bound, ...(component ? [soft(`${system.title} has no component ${plan.component} any more`)] : [])];
}

/** A plan that speaks of roles looks once more, before its first change, that they are as planned. */
function lookOf(plan: Plan, runbook: Runbook, { cards }: Grounds): readonly Difference[] {
  const all = stepsIn(plan);
  const first = all.findIndex((step) => changes(step, cards));
  if (first === -1 || !cards.has(ROLES_CHECK)) return [];
  const roles = plan.roles ?? [];
  if (runbook.direction !== undefined && !roles.some(({ target }) => target === runbook.direction?.of))
    return [firm(null, `${runbook.title} goes from one site to another, and the plan doesn't say which is active`)];
  const looked = all.slice(0, first).flatMap((step) => {
    const input = step.kind === "action" && step.action === ROLES_CHECK ? step.input : null;
    return ((input as { targets?: readonly { target: string; active: string }[] } | null)?.targets ?? []).map(
      ({ target, active }) => `${target}=${active}`,
    );
  });
  const missing = roles.filter(({ target, active }) => !looked.includes(`${target}=${active}`));
  return missing.map(({ title }) => firm(null, `the plan doesn't look again which member of ${title} is active`));
}
