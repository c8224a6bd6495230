import { afterAll, beforeAll, beforeEach } from "@jest/globals";
import { createDeliveries } from "../../../src/projection/deliveries.ts";
import { createOutbox } from "../../../src/projection/outbox.ts";
import type { EventToAppend } from "../../../src/timeline/contract.ts";
import type { LeaseTimings, Store } from "../../../src/timeline/index.ts";
import { createSchedule } from "../../../src/timeline/schedule.ts";
import { createSecondFactors } from "../../../src/timeline/second-factors.ts";
import { createTally } from "../../../src/timeline/tally.ts";
import { complaints, complaintsOf } from "../../support/independent-verifier.ts";
import { type EventRow, MemoryDatabase } from "../../support/memory-store/database.ts";
import { turningLink } from "../../support/memory-store/link.ts";
import { openMemoryStore, type ProcessStore } from "../../support/memory-store/store.ts";
import { asSuperuser, quiet, storeOn, type TestServer, testServer } from "../../support/postgres.ts";
import { testKeyring } from "../../support/record-keys.ts";

/** A kind of store, as the contract is tested on it. */
export interface Stores {
  readonly kind: "PostgreSQL" | "memory";
  begin(): Promise<void>;
  /** From here on everything is opened on a new, empty store. */
  empty(): Promise<void>;
  /** One more process on it. */
  open(options?: { readonly timings?: LeaseTimings }): Promise<ProcessStore>;
  /** Changes the record past every guard, as someone with the keys of the database could. */
  tamper(how: Tampering): Promise<void>;
  /** What the independent verifier says. */
  complaints(): Promise<readonly string[]>;
  /** As if every wait and every claim of the inbox were over. */
  inboxIsDue(): Promise<void>;
  /** As if what is done in the inbox had been done so many days ago. */
  inboxAges(days: number): Promise<void>;
  inboxKeys(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Of the stream `inc-1`. */
export type Tampering =
  | "an edited byte"
  | "a moved moment"
  | "a removed event"
  | "a truncated tail"
  | "a rewritten head"
  | "an event nobody with a key wrote";

/** Begins and ends them with the file this is called in; each test has an empty one. */
export function useStores<S extends Stores>(stores: S): S {
  beforeAll(() => stores.begin(), 60_000);
  beforeEach(() => stores.empty());
  afterAll(() => stores.close());
  return stores;
}

let serial = 0;
/** An event under a key of its own. */
export function event(type: string, more: Partial<EventToAppend> = {}): EventToAppend {
  serial += 1;
  return { type, data: {}, actor: { kind: "bot" }, key: `contract-${serial}`, ...more };
}

/** What one process uses of a store on PostgreSQL. */
export function processStoreOf(store: Store): ProcessStore {
  const { timeline, leases, inbox, pool, replica, keyring } = store;
  return {
    ...{ timeline, leases, inbox, replica, close: () => store.close() },
    ...{ outbox: createOutbox(pool), deliveries: createDeliveries(pool), schedule: createSchedule(pool) },
    ...{ tally: createTally(pool), secondFactors: createSecondFactors(pool, keyring) },
  };
}

const SQL: Record<Tampering, string> = {
  "an edited byte": `update lifeboat.event set data = '{"said":"Yes"}' where stream = 'inc-1' and version = 2`,
  "a moved moment": "update lifeboat.event set at = at + interval '1ms' where stream = 'inc-1' and version = 2",
  "a removed event": "delete from lifeboat.event where stream = 'inc-1' and version = 2",
  "a truncated tail": "delete from lifeboat.event where stream = 'inc-1' and version > 1",
  "a rewritten head": "update lifeboat.stream set head_hash = repeat('a', 64) where id = 'inc-1'",
  "an event nobody with a key wrote":
    "update lifeboat.event set mac = repeat('0', 64) where stream = 'inc-1' and version = 2",
};

/** One server for a file; a database for each test. */
export function postgresStores(): Stores & { url(): string } {
  let server: TestServer | undefined;
  let url = "";
  const sql = <R>(text: string) => asSuperuser<R>(url, text);
  return {
    kind: "PostgreSQL",
    url: () => url,
    async begin() {
      server = await testServer();
    },
    async empty() {
      url = (await server?.database()) ?? "";
    },
    open: async ({ timings } = {}) => processStoreOf(await storeOn(url, timings && { timings })),
    tamper: async (how) => void (await sql(`set session_replication_role = replica; ${SQL[how]}`)),
    complaints: () => complaints(url),
    inboxIsDue: async () =>
      void (await sql("update lifeboat.inbox set next_at = now(), claimed_until = now() - interval '1s'")),
    inboxAges: async (days) => void (await sql(`update lifeboat.inbox set done_at = now() - interval '${days} days'`)),
    inboxKeys: async () =>
      (await sql<{ key: string }>("select key from lifeboat.inbox order by id")).map(({ key }) => key),
    close: async () => server?.close(),
  };
}

/** The store in memory. Requests and answers of its processes pass each other in an order that `seed` decides. */
export function memoryStores(seed: number): Stores {
  let database = new MemoryDatabase(Date.now);
  let state = seed >>> 0;
  const turns = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * 4);
  };
  const stream = () => {
    const found = database.stream("inc-1");
    if (found === undefined) throw new Error("There is no stream inc-1.");
    return found;
  };
  const second = () => stream().events[1] as EventRow;
  return {
    kind: "memory",
    begin: async () => {},
    async empty() {
      database = new MemoryDatabase(Date.now);
    },
    open: async (options = {}) =>
      openMemoryStore({ database, link: turningLink(turns), keyring: testKeyring, log: quiet, ...options }),
    async tamper(how) {
      switch (how) {
        case "an edited byte":
          return void Object.assign(second(), { data: '{"said":"Yes"}' });
        case "a moved moment":
          return void Object.assign(second(), { at: new Date(second().at.getTime() + 1) });
        case "a removed event":
          return void stream().events.splice(1, 1);
        case "a truncated tail":
          return void stream().events.splice(1);
        case "a rewritten head":
          return void Object.assign(stream(), { hash: "a".repeat(64) });
        case "an event nobody with a key wrote":
          return void Object.assign(second(), { mac: "0".repeat(64) });
        default:
          how satisfies never;
      }
    },
    complaints: async () => complaintsIn(database),
    async inboxIsDue() {
      for (const row of database.inbox) Object.assign(row, { nextAt: Date.now(), claimedUntil: Date.now() - 1000 });
    },
    async inboxAges(days) {
      for (const row of database.inbox) row.doneAt = Date.now() - days * 24 * 3_600_000;
    },
    inboxKeys: async () => database.inbox.map(({ key }) => key),
    close: async () => {},
  };
}

/** What the independent verifier says of a store in memory. */
export function complaintsIn(database: MemoryDatabase): readonly string[] {
  const streams = [...database.streams.values()];
  return complaintsOf(
    streams.map(({ id, version, hash }) => ({ id, version, head_hash: hash })),
    streams.flatMap(({ events }) =>
      events.map((row) => ({ ...row, at: row.at.toISOString(), previous_hash: row.previousHash })),
    ),
  );
}
