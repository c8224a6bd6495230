import { canonicalBytes, sha256 } from "../lib/canonical.ts";
import { messageOf, type Problem } from "../lib/errors.ts";
import { type Binding, bindTargets, goesWith, type Observations, targetNames, targetsToLookAt } from "./binding.ts";
import { heldAs, trespasses } from "./drill.ts";
import { AS_SEEN } from "./input.ts";
import { readManifest, withManifests } from "./manifest.ts";
import { groundsOf, lookOf, namesUsed, type PlanRequest, type Prepared, preparePlan } from "./prepare.ts";
import { resolve, resolveSentence, type Scalar } from "./reference.ts";
import type { Said } from "./roles.ts";
import { type Scope, scopeOf } from "./scope.ts";
import { readScript, withScript } from "./script.ts";
import type {
  ActionCard,
  ActionStep,
  BoundRoles,
  Branch,
  Budget,
  Clock,
  DrillPlan,
  Mode,
  Plan,
  PlanStage,
  PlanStep,
  Runbook,
  RunbookStage,
  RunbookStep,
  System,
  Target,
} from "./types.ts";
import { runsIn } from "./walk.ts";

/** The target of a plan whose runbook says of nothing that it changes it. */
export const ONLY_LOOKS = "It only looks";

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
 * left out. `seen` of the request stands for what the members of its targets were seen to be.
 */
export function planRunbook(request: PlanRequest): Planned {
  const prepared = preparePlan(request);
  return prepared.ok ? planPrepared(request, prepared, request.seen ?? new Map()) : prepared;
}

/** Two that take writes are ended by a runbook where the system has one for that target: it's named, and no one fences by hand. */
function mendable(problem: Problem, { catalog }: PlanRequest, system: System, runbook: Runbook): Problem {
  if (problem.code !== "split-brain" || runbook.mendsSplit) return problem;
  const lines = catalog.runbooks
    .filter((one) => one.system === system.id && one.mendsSplit)
    .filter((one) => one.modes.some((mode) => targetsToLookAt(system, one, mode).some(isTitled(problem.where))))
    .map(({ id, starts }) => `\`/dr ${starts === null ? `runbook ${id}` : `${starts.verb} ${starts.target}`}\``);
  return lines.length === 0 ? problem : { ...problem, next: `End that first: ${lines.join(" or ")}` };
}

function isTitled(where: string | undefined): (target: Target) => boolean {
  return ({ title }) => title === where;
}

/** The same, of what is prepared and was looked at. */
export function planPrepared(request: PlanRequest, prepared: Prepared, seen: Observations): Planned {
  const { system, runbook, inputs, drill, given } = prepared;
  const targets = bindTargets(system, runbook, request.mode, seen, saidIn(inputs));
  if (!targets.ok) return refuse([mendable(targets.problem, request, system, runbook)]);
  const { binding } = targets;
  const scope = scopeOf(system, runbook, request.mode, given, inputs, binding);
  const going = { ...runbook, stages: stagesIn(system, runbook, request.mode, binding) };
  const absent = absentMembers(system, going, request.mode, scope, binding);
  if (absent.length > 0) return refuse(absent);
  const planned = bind(request, system, going, { lookUp: lookUpIn(scope), inputs, drill, binding, given });
  if (!planned.ok || !prepared.inDrillEnvironment) return planned;
  const problems = trespasses(groundsOf(request), system, runbook, planned.plan, inputs);
  return problems.length === 0 ? planned : refuse(problems);
}

function saidIn(inputs: ReadonlyMap<string, Scalar>): Said {
  const site = (name: string) => {
    const value = inputs.get(name);
    return typeof value === "string" && value !== AS_SEEN ? value : null;
  };
  return { from: site("from"), to: site("to") };
}

/** The stages of a plan that goes this way, in this mode. */
function stagesIn(system: System, runbook: Runbook, mode: Mode, binding: Binding): readonly RunbookStage[] {
  return runbook.stages
    .map((stage) => ({
      ...stage,
      steps: stage.steps.filter((step) => runsIn(step, mode) && goesWith(step, system, binding)),
    }))
    .filter(({ steps }) => steps.length > 0);
}

/** Members that what is left of the runbook refers to and that are not there: there is no standby, nothing to rejoin. */
function absentMembers(
  system: System,
  runbook: Runbook,
  mode: Mode,
  scope: Scope,
  { roles }: Binding,
): readonly Problem[] {
  const names = new Map(targetNames(system, runbook).map((one) => [one.name, one.needs]));
  const used = namesUsed(runbook, mode).filter((name) => names.has(name) && !scope.values.has(name));
  const heads = new Map(used.map((name) => [name.split(".").slice(0, 2).join("."), name]));
  return [...heads].map(([head, name]) => {
    const target = system.targets?.find(({ id }) => id === name.split(".")[0]);
    const found = roles.get(names.get(name) ?? "");
    const seen = found === undefined ? "" : ` (${found.says})`;
    const role = head.split(".")[1];
    const what =
      role === "standby"
        ? `${target?.title} has no standby${seen}`
        : role === "detached"
          ? `${target?.title} has no member that needs to rejoin${seen}`
          : `${target?.title ?? "The site"} has no ${name.split(".").slice(1).join(" ")}`;
    const next = runbook.beforehand[0];
    return {
      code: role === "detached" ? "nothing-to-rejoin" : "target-absent",
      where: runbook.title,
      what,
      ...(next !== undefined && !next.includes("${") && { next }),
    };
  });
}

type LookUp = (name: string) => unknown;

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

/** What a plan is bound to. */
interface Bound {
  readonly lookUp: LookUp;
  readonly inputs: ReadonlyMap<string, Scalar>;
  readonly drill: DrillPlan | null;
  readonly binding: Binding;
  /** Values of variables: production's, or the drill environment's. */
  readonly given: ReadonlyMap<string, Scalar> | undefined;
}

function bind(
  request: PlanRequest,
  system: System,
  runbook: Runbook,
  { lookUp, inputs, drill, binding, given }: Bound,
): Planned {
  const { cards, mode, kind } = request;
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
  const stages = runbook.stages.map((stage): PlanStage => {
    const lanes = branchesIn(stage, stage.steps, lookUp);
    return {
      id: stage.id,
      title: resolveSentence(stage.title, lookUp),
      parallel: stage.parallel,
      steps: stage.steps.map(bindStep),
      ...(lanes.length > 0 && { lanes }),
    };
  });
  if (problems.length > 0) return refuse(problems);
  const bound = rolesIn(system, binding);
  const looked = withLook(stages, cards, lookAgain(system, runbook, bound, given));
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
    ...(request.tabletop === true && { tabletop: true as const }),
    ...(drill !== null && { drill }),
    ...inputsIn(inputs),
    ...directionIn(system, runbook, binding),
    ...(bound.length > 0 && { roles: bound }),
    target: runbook.changes === null ? ONLY_LOOKS : resolveSentence(runbook.changes, lookUp),
    resources: heldAs([...resources], drill),
    rtoSeconds: runbook.rtoSeconds,
    rpoSeconds: runbook.rpoSeconds,
    pointOfNoReturn: pointOfNoReturn(stages),
    ...(runbook.givesUp !== undefined && { givesUp: runbook.givesUp.map(said) }),
    stages: looked,
    ...(clocks.length > 0 && { clocks }),
    ...(runbook.beforehand.length === 0 ? {} : { beforehand: runbook.beforehand.map(said) }),
    afterwards: runbook.afterwards.map(said),
  });
}

function rolesIn(system: System, { roles }: Binding): readonly BoundRoles[] {
  return [...roles].flatMap(([target, { active, basis, says }]) => {
    const title = system.targets?.find(({ id }) => id === target)?.title ?? target;
    return [{ target, title, active, basis, says }];
  });
}

function directionIn(system: System, { direction }: Runbook, { from, to, roles }: Binding): Pick<Plan, "direction"> {
  const found = direction && roles.get(direction.of);
  const site = (id: string | null) => ({
    id: id ?? "",
    title: system.sites.find((one) => one.id === id)?.title ?? id ?? "",
  });
  return found ? { direction: { from: site(from), to: site(to), basis: found.basis, says: found.says } } : {};
}

/** What the step before the first change looks at once more: the members of every target that a role of this plan comes from. */
function lookAgain(
  system: System,
  { mendsSplit }: Runbook,
  bound: readonly BoundRoles[],
  given: ReadonlyMap<string, Scalar> | undefined,
): unknown {
  return {
    targets: bound.flatMap(({ target: id, title, active, basis }) => {
      const target = system.targets?.find((one) => one.id === id);
      if (target === undefined) return [];
      const { kind, members } = lookOf(system, target, given);
      const sited = members.map((member) => ({
        ...member,
        site: target.members.find((one) => one.id === member.id)?.site ?? null,
      }));
      return [{ target: id, title, kind, members: sited, active, basis, ...(mendsSplit && { mendsSplit }) }];
    }),
  };
}

const ROLES_CHECK = "roles.check";
const ROLES_STEP = "roles-unchanged";

/**
 * Right before the first change it is looked at once more who is active: what an approval binds to has to be so when it starts. The
 * step stands behind the gate, so it is among what the gate showed and what is looked at when it passes.
 */
function withLook(stages: readonly PlanStage[], cards: PlanRequest["cards"], input: unknown): readonly PlanStage[] {
  const card = cards.get(ROLES_CHECK);
  const isChange = changesAfter(stages);
  const at = stages.findIndex(({ steps }) => steps.some(isChange));
  if (card === undefined || at === -1 || (input as { targets: readonly unknown[] }).targets.length === 0) return stages;
  const checked = card.checkInput(input);
  if (!checked.ok) throw new TypeError(`${ROLES_CHECK} does not take ${JSON.stringify(checked.errors)}`);
  const { risk, repeat, budget } = card;
  const look: ActionStep = {
    ...{ id: ROLES_STEP, title: "Active and standby are as planned", when: null, kind: "action", action: ROLES_CHECK },
    ...{ input: checked.input, risk, repeat, budget, retries: 0 },
  };
  const stage = stages[at] as PlanStage;
  const first = stage.steps.findIndex(isChange);
  const inside = !stage.parallel && stage.steps.slice(0, first).some(({ kind }) => kind === "gate");
  if (inside) {
    const steps = stage.steps.toSpliced(first, 0, look);
    return stages.with(at, { ...stage, steps });
  }
  return stages.toSpliced(at, 0, { id: ROLES_STEP, title: "Look again", parallel: false, steps: [look] });
}

/** What people do before anyone is asked (see that a region is lost, from two places) is a look; behind a gate it is a change. */
function changesAfter(stages: readonly PlanStage[]): (step: PlanStep) => boolean {
  const all = stages.flatMap(({ steps }) => steps);
  const gated = all.slice(all.findIndex(({ kind }) => kind === "gate") + 1);
  return (step) => (step.kind === "manual" && gated.includes(step)) || (step.kind === "action" && step.risk !== "read");
}

/** What a direction is when no one said it is no input of tonight. */
function inputsIn(inputs: ReadonlyMap<string, Scalar>): Pick<Plan, "inputs"> {
  const said = [...inputs].filter(([, value]) => value !== AS_SEEN);
  return said.length === 0 ? {} : { inputs: said.map(([name, value]) => ({ name, value })) };
}

/** Those in which more than one step runs in this mode. */
function branchesIn({ lanes = [] }: RunbookStage, steps: readonly RunbookStep[], lookUp: LookUp): Branch[] {
  return lanes
    .map(({ id, title, steps: ids }) => ({
      id,
      title: resolveSentence(title, lookUp),
      steps: ids.filter((one) => steps.some((step) => step.id === one)),
    }))
    .filter((branch) => branch.steps.length > 1);
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
    budget: budgetOf(card, does.timeoutSeconds),
    retries: does.retries,
    ...(checked.ok && statedBy(card, input)),
  };
  if (checked.ok) return { step, resources: card.resources(input), problems: [] };
  const problems = checked.errors.map(({ path, message }) => ({
    code: "action-input",
    what: `${card.id} does not take this${path.length === 0 ? "" : ` as "${path.join(".")}"`}: ${message}`,
    next: "Correct the runbook, or the value in the file that LIFEBOAT_VALUES names",
  }));
  return { step, resources: [], problems };
}

/** A step's own limit only ever shortens the action's. */
function budgetOf({ budget }: ActionCard, timeoutSeconds = budget.failSeconds): Budget {
  const failSeconds = Math.min(budget.failSeconds, timeoutSeconds);
  return { ...budget, warnSeconds: Math.min(budget.warnSeconds, failSeconds), failSeconds };
}

/** What an action says of a step with this input, as far as it goes into the plan. */
export function statedBy(
  card: ActionCard,
  input: unknown,
): Pick<ActionStep, "undo" | "fences" | "opens" | "promotes" | "leads" | "breaksForSeconds" | "service"> {
  const service = card.service?.(input);
  return {
    ...(card.risk !== "read" && { undo: card.wayBack(input) }),
    ...(card.fences?.(input) === true && { fences: true as const }),
    ...(card.opens?.(input) === true && { opens: true as const }),
    ...(card.promotes && { promotes: card.promotes }),
    ...(card.leads && { leads: card.leads }),
    ...(card.breaks && { breaksForSeconds: card.breaks.forSeconds(input) }),
    ...(service !== undefined && { service }),
  };
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
