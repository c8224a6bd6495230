import type { StoredEvent } from "./contract.ts";

/** The columns of an event, as `StoredEvent` names them. */
export const eventColumns = `stream, version, key, run, type, data, actor, at, previous_hash as "previousHash", hash, mac, mac_key as "macKey"`;

const readAfter = `select ${eventColumns} from lifeboat.event where stream = $1 and version > $2 order by version limit $3`;

interface Queryable {
  query(config: { name: string; text: string; values: unknown[] }): Promise<{ rows: StoredEvent[] }>;
}

/** At most `limit` of them, the oldest first; null: all. What most events have the same is one text in memory. */
export async function eventsAfter(
  db: Queryable,
  stream: string,
  version: number,
  limit: number | null = null,
): Promise<StoredEvent[]> {
  const values = [stream, version, limit];
  const { rows } = await db.query({ name: "lifeboat-events", text: readAfter, values });
  const texts = new Map<string, string>();
  const one = (text: string) => {
    const known = texts.get(text);
    if (known === undefined) texts.set(text, text);
    return known ?? text;
  };
  let before: string | null = null;
  return rows.map((row) => {
    const previousHash: string = row.previousHash === before ? before : row.previousHash;
    before = row.hash;
    return {
      ...{ ...row, stream, previousHash, type: one(row.type), run: row.run && one(row.run) },
      macKey: row.macKey ? one(row.macKey) : null,
    };
  });
}
