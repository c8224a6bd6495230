import type { Problem } from "../lib/errors.ts";
import { type Observations, targetsToLookAt, variablesBehind } from "./binding.ts";
import { bindInputs } from "./bound.ts";
import { breaksSomething, changesSomething, type Grounds, groundOf } from "./drill.ts";
import { referableParts, referencesIn, resolve, type Scalar } from "./reference.ts";
import type { TargetLook } from "./roles.ts";
import type { RuleFault } from "./rules/index.ts";
import { checkRunbook } from "./rules/index.ts";
import { systemScope } from "./scope.ts";
import { offer } from "./suggest.ts";
import { asTabletop } from "./tabletop.ts";
import { hasRoles } from "./targets.ts";
import type { ActionCard, Catalog, DrillPlan, Mode, Runbook, System, Target } from "./types.ts";

/** What is known of a plan before anything is looked at, and what has to be looked at to make it. Pure. */

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
  /** The runbook is walked by people, and nothing of it is performed. */
  readonly tabletop?: boolean;
  /** What was said about tonight: input → value, a moment as ISO 8601 in UTC. Absent: nothing. */
  readonly inputs?: ReadonlyMap<string, Scalar>;
  /** What was seen of the members of its targets, for `toLookAt`. Absent: none of them answered. */
  readonly seen?: Observations;
}

/** The system, the runbook and the values a plan is made of. */
export interface Prepared {
  readonly ok: true;
  readonly system: System;
  readonly runbook: Runbook;
  readonly inputs: ReadonlyMap<string, Scalar>;
  /** Where a drill is held; null: it is for real. */
  readonly drill: DrillPlan | null;
  /** Values of variables: production's, or the drill environment's. */
  readonly given: ReadonlyMap<string, Scalar> | undefined;
  /** What `seen` of the request has to hold. */
  readonly targets: readonly TargetLook[];
  /** Its targets are those of the drill environment, which has secrets of its own. */
  readonly inDrillEnvironment: boolean;
  /** In the drill environment: what is looked at to see that no server of it is one of production's, which other names would hide. */
  readonly apart?: { readonly drill: readonly TargetLook[]; readonly production: readonly TargetLook[] };
}

export type Preparation = Prepared | { readonly ok: false; readonly problems: readonly Problem[] };

/** All rules of the catalogue are asked again, no matter who loaded it, so nothing that does not lint is ever planned. */
export function preparePlan(request: PlanRequest): Preparation {
  const found = find(request);
  if ("problem" in found) return refuse([found.problem]);
  const { system } = found;
  const runbook = request.tabletop === true ? asTabletop(found.runbook) : found.runbook;
  const siblings = request.catalog.runbooks.filter((other) => other.system === system.id);
  const faults = checkRunbook({ system, runbook, siblings, cards: request.cards });
  const errors = faults.filter(({ level }) => level === "error");
  if (errors.length > 0) return refuse(errors.map((fault) => faultProblem(runbook, fault)));
  const bound = bindInputs(runbook, request.inputs ?? new Map());
  if (!bound.ok) return refuse(bound.problems);
  const ground = groundFor(request, system, runbook);
  if ("problem" in ground) return refuse([ground.problem]);
  const { drill } = ground;
  const inDrillEnvironment = drill?.on === "environment";
  const values = inDrillEnvironment ? request.drillVariables : request.variables;
  const given = values?.get(system.id);
  const missing = missingValues(system, runbook, request.mode, given, drill);
  if (missing !== null) return refuse([missing]);
  const targets = targetsToLookAt(system, runbook, request.mode)
    .filter(hasRoles)
    .map((target) => lookOf(system, target, given));
  const apart = inDrillEnvironment && { apart: apartFor(request, system, given) };
  return { ok: true, system, runbook, inputs: bound.values, drill, given, targets, inDrillEnvironment, ...apart };
}

type Given = ReadonlyMap<string, Scalar> | undefined;

function apartFor({ catalog, variables }: PlanRequest, system: System, given: Given): NonNullable<Prepared["apart"]> {
  const looks = (of: System, values: Given) =>
    (of.targets ?? []).filter(hasRoles).map((target) => {
      return { ...lookOf(of, target, values), target: `${of.id}/${target.id}` };
    });
  const production = catalog.systems.filter(({ environment }) => environment === "production");
  return {
    drill: looks(system, given),
    production: production.flatMap((one) => looks(one, variables.get(one.id))),
  };
}

/** Servers of the drill environment that answer under a name of production's, too; empty where none does. */
export function sharedServers(drill: Observations, production: Observations): readonly Problem[] {
  const known = new Map(
    [...production].flatMap(([target, members]) =>
      [...members].flatMap(([id, { process }]) => (process === undefined ? [] : [[process, `${target}, ${id}`]])),
    ),
  );
  return [...drill].flatMap(([target, members]) =>
    [...members].flatMap(([id, { process }]) => {
      const same = process === undefined ? undefined : known.get(process);
      if (same === undefined) return [];
      return {
        code: "drill-on-production",
        where: `${target}, ${id}`,
        what: `The drill's values lead to production under another name: the server that answers is the one of ${same}`,
        next: "Give LIFEBOAT_DRILL_VALUES the addresses of the drill environment",
      };
    }),
  );
}

function refuse(problems: readonly Problem[]): Preparation {
  return { ok: false, problems };
}

function groundFor(
  request: PlanRequest,
  system: System,
  runbook: Runbook,
): { readonly drill: DrillPlan | null } | { readonly problem: Problem } {
  if (request.kind !== "drill") return onlyDrill(request, system, runbook) ?? { drill: null };
  const ground = groundOf(groundsOf(request), system, runbook, request.mode);
  return "problem" in ground && request.dryRun === true ? { drill: { on: "nothing" } } : ground;
}

/** What breaks something on purpose, or exercises production as declared, is never run for real: no one would know that it is a drill. */
function onlyDrill(
  { cards, mode, dryRun }: PlanRequest,
  system: System,
  runbook: Runbook,
): { readonly problem: Problem } | null {
  const breaks = breaksSomething(runbook, cards, mode);
  const is = runbook.drill === true || breaks ? "a drill" : runbook.exercise === true ? "a production exercise" : null;
  // Practice has no production that could be meant; what breaks something is a drill there too.
  if (is === null || dryRun === true || (system.environment === "practice" && !breaks)) return null;
  if (!changesSomething(runbook, cards, mode)) return null;
  return {
    problem: {
      code: "drill-only",
      where: runbook.title,
      what: `This runbook is ${is}, and this request is for real`,
      next: `\`/dr runbook ${runbook.id} --drill\`; \`--dry-run\` only looks`,
    },
  };
}

export function groundsOf({ catalog, cards, variables, drillVariables = new Map() }: PlanRequest): Grounds {
  return { catalog, cards, production: variables, drill: drillVariables };
}

/** A target with the values this installation gives. */
export function lookOf(
  system: System,
  { id, kind, members }: Target,
  given: ReadonlyMap<string, Scalar> | undefined,
): TargetLook {
  const { values } = systemScope(system, given);
  return {
    target: id,
    kind,
    members: members.map((member) => ({ id: member.id, input: resolve(member.with, (name) => values.get(name)) })),
  };
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

/** Every name that what runs in this mode refers to. */
export function namesUsed(runbook: Runbook, mode: Mode): readonly string[] {
  return [...referableParts(runbook, mode)].flatMap(({ value }) => referencesIn(value).map(({ name }) => name));
}

/** All variables without a value at once, with what each of them is. */
function missingValues(
  system: System,
  runbook: Runbook,
  mode: Mode,
  given: ReadonlyMap<string, Scalar> | undefined,
  drill: DrillPlan | null = null,
): Problem | null {
  const named = namesUsed(runbook, mode);
  const looked = targetsToLookAt(system, runbook, mode).map(({ id }) => `${id}.members`);
  const used = new Set([...named, ...variablesBehind(system, runbook, new Set([...named, ...looked]))]);
  const missing = system.variables.filter(
    ({ name, default: usual }) => used.has(`var.${name}`) && (given?.get(name) ?? usual) === null,
  );
  if (missing.length === 0) return null;
  const lines = missing.map(({ name, type, description }) => `    ${name}: # ${type}. ${description}`);
  return {
    code: "missing-values",
    where: `${system.id}/${runbook.id}`,
    what: `This installation gives no value for ${missing.map(({ name }) => `"${name}"`).join(", ")}`,
    next: `Write into the file that ${drill?.on === "environment" ? "LIFEBOAT_DRILL_VALUES" : "LIFEBOAT_VALUES"} names:\n${system.id}:\n${lines.join("\n")}`,
  };
}
