import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Point } from "../../src/engine/kill-point.ts";
import type { Store } from "../../src/timeline/index.ts";
import { leaseTimings } from "../../src/timeline/leases.ts";
import { away, folder, go, ledgerStep, planOf } from "../support/engine-harness.ts";
import { ledger } from "../support/ledger-actions.ts";
import type { Around } from "./around.ts";
import { openWorkspace } from "./bots.ts";
import { built } from "./built.ts";
import type { Figure } from "./figure.ts";
import { atGate } from "./run.ts";
import { median } from "./statistics.ts";

const ROUNDS = 3;
/** What a process that is started again may take beyond its own start, until the next call goes out. */
const BEYOND_START_MS = 300;

export const p6: Figure = {
  name: "p6",
  title: "kill -9 in the middle of a step → the next outside call",
  async measure(around) {
    const out = await built(around);
    const workspace = await openWorkspace(around);
    const bare: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const { child, milliseconds } = await around.node([join(out, "test/bench/processes/bolt.js")], {
        ...workspace.environment(),
      });
      child.kill("SIGKILL");
      if (round > 0) bare.push(milliseconds);
    }
    const store = await around.store();
    const restarts: Killed[] = [];
    const unclear: Killed[] = [];
    const standbys: Killed[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      restarts.push(await killed(around, store, out, "restart", "started"));
      unclear.push(await killed(around, store, out, "restart", "before-apply"));
      standbys.push(await killed(around, store, out, "standby", "started"));
    }
    const restart = median(restarts.map(({ took }) => took));
    const beyond = median(restarts.map(({ took, start }) => took - start));
    return [
      { what: "bare Bolt's start, median", value: median(bare), unit: "ms" },
      { what: "started again at once → call, median", value: restart, unit: "ms" },
      { what: "restart to bare Bolt's start", value: restart / median(bare), unit: "×", goal: { atMost: 3 } },
      { what: "of that its own start, median", value: median(restarts.map(({ start }) => start)), unit: "ms" },
      { what: "restart beyond its own start, median", value: beyond, unit: "ms", goal: { atMost: BEYOND_START_MS } },
      {
        what: "killed where the call may be out: looked for over 1 s first, beyond its own start",
        value: median(unclear.map(({ took, start }) => took - start)),
        unit: "ms",
      },
      {
        what: "a warm standby → call, median",
        value: median(standbys.map(({ took }) => took)) / 1000,
        unit: "s",
        goal: { atMost: leaseTimings.lease + 1 },
      },
    ];
  },
};

interface Killed {
  /** Milliseconds from the death of the one that drove it to the effect it was about to cause. */
  readonly took: number;
  /** Milliseconds from starting the one who goes on until it has everything and asks for work. */
  readonly start: number;
}

async function killed(
  around: Around,
  store: Store,
  out: string,
  then: "restart" | "standby",
  at: Point,
): Promise<Killed> {
  const dir = await folder();
  around.later(() => away(dir));
  // The one who drives it is killed, once: at a gate no one holds the run, so each of two may take it up.
  const env = {
    DATABASE_URL: store.url,
    LIFEBOAT_KILL_AT: `it:${at}`,
    LIFEBOAT_KILL_ONCE: join(dir, "killed"),
  };
  const start = () => around.node([join(out, "test/bench/processes/driver.js")], env);
  const ready = [await start()];
  const waiting = await atGate(
    store,
    planOf([[go()], [ledgerStep(dir, "put", "it"), ledgerStep(dir, "put", "after")]]),
  );
  if (then === "standby") {
    ready.push(await start());
    await pause((leaseTimings.guard + 1) * 1000);
  }
  const died = Promise.race(ready.map(({ child }) => once(child, "exit")));
  await waiting.approve();
  await died;
  const began = performance.now();
  const again = then === "restart" ? start() : null;
  while (ledger(dir).length === 0) await pause(2);
  const took = performance.now() - began;
  await waiting.verified();
  if (!existsSync(join(dir, "killed"))) throw new Error("Nothing was killed.");
  if (again) ready.push(await again);
  for (const { child } of ready) child.kill("SIGKILL");
  return { took, start: ready.at(-1)?.milliseconds ?? 0 };
}
