import type pg from "pg";
import { newId } from "../lib/ids.ts";
import type { StoredEvent } from "./contract.ts";
import type { Keyring } from "./keys.ts";

/** What stands in events for people, as the rest of the program knows it. */
export interface PeopleInEvents {
  /** Every text that means a person wherever it stands alone in an event by this actor. */
  known(actor: unknown): Iterable<string>;
  /** What means a person within the actor: somebody who is on no roster is one too, and is called whatever they like. */
  of(actor: unknown): Iterable<string>;
}

type Db = Pick<pg.Pool, "query">;
type Texts = Pick<StoredEvent, "data" | "actor" | "key">;

/**
 * People stand in events under opaque ids, so that who somebody was can be forgotten while the chain verifies. A text that means
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
  const nobody = new Set<string>();

  /** A mapping that no process of Lifeboat made would put somebody else's name on what was done. */
  const isOurs = (row: Row): row is Row & { readonly identity: string } =>
    row.identity !== null && keyring.sealed("person", { id: row.id, identity: row.identity }, row.macKey, row.mac);

  function take(row: Row): void {
    if (!isOurs(row)) {
      nobody.add(row.id);
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
      // Where another row took the name, the name itself is stored: nobody else may stand for them.
      found.push(...rows.filter(isOurs));
    }
    return found;
  }

  return {
    async hiding(db, events) {
      if (people === null) return { hide: (event) => event, show: (event) => event, learn: () => {} };
      const meaning = ({ actor }: Texts) => {
        const known = new Set(people.known(actor));
        return { anywhere: known, inActor: new Set([...known, ...people.of(actor)]) };
      };
      const met = new Set<string>();
      const meets = (texts: ReadonlySet<string>) => (text: string) => {
        if (text !== "" && texts.has(text)) met.add(text);
        return text;
      };
      for (const event of events) {
        const { anywhere, inActor } = meaning(event);
        mapTexts(event, meets(anywhere), meets(inActor));
      }
      // In one order, so that two processes that meet new people never wait for each other in a circle.
      const rows = await mappedIn(db, [...met].filter((text) => !ids.has(text)).sort());
      const fresh = new Map(rows.flatMap(({ id, identity }) => (identity === null ? [] : [[identity, id] as const])));
      const back = new Map([...fresh].map(([identity, id]) => [id, identity]));
      const idIn = (texts: ReadonlySet<string>) => (text: string) =>
        texts.has(text) ? (fresh.get(text) ?? ids.get(text) ?? text) : text;
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
      for (const event of events)
        mapTexts(event, (text) => {
          if (OPAQUE.test(text) && !identities.has(text) && !nobody.has(text)) unknown.add(text);
          return text;
        });
      if (unknown.size > 0) {
        const { rows } = await db.query<Row>(`select ${COLUMNS} from lifeboat.person where id = any($1)`, [
          [...unknown],
        ]);
        rows.forEach(take);
        for (const id of unknown) if (!identities.has(id)) nobody.add(id);
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
        nobody.add(id);
      }
      return rows.length > 0;
    },
  };
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

/** As the owner: who these texts mean is forgotten. The events stay as they are, and verify. */
export async function forget(db: Db, texts: readonly string[]): Promise<number> {
  const { rowCount } = await db.query(
    "update lifeboat.person set identity = null, erased_at = clock_timestamp() where identity = any($1)",
    [texts],
  );
  return rowCount ?? 0;
}
