import { setTimeout as passing } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Writer } from "../../../practice/environment/system-environment.ts";
import {
  type EndedRun,
  type InvariantMonitor,
  monitorInvariant,
  type ObservedState,
} from "../../../practice/session/invariant.ts";

/** The invariant over a world in memory: what it says about each way in which the world can be wrong, and about those it must leave alone. */
const a: Writer = { name: "db-a", database: "orders", port: 1 };
const b: Writer = { name: "db-b", database: "orders", port: 2 };
const other: Writer = { name: "carts-a", database: "carts", port: 3 };

let writing: Writer[];
let served: boolean;
/** How often users were looked at, and from which look on they are served. */
let looks: number;
let servedFromLook: number;
let lost: string[];
let writtenOff: string[];
let monitor: InvariantMonitor;

const world: ObservedState = {
  writers: async () => [...writing],
  healthy: async () => ++looks >= servedFromLook && served,
  ledger: async () => ({ acknowledged: 10, lost: lost.length, lostIds: lost }),
  async writeOff(ids) {
    writtenOff.push(...ids);
    lost = lost.filter((id) => !ids.includes(id));
  },
};
const run: EndedRun = { runbook: "failover", verified: true, changes: true, rowsLost: null, marks: [] };
const rulesSeen = () => monitor.violations.map(({ rule }) => rule);
/** Long enough for several looks. */
const some = () => passing(60);
const back = (...now: Writer[]) => {
  writing = now;
};
const watch = () => monitorInvariant(world, { everyMs: 5, servedWithinMs: 50 });

beforeEach(async () => {
  writing = [a];
  served = true;
  looks = 0;
  servedFromLook = 1;
  lost = [];
  writtenOff = [];
  monitor = await watch();
});
afterEach(() => monitor.stop());

describe("one writer", () => {
  test("two servers of one database take writes: said once for as long as it lasts, with who and when", async () => {
    writing = [a, b];
    await some();
    expect(monitor.violations).toEqual([
      {
        rule: "one-writer",
        saw: "db-a and db-b take writes at the same time",
        at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ]);
    writing = [b];
    await some();
    writing = [a, b];
    await some();
    expect(rulesSeen()).toEqual(["one-writer", "one-writer"]);
  });

  test("one after the other, none at all, and servers of several databases are well", async () => {
    for (const now of [[], [b], [b, other]]) {
      writing = now;
      await some();
    }
    await monitor.ended(run);
    expect(monitor.violations).toEqual([]);
  });

  test("servers are not asked at the same moment: one seen before it stopped and one after it began is no second writer", async () => {
    await monitor.stop();
    const answers = [[a], [a, b], [b], [b]];
    monitor = await monitorInvariant({ ...world, writers: async () => answers.shift() ?? [b] }, { everyMs: 5 });
    await some();
    expect(monitor.violations).toEqual([]);
  });

  test("what comes back as a writer is what the next run is for; after that run it counts", async () => {
    writing = [b];
    await monitor.begins();
    await monitor.ended(run);
    await monitor.faultInjected(async () => back(a, b), true);
    await some();
    await monitor.begins();
    await some();
    expect(monitor.violations).toEqual([]);
    await monitor.ended(run);
    expect(rulesSeen()).toEqual(["one-writer"]);
  });

  test("it is excused once: who stopped and takes writes again counts", async () => {
    writing = [b];
    await monitor.faultInjected(async () => back(a, b), true);
    await monitor.begins();
    writing = [b];
    await some();
    writing = [a, b];
    await some();
    expect(rulesSeen()).toEqual(["one-writer"]);
  });

  test("what is broken excuses nothing", async () => {
    await monitor.faultInjected(async () => back(a, b), false);
    expect(rulesSeen()).toEqual(["one-writer"]);
  });

  test("a world that is found with two is excused until a run that changes something has ended verified", async () => {
    await monitor.stop();
    writing = [a, b];
    monitor = await watch();
    await monitor.begins();
    await monitor.ended({ ...run, changes: false });
    expect(monitor.violations).toEqual([]);
    await monitor.ended(run);
    expect(rulesSeen()).toEqual(["one-writer"]);
  });
});

describe("the fence holds", () => {
  const fenced = (at: number) => ({ step: "fence", does: "fence" as const, at, ports: [a.port] });

  test("a server takes writes after its fence was verified", async () => {
    await some();
    const at = Date.now() - 30;
    await monitor.ended({ ...run, marks: [fenced(at)] });
    expect(monitor.violations).toMatchObject([
      { rule: "fence-holds", saw: "db-a takes writes although step fence had fenced it" },
    ]);
    expect(Date.parse(monitor.violations[0]?.at ?? "")).toBeGreaterThan(at);
  });

  test("also in a later run, and when the run that fenced it failed", async () => {
    writing = [];
    await some();
    await monitor.ended({ ...run, verified: false, marks: [fenced(Date.now())] });
    expect(monitor.violations).toEqual([]);
    writing = [a];
    await some();
    await monitor.ended({ ...run, verified: false });
    expect(rulesSeen()).toEqual(["fence-holds"]);
  });

  test("until a step opened it again", async () => {
    writing = [];
    await some();
    const at = Date.now();
    await some();
    writing = [a];
    await some();
    for (const ports of [[a.port], "all" as const]) {
      const open = { step: "promote", does: "open" as const, at: at + 1, ports };
      await monitor.ended({ ...run, marks: [open, fenced(at)] });
    }
    expect(monitor.violations).toEqual([]);
  });

  test("a machine that comes back without its fence is excused as a second writer is", async () => {
    writing = [];
    await some();
    await monitor.ended({ ...run, verified: false, marks: [fenced(Date.now())] });
    writing = [b];
    await monitor.faultInjected(async () => back(a, b), true);
    await monitor.begins();
    await some();
    await monitor.ended({ ...run, verified: false });
    expect(monitor.violations).toEqual([]);
  });
});

describe("at the end of a verified run", () => {
  test("users are not served", async () => {
    served = false;
    await monitor.ended({ ...run, verified: false });
    await monitor.ended({ ...run, changes: false });
    expect(monitor.violations).toEqual([]);
    await monitor.ended(run);
    expect(monitor.violations).toMatchObject(
      [{ rule: "users-served", saw: /failover ended verified/ }].map(() => ({ rule: "users-served" })),
    );
  });

  test("they may be served a moment later, while an old answer is still believed", async () => {
    // By looks, not by time: however late a look comes, it finds them served.
    servedFromLook = 2;
    await monitor.ended(run);
    expect(monitor.violations).toEqual([]);
    expect(looks).toBe(2);
  });

  test("more rows are missing than were reported, or fewer", async () => {
    lost = ["7", "8"];
    await monitor.ended({ ...run, rowsLost: 0 });
    await monitor.begins();
    lost = ["9"];
    await monitor.ended({ ...run, rowsLost: 2 });
    expect(monitor.violations.map(({ saw }) => saw)).toEqual([
      "failover reported 0 lost rows, and 2 are missing",
      "failover reported 2 lost rows, and 1 are missing",
    ]);
  });

  test("what was reported is known, and the next run counts again", async () => {
    lost = ["7", "8"];
    await monitor.ended({ ...run, rowsLost: 2 });
    await monitor.begins();
    await monitor.ended({ ...run, rowsLost: 0 });
    expect(monitor.violations).toEqual([]);
    expect(writtenOff).toEqual(["7", "8"]);
  });
});
