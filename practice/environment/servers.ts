import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { namedWhenLate } from "../../src/lib/late-database.ts";
import type { Losses } from "./system-environment.ts";

/** A database server of an environment that could take writes of the application. */
export interface DatabaseServer {
  /** As people and plans call it: `orders-a`. */
  readonly name: string;
  /** The database it is a server of. Two servers of one database must never both take writes. */
  readonly database: string;
  /** On this machine. */
  readonly port: number;
  /** As superuser, to the database `postgres`. */
  readonly url: string;
  /** The role the application logs in with. */
  readonly role: string;
}

/** A server that takes a write of the application now. */
export type Writer = Pick<DatabaseServer, "name" | "database" | "port">;

/** Looks at servers again and again without opening a session each time. */
export interface ServerWatch {
  /** Those that take a write of the application now, asked directly. A server that does not answer within a second is none. */
  writers(servers: readonly DatabaseServer[]): Promise<readonly Writer[]>;
  close(): Promise<void>;
}

const PATIENCE_MS = 1000;

/** A setting of the role or of its database would hold for the application and not for us. */
const TAKES_WRITES = `
select not pg_is_in_recovery() and coalesce(
  (select bool_or(setting = 'default_transaction_read_only=on')
     from pg_db_role_setting s join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) setting
    where r.rolname = $1 and setting like 'default_transaction_read_only=%'),
  current_setting('default_transaction_read_only') = 'on') = false as takes`;

/** Sessions are called like the bot's own, which fences and counts of sessions leave out. */
export function watchServers(): ServerWatch {
  const sessions = new Map<string, pg.Client>();
  const hangUp = (url: string) => {
    sessions
      .get(url)
      ?.end()
      .catch(() => {});
    sessions.delete(url);
  };
  const sessionAt = async (url: string): Promise<pg.Client> => {
    const known = sessions.get(url);
    if (known) return known;
    const client = new pg.Client({
      connectionString: url.replace(/\?.*$/, ""),
      application_name: "lifeboat",
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: PATIENCE_MS,
    });
    client.on("error", () => {
      if (sessions.get(url) === client) sessions.delete(url);
    });
    try {
      await client.connect();
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    sessions.set(url, client);
    return client;
  };
  const takesWrites = async ({ url, role }: DatabaseServer): Promise<boolean> => {
    try {
      const session = await sessionAt(url);
      const { rows } = await session.query<{ takes: boolean }>(TAKES_WRITES, [role]);
      return rows[0]?.takes === true;
    } catch {
      hangUp(url);
      return false;
    }
  };
  return {
    async writers(servers) {
      const takes = await Promise.all(servers.map(takesWrites));
      return servers.flatMap(({ name, database, port }, i) => (takes[i] ? [{ name, database, port }] : []));
    },
    async close() {
      const open = [...sessions.values()];
      sessions.clear();
      await Promise.all(open.map((session) => session.end().catch(() => {})));
    },
  };
}

/** What was acknowledged and is not in `table` of the server at `url`. Rejects when that one does not answer. */
export async function lossesOn(url: string, table: string, acknowledged: readonly string[]): Promise<Losses> {
  const client = new pg.Client({
    connectionString: url.replace(/\?.*$/, ""),
    application_name: "lifeboat",
    connectionTimeoutMillis: 3000,
    query_timeout: 20_000,
  });
  client.on("error", () => {});
  try {
    const { rows } = await namedWhenLate(url, async () => {
      await client.connect();
      return await client.query<{ id: string }>(
        `select listed::text as id from unnest($1::bigint[]) listed where not exists (select from ${table} where id = listed)`,
        [acknowledged],
      );
    });
    return { acknowledged: acknowledged.length, lost: rows.length, lostIds: rows.map(({ id }) => id) };
  } finally {
    client.end().catch(() => {});
  }
}

const TRANSACTION_MS = 2000;

/** True: customers, who try all the time, are told once more that something of theirs is stored, within two seconds. */
export async function isStoredAnew(acknowledged: () => Promise<number | null>): Promise<boolean> {
  const before = await acknowledged();
  const until = Date.now() + TRANSACTION_MS;
  while (Date.now() < until) {
    await pause(20);
    const now = await acknowledged();
    if (now !== null && before !== null && now > before) return true;
  }
  return false;
}

/** What was acknowledged against the one server that takes writes; null: none does, or several. */
export async function ledgerOn(
  servers: readonly DatabaseServer[],
  writers: readonly Writer[],
  table: string,
  acknowledged: readonly { readonly id: string }[],
): Promise<Losses | null> {
  const serving = servers.find(({ port }) => port === writers[0]?.port);
  if (serving === undefined || writers.length !== 1) return null;
  const ids = acknowledged.map(({ id }) => id);
  return await lossesOn(serving.url.replace(/\/postgres(\?|$)/, `/${serving.database}$1`), table, ids);
}

/** Takes what people know to be lost out of what was acknowledged. */
export function forget<T extends { readonly id: string }>(acknowledged: T[], ids: readonly string[]): void {
  const gone = new Set(ids);
  const kept = acknowledged.filter(({ id }) => !gone.has(id));
  acknowledged.length = 0;
  for (const one of kept) acknowledged.push(one);
}
