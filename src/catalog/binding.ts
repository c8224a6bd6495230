import type { Problem } from "../lib/errors.ts";
import type { Path } from "./fault.ts";
import { referableParts, referencesIn, resolve, type Scalar } from "./reference.ts";
import { NOTHING_SAID, type RoleObservation, type Roles, rolesOf, type Said } from "./roles.ts";
import { hasRoles, leaderOf } from "./targets.ts";
import type { Member, Mode, Runbook, RunbookStep, System, Target } from "./types.ts";

/**
 * What `${database.active}`, `${api.to}` and `${from.title}` stand for: members of targets, by role and by site. A binding says
 * which members have the roles and which way it goes; without one only the names are known.
 */
export interface Binding {
  readonly roles: ReadonlyMap<string, Roles>;
  /** Ids of sites; null where the runbook moves nothing between sites. */
  readonly from: string | null;
  readonly to: string | null;
}

/** One name that may stand in `${…}`. */
export interface TargetName {
  readonly name: string;
  /** The target whose roles it needs; null: none. */
  readonly needs: string | null;
  /** What it stands for, with references to variables unresolved; undefined: there is no such member. */
  read(binding: Binding): unknown;
}

type AboutRunbook = Pick<Runbook, "direction">;

/** Every name that the sites and targets of a system offer to a runbook; without one, to the system itself. */
export function targetNames(system: System, runbook: AboutRunbook | null): readonly TargetName[] {
  const to = runbook === null ? "itself" : runbook.direction === undefined ? "runbooks" : "directed runbooks";
  const known = namesOf.get(system) ?? new Map<typeof to, readonly TargetName[]>();
  const names = known.get(to) ?? allNames(system, runbook);
  namesOf.set(system, known.set(to, names));
  return names;
}

function byName(names: readonly TargetName[]): ReadonlyMap<string, readonly TargetName[]> {
  const before = grouped.get(names);
  if (before !== undefined) return before;
  const groups = new Map<string, TargetName[]>();
  for (const one of names) groups.set(one.name, [...(groups.get(one.name) ?? []), one]);
  grouped.set(names, groups);
  return groups;
}

const grouped = new WeakMap<readonly TargetName[], ReadonlyMap<string, readonly TargetName[]>>();

/** A system that was read doesn't change, and every rule asks for these of every runbook. */
const namesOf = new WeakMap<System, Map<"itself" | "runbooks" | "directed runbooks", readonly TargetName[]>>();

function allNames(system: System, runbook: AboutRunbook | null): readonly TargetName[] {
  const directed = runbook?.direction !== undefined;
  return [
    ...system.sites.flatMap((site) => siteNames(`site.${site.id}`, system, () => site.id)),
    ...(directed ? [...siteNames("from", system, ({ from }) => from), ...siteNames("to", system, ({ to }) => to)] : []),
    ...(system.targets ?? []).flatMap((target) => namesOfTarget(system, target, directed, runbook !== null)),
  ];
}

function siteNames(head: string, { sites }: System, id: (binding: Binding) => string | null): TargetName[] {
  const site = (binding: Binding) => sites.find((one) => one.id === id(binding));
  const keys = new Set(sites.flatMap(({ values }) => Object.keys(values)));
  const plain = (key: "id" | "title") => ({
    name: `${head}.${key}`,
    needs: null,
    read: (binding: Binding) => site(binding)?.[key],
  });
  const own = [...keys].map((key) => ({
    name: `${head}.${key}`,
    needs: null,
    read: (binding: Binding) => site(binding)?.values[key],
  }));
  return [plain("id"), plain("title"), ...own];
}

function namesOfTarget(system: System, target: Target, directed: boolean, bound: boolean): TargetName[] {
  const { id, members, many } = target;
  const leader = system.targets?.find((one) => one.id === leaderOf(target));
  const bySite = (site: string | null) => membersAt(members, site);
  const one = (head: string, needs: string | null, find: (binding: Binding) => Member | undefined) =>
    memberNames(head, target, needs, find);
  const role = (name: "active" | "standby" | "detached") =>
    one(`${id}.${name}`, leader?.id ?? null, (binding) => memberIn(target, leader, name, binding));
  const sided = (side: "from" | "to"): TargetName[] =>
    many
      ? [{ name: `${id}.${side}`, needs: null, read: (binding) => withs(bySite(binding[side])) }]
      : one(`${id}.${side}`, null, (binding) => bySite(binding[side])[0]);
  return [
    { name: `${id}.members`, needs: null, read: () => withs(members) },
    { name: `${id}.target`, needs: null, read: () => asLooked(target) },
    ...members.flatMap((member) => one(`${id}.at.${member.id}`, null, () => member)),
    ...(bound && leader !== undefined ? [...role("active"), ...role("standby"), ...role("detached")] : []),
    ...(directed ? [...sided("from"), ...sided("to")] : []),
  ];
}

/** The target as `roles.look` takes it. */
function asLooked({ id, title, kind, members }: Target): unknown {
  return { target: id, title, kind, members: members.map((one) => ({ id: one.id, site: one.site, input: one.with })) };
}

function withs(members: readonly Member[]): unknown {
  return members.length === 0 ? undefined : members.map((member) => member.with);
}

/** The member with this role; of a target that follows another, the one at the site of the other's. */
function memberIn(
  { members }: Target,
  leader: Target | undefined,
  role: "active" | "standby" | "detached",
  { roles, to }: Binding,
): Member | undefined {
  const found = leader && roles.get(leader.id);
  if (found === undefined) return undefined;
  const ids = role === "active" ? [found.active] : found[role];
  const leading = ids.flatMap((one) => leader?.members.find((member) => member.id === one) ?? []);
  const all = leader?.members === members ? leading : leading.flatMap((one) => membersAt(members, one.site));
  return all.find(({ site }) => site !== null && site === to) ?? all[0];
}

function membersAt(members: readonly Member[], site: string | null): readonly Member[] {
  return site === null ? [] : members.filter((member) => member.site === site);
}

function memberNames(
  head: string,
  { members }: Target,
  needs: string | null,
  find: (binding: Binding) => Member | undefined,
): TargetName[] {
  const keys = new Set(members.flatMap((member) => [...Object.keys(member.with), ...Object.keys(member.values)]));
  const field = (key: string, read: (member: Member) => unknown) => ({
    name: `${head}.${key}`,
    needs,
    read: (binding: Binding) => {
      const member = find(binding);
      return member === undefined ? undefined : read(member);
    },
  });
  return [
    { name: head, needs, read: (binding) => find(binding)?.with },
    field("id", (member) => member.id),
    field("site", (member) => member.site ?? undefined),
    ...[...keys].map((key) => field(key, (member) => member.values[key] ?? member.with[key])),
  ];
}

/** A binding for lint, where nothing was looked at: two sites that differ, and members that differ. */
export function sampleBinding(system: System, runbook: AboutRunbook | null, flipped = false): Binding {
  const order = (some: readonly Member[]) => (flipped ? some.toReversed() : some);
  const roles = new Map(
    (system.targets ?? []).filter(hasRoles).flatMap((target): [string, Roles][] => {
      const [active, ...others] = order(target.members).map(({ id }) => id);
      if (active === undefined) return [];
      return [[target.id, { active, standby: others, detached: others, basis: "seen", says: "" }]];
    }),
  );
  if (runbook?.direction === undefined) return { roles, from: null, to: null };
  const sites = (flipped ? system.sites.toReversed() : system.sites).map(({ id }) => id);
  return { roles, from: sites[0] ?? null, to: sites[1] ?? null };
}

/** Which targets have to be looked at before this runbook can become a plan. */
export function targetsToLookAt(system: System, runbook: Runbook, mode: Mode): readonly Target[] {
  const names = new Map(targetNames(system, runbook).map((one) => [one.name, one.needs]));
  const referred = [...referableParts(runbook, mode)].flatMap(({ value }) =>
    referencesIn(value).flatMap(({ name }) => names.get(name) ?? []),
  );
  const { direction } = runbook;
  const wanted = new Set([
    ...referred,
    ...(direction === undefined ? [] : [direction.of, ...direction.agree]),
    ...runbook.stages.flatMap(({ steps }) => steps.flatMap(({ moves }) => moves ?? [])),
  ]);
  return (system.targets ?? []).filter(({ id }) => wanted.has(id));
}

/** Names of variables that what a runbook refers to is made of, its own references left out. */
export function variablesBehind(
  system: System,
  runbook: Runbook | null,
  names: ReadonlySet<string>,
): readonly string[] {
  const all = targetNames(system, runbook).filter(({ name }) => names.has(name));
  const heads = new Set(all.map(({ name }) => name.split(".")[0] as string));
  const parts = [
    ...(system.targets ?? [])
      .filter(({ id }) => heads.has(id))
      .flatMap(({ members }) => members.map((one) => [one.with, one.values])),
    ...(["from", "to", "site"].some((head) => heads.has(head)) ? system.sites.map(({ values }) => values) : []),
  ];
  return parts.flatMap((part) => referencesIn(part).map(({ name }) => name));
}

export type Bindings =
  | { readonly ok: true; readonly binding: Binding }
  | { readonly ok: false; readonly problem: Problem };

/** What was seen of each member of each target. */
export type Observations = ReadonlyMap<string, ReadonlyMap<string, RoleObservation>>;

/** Which member has which role and which way it goes; or why no one can tell, or why it would go the wrong way. */
export function bindTargets(system: System, runbook: Runbook, mode: Mode, seen: Observations, said: Said): Bindings {
  const { direction } = runbook;
  const roles = new Map<string, Roles>();
  for (const target of targetsToLookAt(system, runbook, mode).filter(hasRoles)) {
    const moves = direction === undefined || direction.of === target.id || direction.agree.includes(target.id);
    const found = rolesOf(
      target,
      seen.get(target.id) ?? new Map(),
      moves ? said : NOTHING_SAID,
      runbook.mendsSplit === true,
    );
    if (!found.ok) return found;
    roles.set(target.id, found.roles);
  }
  if (direction === undefined) return { ok: true, binding: { roles, from: null, to: null } };
  return directed(system, runbook, roles, said);
}

function directed(system: System, runbook: Runbook, roles: ReadonlyMap<string, Roles>, said: Said): Bindings {
  const { of, agree } = runbook.direction as NonNullable<Runbook["direction"]>;
  const target = (system.targets ?? []).find(({ id }) => id === of);
  const found = roles.get(of);
  if (target === undefined || found === undefined)
    throw new TypeError(`The direction of ${runbook.id} was not checked before it was bound.`);
  const siteOf = (at: Target, id: string) => at.members.find((member) => member.id === id)?.site ?? null;
  const from = siteOf(target, found.active);
  const sites = found.standby.map((id) => siteOf(target, id)).filter((site) => site !== null && site !== from);
  const to = said.to ?? sites[0] ?? null;
  const problem = (code: string, what: string, next?: string): Bindings => ({
    ok: false,
    problem: { code, where: `${system.title}, ${target.title}`, what, ...(next && { next }) },
  });
  const known = system.sites.map(({ id }) => id);
  if (from === to && to !== null)
    return problem(
      "direction-there",
      `Already active in ${to}: ${found.says}`,
      `Nothing to move. Known sites: ${known.join(", ")}`,
    );
  if (from === null || to === null || !sites.includes(to)) {
    const detached = found.detached.join(", ");
    const what = `Active in ${from ?? "no site"}; no standby is ready${to === null ? "" : ` in ${to}`} (${found.says}${detached && `; not a standby: ${detached}`})`;
    return problem("no-standby", what, runbook.beforehand[0] ?? "Rebuild a standby first");
  }
  for (const other of agree) {
    const at = (system.targets ?? []).find(({ id }) => id === other);
    const there = roles.get(other);
    const site = at && there ? siteOf(at, there.active) : null;
    if (site === from) continue;
    const what = `Mixed state: ${target.title} is active in ${from}, ${at?.title ?? other} in ${site ?? "no site"}`;
    return problem("mixed-state", what, "Bring both to one site first, with the runbook that moves only one of them");
  }
  return { ok: true, binding: { roles, from, to } };
}

/** True where a step belongs to a plan with this binding. */
export function goesWith(step: RunbookStep, system: System, { roles, from, to }: Binding): boolean {
  if (step.towards && step.towards !== to) return false;
  if (!step.moves) return true;
  const target = system.targets?.find(({ id }) => id === step.moves);
  const active = target?.members.find(({ id }) => id === roles.get(target.id)?.active);
  return active === undefined || active.site === from;
}

/** Something by its name, made when it is requested. */
export type Lookup<V> = Pick<ReadonlyMap<string, V>, "get" | "has">;

/**
 * Values of all names, as far as they are bound, with variables resolved; and what had to be guessed inside each. A system offers
 * thousands of names and a runbook uses a few of them.
 */
export function valuesOf(
  names: readonly TargetName[],
  binding: Binding,
  variables: ReadonlyMap<string, unknown>,
  sample: (name: string) => Scalar,
): { values: Lookup<unknown>; guesses: Lookup<readonly Path[]> } {
  const named = byName(names);
  const made = new Map<string, Bound>();
  const bound = (name: string): Bound => {
    const before = made.get(name);
    if (before !== undefined) return before;
    const now: Bound = {};
    for (const { read } of named.get(name) ?? []) {
      const raw = read(binding);
      if (raw === undefined) continue;
      const missing = referencesIn(raw).filter((reference) => !variables.has(reference.name));
      if (missing.length > 0) now.guesses = missing.map(({ path }) => path);
      now.value = resolve(raw, (one) => variables.get(one) ?? sample(one));
    }
    made.set(name, now);
    return now;
  };
  return {
    values: { get: (name) => bound(name).value, has: (name) => bound(name).value !== undefined },
    guesses: { get: (name) => bound(name).guesses, has: (name) => bound(name).guesses !== undefined },
  };
}

interface Bound {
  value?: unknown;
  guesses?: readonly Path[];
}
