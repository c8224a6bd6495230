import type { Caller } from "../../commands/command.ts";
import type { House } from "../../commands/house.ts";
import type { Person } from "../catalog/types.ts";
import type { Problem } from "../lib/errors.ts";
import { holderOf } from "../proof/proof.ts";

/** What is known of somebody at the command line before they said anything. */
export interface Door {
  /** Who they say they are, or null. */
  readonly as: string | null;
  readonly code: string | null;
  /** The operating system's word for who runs this; null: it has none. */
  readonly osUser: string | null;
  /** `LIFEBOAT_DOOR_PEOPLE`: operating system's user → person id. */
  readonly people: ReadonlyMap<string, string>;
  readonly key: string;
  /** Null: nobody can be asked. */
  readonly askCode: (name: string) => Promise<string | null>;
}

export type AtDoor =
  /** `code`: what they proved it with, where they did. */
  { readonly caller: Caller; readonly code: string | null } | { readonly caller: Caller; readonly problem: Problem };

/** Takes `--as` and `--code` out of what was typed; everything else is the command's. */
export function doorOptions(args: readonly string[]): {
  readonly as: string | null;
  readonly code: string | null;
  readonly words: readonly string[];
} {
  const found: Record<"as" | "code", string | null> = { as: null, code: null };
  const words: string[] = [];
  for (let n = 0; n < args.length; n++) {
    const [, name, value] = /^--(as|code)(?:=(.*))?$/s.exec(args[n] as string) ?? [];
    if (name === undefined) words.push(args[n] as string);
    else found[name as "as" | "code"] ??= value ?? args[++n] ?? "";
  }
  return { ...found, words };
}

/**
 * Who somebody at the command line is, established without Slack: the operating system's user where the installation says whose it
 * is, else a code of the authenticator of whom they say they are. Anything missing means nobody.
 */
export async function callerAt(house: House, door: Door): Promise<AtDoor> {
  const nobody: Caller = {
    ...{ door: "cli", slackUser: null, person: null, barred: null },
    name: door.osUser ?? "somebody at the command line",
  };
  const no = (problem: Problem): AtDoor => ({ caller: nobody, problem });
  const own = door.osUser === null ? undefined : door.people.get(door.osUser);
  const said = door.as ?? own;
  if (said === undefined)
    return no({
      code: "door-unknown",
      where: "lifeboat dr",
      what: `Nothing says who ${door.osUser === null ? "runs this" : `the user ${door.osUser} of this machine`} is`,
      allowed: "--as <person>, with the code of their authenticator; or a user named in LIFEBOAT_DOOR_PEOPLE",
    });
  const found = personCalled(house, said);
  if (found === null)
    return no({
      code: "not-on-roster",
      where: "lifeboat dr",
      what: `${said} is not on the roster of any system here`,
      allowed: "The id of a person in system.yml",
    });
  const caller: Caller = { ...nobody, person: found.person.id, name: found.person.name };
  if (own === found.person.id) return { caller, code: door.code };
  return await proven(house, door, found, { caller, no });
}

async function proven(
  house: House,
  door: Door,
  { person, systems }: Found,
  { caller, no }: { readonly caller: Caller; readonly no: (problem: Problem) => AtDoor },
): Promise<AtDoor> {
  const { proof } = house;
  if (proof === undefined || proof.closed !== null)
    return no(proof?.closed ?? { code: "proof-closed", what: "Nobody can prove who they are here" });
  for (const system of systems) {
    const holder = holderOf(system, person.id);
    if (!(await proof.enrolled([holder]))) continue;
    const counts = await proof.counts(holder, null);
    if (!counts.ok) return no({ where: "lifeboat dr", ...counts.problem });
    const code = door.code ?? (await door.askCode(person.name));
    if (code === null)
      return no({
        code: "proof-missing",
        where: "lifeboat dr",
        what: `This needs the code that ${person.name}'s authenticator shows now`,
        next: `lifeboat dr --as ${person.id} --code 123456 …`,
      });
    const verdict = await proof.check(holder, code, door.key);
    return verdict.ok ? { caller, code } : no({ where: "lifeboat dr", ...verdict.problem });
  }
  return no({
    code: "proof-not-enrolled",
    where: "lifeboat dr",
    what: `${person.name} has enrolled nothing to prove here who they are`,
    allowed: "Whoever has, with `/dr enroll`; or an operating system's user named in LIFEBOAT_DOOR_PEOPLE",
  });
}

interface Found {
  readonly person: Person;
  readonly systems: readonly string[];
}

/** By id, or by a name only one of them has. The same person may be on several rosters. */
function personCalled({ catalog }: House, said: string): Found | null {
  const all = catalog.systems.flatMap((system) => system.people.map((person) => ({ system: system.id, person })));
  const asked = said.toLowerCase().replace(/^@/, "");
  const named = (id: string) => all.filter(({ person }) => person.id === id);
  const ids = new Set(all.filter(({ person }) => person.name.toLowerCase() === asked).map(({ person }) => person.id));
  const [only] = ids.size === 1 ? ids : [];
  const found = [...named(asked), ...(only === undefined ? [] : named(only))];
  const [first] = found;
  return first === undefined
    ? null
    : { person: first.person, systems: [...new Set(found.map(({ system }) => system))] };
}
