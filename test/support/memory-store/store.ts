import { setMaxListeners } from "node:events";
import type { Logger } from "../../../src/lib/log.ts";
import type { Deliveries } from "../../../src/projection/deliveries.ts";
import type { Outbox } from "../../../src/projection/outbox.ts";
import { createClock } from "../../../src/timeline/clock.ts";
import type { Leases, Tally, Timeline } from "../../../src/timeline/contract.ts";
import { type LeaseTimings, leaseTimings, type VisibleInbox } from "../../../src/timeline/index.ts";
import type { Keyring } from "../../../src/timeline/keys.ts";
import type { Schedule } from "../../../src/timeline/schedule.ts";
import type { SecondFactors } from "../../../src/timeline/second-factors.ts";
import type { MemoryDatabase } from "./database.ts";
import { createMemoryDeliveries } from "./deliveries.ts";
import { createFollower } from "./follow.ts";
import { createMemoryInbox } from "./inbox.ts";
import { createMemoryLeases } from "./leases.ts";
import type { Link } from "./link.ts";
import { createMemoryOutbox } from "./outbox.ts";
import { createMemorySchedule, createMemorySecondFactors, createMemoryTally } from "./small-tables.ts";
import { createMemoryTimeline } from "./timeline.ts";

/** Everything one process uses of the store. */
export interface ProcessStore {
  readonly timeline: Timeline;
  readonly leases: Leases;
  readonly inbox: VisibleInbox;
  readonly outbox: Outbox;
  readonly deliveries: Deliveries;
  readonly schedule: Schedule;
  readonly tally: Tally;
  readonly secondFactors: SecondFactors;
  readonly replica: number;
  close(): Promise<void>;
}

export interface MemoryStoreOptions {
  readonly database: MemoryDatabase;
  readonly link: Link;
  readonly keyring: Keyring;
  readonly log: Logger;
  readonly timings?: Partial<LeaseTimings>;
  readonly callerSeconds?: number;
}

/** One process's way into a store in memory. Any number of them share a database. */
export function openMemoryStore(options: MemoryStoreOptions): ProcessStore {
  const { database, link, keyring, log, callerSeconds = 30 } = options;
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const replica = database.nextReplica();
  const clock = createClock();
  clock.heard(new Date(database.now()), performance.now(), new Date(database.now()));
  const shared = { database, link, clock, replica, closed: closing.signal, log };
  const leases = createMemoryLeases({ ...shared, timings: { ...leaseTimings, ...options.timings } });
  const follower = createFollower(database, link, clock);
  const tables = {
    ...{ schedule: database.schedule, tally: database.tally, proofs: database.proofs },
    now: () => database.now(),
  };
  database.sessions.set(replica, (notice) =>
    link.notice(() => {
      follower.hear(notice);
      leases.hear(notice);
    }),
  );
  const close = async () => {
    closing.abort();
    leases.close();
    follower.close();
    database.sessions.delete(replica);
  };
  return {
    timeline: createMemoryTimeline({ ...shared, follower, keyring, callerSeconds, close }),
    leases,
    inbox: createMemoryInbox(database, link, closing.signal, log, callerSeconds),
    outbox: createMemoryOutbox(database, link),
    deliveries: createMemoryDeliveries(database, link),
    schedule: createMemorySchedule(tables, link),
    tally: createMemoryTally(tables, link),
    secondFactors: createMemorySecondFactors(tables, link),
    replica,
    close,
  };
}
