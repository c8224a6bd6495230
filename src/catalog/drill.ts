import { hashOf } from "../lib/canonical.ts";
import type { Problem } from "../lib/errors.ts";
import { trimmedEnd } from "../lib/trim.ts";
import { goesWith, sampleBinding, variablesBehind } from "./binding.ts";
import { unreadManifest, withManifests } from "./manifest.ts";
import { referencesIn, resolve, type Scalar } from "./reference.ts";
import { scopeOf, systemScope } from "./scope.ts";
import { unreadScript, withScript } from "./script.ts";
import type {
  ActionCard,
  ActionStep,
  Catalog,
  DrillPlan,
  Mode,
  Plan,
  PlanStep,
  Risk,
  Runbook,
  System,
} from "./types.ts";
import { actionsOf, stepsOf } from "./walk.ts";

/**
 * Where a drill may be held, so that it can't touch production: in a drill environment, which has a set of values of its own
 * (`LIFEBOAT_DRILL_VALUES`) that shares no place with production's; or on production itself where the runbook declares that
 * (`exercise: true`). The practice workspace is no production, and a runbook that only looks changes nothing anywhere.
 */

export type Values = ReadonlyMap<string, ReadonlyMap<string, Scalar>>;

/** What is needed to know what a system's runbooks reach. */
export interface Grounds {
  readonly catalog: Catalog;
  readonly cards: ReadonlyMap<string, ActionCard>;
  /** Production's values: system id → variable → value. */
  readonly production: Values;
  /** The drill environment's values, in the same form. */
  readonly drill: Values;
}

/** One place that a step of production reaches. */
interface Reached {
  readonly system: string;
  readonly runbook: string;
  readonly step: string;
}

/** place → who reaches it. Keys are lower case: `postgres:db-a:5432`, `address:db-a:5432`, `url:https://…`. */
export type Reach = ReadonlyMap<string, Reached>;

/** What a step holds alone and which addresses its input names, in a form in which two of them can be compared. */
export function placesOf({
  action,
  input,
  resources,
}: Pick<Touch, "action" | "input" | "resources">): readonly string[] {
  // What a script holds is a name that a runbook gives, and no identity: its whole input is compared instead.
  const held = action.startsWith("script.") ? [] : resources;
  return [...new Set([...held, ...addressesIn(input)].map((one) => one.toLowerCase()))];
}

function addressesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(addressesIn);
  if (typeof value !== "object" || value === null) return [];
  const { host, port, url, context, clusterUid, engineId } = value as Readonly<Record<string, unknown>>;
  return [
    ...(typeof host === "string" ? [`address:${host.replace(/\.$/, "")}:${String(port ?? "")}`] : []),
    ...(typeof url === "string" ? [`url:${trimmedEnd(url.split(/[?#]/, 1)[0] ?? "", "/")}`] : []),
    ...(typeof context === "string" ? [`context:${context}`] : []),
    ...(typeof clusterUid === "string" ? [`cluster:${clusterUid}`] : []),
    ...(typeof engineId === "string" ? [`engine:${engineId}`] : []),
    ...Object.values(value).flatMap(addressesIn),
  ];
}

/** A runbook that changes something says what, and lint sees to it; a step that changes something does so in any case. */
export function changesSomething(runbook: Runbook, cards: ReadonlyMap<string, ActionCard> | null, mode?: Mode) {
  const changing = ({ does }: { does: { action: string } }) => (cards?.get(does.action)?.risk ?? "read") !== "read";
  return runbook.changes !== null || actionsOf(runbook, mode).some(changing);
}

/** A step of it breaks its target on purpose. */
export function breaksSomething(runbook: Runbook, cards: ReadonlyMap<string, ActionCard>, mode?: Mode): boolean {
  return actionsOf(runbook, mode).some(({ does }) => cards.get(does.action)?.breaks !== undefined);
}

/** What a run holds alone. A drill in its own environment never holds up what is real, whatever names its steps give. */
export function heldAs(resources: readonly string[], drill: DrillPlan | null): readonly string[] {
  return resources.map((one) => (drill?.on === "environment" ? `drill/${one}` : one)).sort();
}

export type Ground = { readonly drill: DrillPlan } | { readonly problem: Problem };

/** Where a drill of this runbook is held, or why there is no place for it. */
export function groundOf(grounds: Grounds, system: System, runbook: Runbook, mode: Mode): Ground {
  if (system.environment === "practice") return { drill: { on: "practice" } };
  if (!changesSomething(runbook, grounds.cards, mode)) return { drill: { on: "nothing" } };
  if (runbook.exercise === true && !breaksSomething(runbook, grounds.cards, mode)) return { drill: { on: "exercise" } };
  const values = grounds.drill.get(system.id);
  if (values !== undefined) return { drill: { on: "environment", values: valuesHash(values) } };
  const exercises = grounds.catalog.runbooks.filter((one) => one.system === system.id && one.exercise === true);
  const held = exercises.map(({ id }) => `\`/dr runbook ${id} --drill\``).join(", ");
  return {
    problem: {
      code: "drill-nowhere",
      where: runbook.title,
      what: `There is no drill environment for ${system.title}, and this runbook is no production exercise: a drill of it would change production`,
      allowed: exercises.length === 0 ? `${system.title} has no production exercise` : `Production exercises: ${held}`,
      next: "Name the drill environment's values in LIFEBOAT_DRILL_VALUES; `--dry-run` only looks",
    },
  };
}

/** Identity of a set of values: SHA-256 over its canonical form. */
export function valuesHash(values: ReadonlyMap<string, Scalar>): string {
  return hashOf(Object.fromEntries(values));
}

/** Everything that production's runbooks reach with the values it has now, looks included. */
export function productionReach({ catalog, cards, production }: Omit<Grounds, "drill">): Reach {
  const reach = new Map<string, Reached>();
  for (const system of catalog.systems.filter(({ environment }) => environment === "production")) {
    for (const { step, places } of membersOf(system, production.get(system.id)).known)
      for (const place of places) reach.set(place, { system: system.id, runbook: "targets", step });
    for (const runbook of catalog.runbooks.filter((one) => one.system === system.id)) {
      for (const { step, places } of stepsWith(system, runbook, cards, production.get(system.id)).known)
        for (const place of places) reach.set(place, { system: system.id, runbook: runbook.id, step });
    }
  }
  return reach;
}

/** Where the drill environment of any system shares a place with production: a problem for each runbook and place. */
export function overlapsOf(grounds: Grounds): readonly Problem[] {
  const reach = productionReach(grounds);
  const problems = new Map<string, Problem>();
  const isDrilled = (one: Runbook) => one.exercise !== true && changesSomething(one, grounds.cards);
  for (const system of grounds.catalog.systems) {
    const given = grounds.drill.get(system.id);
    if (system.environment !== "production" || given === undefined) continue;
    for (const { step, places } of membersOf(system, given).known)
      for (const place of places) {
        const reached = reach.get(place);
        if (reached === undefined || problems.has(`${system.id}/${place}`)) continue;
        const at = { id: "targets" } as Runbook;
        problems.set(`${system.id}/${place}`, overlap(grounds, system, at, { step, place, names: [] }, reached));
      }
    for (const runbook of grounds.catalog.runbooks.filter((one) => one.system === system.id && isDrilled(one))) {
      for (const { step, places, names } of stepsWith(system, runbook, grounds.cards, given).known)
        for (const place of places) {
          const reached = reach.get(place);
          if (reached === undefined || problems.has(`${system.id}/${place}`)) continue;
          problems.set(`${system.id}/${place}`, overlap(grounds, system, runbook, { step, place, names }, reached));
        }
    }
  }
  return [...problems.values()];
}

/** The same for one plan of a drill that is to be held in the drill environment, with what was said about tonight. */
export function trespasses(
  grounds: Grounds,
  system: System,
  runbook: Runbook,
  plan: Plan,
  inputs: ReadonlyMap<string, Scalar>,
): readonly Problem[] {
  const production = grounds.production.get(system.id);
  const live = stepsWith(system, runbook, grounds.cards, production, plan.mode, inputs);
  const [unknown] = [...live.unknown, ...membersOf(system, production).unknown];
  if (unknown !== undefined)
    return [
      {
        code: "drill-production-unknown",
        where: `${system.id}/${runbook.id}, ${unknown.step}`,
        what: `It's not known what this step reaches in production (${unknown.why}). The drill could touch it`,
        next: "Complete production's values in the file that LIFEBOAT_VALUES names, then ask again",
      },
    ];
  const reach = new Map([...productionReach(grounds), ...reachIn(live.known, system, runbook)]);
  const problems: Problem[] = [];
  const told = new Set<string>();
  const steps = stepsWith(system, runbook, grounds.cards, grounds.drill.get(system.id), plan.mode, inputs).known;
  for (const { id, action, input, risk } of plan.stages.flatMap((stage) => stage.steps).filter(isAction)) {
    const resources = grounds.cards.get(action)?.resources(input) ?? [];
    const names = steps.find(({ step }) => step === id)?.names ?? [];
    const drilled = { step: id, risk, input, names, places: placesOf({ action, input, resources }) };
    const twin = live.known.find(({ step }) => step === drilled.step);
    if (drilled.risk !== "read" && twin !== undefined && hashOf(twin.input) === hashOf(drilled.input))
      problems.push({
        code: "drill-on-production",
        where: `${system.id}/${runbook.id}, ${drilled.step}`,
        what: "This step is the same in the drill as in production, so it would change production",
        next: "Let a variable say what it changes, and give it another value in LIFEBOAT_DRILL_VALUES",
      });
    for (const place of drilled.places) {
      const reached = reach.get(place);
      if (reached === undefined || told.has(place)) continue;
      told.add(place);
      problems.push(overlap(grounds, system, runbook, { step: drilled.step, place, names: drilled.names }, reached));
    }
  }
  return problems;
}

function isAction(step: PlanStep): step is ActionStep {
  return step.kind === "action";
}

/** Members of the system's targets, whatever role they have: a runbook that speaks of roles may reach each of them. */
function membersOf(system: System, given: ReadonlyMap<string, Scalar> | undefined) {
  const { values } = systemScope(system, given);
  const known: { step: string; places: readonly string[] }[] = [];
  const unknown: { step: string; why: string }[] = [];
  for (const { id, members } of system.targets ?? [])
    for (const member of members) {
      const step = `${id}.${member.id}`;
      const missing = referencesIn(member.with).find(({ name }) => values.get(name) === undefined);
      if (missing !== undefined) unknown.push({ step, why: `no value for ${missing.name}` });
      else {
        const input = resolve(member.with, (name) => values.get(name));
        known.push({ step, places: placesOf({ action: "", input, resources: [] }) });
      }
    }
  return { known, unknown };
}

function reachIn(steps: readonly KnownStep[], system: System, runbook: Runbook): [string, Reached][] {
  return steps.flatMap(({ step, places }) =>
    places.map((place): [string, Reached] => [place, { system: system.id, runbook: runbook.id, step }]),
  );
}

function overlap(
  { production, drill }: Grounds,
  system: System,
  runbook: Runbook,
  { step, place, names }: { step: string; place: string; names: readonly string[] },
  reached: Reached,
): Problem {
  const same = names.filter((name) => {
    const value = drill.get(system.id)?.get(name);
    return value !== undefined && value === production.get(system.id)?.get(name);
  });
  const why = same.length === 0 ? "" : `; the same value in both: ${same.join(", ")}`;
  return {
    code: "drill-on-production",
    where: `${system.id}/${runbook.id}, ${step}`,
    what: `The drill's values lead to production: ${place}, as in ${reached.system}/${reached.runbook}, ${reached.step}${why}`,
    next: "Give LIFEBOAT_DRILL_VALUES the addresses and identities of the drill environment",
  };
}

interface KnownStep {
  readonly step: string;
  readonly risk: Risk;
  readonly input: unknown;
  readonly places: readonly string[];
  /** Variables its input refers to. */
  readonly names: readonly string[];
}

/** Each action step with its input bound; `unknown`: those with a value that no one gives. Inputs not given are sampled. */
function stepsWith(
  system: System,
  runbook: Runbook,
  cards: ReadonlyMap<string, ActionCard>,
  given: ReadonlyMap<string, Scalar> | undefined,
  mode?: Mode,
  inputs: ReadonlyMap<string, Scalar> = new Map(),
): { known: readonly KnownStep[]; unknown: readonly { step: string; why: string }[] } {
  const known: KnownStep[] = [];
  const unknown: { step: string; why: string }[] = [];
  const modes = mode === undefined ? runbook.modes : [mode];
  const ways = system.targets === undefined ? [false] : [false, true];
  for (const [one, flipped] of modes.flatMap((mode) => ways.map((way) => [mode, way] as const))) {
    const binding = sampleBinding(system, runbook, flipped);
    const scope = scopeOf(system, runbook, one, given, inputs, binding);
    const lookUp = (name: string) =>
      scope.guesses?.has(name) ? undefined : (scope.values.get(name) ?? scope.samples?.get(name));
    for (const { step, does } of actionsOf(runbook, one)) {
      if (!goesWith(step, system, binding)) continue;
      const names = referencesIn(does.with).map(({ name }) => name);
      const missing = names.find((name) => lookUp(name) === undefined);
      // Who has which role is not known here; it is a member of a target.
      if (missing !== undefined && !/^(var|input)\./.test(missing)) continue;
      const card = cards.get(does.action);
      if (card === undefined || missing !== undefined) {
        const why = missing === undefined ? `no action ${does.action}` : `no value for ${missing}`;
        unknown.push({ step: step.id, why });
        continue;
      }
      const whole = resolve(does.with, (name) => lookUp(name) ?? "");
      const checked = card.checkInput(withManifests(withScript(whole, system, unreadScript), system, unreadManifest));
      if (!checked.ok) {
        unknown.push({ step: step.id, why: `${card.id} does not take its input` });
        continue;
      }
      const { input } = checked;
      const behind = [...names, ...variablesBehind(system, runbook, new Set(names))];
      const variables = behind.filter((name) => name.startsWith("var.")).map((name) => name.replace(/^var\./, ""));
      const places = placesOf({ action: card.id, input, resources: card.resources(input) });
      known.push({ step: step.id, risk: card.risk, input, places, names: [...new Set(variables)] });
    }
  }
  return { known, unknown };
}

/** What a step is about to look at or to change, as the plan holds it. */
export interface Touch {
  readonly action: string;
  readonly input: unknown;
  readonly resources: readonly string[];
  readonly changes: boolean;
  /** It breaks what it touches on purpose: in a drill environment or in practice, and nowhere else. */
  readonly breaks: boolean;
}

/** Why a run of this plan may not touch this, in a sentence; null: it may. Asked again before every look and every change. */
export function drillLimits(grounds: () => Grounds): (plan: Plan, touch: Touch) => string | null {
  let newest: { readonly key: string; readonly reach: Reach } | null = null;
  const reachNow = (now: Grounds): Reach => {
    const key = hashOf(Object.fromEntries([...now.production].map(([id, given]) => [id, valuesHash(given)])));
    if (newest?.key !== key) newest = { key, reach: productionReach(now) };
    return newest.reach;
  };
  return (plan, touch) => {
    if (plan.kind !== "drill") return null;
    const isApart = plan.drill?.on === "environment" || plan.drill?.on === "practice";
    if (touch.breaks && touch.changes && !isApart)
      return "This step breaks its target on purpose, and this drill isn't held in a drill environment.";
    // Made before 0.2, when no plan said where it is held; a new one without it is not taken on the timeline.
    if (plan.drill === undefined) return null;
    switch (plan.drill.on) {
      case "practice":
        return plan.environment === "practice" ? null : "This drill was planned for practice, and this is production.";
      case "exercise":
        return null;
      case "nothing":
        return touch.changes ? "This drill only looks, and this step would change something." : null;
      case "environment": {
        const now = grounds();
        const values = now.drill.get(plan.system);
        if (values === undefined || valuesHash(values) !== plan.drill.values)
          return "The drill environment's values have changed since this was planned. Request the drill again.";
        if (!now.production.has(plan.system))
          return "Production's values cannot be read, so the drill stays away from all.";
        const reach = reachNow(now);
        const place = placesOf(touch).find((one) => reach.has(one));
        return place === undefined ? null : `This is a drill, and ${place} belongs to production.`;
      }
      default:
        return plan.drill.on satisfies never;
    }
  };
}

/** The first gate of a production exercise that says so, of those asked before anything is changed. */
export function exerciseGates(runbook: Runbook, mode: Mode) {
  return stepsOf(runbook, mode).flatMap((placed) =>
    placed.step.does.kind === "gate" && placed.step.does.gate.exercise === true ? [placed] : [],
  );
}
