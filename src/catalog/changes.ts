import { hashOf } from "../lib/canonical.ts";
import { messageOf } from "../lib/errors.ts";
import { readScript } from "./script.ts";
import type { Catalog, Gate, Runbook, System } from "./types.ts";

/**
 * What the files of one system say that authority hangs on: who is on the roster, who decides which gate, which scripts may run. A
 * person's id stands alone in it, so that it can be kept under an opaque one; accounts are a hash.
 */
export interface PolicyFacts {
  readonly people: readonly PersonFacts[];
  readonly rest: Readonly<Record<string, string>>;
}

export interface PersonFacts {
  readonly person: string;
  readonly roles: string;
  readonly accounts: string;
}

/** One thing that changed. `person`: whom it is about; null: `says` is all. */
export interface Change {
  readonly person: string | null;
  readonly says: string;
}

export const NO_FACTS: PolicyFacts = { people: [], rest: {} };

export function policyFactsOf(system: System, { runbooks }: Pick<Catalog, "runbooks">): PolicyFacts {
  const own = runbooks.filter((one) => one.system === system.id);
  const breakGlass = system.breakGlass;
  const rest = Object.fromEntries([
    ["system", system.environment],
    ...system.roles.map(({ id, perIncident }) => [`role ${id}`, perIncident ? "taken in an incident" : "standing"]),
    ...own.flatMap(gatesOf),
    ...own.map((book) => [`runbook ${book.id}`, short(contentOf(book))]),
    ...system.scripts.map((script) => [`script ${script.name}`, scriptOf(script)]),
    ...(system.manifests ?? []).map(({ name, path }) => [`manifest ${name}`, short(path)]),
    ...(system.targets ?? []).map((target) => [`target ${target.id}`, short(target)]),
    ["break-glass", breakGlass ? `${breakGlass.roles.join(", ")}; ${short(breakGlass)}` : "nobody"],
    ["administrators", system.administrators?.join(", ") ?? "nobody"],
    ...(system.privateRoles ? [["members of private incidents", system.privateRoles.join(", ") || "no role"]] : []),
  ]);
  const people = system.people.map(({ id, roles, name: _, ...accounts }) => {
    return { person: id, roles: roles.toSorted().join(", ") || "no role", accounts: short(accounts) };
  });
  return { people: people.toSorted((a, b) => (a.person < b.person ? -1 : 1)), rest };
}

export function hashOfFacts(facts: PolicyFacts): string {
  return hashOf(facts);
}

/** Longest list of changes; the rest is counted. */
const MOST = 60;

/** What changed between two readings. Empty: nothing. */
export function changesBetween(before: PolicyFacts, after: PolicyFacts): readonly Change[] {
  const all = [...peopleBetween(before.people, after.people), ...restBetween(before.rest, after.rest)];
  return all.length <= MOST ? all : [...all.slice(0, MOST), { person: null, says: `and ${all.length - MOST} more` }];
}

/** As one line: `bo: removed from the roster (dba)`. */
export function sayChange({ person, says }: Change): string {
  return person === null ? says : `${person}: ${says}`;
}

function peopleBetween(before: readonly PersonFacts[], after: readonly PersonFacts[]): readonly Change[] {
  const was = new Map(before.map((one) => [one.person, one]));
  const is = new Map(after.map((one) => [one.person, one]));
  return [...new Set([...was.keys(), ...is.keys()])].sort().flatMap((person): Change[] => {
    const [old, now] = [was.get(person), is.get(person)];
    if (old === undefined) return [{ person, says: `added to the roster (${now?.roles})` }];
    if (now === undefined) return [{ person, says: `removed from the roster (${old.roles})` }];
    return [
      ...(old.roles === now.roles ? [] : [{ person, says: `${old.roles} → ${now.roles}` }]),
      ...(old.accounts === now.accounts ? [] : [{ person, says: "accounts or keys changed" }]),
    ];
  });
}

function restBetween(before: PolicyFacts["rest"], after: PolicyFacts["rest"]): readonly Change[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key): Change[] => {
    const [was, is] = [before[key], after[key]];
    if (was === is) return [];
    const shown = (value: string) => (isHash(value) ? "" : ` (${value})`);
    const says =
      was === undefined
        ? `${key} added${shown(is ?? "")}`
        : is === undefined
          ? `${key} removed${shown(was)}`
          : isHash(was) || isHash(is)
            ? `${key} changed`
            : `${key}: ${was} → ${is}`;
    return [{ person: null, says }];
  });
}

function isHash(value: string): boolean {
  return /^#[0-9a-f]{16}$/.test(value);
}

function short(value: unknown): string {
  return `#${hashOf(value).slice(0, 16)}`;
}

function gatesOf(book: Runbook): [string, string][] {
  return book.stages.flatMap(({ steps }) =>
    steps.flatMap(({ id, does }): [string, string][] =>
      does.kind === "gate" ? [[`gate ${book.id}/${id}`, gateWords(does.gate)]] : [],
    ),
  );
}

function gateWords({ role, quorum, escalate, stepUp, expiresSeconds }: Gate): string {
  const chain = escalate.map((level) => `, then ${level.role} after ${level.afterSeconds} s`).join("");
  return `${quorum} of ${role}${chain}${stepUp ? ", with proof" : ""}, within ${expiresSeconds} s`;
}

/** Its gates are told apart; where a line stands in its file is no change. */
function contentOf({ stages, uses: _, ...book }: Runbook): unknown {
  const steps = stages.flatMap((stage) =>
    stage.steps.map(({ path: _, ...step }) => (step.does.kind === "gate" ? { ...step, does: "gate" } : step)),
  );
  return JSON.parse(
    JSON.stringify({ ...book, clocks: null, stages: stages.map(({ id, parallel }) => ({ id, parallel })), steps }),
  );
}

function scriptOf(script: System["scripts"][number]): string {
  try {
    return short({ ...script, sha256: readScript(script).sha256 });
  } catch (error) {
    return `can't be read: ${messageOf(error)}`;
  }
}
