import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Incidents } from "../../src/incidents/index.ts";
import type { Store } from "../../src/timeline/index.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { declared, pastIncidents } from "../support/past-incidents.ts";
import { asSuperuser, event, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { TestApp } from "../support/test-app.ts";

let server: TestServer;
let url: string;
let store: Store;
const stores: Store[] = [];

beforeAll(async () => {
  server = await testServer();
}, 60_000);
beforeEach(async () => {
  url = await server.database();
  store = await another();
});
afterEach(async () => {
  for (const one of stores.splice(0)) await one.close();
});
afterAll(() => server.close());

/** Another process on the same store. */
async function another(): Promise<Store> {
  const one = await storeOn(url);
  stores.push(one);
  return one;
}

const openIn = async (incidents: Incidents) => (await incidents.open()).map(({ state }) => state.id);

async function summarized(count: number): Promise<void> {
  await until(async () => (await asSuperuser(url, "select from lifeboat.summary")).length === count);
}

/** With the bot's login: what someone who stole it could do. */
const asBot = (sql: string, values: unknown[] = []) => store.pool.query(sql, values);

describe("a number", () => {
  test("of what was declared without one stands beside its record, the same in every process", async () => {
    const old = await declared(store, false);
    const [ours, theirs] = [incidentsOn(store), incidentsOn(await another())];
    const { number } = await ours.read(old);
    expect(number).toBeGreaterThan(0);
    expect((await theirs.read(old)).number).toBe(number);
    expect((await theirs.numbered(number ?? 0))?.id).toBe(old);
    expect(await theirs.numbered(99)).toBeNull();
    const decided = await ours.decide(old, (state) => ({ events: [], value: state.number }));
    expect(decided).toMatchObject({ value: number });
  });
});

describe("which incidents are open", () => {
  test("is known at once of what another process wrote, the newest event first", async () => {
    const [ours, theirs] = [incidentsOn(store), await another()];
    const first = await declared(store, false);
    expect(await openIn(ours)).toEqual([first]);
    const second = await declared(theirs, false);
    await declared(theirs, true);
    expect(await openIn(ours)).toEqual([second, first]);
    await theirs.timeline.decide(first, () => ({
      events: [event("incident.noted", { data: { text: "x" } })],
      value: 0,
    }));
    expect(await openIn(ours)).toEqual([first, second]);
    await theirs.timeline.decide(second, () => ({ events: [event("incident.closed")], value: 0 }));
    expect(await openIn(ours)).toEqual([first]);
  });

  test("is told by the record where no summary is kept, and by the next process the same", async () => {
    await pastIncidents(store, 3);
    const open = await declared(store, false);
    expect(await openIn(incidentsOn(store))).toEqual([open]);
    await summarized(3);
    expect(await openIn(incidentsOn(await another()))).toEqual([open]);
    await asSuperuser(url, "delete from lifeboat.summary");
    expect(await openIn(incidentsOn(await another()))).toEqual([open]);
    await summarized(3);
  });

  test("holds for an open one that is older than everything read at first", async () => {
    const open = await declared(store, false);
    await pastIncidents(store, 110);
    const incidents = incidentsOn(store);
    await until(async () => (await openIn(incidents)).includes(open), 30);
    await summarized(110);
    expect(await openIn(incidentsOn(await another()))).toEqual([open]);
  });
});

describe("given the bot's login in the wrong hands, when a summary says that an open incident is over, then it is open", () => {
  interface Row {
    readonly version: number;
    readonly hash: string;
    readonly summary: unknown;
    readonly mac: string;
    readonly mac_key: string;
  }
  const put = (stream: string, { version, hash, summary, mac, mac_key }: Row) =>
    asBot(
      `insert into lifeboat.summary values ($1, $2, $3, $4, $5, $6) on conflict (stream) do update
         set version = excluded.version, hash = excluded.hash, summary = excluded.summary, mac = excluded.mac, mac_key = excluded.mac_key`,
      [stream, version, hash, JSON.stringify(summary), mac, mac_key],
    );
  const rowOf = async (stream: string) =>
    (await asSuperuser<Row>(url, "select * from lifeboat.summary where stream = $1", [stream]))[0] as Row;
  const headOf = async (stream: string) =>
    (
      await asSuperuser<{ version: number; hash: string }>(
        url,
        "select version, head_hash as hash from lifeboat.stream where id = $1",
        [stream],
      )
    )[0] as { version: number; hash: string };

  async function closed(): Promise<{ id: string; row: Row }> {
    const id = await declared(store, true);
    await incidentsOn(store).open();
    await until(async () => (await rowOf(id)) !== undefined);
    return { id, row: await rowOf(id) };
  }

  test("that is made up", async () => {
    const { row } = await closed();
    const open = await declared(store, false);
    await put(open, { ...row, ...(await headOf(open)), mac: "0".repeat(64) });
    expect(await openIn(incidentsOn(await another()))).toEqual([open]);
  });

  test("that is another incident's", async () => {
    const { row } = await closed();
    const open = await declared(store, false);
    await put(open, { ...row, ...(await headOf(open)) });
    expect(await openIn(incidentsOn(await another()))).toEqual([open]);
  });

  test("that was true before it was opened again", async () => {
    const { id, row } = await closed();
    const reopened = event("incident.reopened", { data: { reason: "It is back" } });
    await store.timeline.decide(id, () => ({ events: [reopened], value: null }));
    await put(id, row);
    expect(await openIn(incidentsOn(await another()))).toEqual([id]);
    await put(id, { ...row, ...(await headOf(id)) });
    expect(await openIn(incidentsOn(await another()))).toEqual([id]);
  });
});

describe("given an open incident whose record was tampered with", () => {
  let broken: string;
  let open: string;
  beforeEach(async () => {
    broken = await declared(store, false, "Tampered");
    open = await declared(store, false, "Payments fail");
    await asSuperuser(
      url,
      `set session_replication_role = replica; update lifeboat.event set data = data || '{"title": "Nothing"}' where stream = '${broken}' and version = 1`,
    );
  });

  test("commands about others go on, and it isn't guessed which is meant", async () => {
    const app = new TestApp(await another());
    app.channels.set(open, "C0PAYMENTS").set(broken, "C0TAMPERED");
    const said = async (line: string, channel?: string) => {
      const reply = await app.ask("sam", line, channel === undefined ? {} : { channel });
      return reply.kind === "private" ? reply.message.text : reply.kind;
    };
    expect(await said("list")).toContain("Payments fail");
    expect(await said("severity P2", "C0PAYMENTS")).not.toContain("tampered");
    expect((await app.state(open)).state.severity).toBe("P2");
    expect(await said("severity P3", "C0TAMPERED")).toContain("tampered");
    await said("severity P3");
    expect((await app.state(open)).state.severity).toBe("P2");
    await said(`severity P3 --incident ${open}`);
    expect((await app.state(open)).state.severity).toBe("P3");
  });
});
