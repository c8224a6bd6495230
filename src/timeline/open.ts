import { setMaxListeners } from "node:events";
import type pg from "pg";
import { newId } from "../lib/ids.ts";
import type { Logger } from "../lib/log.ts";
import { createClock } from "./clock.ts";
import type { Leases, Timeline } from "./contract.ts";
import { assertAppendOnly, openPool } from "./database.ts";
import { openEmbedded } from "./embedded.ts";
import { horizonNow, openFollower } from "./follow.ts";
import { createInbox, type VisibleInbox } from "./inbox.ts";
import { createLeases, type LeaseTimings, leaseTimings } from "./leases.ts";
import { openListener } from "./listener.ts";
import { migrate } from "./migrate.ts";
import { patiently } from "./passing.ts";
import { createTimeline } from "./timeline.ts";

export interface StoreOptions {
  /** Without it a PostgreSQL of our own is started, or joined, in the data folder. */
  readonly databaseUrl?: string | undefined;
  /** For migrations, where the user of `databaseUrl` may not make them. */
  readonly ownerUrl?: string | undefined;
  readonly dataFolder: string;
  readonly log: Logger;
  /** How long opening waits for a PostgreSQL that is down. Unset: until it is there. */
  readonly openSeconds?: number;
  /** How long a caller without a lease waits for a store that is away. */
  readonly callerSeconds?: number;
  readonly timings?: Partial<LeaseTimings>;
}

export interface Store {
  readonly timeline: Timeline;
  readonly leases: Leases;
  readonly inbox: VisibleInbox;
  /** Works as the application's role. For the outbox, which writes its own table. */
  readonly pool: pg.Pool;
  /** This process among those that share the store. */
  readonly replica: number;
  /** The database's URL, for a second look from outside (tests, `psql`). */
  readonly url: string;
  /** Ends every connection, and stops the server if it is ours and nobody else's. A run still held waits out its lease. */
  close(): Promise<void>;
}

/** Opens the store: waits for it, migrates it, proves that this process can only add to it. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { log, dataFolder, callerSeconds = 30, openSeconds = Number.POSITIVE_INFINITY } = options;
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const embedded = options.databaseUrl === undefined ? await openEmbedded(dataFolder, log) : null;
  const url = options.databaseUrl ?? embedded?.url ?? "";
  const name = newId("lifeboat", 6);
  const pool = openPool(url, name, log);
  const opened = await patiently({ what: "opening", seconds: openSeconds, closed: closing.signal, log }, () =>
    enter(url, options.ownerUrl ?? url, pool, log),
  ).catch(async (error) => {
    await pool.end();
    await embedded?.leave(name);
    throw error;
  });

  const clock = createClock();
  const listener = openListener(url, name, opened.replica, log);
  const follower = openFollower(pool, listener, clock, log, opened.horizon);
  const shared = { pool, replica: opened.replica, clock, listener, closed: closing.signal, log };
  const leases = createLeases({ ...shared, timings: { ...leaseTimings, ...options.timings } });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async () => {
      closing.abort();
      leases.close();
      await follower.close();
      await listener.close();
      await pool.end();
      await embedded?.leave(name);
    })();
    return closed;
  };
  clock.heard(opened.clock, opened.askedAt);
  return {
    timeline: createTimeline({ ...shared, follower, callerSeconds, close }),
    leases,
    inbox: createInbox(pool, closing.signal, log, callerSeconds),
    pool,
    replica: opened.replica,
    url,
    close,
  };
}

interface Entered {
  readonly replica: number;
  readonly horizon: string;
  readonly clock: Date;
  readonly askedAt: number;
}

async function enter(url: string, ownerUrl: string, pool: pg.Pool, log: Logger): Promise<Entered> {
  await migrate(ownerUrl, url, log);
  await assertAppendOnly(pool);
  const askedAt = performance.now();
  const { rows } = await pool.query<Omit<Entered, "askedAt">>(
    `select nextval('lifeboat.replica')::int as replica, clock_timestamp() as clock, (${horizonNow}) as horizon`,
  );
  if (rows[0] === undefined) throw new Error("PostgreSQL answered a question with nothing");
  return { ...rows[0], askedAt };
}
