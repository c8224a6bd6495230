import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import { sha256 } from "../../../src/lib/canonical.ts";
import type { Lease } from "../../../src/timeline/contract.ts";
import type { ProcessStore } from "../../support/memory-store/store.ts";
import { until } from "../../support/postgres.ts";
import { event, type Stores } from "./stores.ts";

/** A tenth of the real ones, so that no one waits. */
export const tenth = { lease: 1, lock: 0.4, gap: 0.2, guard: 0.5 };

const planBytes = Buffer.from("a plan");

export async function startRun(store: Pick<ProcessStore, "timeline">, run: string, stream = "inc-1"): Promise<void> {
  await store.timeline.decide(stream, () => ({
    events: [event("run.requested", { run })],
    runs: [{ id: run, planHash: sha256(planBytes), planBytes, resources: [] }],
    value: null,
  }));
}

export async function claimed(store: Pick<ProcessStore, "leases">): Promise<Lease> {
  let lease: Lease | undefined;
  await until(async () => {
    [lease] = await store.leases.claim(1);
    return lease !== undefined;
  });
  return lease as Lease;
}

/** Polls until the guard lets it take from others; what it claims meanwhile is returned. */
export async function warm(
  store: Pick<ProcessStore, "leases">,
  seconds = tenth.guard + 0.2,
): Promise<readonly Lease[]> {
  const got: Lease[] = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await pause(40)) {
    got.push(...(await store.leases.claim(20)));
  }
  return got;
}

export const append = (store: Pick<ProcessStore, "timeline">, lease: Lease) =>
  store.timeline.decide(lease.stream, () => ({ events: [event("step.done")], value: null }), { lease });

/** What every store promises of leases: one holder, fenced by its epoch, replaced when it is silent and never before. */
export function leaseContract(stores: Stores): void {
  const open: ProcessStore[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });
  async function replica(): Promise<ProcessStore> {
    const store = await stores.open({ timings: tenth });
    open.push(store);
    return store;
  }

  describe("a lease", () => {
    test("is given once, to one of many, with the plan's bytes", async () => {
      const replicas = await Promise.all([replica(), replica(), replica()]);
      for (let i = 0; i < 12; i++) await startRun(replicas[0] as ProcessStore, `run-${i}`, `inc-${i}`);
      const taken = (await Promise.all(replicas.map((each) => each.leases.claim(20)))).flat();
      expect(taken.map(({ run }) => run).sort()).toEqual(Array.from({ length: 12 }, (_, i) => `run-${i}`).sort());
      expect(taken[0]).toMatchObject({ epoch: "1", planHash: sha256(planBytes), planBytes });
    });

    test("never gives more than there is room for", async () => {
      const store = await replica();
      for (let i = 0; i < 3; i++) await startRun(store, `run-${i}`);
      expect(await store.leases.claim(0)).toEqual([]);
      expect(await store.leases.claim(2)).toHaveLength(2);
    });

    test("is let go until something happens, and never over something that happened", async () => {
      const store = await replica();
      await startRun(store, "run-1");
      const lease = await claimed(store);
      await store.timeline.decide("inc-1", () => ({ events: [event("gate.approved")], value: null }));
      expect(await store.leases.release(lease, 1, null)).toBe(false);
      expect(await store.leases.beat([lease])).toEqual(new Set(["run-1"]));
      expect(await store.leases.release(lease, 2, null)).toBe(true);
      expect(await store.leases.claim(5)).toEqual([]);

      const due: number[] = [];
      store.leases.onDue(() => due.push(1));
      const other = await replica();
      await other.timeline.decide("inc-1", () => ({ events: [event("gate.approved")], value: null }));
      await until(() => due.length > 0, 1);
      expect(await claimed(store)).toMatchObject({ run: "run-1", epoch: "2" });
    });

    test("wins or loses against an event that comes at the same instant, and is never lost between", async () => {
      const store = await replica();
      const other = await replica();
      await startRun(store, "run-1");
      for (let i = 0; i < 40; i++) {
        const lease = await claimed(store);
        const seen = (await store.timeline.read("inc-1")).length;
        const [gone] = await Promise.all([
          store.leases.release(lease, seen, null),
          other.timeline.decide("inc-1", () => ({ events: [event("noted")], value: null })),
        ]);
        // Let go before the event: the event made it due again. Not let go: the driver is told to look again.
        if (!gone) expect(await store.leases.release(lease, seen + 1, store.timeline.now())).toBe(true);
      }
    });

    test("comes back when its time has come, and says so", async () => {
      const store = await replica();
      const other = await replica();
      await startRun(store, "run-1");
      const lease = await claimed(store);
      const due: number[] = [];
      store.leases.onDue(() => due.push(performance.now()));
      const from = performance.now();
      await store.leases.release(lease, 1, new Date(store.timeline.now().getTime() + 300));
      expect(await other.leases.claim(5)).toEqual([]);
      await until(() => due.some((at) => at - from > 250), 1);
      expect(await claimed(other)).toMatchObject({ run: "run-1", epoch: "2" });
    });

    test("ends with its run", async () => {
      const store = await replica();
      await startRun(store, "run-1");
      const lease = await claimed(store);
      const ended = await store.timeline.decide(
        "inc-1",
        () => ({ events: [event("run.verified")], ended: ["run-1"], value: null }),
        { lease },
      );
      expect(ended.kind).toBe("written");
      expect(await append(store, lease)).toEqual({ kind: "lost" });
      expect(await store.leases.beat([lease])).toEqual(new Set());
      expect(await store.leases.release(lease, 1, null)).toBe(true);
    });

    test("is free at once when its holder lets go", async () => {
      const [first, second] = [await replica(), await replica()];
      await startRun(first, "run-1");
      const lease = await claimed(first);
      expect(await warm(second)).toEqual([]);
      const due: number[] = [];
      second.leases.onDue(() => due.push(1));
      expect(await first.leases.release(lease, 1, first.timeline.now())).toBe(true);
      await until(async () => (await second.leases.claim(5))[0]?.epoch === "2", 2);
    });

    test("waits out its lease when its holder leaves without letting go: a request may still be on its way", async () => {
      const [first, second] = [await replica(), await replica()];
      await startRun(first, "run-1");
      const lease = await claimed(first);
      expect(await warm(second)).toEqual([]);
      await first.leases.beat([lease]);
      await first.close();
      expect(await second.leases.claim(5)).toEqual([]);
      await until(async () => (await second.leases.claim(5))[0]?.epoch === "2", 10);
    });
  });

  describe("a run is taken from its holder", () => {
    test("when the holder was frozen for a whole lease; the sleeper is fenced when it wakes", async () => {
      const [sleeper, standby] = [await replica(), await replica()];
      await startRun(sleeper, "run-1");
      const old = await claimed(sleeper);
      const from = performance.now();
      const lease = await claimed(standby);
      expect(performance.now() - from).toBeGreaterThan(tenth.lease * 1000 - 200);
      expect(lease).toMatchObject({ run: "run-1", epoch: "2", deaths: 1 });

      expect(await append(sleeper, old)).toEqual({ kind: "lost" });
      expect(await sleeper.leases.beat([old])).toEqual(new Set());
      expect(await sleeper.leases.release(old, 1, null)).toBe(true);
      expect(await append(standby, lease)).toMatchObject({ kind: "written" });
    });

    test("never while it beats, or while it writes", async () => {
      const [holder, standby] = [await replica(), await replica()];
      await startRun(holder, "run-1");
      const lease = await claimed(holder);
      for (const alive of [() => holder.leases.beat([lease]), () => append(holder, lease)]) {
        const beating = setInterval(() => void alive(), 100);
        expect(await warm(standby, tenth.lease * 1.5)).toEqual([]);
        clearInterval(beating);
        await alive();
      }
    });

    test("when the claim's answer was lost and no one drives it, though the owner lives and drives others", async () => {
      const store = await replica();
      await startRun(store, "run-1");
      const held = await claimed(store);
      await startRun(store, "run-2");
      await store.leases.claim(1);
      const beating = setInterval(() => void store.leases.beat([held]), 100);
      const lease = await claimed(store);
      clearInterval(beating);
      expect(lease).toMatchObject({ run: "run-2", epoch: "2" });
    });
  });
}
