import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { openServer, type StandInServer } from "../../practice/kit/server.ts";
import { actions } from "../../src/actions/index.ts";
import type { DataOf } from "../../src/incident/events.ts";
import { createReadinessBook } from "../../src/readiness/book.ts";
import { createReadinessWorker, type ReadinessWorker } from "../../src/readiness/worker.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createReadinessLooks } from "../../src/timeline/readiness-looks.ts";
import { quiet, storeOn, type TestServer, testServer } from "../support/postgres.ts";
import { TestApp } from "../support/test-app.ts";

/** Proofs of the practice system on a real store; its targets aren't there, so only what they are asked is looked at. */
let server: TestServer;
const ends: (() => Promise<void>)[] = [];
beforeAll(async () => {
  server = await testServer();
}, 60_000);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => server.close());

const STREAM = "rdy-practice";
const PROOFS = 8;

interface Bot {
  readonly app: TestApp;
  readonly store: Store;
  readonly worker: ReadinessWorker;
  /** What this bot asked of the store. */
  readonly asked: { rounds: number; reads: string[] };
}

async function bot(url: string, everyMs = 3_600_000, appUrl = "http://127.0.0.1:1", settings = {}): Promise<Bot> {
  const store = await storeOn(url);
  ends.push(() => store.close());
  const app = new TestApp(store, "practice", { aPort: 1, bPort: 1, appUrl, hostsUrl: "http://127.0.0.1:1" });
  const { context } = app;
  const asked: Bot["asked"] = { rounds: 0, reads: [] };
  const known = createReadinessLooks(store.pool);
  const looks: typeof known = {
    ...known,
    all() {
      asked.rounds += 1;
      return known.all();
    },
  };
  const timeline: typeof store.timeline = {
    ...store.timeline,
    read(stream, after) {
      asked.reads.push(stream);
      return store.timeline.read(stream, after);
    },
  };
  const { catalog } = context;
  const variables = () => context.variables;
  const book = createReadinessBook({ timeline, looks, catalog, variables, everyMs, version: "1" });
  Object.assign(context, { readiness: book });
  const worker = createReadinessWorker({
    ...{ timeline, incidents: context.incidents, catalog, book, looks, log: quiet },
    parts: () => ({
      ...{ catalog, cards: context.cards, variables: context.variables },
      lookAt: async (targets, drill) => (await context.lookAt?.(targets, drill)) ?? new Map(),
      around: {
        ...{ actions, log: quiet, practice: true, secret: () => "secret", drillLimits: () => null, observeSeconds: 5 },
      },
    }),
    settings: { roundMs: 50, confirmMs: 1, ...settings },
  });
  ends.push(() => worker.stop());
  return { app, store, worker, asked };
}

const changes = async ({ store }: Bot) =>
  (await store.timeline.read(STREAM)).map(({ data }) => data as DataOf<"readiness.changed">);

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("proofs", () => {
  test("of two bots on one store are made once each, and repeated ones leave no event", async () => {
    const url = await server.database();
    const [one, other] = [await bot(url), await bot(url)];
    one.worker.start();
    other.worker.start();
    await until(async () => (await changes(one)).length === PROOFS);
    expect(new Set((await changes(one)).map(({ runbook, mode }) => `${runbook}/${mode}`)).size).toBe(PROOFS);
    expect((await changes(one)).map(({ from }) => from)).toEqual(Array(PROOFS).fill(null));
    await other.app.ask("sam", "readiness practice --now");
    const [system] = one.app.context.catalog.systems;
    const asked = one.store.timeline.now();
    await until(async () => {
      const [known] = (await one.app.context.readiness?.of(system ? [system] : [])) ?? [];
      return known?.runbooks.every(({ provenAt }) => provenAt !== null && provenAt > asked) ?? false;
    });
    expect(await changes(one)).toHaveLength(PROOFS);
    expect(await one.store.timeline.verify(STREAM)).toMatchObject({ ok: true });
  }, 60_000);

  test("that a dead bot had claimed are made by another when its time is over, and what it had recorded isn't repeated", async () => {
    const url = await server.database();
    const first = await bot(url);
    const looks = createReadinessLooks(first.store.pool);
    const id = { system: "practice", runbook: "database-check", mode: "planned" };
    expect(await looks.claim(id, undefined, 1)).toBe(true);
    expect(await looks.claim(id, undefined, 1)).toBe(false);
    first.worker.start();
    await until(async () => (await changes(first)).length === PROOFS);
    const known = (await looks.all()).find(({ runbook, mode }) => runbook === id.runbook && mode === id.mode);
    // A claim of what someone has proven since is no claim.
    expect(await looks.claim(id, undefined, 1)).toBe(false);
    expect(await looks.claim(id, known, 1)).toBe(true);
  }, 60_000);

  test("are stale at once after an edit, and made again", async () => {
    const one = await bot(await server.database());
    one.worker.start();
    await until(async () => (await changes(one)).length === PROOFS);
    await one.worker.stop();
    const { context } = one.app;
    const given = new Map(context.variables.get("practice")).set("aPort", 2);
    Object.assign(context, { variables: new Map([["practice", given]]) });
    expect(await said(one, "readiness")).toMatch(/Practice orders\*: 8 stale/);
    const again = await bot(one.store.pool.options.connectionString ?? "", 3_600_000);
    Object.assign(again.app.context, { variables: context.variables });
    again.worker.start();
    await until(async () => (await changes(again)).length === 2 * PROOFS);
    expect(await said(again, "readiness")).not.toMatch(/stale/);
  }, 60_000);

  test("cost no look at the record while nothing changes", async () => {
    const one = await bot(await server.database());
    one.worker.start();
    await until(async () => (await changes(one)).length === PROOFS);
    // The report of the first week and the proofs that ended last have read what they need by then.
    const { rounds } = one.asked;
    await until(async () => one.asked.rounds > rounds + 3);
    one.asked.reads = [];
    const then = one.asked.rounds;
    await until(async () => one.asked.rounds > then + 10);
    expect(one.asked.reads).toEqual([]);
  }, 60_000);

  test("that end in their deadline are recorded as not ready", async () => {
    const app: StandInServer = await openServer({ isWrite: () => false, answer: () => new Promise<never>(() => {}) });
    ends.push(() => app.close());
    const one = await bot(await server.database(), 3_600_000, app.url, { proofSeconds: 1 });
    one.worker.start();
    const late = async () => (await changes(one)).filter(({ findings }) => findings[0]?.code === "deadline");
    await until(async () => (await late()).length > 0);
    expect((await late())[0]).toMatchObject({
      to: "notReady",
      findings: [{ says: expect.stringMatching(/within 1 s/) }],
    });
  }, 60_000);

  test("are off with an interval of 0, until someone asks", async () => {
    const one = await bot(await server.database(), 0);
    one.worker.start();
    expect(await said(one, "readiness")).toMatch(/8 never proven(.|\n)*checks are off/);
    await one.app.ask("sam", "readiness --now");
    await until(async () => (await changes(one)).length === PROOFS);
  }, 60_000);
});

describe("a live run comes first", () => {
  test("a look that is in progress is ended by it, nothing is recorded of it, and it is made once the run has ended", async () => {
    const asked: string[] = [];
    const gone: string[] = [];
    let hangs = true;
    const app: StandInServer = await openServer({
      isWrite: () => false,
      async answer({ path }) {
        asked.push(path);
        while (hangs) await new Promise((resolve) => setTimeout(resolve, 20));
        gone.push(path);
        return { status: 503 };
      },
    });
    ends.push(() => app.close());
    const one = await bot(await server.database(), 3_600_000, app.url);
    one.worker.start();
    // The application is asked by the proof of the region's failover, and does not answer.
    await until(async () => asked.length > 0);
    const before = await changes(one);
    const reply = await one.app.ask("alex", "runbook database-check");
    const run = /run-[a-z0-9]+/.exec(JSON.stringify(reply))?.[0] ?? "";
    await until(async () => (await one.app.context.incidents.withRun(run)) !== null);
    hangs = false;
    await until(async () => gone.length === asked.length);
    const meanwhile = (await changes(one)).filter(({ runbook }) => runbook === "region-failover");
    expect(meanwhile).toEqual(before.filter(({ runbook }) => runbook === "region-failover"));
    await one.app.ask("sam", `abort ${run} --reason enough`);
    await until(async () => (await changes(one)).length >= PROOFS);
  }, 60_000);
});

async function said({ app }: Bot, line: string): Promise<string> {
  const reply = await app.ask("sam", line);
  return reply.kind === "private" ? reply.message.text : "";
}
