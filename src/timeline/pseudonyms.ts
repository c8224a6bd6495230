import type pg from "pg";
import { newId } from "../lib/ids.ts";
import type { StoredEvent } from "./contract.ts";
import type { Keyring } from "./keys.ts";

/** What stands in events for people, as the rest of the program knows it. */
export interface PeopleInEvents {
  /** Every text that means a person wherever it stands alone in an event. */
  known(): ReadonlySet<string>;
  /** The account an actor came by: it means them wherever it stands, though no roster names it. */
  account(actor: unknown): string | null;
  /** What means a person within the actor only: someone who is on no roster is called whatever they like. */
  within(actor: unknown): readonly string[];
}

type Db = Pick<pg.Pool, "query">;
type Texts = Pick<StoredEvent, "data" | "actor" | "key">;

/**
 * People stand in events under opaque ids, so that who someone was can be forgotten while the chain verifies. A text that means
 * a person and nothing else is replaced where it is stored and put back where it is read; free text is not looked into.
 */
export interface Pseudonyms {
  /** What stands for each person of these events; rows for those that are new, in the transaction of the events. */
  hiding(db: Db, events: readonly Texts[]): Promise<Hiding>;
  /** As the rest of the program reads them; who was forgotten stays an opaque id. */
  shown<E extends Texts>(db: Db, events: readonly E[]): Promise<readonly E[]>;
  /** Takes up what was forgotten meanwhile. True: something was. */
  refresh(db: Db): Promise<boolean>;
}

export interface Hiding {
  /** As it is stored. */
  hide<E extends Texts>(event: E): E;
  /** The other way round. */
  show<E extends Texts>(event: E): E;
  /** Call it when the events are committed. */
  readonly learn: () => void;
}

const OPAQUE = /^person-[0-9a-z]{12}$/;

interface Row {
  readonly id: string;
  readonly identity: string | null;
  readonly mac: string;
  readonly macKey: string;
}

const COLUMNS = `id, identity, mac, mac_key as "macKey"`;

export function createPseudonyms(keyring: Keyring, people: PeopleInEvents | null): Pseudonyms {
  const ids = new Map<string, string>();
  const identities = new Map<string, string>();
  const noOne = new Set<string>();

  /** A mapping that no process of Lifeboat made would put someone else's name on what was done. */
  const isOurs = (row: Row): row is Row & { readonly identity: string } =>
    row.identity !== null && keyring.sealed("person", { id: row.id, identity: row.identity }, row.macKey, row.mac);

  function take(row: Row): void {
    if (!isOurs(row)) {
      noOne.add(row.id);
      return;
    }
    ids.set(row.identity, row.id);
    identities.set(row.id, row.identity);
  }

  async function mappedIn(db: Db, wanted: readonly string[]): Promise<Row[]> {
    const found: Row[] = [];
    for (const identity of wanted) {
      const id = newId("person", 12);
      const { mac, macKey } = keyring.seal("person", { id, identity });
      await db.query(
        "insert into lifeboat.person (id, identity, mac, mac_key) values ($1, $2, $3, $4) on conflict (identity) do nothing",
        [id, identity, mac, macKey],
      );
      const { rows } = await db.query<Row>(`select ${COLUMNS} from lifeboat.person where identity = $1`, [identity]);
      // Where another row took the name, the name itself is stored: no one else may stand for them.
      found.push(...rows.filter(isOurs));
    }
    return found;
  }

  return {
    async hiding(db, events) {
      if (people === null) return asTheyAre;
      const known = people.known();
      const meaning = ({ actor }: Texts) => {
        const [account, within] = [people.account(actor), people.within(actor)];
        const anywhere = (text: string) => known.has(text) || text === account;
        return { anywhere, inActor: (text: string) => anywhere(text) || within.includes(text) };
      };
      const met = new Set<string>();
      for (const event of events) {
        const { anywhere, inActor } = meaning(event);
        const meets = (isPerson: (text: string) => boolean) => (text: string) => {
          if (text !== "" && isPerson(text)) met.add(text);
        };
        visitTexts(event, meets(anywhere), meets(inActor));
      }
      if (met.size === 0) return asTheyAre;
      // In one order, so that two processes that meet new people never wait for each other in a circle.
      const rows = await mappedIn(db, [...met].filter((text) => !ids.has(text)).sort());
      const fresh = new Map(rows.flatMap(({ id, identity }) => (identity === null ? [] : [[identity, id] as const])));
      const back = new Map([...fresh].map(([identity, id]) => [id, identity]));
      const idIn = (isPerson: (text: string) => boolean) => (text: string) =>
        met.has(text) && isPerson(text) ? (fresh.get(text) ?? ids.get(text) ?? text) : text;
      return {
        hide: (event) => {
          const { anywhere, inActor } = meaning(event);
          return mapTexts(event, idIn(anywhere), idIn(inActor));
        },
        show: (event) => mapTexts(event, (text) => back.get(text) ?? identities.get(text) ?? text),
        learn: () => rows.forEach(take),
      };
    },

    async shown(db, events) {
      const unknown = new Set<string>();
      let any = false;
      const looks = (text: string) => {
        if (!text.startsWith("person-") || !OPAQUE.test(text)) return;
        any = true;
        if (!identities.has(text) && !noOne.has(text)) unknown.add(text);
      };
      for (const event of events) visitTexts(event, looks);
      if (!any) return events;
      if (unknown.size > 0) {
        const { rows } = await db.query<Row>(`select ${COLUMNS} from lifeboat.person where id = any($1)`, [
          [...unknown],
        ]);
        rows.forEach(take);
        for (const id of unknown) if (!identities.has(id)) noOne.add(id);
      }
      return events.map((event) => mapTexts(event, (text) => identities.get(text) ?? text));
    },

    async refresh(db) {
      if (identities.size === 0) return false;
      const { rows } = await db.query<{ id: string }>(
        "select id from lifeboat.person where identity is null and id = any($1)",
        [[...identities.keys()]],
      );
      for (const { id } of rows) {
        ids.delete(identities.get(id) ?? "");
        identities.delete(id);
        noOne.add(id);
      }
      return rows.length > 0;
    },
  };
}

const asTheyAre: Hiding = { hide: (event) => event, show: (event) => event, learn: () => {} };

/** Looks at the texts `mapTexts` would change, and makes nothing: most events name no one. */
function visitTexts(event: Texts, see: (text: string) => void, seeActor: (text: string) => void = see): void {
  visit(event.data, see);
  visit(event.actor, seeActor);
  for (const part of event.key.split("/")) see(part);
}

function visit(value: unknown, see: (text: string) => void): void {
  if (typeof value === "string") see(value);
  else if (Array.isArray(value)) {
    for (const inner of value) visit(inner, see);
  } else if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    for (const [name, inner] of Object.entries(value)) {
      see(name);
      visit(inner, see);
    }
  }
}

/** Every text of an event that stands alone: values, names of fields, and the parts of its key. */
function mapTexts<E extends Texts>(
  event: E,
  change: (text: string) => string,
  changeActor: (text: string) => string = change,
): E {
  return {
    ...event,
    data: changed(event.data, change),
    actor: changed(event.actor, changeActor),
    key: event.key.split("/").map(change).join("/"),
  };
}

function changed(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((inner) => changed(inner, change));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  // `fromEntries` and not assignment: a field may be called `__proto__`.
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [change(name), changed(inner, change)]));
}

/** As the owner: who these texts mean is forgotten. The events stay as they are, and verify. `because`: why, for the record. */
export async function forget(db: Db, texts: readonly string[], because: string | null = null): Promise<number> {
  const { rowCount } = await db.query(
    `update lifeboat.person set identity = null, erased_at = lifeboat.clock(), erased_because = $2 where identity = any($1)`,
    [texts, because],
  );
  return rowCount ?? 0;
}

/** What these ids mean. One whose mapping no process with a key made means no one. */
export async function peopleRows(db: Db, keyring: Keyring, ids: readonly string[]) {
  const { rows } = await db.query<Row & { erasedAt: Date | null; erasedBecause: string | null }>(
    `select ${COLUMNS}, erased_at as "erasedAt", erased_because as "erasedBecause" from lifeboat.person
      where id = any($1) order by id collate "C"`,
    [ids],
  );
  return rows.map(({ id, identity, mac, macKey, erasedAt, erasedBecause }) => ({
    ...{ id, erasedAt, erasedBecause },
    identity: identity !== null && keyring.sealed("person", { id, identity }, macKey, mac) ? identity : null,
  }));
}

/** When each stream last named one of whom these texts mean, and the system it is of; null: of none. `leaveOut`: types that don't count. */
export async function lastNamed(
  db: Db,
  texts: readonly string[],
  leaveOut: readonly string[],
): Promise<readonly { readonly stream: string; readonly system: string | null; readonly at: Date }[]> {
  const { rows } = await db.query<{ stream: string; system: string | null; at: Date }>(
    `select named.stream, named.at,
        (select d.data ->> 'system' from lifeboat.event d
          where d.stream = named.stream and d.data ? 'system' order by d.version limit 1) as system
      from (select e.stream, max(e.at) as at from lifeboat.person p join lifeboat.event e
              on strpos(e.data::text, p.id) > 0 or strpos(e.actor::text, p.id) > 0 or strpos(e.key, p.id) > 0
            where p.identity = any($1) and e.type <> all($2)
            group by e.stream) named
      order by named.at desc`,
    [texts, leaveOut],
  );
  return rows;
}

/** Ids whose mapping no process with a key made. */
export async function strangePeople(db: Db, keyring: Keyring): Promise<readonly string[]> {
  const { rows } = await db.query<Row>(`select ${COLUMNS} from lifeboat.person where identity is not null order by id`);
  return rows
    .filter(({ id, identity, macKey, mac }) => !keyring.sealed("person", { id, identity }, macKey, mac))
    .map(({ id }) => id);
}
