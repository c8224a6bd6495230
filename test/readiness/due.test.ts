import { describe, expect, test } from "@jest/globals";
import type { Mode, Runbook } from "../../src/catalog/types.ts";
import { dueNow, type Provable } from "../../src/readiness/due.ts";
import type { LastLook } from "../../src/timeline/readiness-looks.ts";
import { orders } from "../support/orders-system.ts";

/** Given when each runbook was proven last; when it is asked what is due; then that, the most urgent first. */
const MINUTE = 60_000;
const everyMs = 30 * MINUTE;
const begin = new Date("2026-03-02T06:00:00Z").getTime();
const ids = Array.from({ length: 60 }, (_, n) => `runbook-${n}`);
const provable = (id: string, digest = "one"): Provable => ({
  ...{ system: orders, runbook: { id } as Runbook, mode: "planned" as Mode, digest },
});
const look = (runbook: string, provenAt: number | null, more: Partial<LastLook> = {}): LastLook => ({
  ...{ system: orders.id, runbook, mode: "planned", digest: provenAt === null ? null : "one", wantedAt: null },
  ...{ provenAt: provenAt === null ? null : new Date(provenAt) },
  ...more,
});
const due = (
  all: readonly Provable[],
  looks: readonly LastLook[],
  minutes = 0,
  every = everyMs,
  busy: readonly string[] = [],
  notReady: readonly string[] = [],
) =>
  dueNow({
    ...{ provable: all, looks, now: new Date(begin + minutes * MINUTE), everyMs: every, busy: new Set(busy) },
    isNotReady: ({ runbook }) => notReady.includes(runbook.id),
  }).map(({ runbook }) => runbook.id);

describe("due", () => {
  test("are what was requested, then what was never proven, then what was edited", () => {
    const all = [provable("edited", "two"), provable("fresh"), provable("new"), provable("asked")];
    const looks = [
      ...[look("edited", begin), look("fresh", begin)],
      look("asked", begin - MINUTE, { wantedAt: new Date(begin) }),
    ];
    expect(due(all, looks).filter((id) => id !== "fresh")).toEqual(["asked", "new", "edited"]);
  });

  test("is nothing of a system on which a run is live, no matter who requests it", () => {
    const asked = look("asked", begin - MINUTE, { wantedAt: new Date(begin) });
    expect(due([provable("asked"), provable("new")], [asked], 0, everyMs, [orders.id])).toEqual([]);
  });

  test("is what isn't ready within five minutes, and never less often than the others", () => {
    const all = ids.map((id) => provable(id));
    const looks = ids.map((id) => look(id, begin));
    expect(due(all, looks, 5, everyMs, [], ids).toSorted()).toEqual(ids.toSorted());
    expect(due(all, looks, 5).length).toBeLessThan(ids.length / 2);
    expect(due(all, looks, 2, 2 * MINUTE, [], ids)).toEqual(due(all, looks, 2, 2 * MINUTE));
    expect(due(all, looks, 5, 0, [], ids)).toEqual([]);
  });

  test("is only what was requested where proofs are off", () => {
    const asked = look("asked", null, { wantedAt: new Date(begin) });
    expect(due([provable("asked"), provable("new"), provable("old")], [asked, look("old", 0)], 0, 0)).toEqual([
      "asked",
    ]);
  });

  test("is each runbook once in every interval, and never many of them at once", () => {
    const all = ids.map((id) => provable(id));
    const provenAt = new Map(ids.map((id) => [id, begin]));
    const times = new Map<string, number>();
    const together: number[] = [];
    for (let minutes = 0; minutes < 300; minutes += 0.5) {
      const now = due(
        all,
        [...provenAt].map(([id, at]) => look(id, at)),
        minutes,
      );
      for (const id of now) {
        times.set(id, (times.get(id) ?? 0) + 1);
        provenAt.set(id, begin + minutes * MINUTE);
      }
      together.push(now.length);
    }
    expect(ids.filter((id) => times.get(id) !== 10)).toEqual([]);
    expect(Math.max(...together)).toBeLessThan(8);
  });
});
