import { type Binding, goesWith, sampleBinding, type TargetName, targetNames } from "../binding.ts";
import { errorAt, type Fault, type Path } from "../fault.ts";
import { referableParts, referencesIn } from "../reference.ts";
import { offer } from "../suggest.ts";
import { hasRoles } from "../targets.ts";
import type { Member, Runbook, System, Target } from "../types.ts";
import { stepsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

const RESERVED = ["var", "input", "component", "system", "mode", "from", "to", "site", "steps"];

export const targetKnown: Rule = {
  id: "target-known",
  says: "Members of targets stand at sites of the system; a direction is that of a target with roles, and every member has what is asked of it.",
  judgesParts: true,
  *system({ system }) {
    const sites = system.sites.map(({ id }) => id);
    const variables = system.variables.map(({ name }) => `var.${name}`);
    for (const site of system.sites) yield* strays(site.values, ["sites", site.id, "values"], variables);
    for (const target of system.targets ?? []) {
      const at = ["targets", target.id];
      if (RESERVED.includes(target.id))
        yield errorAt(at, `"${target.id}" means something else in \${…}`, { at: "key" });
      if (hasRoles(target) && target.members.length < 2) {
        const next = 'Add the other member, or use kind "other"';
        yield errorAt(at, `With one member there's nothing to tell apart`, { at: "key", next });
      }
      if (target.follows !== undefined) yield* followFaults(system, target, [...at, "follows"]);
      for (const member of target.members) yield* memberFaults(member, [...at, "members", member.id], sites, variables);
    }
  },
  *runbook({ system, runbook }) {
    yield* directionFaults(system, runbook);
    yield* textFaults(system, runbook);
    const said = new Set<string>();
    for (const flipped of [false, true]) {
      for (const fault of memberless(system, runbook, sampleBinding(system, runbook, flipped))) {
        const key = JSON.stringify([fault.path, fault.what]);
        if (!said.has(key)) yield fault;
        said.add(key);
      }
    }
  },
};

function* followFaults(system: System, target: Target, at: Path): Generator<Fault> {
  const leading = (system.targets ?? []).filter(hasRoles).map(({ id }) => id);
  if (hasRoles(target))
    yield errorAt(at, "Its own members have roles, so it follows no other", { next: 'Take "follows" out' });
  else if (!leading.includes(target.follows ?? ""))
    yield errorAt(at, `"${target.follows}" is no target with roles`, offer(target.follows ?? "", leading));
  else if (target.many || target.members.some(({ site }) => site === null)) {
    const next = 'Give each member its site and leave "many" out';
    yield errorAt(at, "A target that follows another has one member at each site", { next });
  }
}

function* memberFaults(
  member: Member,
  at: Path,
  sites: readonly string[],
  variables: readonly string[],
): Generator<Fault> {
  if (member.site !== null && !sites.includes(member.site)) {
    yield errorAt([...at, "site"], `There is no site "${member.site}"`, offer(member.site, sites));
  }
  yield* strays(member.with, [...at, "with"], variables);
  yield* strays(member.values, [...at, "values"], variables);
}

function* strays(value: unknown, at: Path, variables: readonly string[]): Generator<Fault> {
  for (const { name, path } of referencesIn(value, at)) {
    if (variables.includes(name)) continue;
    yield errorAt(path, `\${${name}} refers to nothing here`, { ...offer(name, variables) });
  }
}

function* directionFaults(system: System, runbook: Runbook): Generator<Fault> {
  const sites = system.sites.map(({ id }) => id);
  const withRoles = (system.targets ?? []).filter(hasRoles).map(({ id }) => id);
  const target = function* (name: string, path: Path): Generator<Fault> {
    if (withRoles.includes(name)) return;
    const known = (system.targets ?? []).some(({ id }) => id === name);
    const what = known ? `Nothing tells which member of "${name}" is active` : `There is no target "${name}"`;
    yield errorAt(path, what, offer(name, withRoles));
  };
  const { direction } = runbook;
  if (direction) {
    yield* target(direction.of, ["direction", "of"]);
    for (const [i, name] of direction.agree.entries()) yield* target(name, ["direction", "agree", i]);
    if (sites.length < 2) yield errorAt(["direction"], "A direction needs two sites", { at: "key" });
  } else if (runbook.leavesSite) {
    yield errorAt(["starts"], "Only a runbook with a direction leaves a site", { next: 'Add "direction: { of: … }"' });
  }
  for (const { step, path } of stepsOf(runbook)) {
    if (step.towards && !sites.includes(step.towards))
      yield errorAt([...path, "towards"], `There is no site "${step.towards}"`, offer(step.towards, sites));
    if (step.moves) yield* target(step.moves, [...path, "moves"]);
    if ((step.towards || step.moves) && !direction)
      yield errorAt(path, `Step "${step.id}" speaks of a direction, and this runbook has none`);
  }
}

/** A member is an object: it can't stand in the middle of a sentence. */
function* textFaults(system: System, runbook: Runbook): Generator<Fault> {
  const names = new Map(targetNames(system, runbook).map((one) => [one.name, one]));
  const binding = sampleBinding(system, runbook);
  for (const { path, value } of referableParts(runbook)) {
    for (const { name, path: at, whole } of referencesIn(value, path)) {
      const found = names.get(name)?.read(binding);
      if (typeof found !== "object" || whole) continue;
      yield errorAt(at, `\${${name}} is a whole member, and this is a text`, {
        next: `Name one of its fields: \${${name}.id}`,
      });
    }
  }
}

function* memberless(system: System, runbook: Runbook, binding: Binding): Generator<Fault> {
  const names = new Map(targetNames(system, runbook).map((one) => [one.name, one]));
  for (const { step, path } of stepsOf(runbook)) {
    if (!goesWith(step, system, binding)) continue;
    const inside =
      step.does.kind === "action" ? step.does.with : step.does.kind === "manual" ? step.does.instructions : null;
    for (const reference of referencesIn(inside, [...path, "with"])) {
      const one = names.get(reference.name);
      if (one === undefined || one.read(binding) !== undefined) continue;
      yield errorAt(reference.path, `\${${reference.name}} is not there${whereIn(one, system, binding)}`, {
        next: "Give every member of the target this field, under with or values",
      });
    }
  }
}

function whereIn({ name, needs }: TargetName, { targets = [] }: System, { from, to, roles }: Binding): string {
  const [head, role] = name.split(".");
  const site = role === "from" || head === "from" ? from : role === "to" || head === "to" ? to : null;
  if (site !== null) return ` at ${site}`;
  const target: Target | undefined = targets.find(({ id }) => id === head);
  return needs === null ? "" : ` where ${roles.get(needs)?.active} is active in ${target?.title ?? head}`;
}
