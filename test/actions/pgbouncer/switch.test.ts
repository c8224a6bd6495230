import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import pg from "pg";
import { sha256 } from "../../../src/lib/canonical.ts";
import { createHost, type DatabaseHost } from "../../../src/practice/estate/database.ts";
import {
  PGBOUNCER_PACKAGES,
  PGBOUNCER_PROGRAMS,
  type PgBouncerEstate,
  startPgBouncer,
} from "../../../src/practice/estate/pgbouncer/index.ts";
import { openNet } from "../../timeline/net.ts";
import { blockedBy, conduct } from "../conductor.ts";
import { performAndDie, recoverFrom } from "../crash.ts";
import { describeWith } from "../present.ts";

/** Two real PostgreSQL servers behind a real PgBouncer: clients are moved from one to the other and see no error. */
const describe = await describeWith(PGBOUNCER_PROGRAMS, PGBOUNCER_PACKAGES);

describe("pgbouncer.pause, .repoint and .resume", () => {
  const passwords = { owner: "owner-secret", replicator: "replicator-secret" };
  const secrets = { POOL_PASSWORD: passwords.owner };
  const conductor = conduct(secrets);
  let folder: string;
  let primary: DatabaseHost;
  let standby: DatabaseHost;
  let bouncer: PgBouncerEstate;
  let script: { name: string; path: string; sha256: string; environment: string[] };

  const pool = (port = bouncer.port) => ({
    name: "pool",
    host: "127.0.0.1",
    port,
    user: "postgres",
    passwordFrom: "POOL_PASSWORD",
    database: "app",
  });
  const leadTo = (host: DatabaseHost) => ({
    pool: pool(),
    to: { host: "127.0.0.1", port: host.port },
    script,
    arguments: [bouncer.configuration],
  });
  const sql = async (host: DatabaseHost, text: string) => {
    const client = new pg.Client(host.url());
    await client.connect();
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  const client = async () => {
    const one = new pg.Client({
      host: "127.0.0.1",
      port: bouncer.port,
      user: "postgres",
      password: passwords.owner,
      database: "app",
    });
    one.on("error", () => {});
    await one.connect();
    return one;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-pool-"));
    const { chmod } = await import("node:fs/promises");
    await chmod(folder, 0o711);
    primary = await createHost("pool-a", folder, passwords);
    standby = await createHost("pool-b", folder, passwords);
    await primary.create();
    await primary.start();
    await sql(primary, `create role replicator replication login password '${passwords.replicator}'`);
    await sql(primary, "create table written (id bigint primary key)");
    await standby.follow(primary);
    bouncer = await startPgBouncer({
      database: "app",
      target: { host: "127.0.0.1", port: primary.port, database: "postgres" },
      login: { user: "postgres", password: passwords.owner },
    });
    const path = fileURLToPath(new URL("./repoint.mjs", import.meta.url));
    script = { name: "repoint", path, sha256: sha256(await readFile(path)), environment: [] };
  }, 60_000);
  beforeEach(async () => {
    if ((await conductor.look("pgbouncer.resume", { pool: pool() })).done === "no") {
      await conductor.perform("resume", "pgbouncer.resume", { pool: pool() });
    }
  });
  afterAll(async () => {
    await bouncer?.stop();
    await Promise.all([primary?.kill(), standby?.kill()]);
    await rm(folder, { recursive: true, force: true });
  }, 30_000);

  test.each([
    ["right after PAUSE was asked for", "pgbouncer.pause", undefined, "verify"],
    ["right after RESUME was asked for", "pgbouncer.resume", undefined, "verify"],
  ])(
    "killed %s, the run goes on",
    async (_when, id, at, way) => {
      if (id === "pgbouncer.resume") await conductor.perform("pause", "pgbouncer.pause", { pool: pool() });
      const died = await performAndDie(id, { pool: pool() }, { secrets, ...(at ? { at } : {}) });
      expect(died.applied).toBe(true);
      expect((await recoverFrom(conductor, id, { pool: pool() }, died.before)).way).toBe(way);
    },
    30_000,
  );

  test("an answer lost on the way: PAUSE and RESUME are looked for", async () => {
    for (const [id, word] of [
      ["pgbouncer.pause", "PAUSE"],
      ["pgbouncer.resume", "RESUME"],
    ] as const) {
      const net = await openNet(bouncer.port);
      const { seen } = await conductor.look(id, { pool: pool() });
      const lost = net.loseAnswerTo(word);
      const wired = { pool: pool(Number(new URL(net.url("http://127.0.0.1:1/")).port)) };
      const action = conductor.action(id);
      const context = { ...conductor.context, budget: action.budget, progress: () => {} };
      await action.apply?.(context, conductor.input(id, wired), seen).catch(() => {});
      await lost;
      await net.close();
      const recovered = await recoverFrom(conductor, id, { pool: pool() }, seen);
      expect(recovered.evidence).not.toBeNull();
      if (id === "pgbouncer.pause") await conductor.perform("pause", id, { pool: pool() });
    }
  }, 30_000);

  test("a transaction that does not end takes the pause back, and nobody is held up for longer", async () => {
    const long = await client();
    await long.query("begin");
    await long.query("select 1");
    const other = await client();
    try {
      const attempt = conductor.perform("pause", "pgbouncer.pause", { pool: pool(), waitSeconds: 1 });
      await expect(attempt).rejects.toThrow(/timeout/i);
      await expect(other.query("select 1 as one")).resolves.toMatchObject({ rows: [{ one: 1 }] });
    } finally {
      await long.query("rollback");
      await Promise.all([long.end(), other.end()]);
    }
  }, 30_000);

  test("a PgBouncer that hangs costs seconds and blocks", async () => {
    const net = await openNet(bouncer.port);
    net.hold();
    const started = performance.now();
    const looked = await conductor.look("pgbouncer.pause", {
      pool: pool(Number(new URL(net.url("http://127.0.0.1:1/")).port)),
    });
    expect(performance.now() - started).toBeLessThan(8000);
    expect(blockedBy(looked.checks)).toEqual(["pool.answers"]);
    expect(looked.done).toBe("unknown");
    net.resume();
    await net.close();
  }, 30_000);

  test("resumed by hand already is done, and a database it does not serve is said", async () => {
    const { applied } = await conductor.perform("resume", "pgbouncer.resume", { pool: pool() });
    expect(applied).toBe(false);
    const stranger = { pool: { ...pool(), database: "nowhere" } };
    expect(blockedBy((await conductor.look("pgbouncer.resume", stranger)).checks)).toEqual(["pool.answers"]);
  });

  test("under load: pause, stop, promote, repoint, resume; no client sees an error and nothing is lost", async () => {
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
    await conductor.perform("pause", "pgbouncer.pause", { pool: pool() });
    const [at] = await sql(primary, "select pg_current_wal_flush_lsn()::text as at");
    for (;;) {
      const [row] = await sql(standby, `select pg_last_wal_replay_lsn() >= '${at?.at}'::pg_lsn as there`);
      if (row?.there) break;
    }
    await primary.kill();
    await sql(standby, "select pg_promote(true, 30)");
    const { evidence } = await conductor.perform("repoint", "pgbouncer.repoint", leadTo(standby));
    expect(evidence.says).toBe(`pool leads app to 127.0.0.1:${standby.port}.`);
    const paused = (await conductor.look("pgbouncer.repoint", leadTo(standby))).facts;
    expect(paused).toMatchObject({ paused: true, target: `127.0.0.1:${standby.port}` });
    await conductor.perform("resume", "pgbouncer.resume", { pool: pool() });
    await flowing();
    stopped = true;
    await Promise.all(work);
    const there = new Set((await sql(standby, "select id::int from written")).map((row) => row.id));
    expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
    expect(errors).toEqual([]);

    const again = await conductor.perform("repoint", "pgbouncer.repoint", leadTo(standby));
    expect(again.applied).toBe(false);
  }, 60_000);
});
