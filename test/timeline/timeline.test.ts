import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import pg from "pg";
import { hashOf } from "../../src/lib/canonical.ts";
import { chainHash, noHash } from "../../src/timeline/chain.ts";
import { createClock } from "../../src/timeline/clock.ts";
import type { Store } from "../../src/timeline/index.ts";
import { asSuperuser, storeOn, until } from "../support/postgres.ts";
import { timelineContract } from "./contract/decide.ts";
import { asked, comparable, operations, seeded } from "./contract/operations.ts";
import { event, memoryStores, postgresStores, type Tampering, useStores } from "./contract/stores.ts";

const SEQUENCE = 400;

const stores = useStores(postgresStores());

describe("the contract", () => timelineContract(stores));

/** Sequences, and operations in each. Every answer of both stores is compared, so what one of them does otherwise shows at once. */
test.each(Array.from({ length: 6 }, (_, n) => n + 1))(
  "answers as the store in memory does, whatever it is asked: sequence %i",
  async (seed) => {
    const memory = memoryStores(seed);
    const both = await Promise.all([stores, memory].map(async (kind) => asked([await kind.open(), await kind.open()])));
    const [here, there] = both as [(typeof both)[number], (typeof both)[number]];
    for (const { says, ask } of operations(seeded(seed), SEQUENCE)) {
      const answers = await Promise.allSettled([ask(here), ask(there)]);
      const [real, stood] = answers.map((answer) =>
        answer.status === "fulfilled" ? comparable(answer.value) : { failed: String(answer.reason.message) },
      );
      expect({ says, answer: stood }).toEqual({ says, answer: real });
    }
    expect(await stores.complaints()).toEqual([]);
    expect(await memory.complaints()).toEqual([]);
    await Promise.all(both.flatMap(({ stores: opened }) => opened.map((one) => one.close())));
  },
);

describe("on PostgreSQL", () => {
  let url: string;
  let store: Store;
  beforeEach(async () => {
    url = stores.url();
    store = await storeOn(url);
  });
  afterEach(() => store.close());

  const write = (stream: string, ...types: string[]) =>
    store.timeline.decide(stream, () => ({ events: types.map((type) => event(type)), value: null }));

  describe("a number", () => {
    const numbered = (key: string) => [event("declared", { key, data: { title: key }, numbered: true as const })];

    test("can't be moved to another stream with the login of the bot", async () => {
      await store.timeline.decide("inc-a", () => ({ events: numbered("a"), value: null }));
      for (const change of ["update lifeboat.stream_number set stream = stream", "delete from lifeboat.stream_number"])
        await expect(store.pool.query(change)).rejects.toThrow(/permission denied/);
      await expect(asSuperuser(url, "delete from lifeboat.stream_number")).rejects.toThrow("append-only");
    });
  });

  describe("what was recorded", () => {
    test.each(["update lifeboat.event set type = 'x'", "delete from lifeboat.event", "truncate lifeboat.event"])(
      "is refused to be changed by the application and by the owner: %s",
      async (sql) => {
        await write("inc-1", "declared");
        await expect(store.pool.query(sql)).rejects.toThrow(/permission denied/);
        await expect(asSuperuser(url, sql)).rejects.toThrow(/append-only/);
        const plan = sql
          .replace("event", "plan")
          .replace("type", "hash")
          .replace(/^truncate.*/, "$& cascade");
        await expect(store.pool.query(plan)).rejects.toThrow(/permission denied/);
        await expect(asSuperuser(url, plan)).rejects.toThrow(/append-only/);
        expect(await store.timeline.read("inc-1")).toHaveLength(1);
      },
    );

    test("has a head that never moves back", async () => {
      await write("inc-1", "declared", "noted");
      await expect(store.pool.query("update lifeboat.stream set version = 1")).rejects.toThrow(/append-only/);
      await expect(asSuperuser(url, "truncate lifeboat.stream cascade")).rejects.toThrow(/append-only/);
    });

    test.each<[Tampering, RegExp]>([
      ["an edited byte", /changed after/],
      ["a moved moment", /changed after/],
      ["a removed event", /missing/],
      ["a truncated tail", /tail was cut off/],
      ["a rewritten head", /does not name its last event/],
    ])("says what is wrong after %s", async (how, says) => {
      await write("inc-1", "declared", "noted", "resolved");
      await stores.tamper(how);
      const { problems } = await store.timeline.verify();
      expect(problems.map((problem) => problem.says).join()).toMatch(says);
    });
  });

  describe("follow", () => {
    test("misses nothing though notices are lost and transactions commit out of order", async () => {
      const told = new Set<string>();
      await write("inc-slow", "declared");
      store.timeline.follow((stream) => told.add(stream));
      await until(() => told.has("inc-slow"));
      told.clear();
      // A transaction that began early and commits late, without a notice.
      const slow = new pg.Client({ connectionString: url });
      await slow.connect();
      // The head names no event: past the trigger.
      await slow.query("set session_replication_role = replica");
      await slow.query("begin");
      await slow.query("update lifeboat.stream set version = version + 1, changed = pg_current_xact_id()");
      for (let i = 0; i < 3; i++) {
        await write(`inc-quick-${i}`, "declared");
        await until(() => told.has(`inc-quick-${i}`));
        await new Promise((look) => setTimeout(look, 500));
      }
      expect(told.has("inc-slow")).toBe(false);
      await slow.query("commit");
      await slow.end();
      await until(() => told.has("inc-slow"), 3);
    });

    test("goes on after its connection was ended, with what happened meanwhile", async () => {
      const told = new Set<string>();
      store.timeline.follow((stream) => told.add(stream));
      await write("inc-1", "declared");
      await until(() => told.has("inc-1"));
      await asSuperuser(
        url,
        "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%' or query = 'select 1' or query ilike '%advisory%' and pid <> pg_backend_pid()",
      );
      await write("inc-2", "declared");
      await until(() => told.has("inc-2"), 3);
    });
  });
});

test("an event's hash is that of its canonical JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.string(), (data, actor, text) => {
      const said = { stream: text, version: 3, key: text, run: null, type: text, data, actor, previousHash: noHash };
      const at = new Date(0);
      expect(chainHash({ ...said, at })).toBe(hashOf({ ...said, at: at.toISOString() }));
    }),
  );
});

test("the clock is the database's, whatever this machine's says", () => {
  const clock = createClock();
  const told = new Date(Date.now() - 7_200_000);
  clock.heard(told, performance.now());
  expect(Math.abs(clock.now().getTime() - told.getTime())).toBeLessThan(60_000);
});
