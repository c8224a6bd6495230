import { resolve } from "node:path";
import { toCadence, toComms, toLinks } from "./comms.ts";
import type { WrittenSystem } from "./schema.ts";
import { scriptPath } from "./script.ts";
import type { Gate, Paging, System } from "./types.ts";

export type Chain = Gate["escalate"];

/** A system as the rest of the house reads it. `home` is its folder. */
export function toSystem(id: string, written: WrittenSystem, home: string): System {
  return {
    id,
    title: written.title,
    environment: written.environment,
    regions: entries(written.regions).map(([id, { title }]) => ({ id, title })),
    components: entries(written.components).map(([id, { title, aliases, rto, rpo }]) => ({
      id,
      title,
      aliases,
      rtoSeconds: rto ?? null,
      rpoSeconds: rpo ?? null,
    })),
    roles: entries(written.roles).map(([id, { title, explains, standing }]) => ({
      id,
      title,
      explains,
      perIncident: !standing,
    })),
    people: entries(written.people).map(([id, { name, slack, roles }]) => ({ id, name, slack, roles })),
    severities: entries(written.severities).map(([id, { title, respondWithin }]) => ({
      id: id as "P0" | "P1" | "P2" | "P3",
      title,
      respondWithinSeconds: respondWithin,
    })),
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
    ...(written.paging && { paging: toPaging(written.paging) }),
    breakGlass: written.breakGlass
      ? {
          roles: written.breakGlass.roles,
          secondPerson: written.breakGlass.secondPerson,
          aloneAfterSeconds: written.breakGlass.aloneAfter,
          lastsSeconds: written.breakGlass.lasts,
        }
      : null,
    ...(written.cadence && { cadence: toCadence(written.cadence) }),
    ...(written.comms && { comms: toComms(written.comms) }),
    ...(written.links && { links: toLinks(written.links) }),
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
