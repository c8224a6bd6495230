import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { sha256 } from "../../../src/lib/canonical.ts";
import type { NewRun } from "../../../src/timeline/contract.ts";
import type { ProcessStore } from "../../support/memory-store/store.ts";
import { until } from "../../support/postgres.ts";
import { event, type Stores, type Tampering } from "./stores.ts";

const planBytes = Buffer.from('{"steps":[]}');
const run = (id: string, ...resources: string[]): NewRun => ({
  id,
  planHash: sha256(planBytes),
  planBytes,
  resources,
});

/** What every store promises of the timeline: one write, once, gapless, chained, authenticated, and followed. */
export function timelineContract(stores: Stores): void {
  let store: ProcessStore;
  const others: ProcessStore[] = [];
  beforeEach(async () => {
    store = await stores.open();
  });
  afterEach(async () => {
    await Promise.all([store, ...others.splice(0)].map((each) => each.close()));
  });
  /** Another process on the same store. */
  async function another(): Promise<ProcessStore> {
    const other = await stores.open();
    others.push(other);
    return other;
  }
  const write = (stream: string, ...types: string[]) =>
    store.timeline.decide(stream, () => ({ events: types.map((type) => event(type)), value: null }));

  describe("a number", () => {
    const numbered = (key: string) => [event("declared", { key, data: { title: key }, numbered: true as const })];
    const numberIn = async (stream: string) => (await store.timeline.read(stream))[0]?.data;

    test("is given in the transaction that writes it, and never twice, by however many processes", async () => {
      const other = await another();
      const declare = ({ timeline }: ProcessStore, n: number) =>
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
      const other = await another();
      await write("inc-1", "one");
      await other.timeline.decide("inc-1", () => ({ events: [event("two")], value: null }));
      const seen = await store.timeline.decide("inc-1", (events) => ({ events: [], value: events.length }));
      expect(seen).toMatchObject({ value: 2 });
    });

    test("shares no value with the caller", async () => {
      const other = await another();
      const data = { said: "yes" };
      await store.timeline.decide("inc-1", () => ({ events: [event("noted", { data })], value: null }));
      data.said = "no";
      expect((await store.timeline.read("inc-1"))[0]?.data).toEqual({ said: "yes" });
      expect((await other.timeline.read("inc-1"))[0]?.data).toEqual({ said: "yes" });
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

    test("writes one click once, though it is delivered twelve times at the same instant by two transports", async () => {
      const other = await another();
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
    });

    test("keeps fifty people on one incident in one gapless row, each knowing all before", async () => {
      const other = await another();
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
      expect(await store.timeline.liveStreams()).toEqual(["inc-1"]);

      await store.timeline.decide("inc-1", () => ({ events: [event("verified")], ended: ["run-1"], value: null }));
      expect(await second()).toMatchObject({ kind: "written" });
      expect(await store.timeline.streamOfRun("run-2")).toBe("inc-2");
      expect(await store.timeline.liveStreams()).toEqual(["inc-2"]);
      expect(await store.timeline.planOf("run-2")).toEqual({ planHash: sha256(planBytes), planBytes });
    });

    test("ends a run of its own stream only, and opens none that another has", async () => {
      const asks = (stream: string, more: object) =>
        store.timeline.decide(stream, () => ({ events: [event("asked")], value: null, ...more }));
      await asks("inc-1", { runs: [run("run-1", "pg:a")] });
      await asks("inc-2", { ended: ["run-1"] });
      expect(await asks("inc-2", { runs: [run("run-2", "pg:a")] })).toMatchObject({ kind: "held", run: "run-1" });
      await expect(asks("inc-2", { runs: [run("run-1")] })).rejects.toMatchObject({
        problem: { code: "run-elsewhere" },
      });
      // What ends lets go of what begins in the same decision.
      expect(await asks("inc-1", { ended: ["run-1"], runs: [run("run-3", "pg:a")] })).toMatchObject({
        kind: "written",
      });
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
      const asked = store.timeline.decide("inc-1", () => ({
        events: [event("requested")],
        runs: [forged],
        value: null,
      }));
      await expect(asked).rejects.toMatchObject({ problem: { code: "plan-hash" } });
      expect(await store.timeline.streams("")).toEqual([]);
    });
  });

  describe("heads", () => {
    test("are told with the summary of that very head, and then only what changed", async () => {
      const other = await another();
      await write("inc-1", "declared");
      await write("inc-2", "declared");
      await write("other", "declared");
      const first = await store.timeline.heads("inc-");
      expect(first).toMatchObject({ all: true });
      expect(first.heads.map(({ id }) => id).sort()).toEqual(["inc-1", "inc-2"]);
      for (const { id, version, hash } of first.heads)
        await other.timeline.keepSummary({ stream: id, version, hash, summary: { of: id } });
      await write("inc-2", "noted");
      const { heads } = await store.timeline.heads("inc-");
      expect(new Map(heads.map(({ id, summary }) => [id, summary]))).toEqual(
        new Map([
          ["inc-1", { of: "inc-1" }],
          ["inc-2", undefined],
        ]),
      );
      const changed = await store.timeline.heads("inc-", first.mark);
      expect(changed.all).toBe(false);
      expect(changed.heads.find(({ id }) => id === "inc-2")).toMatchObject({ version: 2 });
      const hash = changed.heads.find(({ id }) => id === "inc-2")?.hash ?? "";
      await other.timeline.keepSummary({ stream: "inc-2", version: 2, hash, summary: { of: "its second" } });
      const again = await store.timeline.heads("inc-", first.mark);
      expect(again.heads.find(({ id }) => id === "inc-2")).toMatchObject({ version: 2, summary: { of: "its second" } });
    });

    test("all of what changed is told, however much it is, and nothing of another kind", async () => {
      const { mark } = await store.timeline.heads("inc-");
      const ids = Array.from({ length: 120 }, (_, n) => `inc-${n}`);
      for (const id of ids) {
        await write(id, "declared");
        await write(`other-${id}`, "declared");
      }
      const changed = await store.timeline.heads("inc-", mark);
      expect(changed.all).toBe(false);
      expect(changed.heads.map(({ id }) => id).sort()).toEqual([...ids].sort());
      expect((await store.timeline.heads("inc-", changed.mark)).heads).toEqual([]);
    });
  });

  describe("what was recorded", () => {
    test("verifies, whatever was in it", async () => {
      const other = await another();
      const seeded = { seed: 7, numRuns: 150 };
      const anything = fc.sample(
        fc.object({ withUnicodeString: true, withDate: true, withNullPrototype: true }),
        seeded,
      );
      const texts = fc.sample(fc.string({ unit: "binary" }), { ...seeded, numRuns: 50 });
      await store.timeline.decide("inc-1", () => ({
        events: [
          ...anything.map((data) => event("anything", { data })),
          ...texts.map((text) => event("text", { data: { [text]: text }, actor: text })),
          event("hostile", { data: JSON.parse('{"__proto__":{"a":1},"nul":"\\u0000","half":"\\ud800","zero":-0}') }),
          event("nothing", { data: undefined, actor: null }),
        ],
        value: null,
      }));
      expect(await other.timeline.verify()).toMatchObject({ ok: true, streams: 1, events: 202, problems: [] });
      expect(await stores.complaints()).toEqual([]);
    });

    const tampered: [Tampering, string | null][] = [
      ["an edited byte", "content"],
      ["a moved moment", "content"],
      ["a removed event", "gap"],
      ["a truncated tail", "head"],
      ["a rewritten head", "head"],
      ["an event nobody with a key wrote", null],
    ];
    test.each(tampered)("shows %s, and nothing more is decided on it", async (how, word) => {
      await write("inc-1", "declared");
      await store.timeline.decide("inc-1", () => ({
        events: [event("noted", { data: { said: "yes" } })],
        value: null,
      }));
      await write("inc-1", "resolved");
      await write("inc-2", "declared");
      expect(await stores.complaints()).toEqual([]);
      await stores.tamper(how);

      expect((await store.timeline.verify()).ok).toBe(false);
      expect((await store.timeline.verify("inc-2")).ok).toBe(true);
      if (word !== null) expect((await stores.complaints()).join()).toContain(word);
      const fresh = await stores.open();
      const met: unknown[] = [];
      fresh.timeline.onTampered((problem) => met.push(problem));
      const asked = fresh.timeline.decide("inc-1", () => ({ events: [event("noted")], value: null }));
      await expect(asked).rejects.toMatchObject({ problem: { code: "timeline-broken" } });
      expect(met).toMatchObject([{ code: "timeline-broken" }]);
      await fresh.close();
    });
  });

  describe("follow", () => {
    test("tells of changes, also from elsewhere, soon", async () => {
      const other = await another();
      const told: string[] = [];
      const stop = store.timeline.follow((stream) => told.push(stream));
      await other.timeline.decide("inc-7", () => ({ events: [event("declared")], value: null }));
      await until(() => told.includes("inc-7"), 2);
      stop();
      await other.timeline.decide("inc-8", () => ({ events: [event("declared")], value: null }));
      expect(told).not.toContain("inc-8");
    });
  });
}
