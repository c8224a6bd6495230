import { setMaxListeners } from "node:events";
import type pg from "pg";
import { messageOf } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Logger } from "../lib/log.ts";
import type { Seals } from "./authentic.ts";
import { createClock } from "./clock.ts";
import type { Leases, Timeline } from "./contract.ts";
import { assertAppendOnly, assertUnmoved, isPowerful, openPool } from "./database.ts";
import { openEmbedded } from "./embedded.ts";
import { horizonNow, openFollower } from "./follow.ts";
import { createGuard, type Guard } from "./guard.ts";
import { createInbox, type VisibleInbox } from "./inbox.ts";
import { type Keyring, keptKeys, keptOrMadeKeys, missingKey, openKeyring, type RecordKeys } from "./keys.ts";
import { openKnownHeads } from "./known-heads.ts";
import { createLeases, type LeaseTimings, leaseTimings } from "./leases.ts";
import { openListener } from "./listener.ts";
import { migrate, ownLogin } from "./migrate.ts";
import { createPseudonyms, type PeopleInEvents } from "./pseudonyms.ts";
import { readSeals } from "./statements.ts";
import { createStreamCache } from "./stream-cache.ts";
import { createTimeline } from "./timeline.ts";
import { patiently } from "./transient-errors.ts";

export interface StoreOptions {
  /** Without it a PostgreSQL of our own is started, or joined, in the data folder. */
  readonly databaseUrl?: string | undefined;
  /** For migrations, where the user of `databaseUrl` may not make them. */
  readonly ownerUrl?: string | undefined;
  readonly dataFolder: string;
  /** Where the newest heads this host has seen are kept. Unset: `dataFolder`. Null: in memory only. */
  readonly stateFolder?: string | null;
  /** Unset: kept beside the data and made when there are none, for practice and tests. */
  readonly keys?: RecordKeys | undefined;
  /** Nothing is made that an operator has to give: keys, and a login that is not the owner. */
  readonly production?: boolean;
  /** Events of these types end something: the head of their stream is signed at once. */
  readonly signsAfter?: readonly string[];
  /** Who stands in events under an opaque id. Unset: no one, as in 0.1. */
  readonly people?: PeopleInEvents;
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
  /** The database's URL as it was given, or the owner's: for a second look from outside (tests, `psql`). */
  readonly url: string;
  /** Compares what this process knows with the store, now. */
  readonly guard: Pick<Guard, "check" | "known">;
  /** For what else this process stores and has to believe again: what people prove with. */
  readonly keyring: Keyring;
  /** Ends every connection, and stops the server if it is ours and no one else's. A run still held waits out its lease. */
  close(): Promise<void>;
}

/** Opens the store: waits for it, migrates it, proves that this process can only add to it, and that it is the one it knew. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { log, dataFolder, callerSeconds = 30, openSeconds = Number.POSITIVE_INFINITY } = options;
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const keyring = openKeyring(await keysOf(options));
  const known = await openKnownHeads(stateFolderOf(options), log);
  const embedded = options.databaseUrl === undefined ? await openEmbedded(dataFolder, log) : null;
  const url = options.databaseUrl ?? embedded?.url ?? "";
  const name = newId("lifeboat", 6);
  const opened = await patiently({ what: "opening", seconds: openSeconds, closed: closing.signal, log }, () =>
    enter({ url, name, keyring, embedded: embedded !== null }, options),
  ).catch(async (error) => {
    await embedded?.leave(name);
    throw error;
  });

  const { pool, appUrl } = opened;
  const clock = createClock(options.production !== true);
  const listener = openListener(appUrl, name, opened.replica, log);
  const follower = openFollower(pool, listener, clock, log, opened.horizon);
  const shared = { pool, replica: opened.replica, clock, listener, closed: closing.signal, log };
  const streamCache = createStreamCache();
  const pseudonyms = createPseudonyms(keyring, options.people ?? null);
  const rereading = new Set<() => void>();
  const forget = () => {
    streamCache.clear();
    for (const again of rereading) again();
  };
  const also = async () => {
    if (await pseudonyms.refresh(pool)) forget();
  };
  const guard = createGuard({ pool, known, keyring, log, forget, also });
  const leases = createLeases({ ...shared, timings: { ...leaseTimings, ...options.timings } });
  // A connection that comes back may lead to another store.
  const unconnected = listener.onConnect(() => void guard.check().catch(() => {}));
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async () => {
      await timeline.signer.close();
      closing.abort();
      leases.close();
      unconnected();
      await guard.close();
      await follower.close();
      await listener.close();
      await pool.end();
      await embedded?.leave(name);
    })();
    return closed;
  };
  clock.heard(opened.clock, opened.askedAt, opened.realClock);
  const authenticity = { keyring, seals: opened.seals };
  const { signsAfter = [] } = options;
  const timeline = createTimeline({
    ...shared,
    follower,
    callerSeconds,
    authenticity,
    streamCache,
    guard,
    pseudonyms,
    rereading,
    signsAfter,
    close,
  });
  await guard
    .check()
    .catch((error) =>
      log.debug({ event: "record.not_compared", error: messageOf(error) }, "the store's heads could not be compared"),
    );
  return {
    timeline,
    // The one who drives a run acts on what is recorded: nothing is claimed while that is in doubt.
    leases: { ...leases, claim: async (room) => (guard.doubt() === null ? leases.claim(room) : []) },
    inbox: createInbox({ pool, closed: closing.signal, log, callerSeconds, keyring, now: clock.realNow }),
    pool,
    replica: opened.replica,
    url,
    guard,
    keyring,
    close,
  };
}

/** @throws LifeboatError `record-key-missing` in production without one */
export async function keysOf({ keys, production, dataFolder }: KeyPlace): Promise<RecordKeys> {
  if (keys !== undefined) return keys;
  // At the command line of a practice store nothing says that it is practice, and its keys are beside its data.
  const kept = production === true ? await keptKeys(dataFolder) : await keptOrMadeKeys(dataFolder);
  if (kept === null) throw missingKey();
  return kept;
}

export type KeyPlace = Pick<StoreOptions, "keys" | "production" | "dataFolder">;

export function stateFolderOf({
  stateFolder,
  dataFolder,
}: Pick<StoreOptions, "stateFolder" | "dataFolder">): string | null {
  return stateFolder === undefined ? dataFolder : stateFolder;
}

interface Entered {
  readonly pool: pg.Pool;
  readonly appUrl: string;
  readonly seals: Seals;
  readonly replica: number;
  readonly horizon: string;
  readonly clock: Date;
  readonly realClock: Date;
  readonly askedAt: number;
}

interface Entry {
  readonly url: string;
  readonly name: string;
  readonly keyring: Keyring;
  readonly embedded: boolean;
}

async function enter(entry: Entry, options: StoreOptions): Promise<Entered> {
  const { url, name, keyring } = entry;
  const { log, ownerUrl = url } = options;
  await migrate(ownerUrl, url, log, keyring);
  const appUrl = await loginFor(entry, options);
  const pool = openPool(appUrl, name, log);
  try {
    await assertAppendOnly(pool);
    if (options.production === true) await assertUnmoved(pool);
    const seals = await readSeals(pool, keyring);
    const askedAt = performance.now();
    const { rows } = await pool.query<Pick<Entered, "replica" | "clock" | "realClock" | "horizon">>(
      `select nextval('lifeboat.replica')::int as replica, lifeboat.clock() as clock, pg_catalog.clock_timestamp() as "realClock", (${horizonNow}) as horizon`,
    );
    if (rows[0] === undefined) throw new Error("PostgreSQL answered a question with nothing");
    return { ...rows[0], pool, appUrl, seals, askedAt };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/** The embedded PostgreSQL and practice have a second login made for them; production is refused with the owner's. */
async function loginFor({ url, name, keyring, embedded }: Entry, { production, log }: StoreOptions): Promise<string> {
  if (!embedded && (production === true || !(await isPowerful(url, name)))) return url;
  const appUrl = await ownLogin(url, keyring);
  await migrate(url, appUrl, log, keyring);
  return appUrl;
}
