import { resolve } from "node:path";
import { toAlerts } from "./alerts.ts";
import { toBackups } from "./backups.ts";
import { toCalendar } from "./calendar.ts";
import { toCadence, toComms, toLinks } from "./comms.ts";
import { toChecklists, toCompliance, toContacts } from "./compliance.ts";
import { toCycles } from "./cycles.ts";
import type { WrittenSystem } from "./schema.ts";
import { scriptPath } from "./script.ts";
import { toSites, toTargets } from "./targets.ts";
import { toTriage } from "./triage.ts";
import type { Component, Gate, Paging, System, Tier } from "./types.ts";
import { toUnresolved } from "./unresolved.ts";

export type Chain = Gate["escalate"];

/** A system as the rest of the source reads it. `home` is its folder. */
export function toSystem(id: string, written: WrittenSystem, home: string): System {
  return {
    id,
    title: written.title,
    environment: written.environment,
    ...(written.timezone !== undefined && { timezone: written.timezone }),
    sites: toSites(written.sites),
    ...(written.targets && { targets: toTargets(written.targets) }),
    ...(written.tiers && { tiers: toTiers(written.tiers) }),
    components: entries(written.components).map(([id, component]) => toComponent(id, component, written.tiers ?? {})),
    roles: entries(written.roles).map(([id, { title, explains, standing }]) => ({
      id,
      title,
      explains,
      perIncident: !standing,
    })),
    people: entries(written.people).map(([id, { name, slack, roles, keys, timezone }]) => ({
      ...{ id, name, slack, roles },
      ...(keys && { keys }),
      ...(timezone !== undefined && { timezone }),
    })),
    severities: entries(written.severities).map(([id, { title, respondWithin, examples }]) => ({
      id: id as "P0" | "P1" | "P2" | "P3",
      title,
      respondWithinSeconds: respondWithin,
      ...(examples && { examples }),
    })),
    ...(written.declareWhen && { declareWhen: written.declareWhen }),
    variables: entries(written.variables).map(([name, { type, description, default: given }]) => ({
      name,
      type,
      description,
      default: given ?? null,
    })),
    scripts: entries(written.scripts).map(([name, { file, environment }]) => ({
      name,
      file,
      path: scriptPath(home, file) ?? resolve(home, file),
      environment,
    })),
    ...(written.manifests && {
      manifests: entries(written.manifests).map(([name, file]) => ({
        name,
        file,
        path: scriptPath(home, file) ?? resolve(home, file),
      })),
    }),
    ...(written.paging && { paging: toPaging(written.paging) }),
    ...(written.administrators && { administrators: written.administrators }),
    ...(written.readiness && { readiness: written.readiness }),
    ...(written.privateRoles && { privateRoles: written.privateRoles }),
    breakGlass: written.breakGlass
      ? {
          roles: written.breakGlass.roles,
          secondPerson: written.breakGlass.secondPerson,
          aloneAfterSeconds: written.breakGlass.aloneAfter,
          lastsSeconds: written.breakGlass.lasts,
          silentForSeconds: written.breakGlass.silentFor,
          ...(written.breakGlass.requesterAlone !== undefined && {
            requesterAlone: written.breakGlass.requesterAlone,
          }),
        }
      : null,
    ...(written.cadence && { cadence: toCadence(written.cadence) }),
    ...(written.comms && { comms: toComms(written.comms) }),
    ...(written.links && { links: toLinks(written.links) }),
    ...(written.triage && { triage: toTriage(written.triage) }),
    ...(written.ifUnresolved && { ifUnresolved: toUnresolved(written.ifUnresolved) }),
    ...(written.alerts && { alerts: toAlerts(written.alerts) }),
    ...(written.otherAlerts && { otherAlerts: written.otherAlerts }),
    ...(written.backups && { backups: toBackups(written.backups) }),
    ...(written.calendar && { calendar: toCalendar(written.calendar) }),
    ...(written.seats && {
      seats: {
        confirm: written.seats.confirm ?? null,
        answerWithinSeconds: written.seats.answerWithin,
        drillsAYear: written.seats.drillsAYear ?? null,
      },
    }),
    ...(written.cycles && { cycles: toCycles(written.cycles) }),
    ...(written.checklists && { checklists: toChecklists(written.checklists) }),
    ...(written.compliance && { compliance: toCompliance(written.compliance) }),
    ...(written.contacts && { contacts: toContacts(written.contacts) }),
  };
}

type WrittenTiers = NonNullable<WrittenSystem["tiers"]>;

function toTiers(tiers: WrittenTiers): readonly Tier[] {
  return entries(tiers).map(([id, { title, rto, rpo, explains }]) => ({
    id,
    title,
    rtoSeconds: rto ?? null,
    rpoSeconds: rpo ?? null,
    explains: explains ?? null,
  }));
}

/** What a component promises itself holds; `null` there means that nothing is promised, whatever its tier says. */
function toComponent(id: string, written: WrittenSystem["components"][string], tiers: WrittenTiers): Component {
  const { title, aliases, tier, rto, rpo } = written;
  const of = tier === undefined || !Object.hasOwn(tiers, tier) ? undefined : tiers[tier];
  return {
    id,
    title,
    aliases,
    ...(tier !== undefined && { tier }),
    rtoSeconds: (rto === undefined ? of?.rto : rto) ?? null,
    rpoSeconds: (rpo === undefined ? of?.rpo : rpo) ?? null,
  };
}

function toPaging({ policies, people, ...rest }: NonNullable<WrittenSystem["paging"]>): Paging {
  return {
    ...rest,
    policies: entries(policies).map(([role, policy]) => ({ role, policy })),
    people: entries(people).map(([person, user]) => ({ person, user })),
  };
}

/** The chains a gate may name, by name. They live on in the gates and nowhere else. */
export function toChains(written: WrittenSystem): ReadonlyMap<string, Chain> {
  return new Map(entries(written.escalation).map(([id, chain]) => [id, toChain(chain)]));
}

type WrittenChain = WrittenSystem["escalation"][string];

/** Both ways of writing a chain come to the same: roles with the moment each is asked. */
export function toChain(chain: WrittenChain): Chain {
  if ("roles" in chain) return chain.roles.map((role, level) => ({ role, afterSeconds: level * chain.every }));
  return chain.map(({ role, after }) => ({ role, afterSeconds: after }));
}

/** What follows a role in a chain, counted from when that role is asked; all of it for a role that is not in it. */
export function chainAfter(chain: Chain, role: string): Chain {
  const at = chain.find((level) => level.role === role);
  if (at === undefined) return chain;
  return chain
    .slice(chain.indexOf(at) + 1)
    .map((level) => ({ role: level.role, afterSeconds: level.afterSeconds - at.afterSeconds }));
}

function entries<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record);
}
