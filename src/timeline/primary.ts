import pg from "pg";
import { parseDatabaseUrl } from "../lib/database-url.ts";
import { messageOf } from "../lib/errors.ts";

/** Which of several servers takes writes, asked of all of them at once. */
interface Primary {
  /** @throws where none does; a new attempt may find one */
  find(): Promise<URL>;
  /** Whether a server of this timeline is the newest that was ever seen; an older one was a primary before it. */
  isNewest(timeline: string): boolean;
  /** The server that was found is gone, or takes no writes any more. */
  lost(url: URL): void;
}

/** Each server answers within this, or counts as away. */
const ASKED_MS = 3_000;
/** What was found is believed so long; after that it is asked again before a new connection is made. */
const KNOWN_MS = 5_000;
/** Once one says that it takes writes, the others have so long to say the same: an old primary may have come back. */
const OTHERS_MS = 250;

/**
 * Makes connections to the server that takes writes: to the one there is, or, where the address names several hosts, to the one of them
 * that does now. Each connection is asked before it is used, so a server that was demoted is never written to.
 */
export function clientClassFor(address: string): typeof pg.Client {
  const [first, ...others] = parseDatabaseUrl(address)?.hosts ?? [];
  if (first === undefined || others.length === 0) return pg.Client;
  const primary = primaryOf(address, [first, ...others]);
  const connectionString = first.href;
  return class PrimaryClient extends pg.Client {
    #leaving = false;

    constructor(config: pg.ClientConfig) {
      super({ ...config, connectionString });
    }

    override connect(): Promise<this>;
    override connect(callback: (error: Error) => void): void;
    override connect(callback?: (error: Error) => void): Promise<this> | undefined {
      const connected = this.#connect();
      if (callback === undefined) return connected;
      connected.then(() => (callback as (error?: Error) => void)(), callback);
      return undefined;
    }

    async #connect(): Promise<this> {
      const url = await primary.find();
      // What node-postgres connects to when it is told to: there is no way to give it a host any later than its constructor.
      Object.assign(this, { host: hostOf(url), port: portOf(url) });
      const lost = () => {
        if (!this.#leaving) primary.lost(url);
      };
      this.once("error", lost);
      this.once("end", lost);
      try {
        await super.connect();
        const { rows } = await this.query<{ timeline: string | null }>(TIMELINE);
        const timeline = rows[0]?.timeline ?? null;
        if (timeline === null) throw notWritable(`${url.host} is a standby`);
        if (!primary.isNewest(timeline)) throw notWritable(`${url.host} is an old primary`);
        return this;
      } catch (error) {
        primary.lost(url);
        await this.end().catch(() => {});
        throw error;
      }
    }

    override end(): Promise<void>;
    override end(callback: (error: Error) => void): void;
    override end(callback?: (error: Error) => void): Promise<void> | undefined {
      this.#leaving = true;
      if (callback === undefined) return super.end();
      super.end(callback);
      return undefined;
    }
  };
}

const known = new Map<string, Primary>();

/** One for every connection of this process to that address. */
function primaryOf(address: string, hosts: readonly URL[]): Primary {
  const primary = known.get(address) ?? createPrimary(hosts);
  known.set(address, primary);
  return primary;
}

function createPrimary(hosts: readonly URL[]): Primary {
  let found: { readonly url: URL; readonly at: number } | null = null;
  let finding: Promise<URL> | null = null;
  /** Of all servers that were seen taking writes: a promotion is never undone. */
  let highest = "";
  return {
    find() {
      if (found !== null && performance.now() - found.at < KNOWN_MS) return Promise.resolve(found.url);
      finding ??= newestOf(hosts, highest)
        .then(({ url, timeline }) => {
          highest = timeline > highest ? timeline : highest;
          found = { url, at: performance.now() };
          return url;
        })
        .finally(() => {
          finding = null;
        });
      return finding;
    },
    isNewest(timeline) {
      if (timeline < highest) return false;
      highest = timeline;
      return true;
    },
    lost(url) {
      if (found?.url === url) found = null;
    },
  };
}

interface StoreAnswer {
  readonly url: URL;
  /** How often a standby has become the primary before it, as a hexadecimal number of eight digits. */
  readonly timeline: string;
}

/** Null on a standby. */
const TIMELINE = `
  select case when pg_is_in_recovery() then null else left(pg_walfile_name(pg_current_wal_lsn()), 8) end as timeline`;
const STORE_ANSWER = `${TIMELINE},
         pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool as closed`;

/** Of two that say they take writes, the one that was promoted later; none that is older than what was seen before. */
async function newestOf(hosts: readonly URL[], highest: string): Promise<StoreAnswer> {
  const asked = hosts.map(answerOf);
  await Promise.any(asked).catch(({ errors }: AggregateError) => {
    throw notWritable(errors.map(messageOf).join("; "));
  });
  let writable = await answersOf(asked, OTHERS_MS);
  // An old primary is among them, so the newest may be the one that has said nothing yet.
  if (writable.length > 1 || (writable[0]?.timeline ?? "") < highest) writable = await answersOf(asked, ASKED_MS);
  const [newest] = writable.sort((a, b) => (a.timeline < b.timeline ? 1 : -1));
  if (newest === undefined) throw new Error("A server answered, and then none had");
  if (newest.timeline < highest) throw notWritable(`${newest.url.host} is an old primary`);
  return newest;
}

async function answersOf(asked: readonly Promise<StoreAnswer>[], ms: number): Promise<StoreAnswer[]> {
  const answers = asked.map((one) => Promise.race([one.catch(() => null), nothingAfter(ms)]));
  return (await Promise.all(answers)).filter((one) => one !== null);
}

/** @throws where it does not answer in time, or takes no writes */
async function answerOf(url: URL): Promise<StoreAnswer> {
  const client = new pg.Client({
    connectionString: url.href,
    application_name: "lifeboat-primary",
    connectionTimeoutMillis: ASKED_MS,
    query_timeout: ASKED_MS,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ closed: boolean; timeline: string | null }>(STORE_ANSWER);
    const [seen] = rows;
    if (seen === undefined || seen.closed || seen.timeline === null) throw new Error("takes no writes");
    return { url, timeline: seen.timeline };
  } catch (error) {
    throw new Error(`${url.host}: ${messageOf(error)}`);
  } finally {
    void client.end().catch(() => {});
  }
}

async function nothingAfter(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), ms).unref());
}

/** As PostgreSQL says it of a statement, so that it is waited for like one. */
function notWritable(says: string): Error {
  return Object.assign(new Error(`No server of the store takes writes: ${says}`), { code: "25006" });
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function portOf({ port }: URL): number {
  return Number(port || 5432);
}
