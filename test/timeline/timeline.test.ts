import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import pg from "pg";
import { hashOf, sha256 } from "../../src/lib/canonical.ts";
import { chainHash, noHash } from "../../src/timeline/chain.ts";
import { createClock } from "../../src/timeline/clock.ts";
import type { NewRun } from "../../src/timeline/contract.ts";
import type { Store } from "../../src/timeline/index.ts";
import { asSuperuser, event, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { complaints } from "./independent-verifier.ts";

let on: TestServer;
let url: string;
let store: Store;
beforeAll(async () => {
  on = await testServer();
});
afterAll(() => on.close());
beforeEach(async () => {
  url = await on.database();
  store = await storeOn(url);
});
afterEach(() => store.close());

const planBytes = Buffer.from('{"steps":[]}');
const run = (id: string, ...resources: string[]): NewRun => ({
  id,
  planHash: sha256(planBytes),
  planBytes,
  resources,
});
const write = (stream: string, ...types: string[]) =>
  store.timeline.decide(stream, () => ({ events: types.map((type) => event(type)), value: null }));

describe("a number", () => {
  const numbered = (key: string) => [event("declared", { key, data: { title: key }, numbered: true as const })];
  const numberIn = async (stream: string) => (await store.timeline.read(stream))[0]?.data;

  test("is given in the transaction that writes it, and never twice, by however many processes", async () => {
    const other = await storeOn(url);
    const declare = ({ timeline }: Store, n: number) =>
      timeline.decide(`inc-${n}`, () => ({ events: numbered(`k${n}`), value: null }));
    await Promise.all(Array.from({ length: 20 }, (_, n) => declare(n % 2 === 0 ? store : other, n)));
    const given = await Promise.all(Array.from({ length: 20 }, (_, n) => numberIn(`inc-${n}`)));
    const numbers = given.map((data) => (data as { number: number }).number);
    expect(new Set(numbers).size).toBe(20);
    expect(numbers.every((number) => Number.isInteger(number) && number > 0)).toBe(true);
    for (const [n, number] of numbers.entries())
      expect([await other.timeline.streamNumbered(number), await store.timeline.numberOf(`inc-${n}`)]).toEqual([
        `inc-${n}`,
        number,
      ]);
    expect((await store.timeline.verify()).ok).toBe(true);
    await other.close();
  });

  test("is not spent by a repeat, and none is there where nothing was written", async () => {
    const twice = async () => store.timeline.decide("inc-a", () => ({ events: numbered("same"), value: null }));
    await twice();
    await twice();
    const failed = store.timeline.decide("inc-b", () => {
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect(await numberIn("inc-a")).toEqual({ title: "same", number: 1 });
    expect(await store.timeline.streamNumbered(2)).toBeNull();
  });

  test("can't be moved to another stream with the login of the bot", async () => {
    await store.timeline.decide("inc-a", () => ({ events: numbered("a"), value: null }));
    for (const change of ["update lifeboat.stream_number set stream = stream", "delete from lifeboat.stream_number"])
      await expect(store.pool.query(change)).rejects.toThrow(/permission denied/);
    await expect(asSuperuser(url, "delete from lifeboat.stream_number")).rejects.toThrow("append-only");
  });
});

describe("decide", () => {
  test("hands over every event and the database's clock, and commits what is returned", async () => {
    await write("inc-1", "declared", "noted");
    const decided = await store.timeline.decide("inc-1", (events, now) => ({
      events: [event("resolved", { data: { after: events.map(({ type }) => type) }, run: "run-1" })],
      value: now,
    }));
    expect(decided).toMatchObject({
      kind: "written",
      events: [{ version: 3, type: "resolved", run: "run-1", data: { after: ["declared", "noted"] } }],
    });
    const stored = await store.timeline.read("inc-1");
    expect(stored.map(({ version, type }) => `${version} ${type}`)).toEqual(["1 declared", "2 noted", "3 resolved"]);
    expect(stored[2]?.at).toEqual((decided as { value: Date }).value);
    expect(await store.timeline.read("inc-1", 2)).toEqual((decided as { events: unknown }).events);
  });

  test("sees what another process wrote", async () => {
    const other = await storeOn(url);
    await write("inc-1", "one");
    await other.timeline.decide("inc-1", () => ({ events: [event("two")], value: null }));
    const seen = await store.timeline.decide("inc-1", (events) => ({ events: [], value: events.length }));
    expect(seen).toMatchObject({ value: 2 });
    await other.close();
  });

  test("leaves nothing behind when the decision throws, or writes nothing", async () => {
    const thrown = new Error("08006: not a store's error, though it looks like one; connection terminated");
    const failing = store.timeline.decide("inc-1", () => {
      throw thrown;
    });
    await expect(failing).rejects.toBe(thrown);
    await store.timeline.decide("inc-1", () => ({ events: [], value: null }));
    expect(await store.timeline.streams("inc-")).toEqual([]);
    await write("inc-1", "declared");
    expect(await store.timeline.streams("inc-")).toMatchObject([{ id: "inc-1", version: 1 }]);
  });

  test("writes one click once, though it is delivered twelve times at the same instant through two doors", async () => {
    const other = await storeOn(url);
    await write("inc-1", "declared");
    const click = event("approved", { key: "click-1" });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        (i % 2 ? store : other).timeline.decide("inc-1", () => ({ events: [click], value: null })),
      ),
    );
    expect(answers.map((answer) => answer.kind)).toEqual(Array(12).fill("written"));
    expect(answers.flatMap((answer) => (answer.kind === "written" ? answer.events : []))).toHaveLength(1);
    expect(await store.timeline.read("inc-1")).toHaveLength(2);
    await other.close();
  });

  test("keeps fifty people on one incident in one gapless row, each knowing all before", async () => {
    const other = await storeOn(url);
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        (i % 2 ? store : other).timeline.decide("inc-1", (events) => ({
          events: [event("noted", { data: { before: events.length } })],
          value: null,
        })),
      ),
    );
    const stored = await store.timeline.read("inc-1");
    expect(stored.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(stored.map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, before) => ({ before })));
    expect(await store.timeline.verify()).toMatchObject({ ok: true, streams: 1, events: 50 });
    await other.close();
  });

  test("refuses a run whose resource another live run holds, and writes nothing", async () => {
    await store.timeline.decide("inc-1", () => ({
      events: [event("requested")],
      runs: [run("run-1", "pg:a", "dns:x")],
      value: null,
    }));
    const second = () =>
      store.timeline.decide("inc-2", () => ({
        events: [event("requested")],
        runs: [run("run-2", "pg:b", "pg:a")],
        value: null,
      }));
    expect(await second()).toEqual({ kind: "held", resource: "pg:a", run: "run-1" });
    expect(await store.timeline.streams("inc-2")).toEqual([]);
    expect(await store.timeline.streamOfRun("run-2")).toBeNull();

    await store.timeline.decide("inc-1", () => ({ events: [event("verified")], ended: ["run-1"], value: null }));
    expect(await second()).toMatchObject({ kind: "written" });
    expect(await store.timeline.streamOfRun("run-2")).toBe("inc-2");
    expect(await store.timeline.planOf("run-2")).toEqual({ planHash: sha256(planBytes), planBytes });
  });

  test("lets exactly one of many runs that start at once have what they all want", async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        store.timeline.decide(`inc-${i}`, () => ({
          events: [event("requested")],
          runs: [run(`run-${i}`, ...(i % 2 ? ["a", "b"] : ["b", "a"]))],
          value: null,
        })),
      ),
    );
    expect(answers.filter(({ kind }) => kind === "written")).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === "held")).toHaveLength(9);
  });

  test("refuses plan bytes that are not what their hash says", async () => {
    const forged = { ...run("run-1"), planBytes: Buffer.from("other") };
    const asked = store.timeline.decide("inc-1", () => ({ events: [event("requested")], runs: [forged], value: null }));
    await expect(asked).rejects.toMatchObject({ problem: { code: "plan-hash" } });
    expect(await store.timeline.streams("")).toEqual([]);
  });
});

describe("what was recorded", () => {
  test("verifies, whatever was in it", async () => {
    const anything = fc.sample(fc.object({ withUnicodeString: true, withDate: true, withNullPrototype: true }), 150);
    const texts = fc.sample(fc.string({ unit: "binary" }), 50);
    await store.timeline.decide("inc-1", () => ({
      events: [
        ...anything.map((data) => event("anything", { data })),
        ...texts.map((text) => event("text", { data: { [text]: text }, actor: text })),
        event("hostile", { data: JSON.parse('{"__proto__":{"a":1},"nul":"\\u0000","half":"\\ud800","zero":-0}') }),
        event("nothing", { data: undefined, actor: null }),
      ],
      value: null,
    }));
    expect(await store.timeline.verify()).toMatchObject({ ok: true, streams: 1, events: 202, problems: [] });
    expect(await complaints(url)).toEqual([]);
  });

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

  const tampered: [string, string, RegExp, string][] = [
    [
      "an edited byte",
      `update lifeboat.event set data = '{"said":"Yes"}' where version = 2`,
      /changed after/,
      "content",
    ],
    [
      "a moved moment",
      "update lifeboat.event set at = at + interval '1ms' where version = 2",
      /changed after/,
      "content",
    ],
    ["a removed event", "delete from lifeboat.event where version = 2", /missing/, "gap"],
    ["a truncated tail", "delete from lifeboat.event where version > 1", /tail was cut off/, "head"],
    [
      "a rewritten head",
      "update lifeboat.stream set head_hash = repeat('a', 64)",
      /does not name its last event/,
      "head",
    ],
  ];
  test.each(tampered)("shows %s to both verifiers, and nothing more is decided on it", async (_, sql, says, word) => {
    await write("inc-1", "declared");
    await store.timeline.decide("inc-1", () => ({ events: [event("noted", { data: { said: "yes" } })], value: null }));
    await write("inc-1", "resolved");
    await write("inc-2", "declared");
    expect(await complaints(url)).toEqual([]);
    await asSuperuser(url, `set session_replication_role = replica; ${sql}`);

    const { ok, problems } = await store.timeline.verify();
    expect(ok).toBe(false);
    expect(problems.map((problem) => problem.says).join()).toMatch(says);
    expect(await store.timeline.verify("inc-2")).toMatchObject({ ok: !/stream/.test(sql) });
    expect((await complaints(url)).join()).toContain(word);
    const fresh = await storeOn(url);
    const asked = fresh.timeline.decide("inc-1", () => ({ events: [event("noted")], value: null }));
    await expect(asked).rejects.toMatchObject({ problem: { code: "timeline-broken" } });
    await fresh.close();
  });
});

describe("follow", () => {
  test("tells of changes, also from elsewhere, soon", async () => {
    const told: string[] = [];
    const stop = store.timeline.follow((stream) => told.push(stream));
    const other = await storeOn(url);
    await other.timeline.decide("inc-7", () => ({ events: [event("declared")], value: null }));
    await until(() => told.includes("inc-7"), 2);
    stop();
    await other.timeline.decide("inc-8", () => ({ events: [event("declared")], value: null }));
    await other.close();
    expect(told).not.toContain("inc-8");
  });

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
