import type { Store } from "../../src/timeline/index.ts";
import { declared, manyEvents, pastIncidents } from "../support/past-incidents.ts";
import { asSuperuser, storeOn, until } from "../support/postgres.ts";
import { TestApp } from "../support/test-app.ts";
import type { Around } from "./around.ts";
import type { Figure } from "./figure.ts";
import { longIncidents, manyRunbooks, manyRuns } from "./growth.ts";
import { median, timed } from "./statistics.ts";

const FEW = 10;
const MANY = 10_000;
const EVENTS = 100_000;
const ROUNDS = 5;
const A_ROUND = 9;

/** A command that reads, one that writes, one that asks every list there is, and the start of a run. */
const LINES = [
  "",
  "list",
  "status",
  "calendar",
  "timeline",
  "catchup",
  "note It is the queue",
  "severity P2",
  "failover database --dry-run",
] as const;

export const p14: Figure = {
  name: "p14",
  title: `Commands with ${MANY.toLocaleString("en")} past incidents, and in one of ${EVENTS.toLocaleString("en")} events`,
  async measure(around) {
    const few = await appWith(around, FEW);
    const many = await appWith(around, MANY);
    const long = await appWith(around, FEW, EVENTS);
    const measures = [];
    for (const line of LINES) {
      const times: number[][] = [[], [], []];
      // Side by side, so that what else this machine does falls on all of them.
      for (let round = 0; round <= ROUNDS; round++)
        for (const [n, app] of [few, many, long].entries()) {
          const took = await timed(A_ROUND, () => app.ask("sam", line), 1);
          if (round > 0) times[n]?.push(...took);
        }
      const [base, past, events] = times.map(median) as [number, number, number];
      measures.push(
        { what: `/dr ${line}, ${FEW} incidents`, value: base, unit: "ms" },
        { what: `… to ${MANY.toLocaleString("en")}`, value: past / base, unit: "×", goal: { atMost: 1.3 } },
        {
          what: `… in one of ${EVENTS.toLocaleString("en")} events`,
          value: events / base,
          unit: "×",
          goal: { atMost: 1.3 },
        },
      );
    }
    return [
      ...measures,
      ...(await firstLooks(few, many, long)),
      ...(await longIncidents(around)),
      ...(await manyRuns(around)),
      ...(await manyRunbooks(around)),
    ];
  },
};

class Measured extends TestApp {
  readonly store: Store;
  constructor(store: Store) {
    super(store);
    this.store = store;
  }
}

async function appWith(around: Around, past: number, events = 0): Promise<Measured> {
  const store = await around.store();
  await pastIncidents(store, past);
  const open = await declared(store, false, "Payments fail");
  await manyEvents(store, open, events);
  await asSuperuser(store.url, "analyze");
  const app = new Measured(store);
  app.channels.set(open, "C0PAYMENTS");
  await app.ask("sam", "list");
  await until(async () => {
    const { rows } = await store.pool.query("select count(*)::int as count from lifeboat.summary");
    return rows[0]?.count === past;
  }, 600);
  return app;
}

/** The first command of a process that has just begun: nothing of it is in memory. */
async function firstLooks(...apps: readonly Measured[]) {
  const measures = [];
  for (const [n, { store }] of apps.entries()) {
    const took: number[] = [];
    let memory = 0;
    for (let times = 0; times < 3; times++) {
      const fresh = await storeOn(store.url);
      const before = process.memoryUsage().rss;
      const began = performance.now();
      await new TestApp(fresh).ask("sam", "status");
      took.push(performance.now() - began);
      memory = Math.max(memory, process.memoryUsage().rss - before);
      await fresh.close();
    }
    const what = ["a few", "many incidents", "many events"][n];
    measures.push({ what: `first command of a process, ${what}`, value: median(took), unit: "ms" });
    measures.push({ what: `… memory it takes, ${what}`, value: memory / 2 ** 20, unit: "MiB" });
  }
  return measures;
}
