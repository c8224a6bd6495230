import { canonicalBytes, sha256 } from "../lib/canonical.ts";
import { messageOf, type Problem } from "../lib/errors.ts";
import { bindInputs } from "./bound.ts";
import { type Ground, type Grounds, groundOf, heldAs, trespasses } from "./drill.ts";
import { readManifest, withManifests } from "./manifest.ts";
import {
  referableParts,
  referencesIn,
  resolve,
  resolveSentence,
  type Scalar,
  type Scope,
  scopeOf,
} from "./reference.ts";
import type { RuleFault } from "./rules/index.ts";
import { checkRunbook } from "./rules/index.ts";
import { readScript, withScript } from "./script.ts";
import { offer } from "./suggest.ts";
import type {
  ActionCard,
  ActionStep,
  Catalog,
  Clock,
  DrillPlan,
  Lane,
  Mode,
  Plan,
  PlanStage,
  PlanStep,
  Runbook,
  RunbookStage,
  RunbookStep,
  System,
} from "./types.ts";
import { runsIn } from "./walk.ts";

export interface PlanRequest {
  readonly catalog: Catalog;
  readonly cards: ReadonlyMap<string, ActionCard>;
  /** Values this installation gives: system id → variable → value. */
  readonly variables: ReadonlyMap<string, ReadonlyMap<string, Scalar>>;
  readonly system: string;
  readonly runbook: string;
  readonly mode: Mode;
  readonly kind: "real" | "drill";
  /** Values of the drill environment, in the same form as `variables`. Absent: there is none. */
  readonly drillVariables?: ReadonlyMap<string, ReadonlyMap<string, Scalar>>;
  /** Nothing of it will be performed: a look at what is there, whatever it is called. */
  readonly dryRun?: boolean;
  /** What was said about tonight: input → value, a moment as ISO 8601 in UTC. Absent: nothing. */
  readonly inputs?: ReadonlyMap<string, Scalar>;
}

export type Planned =
  | {
      readonly ok: true;
      readonly plan: Plan;
      /** RFC 8785 canonical JSON of the plan: what is stored, hashed and run. */
      readonly bytes: Buffer;
      /** SHA-256 of `bytes`. */
      readonly hash: string;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Binds a runbook to its inputs: every reference resolved, every input checked by its action, steps of the other mode
 * left out. All rules of the catalogue are asked again, whoever loaded it, so nothing that does not lint is ever planned.
 */
export function planRunbook(request: PlanRequest): Planned {
  const found = find(request);
  if ("problem" in found) return refuse([found.problem]);
  const { system, runbook } = found;
  const siblings = request.catalog.runbooks.filter((other) => other.system === system.id);
  const faults = checkRunbook({ system, runbook, siblings, cards: request.cards });
  const errors = faults.filter(({ level }) => level === "error");
  if (errors.length > 0) return refuse(errors.map((fault) => faultProblem(runbook, fault)));
  const bound = bindInputs(runbook, request.inputs ?? new Map());
  if (!bound.ok) return refuse(bound.problems);
  const ground = groundFor(request, system, runbook);
  if (ground !== null && "problem" in ground) return refuse([ground.problem]);
  const held = ground?.drill ?? null;
  const given = held?.on === "environment" ? request.drillVariables : request.variables;
  const scope = scopeOf(system, runbook, request.mode, given?.get(system.id), bound.values);
  const missing = missingValues(system, runbook, request.mode, scope, held);
  if (missing !== null) return refuse([missing]);
  const planned = bind(request, system, runbook, lookUpIn(scope), bound.values, held);
  if (!planned.ok || held?.on !== "environment") return planned;
  const problems = trespasses(groundsOf(request), system, runbook, planned.plan, bound.values);
  return problems.length === 0 ? planned : refuse(problems);
}

/** Null: it is for real, and where it is held is production. */
function groundFor(request: PlanRequest, system: System, runbook: Runbook): Ground | null {
  if (request.kind !== "drill") return null;
  const ground = groundOf(groundsOf(request), system, runbook, request.mode);
  return "problem" in ground && request.dryRun === true ? { drill: { on: "nothing" } } : ground;
}

function groundsOf({ catalog, cards, variables, drillVariables = new Map() }: PlanRequest): Grounds {
  return { catalog, cards, production: variables, drill: drillVariables };
}

type LookUp = (name: string) => Scalar;

function lookUpIn({ values }: Scope): LookUp {
  return (name) => {
    const value = values.get(name);
    if (value === undefined) throw new TypeError(`The reference ${name} was not checked before it was resolved.`);
    return value;
  };
}

function refuse(problems: readonly Problem[]): Planned {
  return { ok: false, problems };
}

function find({
  catalog,
  system,
  runbook,
  mode,
}: PlanRequest): { system: System; runbook: Runbook } | { problem: Problem } {
  const home = catalog.systems.find(({ id }) => id === system);
  if (home === undefined) {
    const systems = catalog.systems.map(({ id }) => id);
    return { problem: { code: "unknown-system", what: `There is no system "${system}"`, ...offer(system, systems) } };
  }
  const ours = catalog.runbooks.filter((other) => other.system === system);
  const book = ours.find(({ id }) => id === runbook);
  if (book === undefined) {
    const what = `${home.title} has no runbook "${runbook}"`;
    return {
      problem: {
        code: "unknown-runbook",
        what,
        ...offer(
          runbook,
          ours.map(({ id }) => id),
        ),
      },
    };
  }
  if (!book.modes.includes(mode)) {
    const what = `"${book.title}" is not offered ${mode}`;
    return { problem: { code: "mode-not-offered", what, allowed: `Allowed: ${book.modes.join(", ")}` } };
  }
  return { system: home, runbook: book };
}

function faultProblem(runbook: Runbook, { rule, path, what, allowed, next }: RuleFault): Problem {
  return {
    code: rule,
    where: `${runbook.system}/${runbook.id}, ${path.join(".")}`,
    what,
    ...(allowed === undefined ? {} : { allowed }),
    ...(next === undefined ? {} : { next }),
  };
}

/** All variables without a value at once, with what each of them is. */
function missingValues(
  system: System,
  runbook: Runbook,
  mode: Mode,
  scope: Scope,
  drill: DrillPlan | null,
): Problem | null {
  const used = new Set(
    [...referableParts(runbook, mode)].flatMap(({ value }) => referencesIn(value).map(({ name }) => name)),
  );
  const missing = system.variables.filter(({ name }) => used.has(`var.${name}`) && !scope.values.has(`var.${name}`));
  if (missing.length === 0) return null;
  const lines = missing.map(({ name, type, description }) => `    ${name}: # ${type}. ${description}`);
  return {
    code: "missing-values",
    where: `${system.id}/${runbook.id}`,
    what: `This installation gives no value for ${missing.map(({ name }) => `"${name}"`).join(", ")}`,
    next: `Write into the file that ${drill?.on === "environment" ? "LIFEBOAT_DRILL_VALUES" : "LIFEBOAT_VALUES"} names:\n${system.id}:\n${lines.join("\n")}`,
  };
}

function bind(
  { cards, mode, kind }: PlanRequest,
  system: System,
  runbook: Runbook,
  lookUp: LookUp,
  inputs: ReadonlyMap<string, Scalar>,
  drill: DrillPlan | null,
): Planned {
  const problems: Problem[] = [];
  const resources = new Set<string>();
  const bindStep = (step: RunbookStep): PlanStep => {
    const head = { id: step.id, title: resolveSentence(step.title, lookUp), when: step.when };
    const { does } = step;
    if (does.kind !== "action") return bindHuman(head, does, lookUp);
    const card = cards.get(does.action);
    if (card === undefined) throw new TypeError(`The action ${does.action} was not checked before it was planned.`);
    const bound = bindAction(head, does, card, system, lookUp);
    problems.push(
      ...bound.problems.map((problem) => ({ ...problem, where: `${system.id}/${runbook.id}, ${step.id}` })),
    );
    for (const resource of bound.resources) resources.add(resource);
    return bound.step;
  };
  const stages = runbook.stages
    .map((stage): PlanStage => {
      const steps = stage.steps.filter((step) => runsIn(step, mode));
      const lanes = lanesIn(stage, steps, lookUp);
      return {
        id: stage.id,
        title: resolveSentence(stage.title, lookUp),
        parallel: stage.parallel,
        steps: steps.map(bindStep),
        ...(lanes.length > 0 && { lanes }),
      };
    })
    .filter(({ steps }) => steps.length > 0);
  if (problems.length > 0) return refuse(problems);
  const clocks = clocksIn(runbook, stages, lookUp);
  const said = (sentence: string) => resolveSentence(sentence, lookUp);
  return seal({
    format: stages.some(({ lanes }) => lanes !== undefined) ? 2 : 1,
    system: system.id,
    systemTitle: system.title,
    environment: system.environment,
    runbook: runbook.id,
    title: runbook.title,
    summary: runbook.summary,
    component: runbook.component,
    mode,
    modes: runbook.modes,
    kind,
    ...(drill !== null && { drill }),
    ...(inputs.size > 0 && { inputs: [...inputs].map(([name, value]) => ({ name, value })) }),
    target: runbook.changes === null ? "nothing: it only looks" : resolveSentence(runbook.changes, lookUp),
    resources: heldAs([...resources], drill),
    rtoSeconds: runbook.rtoSeconds,
    rpoSeconds: runbook.rpoSeconds,
    pointOfNoReturn: pointOfNoReturn(stages),
    ...(runbook.givesUp !== undefined && { givesUp: runbook.givesUp.map(said) }),
    stages,
    ...(clocks.length > 0 && { clocks }),
    ...(runbook.beforehand.length === 0 ? {} : { beforehand: runbook.beforehand.map(said) }),
    afterwards: runbook.afterwards.map(said),
  });
}

/** Those in which more than one step runs in this mode. */
function lanesIn({ lanes = [] }: RunbookStage, steps: readonly RunbookStep[], lookUp: LookUp): Lane[] {
  return lanes
    .map(({ id, title, steps: ids }) => ({
      id,
      title: resolveSentence(title, lookUp),
      steps: ids.filter((one) => steps.some((step) => step.id === one)),
    }))
    .filter((lane) => lane.steps.length > 1);
}

/** Those of stages in which something runs in this mode. */
function clocksIn({ clocks = [] }: Runbook, stages: readonly PlanStage[], lookUp: LookUp): Clock[] {
  return clocks.flatMap(({ id, title, withinSeconds, stages: all }) => {
    const ids = all.filter((one) => stages.some((stage) => stage.id === one));
    return ids.length === 0 ? [] : [{ id, title: resolveSentence(title, lookUp), withinSeconds, stages: ids }];
  });
}

type Head = Pick<PlanStep, "id" | "title" | "when">;

function bindHuman(head: Head, does: Exclude<RunbookStep["does"], { kind: "action" }>, lookUp: LookUp): PlanStep {
  if (does.kind !== "manual") return { ...head, ...does };
  return { ...head, ...does, instructions: resolveSentence(does.instructions, lookUp) };
}

function bindAction(
  head: Head,
  does: Extract<RunbookStep["does"], { kind: "action" }>,
  card: ActionCard,
  system: System,
  lookUp: LookUp,
): { step: ActionStep; resources: readonly string[]; problems: readonly Problem[] } {
  const given = readFiles(resolve(does.with, lookUp), system);
  const checked = given.ok ? card.checkInput(given.input) : given;
  const input = checked.ok ? checked.input : null;
  const step: ActionStep = {
    ...head,
    kind: "action",
    action: card.id,
    input,
    risk: card.risk,
    repeat: card.repeat,
    budget: card.budget,
    retries: does.retries,
    ...(checked.ok && card.risk !== "read" && { undo: card.wayBack(input) }),
  };
  if (checked.ok) return { step, resources: card.resources(input), problems: [] };
  const problems = checked.errors.map(({ path, message }) => ({
    code: "action-input",
    what: `${card.id} does not take this${path.length === 0 ? "" : ` as "${path.join(".")}"`}: ${message}`,
    next: "Correct the runbook, or the value in the file that LIFEBOAT_VALUES names",
  }));
  return { step, resources: [], problems };
}

/** What the input names of the system's folder, put in its place as it is now. */
function readFiles(input: unknown, system: System): { ok: true; input: unknown } | { ok: false; errors: InputErrors } {
  try {
    return { ok: true, input: withManifests(withScript(input, system, readScript), system, readManifest) };
  } catch (error) {
    return { ok: false, errors: [{ path: [], message: messageOf(error) }] };
  }
}

type InputErrors = readonly { path: readonly (string | number)[]; message: string }[];

/** The first step whose own action says that nothing takes it back. */
function pointOfNoReturn(stages: readonly PlanStage[]): string | null {
  const steps = stages.flatMap((stage) => stage.steps);
  return steps.find((step) => step.kind === "action" && step.undo?.kind === "never")?.id ?? null;
}

/** What is shown is what is stored: the plan is read back from its own bytes. */
function seal(plan: Plan): Planned {
  const bytes = canonicalBytes(plan);
  return { ok: true, plan: JSON.parse(bytes.toString("utf8")) as Plan, bytes, hash: sha256(bytes) };
}
