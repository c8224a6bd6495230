import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makeWorkerUtils } from "graphile-worker";
import pg from "pg";
import { away, folder, go, ledgerStep, planOf } from "../support/engine-harness.ts";
import { ledger } from "../support/ledger-actions.ts";
import { asSuperuser, storeOn, type TestServer, testServer } from "../support/postgres.ts";
import { type Around, ended } from "./around.ts";
import { built } from "./built.ts";
import type { Figure, Measure } from "./figure.ts";
import { atGate } from "./run.ts";

const RUNS = 6;
const STEPS = 12;
/** Work that has not ended by then counts as work that does not go on by itself, in seconds. */
const PATIENCE = 60;

/** What happens to two workers and their store while they work. */
type FaultKind = (world: World) => Promise<void>;

interface World {
  readonly server: TestServer;
  readonly url: string;
  readonly workers: ChildProcess[];
  start(): Promise<void>;
}

const faults: Readonly<Record<string, FaultKind>> = {
  "one worker killed once": async ({ workers, start }) => {
    workers.shift()?.kill("SIGKILL");
    await start();
  },
  "a worker killed every 0.7 s, 8 times": async ({ workers, start }) => {
    for (let n = 0; n < 8; n++) {
      workers.shift()?.kill("SIGKILL");
      await start();
      await pause(700);
    }
  },
  "every connection ended every 0.3 s, 10 times": async ({ url }) => {
    for (let n = 0; n < 10; n++) {
      await asSuperuser(
        url,
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()",
      );
      await pause(300);
    }
  },
  "PostgreSQL restarted": async ({ server }) => server.restart(),
  "no connection left for 3 s": async ({ server, url }) => {
    const [{ left = 0 } = {}] = await asSuperuser<{ left: number }>(
      url,
      "select current_setting('max_connections')::int - count(*)::int as left from pg_stat_activity where backend_type = 'client backend'",
    );
    const held = await Promise.all(
      Array.from({ length: left - 2 }, async () => {
        const client = new pg.Client({ connectionString: server.server.url() });
        client.on("error", () => {});
        await client.connect().catch(() => {});
        return client;
      }),
    );
    // Who is connected loses that connection, and finds no other.
    await asSuperuser(
      url,
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()",
    );
    await pause(3000);
    await Promise.all(held.map((client) => client.end().catch(() => {})));
  },
};

/** A step done twice is seen in the ledger of effects, a lost one by its absence. */
export const p12: Figure = {
  name: "p12",
  title: `${RUNS} runs of ${STEPS} steps by two workers under chaos, beside graphile-worker doing the same`,
  async measure(around) {
    const out = await built(around);
    const server = await testServer();
    around.later(() => server.close());
    const measures: Measure[] = [];
    for (const [name, befalls] of Object.entries(faults)) {
      const ours = await played(around, server, befalls, lifeboat(out));
      const theirs = await played(around, server, befalls, graphile(out));
      measures.push(
        { what: `${name}: steps lost`, value: ours.lost, unit: "", goal: { atMost: 0 } },
        { what: "… done twice", value: ours.twice, unit: "", goal: { atMost: 0 } },
        { what: "… all done, after it was over", value: ours.seconds, unit: "s" },
        { what: "… graphile-worker: lost, within a minute", value: theirs.lost, unit: "" },
        { what: "… graphile-worker: done twice", value: theirs.twice, unit: "" },
        { what: "… graphile-worker: all done, after it was over", value: theirs.seconds, unit: "s" },
      );
    }
    return measures;
  },
};

interface Peer {
  /** Asks for all the work, and lets it begin with the call it gives back. */
  prepare(around: Around, url: string, dir: string, start: () => Promise<void>): Promise<() => Promise<void>>;
  readonly program: string;
}

function lifeboat(out: string): Peer {
  return {
    program: join(out, "test/bench/processes/driver.js"),
    async prepare(_around, url, dir, start) {
      const store = await storeOn(url);
      await start();
      const waiting = await Promise.all(
        Array.from({ length: RUNS }, (_, of) =>
          atGate(store, planOf([[go()], stepsOf(of).map((id) => ledgerStep(dir, "put", id))])),
        ),
      );
      return async () => {
        await Promise.all(waiting.map((one) => one.approve()));
        await store.close();
      };
    },
  };
}

function graphile(out: string): Peer {
  return {
    program: join(out, "test/bench/processes/jobs.js"),
    async prepare(_around, url, dir, start) {
      const utils = await makeWorkerUtils({ connectionString: url });
      await utils.migrate();
      await start();
      return async () => {
        for (let of = 0; of < RUNS; of++)
          await utils.addJob("step", { dir, of: `run${of}`, n: 1, last: STEPS }, { maxAttempts: 25 });
        await utils.release();
      };
    },
  };
}

const stepsOf = (of: number) => Array.from({ length: STEPS }, (_, n) => `run${of}-${n + 1}`);

async function played(around: Around, server: TestServer, befalls: FaultKind, { prepare, program }: Peer) {
  const url = await server.database();
  const dir = await folder();
  around.later(() => away(dir));
  const workers: ChildProcess[] = [];
  const start = async () => {
    workers.push((await around.node([program], { DATABASE_URL: url, LOG_LEVEL: "silent" })).child);
  };
  const begin = await prepare(around, url, dir, async () => {
    await start();
    await start();
  });
  await begin();
  while (ledger(dir).length < RUNS) await pause(5);
  await befalls({ server, url, workers, start });
  const over = performance.now();
  const wanted = new Set(Array.from({ length: RUNS }, (_, of) => stepsOf(of).map((id) => `put ${id}`)).flat());
  const missing = () => [...wanted].filter((one) => !done().has(one)).length;
  const done = () => new Set(ledger(dir));
  while (missing() > 0 && performance.now() - over < PATIENCE * 1000) {
    await pause(20);
    // A worker that ended for want of its store is started again, as any supervisor would.
    for (const dead of workers.filter(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)) {
      workers.splice(workers.indexOf(dead), 1);
      await start().catch(() => {});
    }
  }
  const seconds = (performance.now() - over) / 1000;
  // What is done twice may be done late.
  await pause(1500);
  await Promise.all(workers.map(ended));
  return { lost: missing(), twice: ledger(dir).length - done().size, seconds };
}
