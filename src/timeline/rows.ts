import type { StoredEvent } from "./contract.ts";

/** The columns of an event, as `StoredEvent` names them. */
export const eventColumns = `stream, version, key, run, type, data, actor, at, previous_hash as "previousHash", hash, mac, mac_key as "macKey"`;

const readAfter = `select ${eventColumns} from lifeboat.event where stream = $1 and version > $2 order by version`;

interface Queryable {
  query(config: { name: string; text: string; values: unknown[] }): Promise<{ rows: StoredEvent[] }>;
}

export async function eventsAfter(db: Queryable, stream: string, version: number): Promise<StoredEvent[]> {
  return (await db.query({ name: "lifeboat-events", text: readAfter, values: [stream, version] })).rows;
}
