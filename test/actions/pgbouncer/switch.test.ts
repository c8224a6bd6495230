import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, expect, test } from "@jest/globals";
import pg from "pg";
import { PGBOUNCER_PACKAGES, PGBOUNCER_PROGRAMS } from "../../../practice/targets/pgbouncer/index.ts";
import { actionHarness, blockedBy } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { describeWith } from "../../support/describe-with.ts";
import { openNet } from "../../support/network.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { opened, run, secrets, suite } from "./failure-cases.ts";

await runFailureSuite(suite);

/** Two real PostgreSQL servers behind a real PgBouncer: clients are moved from one to the other and see no error. */
const describe = await describeWith(PGBOUNCER_PROGRAMS, PGBOUNCER_PACKAGES);

describe("pgbouncer.pause, .repoint and .resume", () => {
  const harness = actionHarness(secrets);
  const pool = (port?: number) => opened().pool(port);
  const client = async () => {
    const one = new pg.Client({
      host: "127.0.0.1",
      port: opened().bouncer.port,
      user: "postgres",
      password: secrets.POOL_PASSWORD,
      database: "app",
    });
    one.on("error", () => {});
    await one.connect();
    return one;
  };

  beforeEach(async () => {
    if ((await harness.look("pgbouncer.resume", { pool: pool() })).done === "no") {
      await harness.perform("resume", "pgbouncer.resume", { pool: pool() });
    }
  });
  test.each([
    ["right after PAUSE was asked for", "pgbouncer.pause", undefined, "verify"],
    ["right after RESUME was asked for", "pgbouncer.resume", undefined, "verify"],
  ])(
    "killed %s, the run goes on",
    async (_when, id, at, way) => {
      if (id === "pgbouncer.resume") await harness.perform("pause", "pgbouncer.pause", { pool: pool() });
      const died = await performAndDie(id, { pool: pool() }, { secrets, ...(at ? { at } : {}) });
      expect(died.applied).toBe(true);
      expect((await recoverFrom(harness, id, { pool: pool() }, died.before)).way).toBe(way);
    },
    30_000,
  );

  test("a transaction that does not end takes the pause back, and no one is held up for longer", async () => {
    const long = await client();
    await long.query("begin");
    await long.query("select 1");
    const other = await client();
    try {
      const attempt = harness.perform("pause", "pgbouncer.pause", { pool: pool(), waitSeconds: 1 });
      await expect(attempt).rejects.toThrow(/timeout/i);
      await expect(other.query("select 1 as one")).resolves.toMatchObject({ rows: [{ one: 1 }] });
    } finally {
      await long.query("rollback");
      await Promise.all([long.end(), other.end()]);
    }
  }, 30_000);

  test("a PgBouncer that hangs costs seconds and blocks", async () => {
    const net = await openNet(opened().bouncer.port);
    net.hold();
    const started = performance.now();
    const looked = await harness.look("pgbouncer.pause", {
      pool: pool(Number(new URL(net.url("http://127.0.0.1:1/")).port)),
    });
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(blockedBy(looked.checks)).toEqual(["pool.answers"]);
    expect(looked.done).toBe("unknown");
    net.resume();
    await net.close();
  }, 30_000);

  test("under load: pause, stop, promote, repoint, resume; no client sees an error and nothing is lost", async () => {
    const { primary, standby, leadTo } = opened();
    await harness.perform("home", "pgbouncer.repoint", leadTo(primary));
    const acknowledged: number[] = [];
    const errors: string[] = [];
    let [stopped, n] = [false, 0];
    const work = Array.from({ length: 4 }, async () => {
      const one = await client();
      while (!stopped) {
        const id = ++n;
        await one.query("insert into written values ($1)", [id]).then(
          () => acknowledged.push(id),
          (error: Error) => errors.push(error.message),
        );
      }
      await one.end();
    });
    const flowing = async () => {
      const from = acknowledged.length;
      for (const end = Date.now() + 20_000; acknowledged.length < from + 100; await sleep(5)) {
        if (Date.now() > end) throw new Error(`No writes: ${errors.at(-1) ?? "they wait"}`);
      }
    };
    await flowing();
    await harness.perform("pause", "pgbouncer.pause", { pool: pool() });
    const [at] = await run(primary, "select pg_current_wal_flush_lsn()::text as at");
    for (;;) {
      const [row] = await run(standby, `select pg_last_wal_replay_lsn() >= '${at?.at}'::pg_lsn as there`);
      if (row?.there) break;
    }
    await primary.kill();
    await run(standby, "select pg_promote(true, 30)");
    const { evidence } = await harness.perform("repoint", "pgbouncer.repoint", leadTo(standby));
    expect(evidence.says).toBe(`pool leads app to 127.0.0.1:${standby.port}.`);
    const paused = (await harness.look("pgbouncer.repoint", leadTo(standby))).facts;
    expect(paused).toMatchObject({ paused: true, target: `127.0.0.1:${standby.port}` });
    await harness.perform("resume", "pgbouncer.resume", { pool: pool() });
    await flowing();
    stopped = true;
    await Promise.all(work);
    const there = new Set((await run(standby, "select id::int from written")).map((row) => row.id));
    expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
    expect(errors).toEqual([]);

    const again = await harness.perform("repoint", "pgbouncer.repoint", leadTo(standby));
    expect(again.applied).toBe(false);
  }, 60_000);
});
