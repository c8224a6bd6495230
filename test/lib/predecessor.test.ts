import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type HolderProcess,
  isProvenDead,
  lookWhetherDead,
  type ProcessSnapshot,
  thisProcess,
} from "../../src/lib/predecessor.ts";

const holder: HolderProcess = {
  pid: 4242,
  startTicks: "1000",
  bootId: "7d0b1a3e-6f0a-4a55-9a57-0f6b0a6d6a11",
  pidNamespace: "pid:[4026531836]",
  timeNamespace: "time:[4026531834]",
};
const self: HolderProcess = { ...holder, pid: 4300, startTicks: "2000" };

/** As `/proc/<pid>/stat` prints it; the name may hold anything. */
const stat = (state: string, ticks: string, threads = 1, name = "node") =>
  `4242 (${name}) ${state} 1 4242 4242 0 -1 4194560 ${"1 ".repeat(10)}${threads} ${threads === 1 ? 0 : 0} ${ticks} 99 1\n`;

describe("a predecessor on this host", () => {
  test.each<[string, ProcessSnapshot, boolean]>([
    ["its number is free", { exists: false, stat: null }, true],
    ["it runs", { exists: true, stat: stat("S", "1000", 11) }, false],
    ["it is frozen", { exists: true, stat: stat("T", "1000", 11) }, false],
    ["it can't be interrupted", { exists: true, stat: stat("D", "1000", 11) }, false],
    ["it ended and was not collected yet", { exists: true, stat: stat("Z", "1000") }, true],
    ["its first thread ended, others run", { exists: true, stat: stat("Z", "1000", 3) }, false],
    ["its number was given to another", { exists: true, stat: stat("S", "1001", 11) }, true],
    ["its name looks like an end", { exists: true, stat: stat("S", "1000", 11, "x) Z 1 (y") }, false],
    ["it exists and can't be looked at", { exists: true, stat: null }, false],
    ["nothing can be said", { exists: null, stat: null }, false],
    ["what can be read is no status", { exists: true, stat: "" }, false],
    ["what can be read is cut off", { exists: true, stat: "4242 (node) S 1 4242" }, false],
  ])("%s", (_, seen, dead) => expect(isProvenDead(holder, self, seen)).toBe(dead));

  test("is never proven dead from another kernel or namespace, or by a process that doesn't know its own", () => {
    const other = fc.constantFrom<Partial<HolderProcess>>(
      { bootId: "00000000-0000-4000-8000-000000000000" },
      { pidNamespace: "pid:[4026532567]" },
      { timeNamespace: "time:[4026532568]" },
      { timeNamespace: null },
    );
    const seen = fc.record<ProcessSnapshot>({
      exists: fc.constantFrom(true, false, null),
      stat: fc.oneof(
        fc.constant(null),
        fc.constantFrom("S", "T", "Z").map((state) => stat(state, "5")),
      ),
    });
    fc.assert(
      fc.property(fc.option(other), seen, (differs, snapshot) => {
        const looker = differs === null ? null : { ...self, ...differs };
        expect(isProvenDead(holder, looker, snapshot)).toBe(false);
      }),
    );
  });

  test("is never proven dead while a process with its number and its start runs", () => {
    const running = fc.constantFrom("R", "S", "D", "T", "t", "I");
    fc.assert(
      fc.property(running, fc.integer({ min: 1, max: 500 }), fc.string(), (state, threads, name) => {
        const seen = { exists: true, stat: stat(state, holder.startTicks, threads, name) };
        expect(isProvenDead(holder, self, seen)).toBe(false);
      }),
    );
  });
});

test("this process is alive, and another one at its number would not be it", async () => {
  const own = await thisProcess();
  if (own === null) throw new Error("This kernel doesn't say who this process is.");
  expect(own.pid).toBe(process.pid);
  expect(await lookWhetherDead(own)).toBe(false);
  expect(await lookWhetherDead({ ...own, startTicks: "1" })).toBe(true);
  // Of another user, which may not be signalled; a number no process can have.
  expect(await lookWhetherDead({ ...own, pid: 0 })).toBe(false);
  expect(await lookWhetherDead({ ...own, pid: 2 ** 22 + 1 })).toBe(true);
});
