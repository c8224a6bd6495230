import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Store } from "../../src/timeline/index.ts";
import { declared, pastIncidents } from "../support/past-incidents.ts";
import { storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { TestApp } from "../support/test-app.ts";
import { counted } from "./counted.ts";

/** More than any list shows, and more than what is read before the first answer of a store without summaries. */
const MANY = 130;
const FEW = 10;

let server: TestServer;
const stores: Store[] = [];

interface Place {
  readonly store: Store;
  readonly open: string;
}

async function placeWith(past: number): Promise<Place> {
  const store = await storeOn(await server.database());
  stores.push(store);
  const open = await declared(store, false, "Payments fail");
  await pastIncidents(store, past);
  // One process looks, and keeps what it derived.
  await new TestApp(store).ask("sam", "list");
  await until(async () => (await summaries(store)) === past);
  return { store, open };
}

async function summaries(store: Store): Promise<number> {
  const { rows } = await store.pool.query<{ count: number }>("select count(*)::int as count from lifeboat.summary");
  return rows[0]?.count ?? 0;
}

let few: Place;
let many: Place;

beforeAll(async () => {
  server = await testServer();
  [few, many] = [await placeWith(FEW), await placeWith(MANY)];
}, 60_000);
afterAll(async () => {
  for (const store of stores) await store.close();
  await server.close();
});

/** What each line reads as the first of a process that has just begun, and when it is typed again. */
async function readsOf({ store, open }: Place, line: string): Promise<readonly (readonly string[])[]> {
  const { store: own, reads } = counted(store);
  const app = new TestApp(own);
  app.channels.set(open, "C0PAYMENTS");
  const all: string[][] = [];
  for (let times = 0; times < 2; times++) {
    reads.length = 0;
    await app.ask("sam", line, { key: `${line}-${store.url}-${times}-${all.length}` });
    all.push([...reads].sort());
  }
  return all;
}

describe("how much of the store a command reads", () => {
  test.each([
    "",
    "bogus",
    "list",
    "status",
    "calendar",
    "alerts",
    "review",
    "timeline",
    "catchup",
    "pause",
    "severity P2",
    "note It is the queue",
    "failover database --dry-run",
    "failover database --unplanned --dry-run",
    "runbook",
    "resolve",
  ])("/dr %s: no more with many past incidents than with a few, and no more than a handful", async (line) => {
    const [first, again] = await readsOf(many, line);
    expect([first, again]).toEqual(await readsOf(few, line));
    expect(first?.length).toBeLessThanOrEqual(line.startsWith("list") ? 9 : 12);
    expect(again?.length).toBeLessThanOrEqual(9);
  });
});
