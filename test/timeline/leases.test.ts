import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { createPracticeClock } from "../../practice/session/clock.ts";
import { sha256 } from "../../src/lib/canonical.ts";
import { type HolderProcess, thisProcess } from "../../src/lib/predecessor.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { Lease } from "../../src/timeline/contract.ts";
import { assertUnmoved } from "../../src/timeline/database.ts";
import { leaseTimings, type Store } from "../../src/timeline/index.ts";
import { createSchedule } from "../../src/timeline/schedule.ts";
import { createSecondFactors } from "../../src/timeline/second-factors.ts";
import { built } from "../support/built.ts";
import { type Net, openNet } from "../support/network.ts";
import { asSuperuser, event, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { claimed, leaseContract, startRun, tenth, warm } from "./contract/leases.ts";
import { postgresStores, useStores } from "./contract/stores.ts";

let on: TestServer;
let url: string;
const open: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  on = await testServer();
});
afterAll(() => on.close());
beforeEach(async () => {
  url = await on.database();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function replica(at = url, timings = tenth): Promise<Store> {
  const store = await storeOn(at, { timings });
  open.push(store);
  return store;
}

async function network(): Promise<Net> {
  const between = await openNet(on.server.port);
  open.push(between);
  return between;
}

const planBytes = Buffer.from("a plan");

describe("the contract", () => leaseContract(useStores(postgresStores())));

describe("the settings", () => {
  test("are the measured ones, and far enough apart", () => {
    expect(leaseTimings).toEqual({ lease: 10, lock: 4, gap: 2, guard: 5 });
    const beatSeconds = 1;
    expect(leaseTimings.lock).toBeGreaterThan(leaseTimings.gap + beatSeconds + 0.5);
  });
});

describe("a lease", () => {
  test("is given for a plan whose stored bytes were changed, so that someone can say so; the plan itself is not", async () => {
    const store = await replica();
    await startRun(store, "run-1");
    await asSuperuser(url, "set session_replication_role = replica; update lifeboat.plan set bytes = 'evil'");
    expect(await store.leases.claim(5)).toMatchObject([
      { planHash: sha256(planBytes), planBytes: Buffer.from("evil") },
    ]);
    expect(await store.timeline.planOf("run-1")).toBeNull();
    expect(await store.timeline.verify()).toMatchObject({ ok: false });
  });

  test("is beaten for without waiting for the holder of the run's row lock", async () => {
    const store = await replica();
    for (const run of ["run-1", "run-2"]) await startRun(store, run);
    const leases = await store.leases.claim(5);
    const locker = new pg.Client({ connectionString: url });
    await locker.connect();
    await locker.query("begin");
    await locker.query("select from lifeboat.run where id = 'run-1' for update");
    // The row stays locked: a beat that waits for it never comes back.
    expect(await store.leases.beat(leases)).toEqual(new Set(["run-1", "run-2"]));
    await locker.end();
  });
});

describe("a run is taken from its holder", () => {
  test("within 5 s of kill -9 by a replica that stood by, with the real settings", async () => {
    const standby = await replica(url, leaseTimings);
    const holder = spawn(process.execPath, [await built("test/timeline/holder.ts"), url], {
      cwd: projectRoot(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: holder.stdout });
    await once(lines, "line");
    await startRun(standby, "run-1");
    expect(JSON.parse((await once(lines, "line"))[0])).toEqual({ claimed: "run-1", epoch: "1" });

    // The engine's own rhythm: once a second, and when it is told that something may be due.
    let wake = () => {};
    standby.leases.onDue(() => wake());
    const poll = async (): Promise<readonly Lease[]> => {
      const got = await standby.leases.claim(20);
      if (got.length > 0) return got;
      await Promise.race([pause(1_000), new Promise<void>((due) => (wake = due))]);
      return got;
    };
    for (const end = performance.now() + 6_500; performance.now() < end; ) expect(await poll()).toEqual([]);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    const killed = performance.now();
    let got: readonly Lease[] = [];
    while (got.length === 0) got = await poll();
    expect(got).toMatchObject([{ run: "run-1", epoch: "2" }]);
    // Found by its lock, which takes 4 s and a poll, and not by its lease, which takes 10 s.
    expect(performance.now() - killed).toBeLessThan(8_000);
  });
});

/** So long that nothing is taken from a holder by waiting: only by proof. */
const never = { lease: 1e6, lock: 1e6, gap: 1, guard: 1e6 };

describe("a run is taken at once from a holder that is proven to be dead", () => {
  async function holder() {
    const child = spawn(process.execPath, [await built("test/timeline/holder.ts"), url], {
      cwd: projectRoot(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    open.push({ close: async () => void child.kill("SIGKILL") });
    const lines = createInterface({ input: child.stdout });
    const { replica: number } = JSON.parse((await once(lines, "line"))[0]) as { replica: number };
    return { child, lines, number };
  }
  const sessionOf = (number: number) =>
    asSuperuser<{ pid: number }>(url, "select pid from pg_locks where locktype = 'advisory' and objid = $1", [number]);

  test("by kill -9, on this host; frozen, with its session gone, it is not", async () => {
    const { child, lines, number } = await holder();
    const successor = await replica(url, never);
    await startRun(successor, "run-1");
    await once(lines, "line");
    await until(async () => (await sessionOf(number)).length === 1);
    expect(await successor.leases.claim(20)).toEqual([]);

    child.kill("SIGSTOP");
    for (const { pid } of await sessionOf(number)) await asSuperuser(url, "select pg_terminate_backend($1)", [pid]);
    await until(async () => (await sessionOf(number)).length === 0);
    expect(await successor.leases.claim(20)).toEqual([]);
    child.kill("SIGCONT");
    await until(async () => (await sessionOf(number)).length === 1);
    expect(await successor.leases.claim(20)).toEqual([]);

    child.kill("SIGKILL");
    expect(await claimed(successor)).toMatchObject({ run: "run-1", epoch: "2", deaths: 1 });
  });

  test("and never by a version that doesn't say who holds it: that is waited for", async () => {
    const { child, lines } = await holder();
    const [patient, successor] = [await replica(), await replica(url, never)];
    await startRun(successor, "run-1");
    await once(lines, "line");
    await asSuperuser(url, "update lifeboat.run set holder = null");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await successor.leases.claim(20)).toEqual([]);
    expect(await claimed(patient)).toMatchObject({ run: "run-1", epoch: "2" });
  });

  /** Everything that may be so of a holder, in all combinations. The dead one was there, and has ended. */
  async function holders() {
    const self = await thisProcess();
    if (self === null) throw new Error("This kernel doesn't say who this process is.");
    const gone = spawn("true", { stdio: "ignore" });
    await once(gone, "exit");
    const processes = {
      dead: { ...self, pid: gone.pid as number, startTicks: "1" },
      "its number was given to another": { ...self, startTicks: "1" },
      alive: self,
    };
    const differences: Record<string, Partial<HolderProcess>> = {
      "this host": {},
      "another host or boot": { bootId: "00000000-0000-4000-8000-000000000000" },
      "another PID namespace": { pidNamespace: "pid:[1]" },
      "another time namespace": { timeNamespace: "time:[1]" },
      "half of it": { startTicks: undefined as never },
    };
    return Object.entries(processes).flatMap(([life, at]) =>
      Object.entries(differences).flatMap(([where, other]) =>
        (["session gone", "session held"] as const).flatMap((session) =>
          (["as it claimed", "another owner since", "another epoch since"] as const).map((since) => ({
            ...{ life, where, session, since },
            holder: { ...at, ...other },
          })),
        ),
      ),
    );
  }

  test("and in no other case: every combination of what may be so", async () => {
    const store = await replica(url, never);
    const cases = (await holders()).map((one, i) => ({ ...one, run: `run-${i}`, owner: 500_000 + i }));
    await store.timeline.decide("inc-1", () => ({
      events: [event("run.requested")],
      runs: cases.map(({ run }) => ({ id: run, planHash: sha256(planBytes), planBytes, resources: [] })),
      value: null,
    }));
    const sessions = new pg.Client({ connectionString: url });
    open.push({ close: () => sessions.end() });
    await sessions.connect();
    for (const { run, owner, holder, session, since } of cases) {
      const written = {
        ...holder,
        replica: since === "another owner since" ? owner + 1000 : owner,
        epoch: since === "another epoch since" ? "6" : "7",
      };
      await sessions.query(
        "update lifeboat.run set owner = $2, epoch = 7, beat_at = clock_timestamp(), holder = $3 where id = $1",
        [run, owner, written],
      );
      if (session === "session held") await sessions.query("select pg_advisory_lock(4713, $1)", [owner]);
    }
    const taken: string[] = [];
    for (let more = true; more; ) {
      const leases = await store.leases.claim(20);
      taken.push(...leases.map(({ run }) => run));
      more = leases.length > 0;
    }
    const name = ({ life, where, session, since }: (typeof cases)[number]) => [life, where, session, since].join(", ");
    expect(cases.filter(({ run }) => taken.includes(run)).map(name)).toEqual([
      "dead, this host, session gone, as it claimed",
      "its number was given to another, this host, session gone, as it claimed",
    ]);
    // The session of one that is dead ends a moment later, and then it is taken.
    await sessions.query("select pg_advisory_unlock_all()");
    const [late] = await store.leases.claim(1);
    const found = cases.find(({ run }) => run === late?.run);
    expect(found && name(found)).toMatch(/^(dead|its number.*), this host, session held, as it claimed$/);
  });
});

describe("an outage of the store", () => {
  test("makes every beat old, and lets no one rob until the holders had their chance", async () => {
    const outage = async (timings: typeof tenth) => {
      const net = await network();
      const at = net.url(await on.database());
      const [holder, robber] = [await replica(at), await replica(at, timings)];
      await startRun(holder, "run-1");
      const lease = await claimed(holder);
      const beating = setInterval(() => void holder.leases.beat([lease]), 50);
      const early = await warm(robber, 0.8);
      clearInterval(beating);
      await holder.leases.beat([lease]);
      net.hold();
      await pause(tenth.lease * 1000 + 300);
      net.resume();
      const robbed = await robber.leases.claim(20);
      const held = await holder.leases.beat([lease]);
      return { early: early.length, robbed: robbed.length, held: held.size };
    };
    expect(await outage(tenth)).toEqual({ early: 0, robbed: 0, held: 1 });
    // The same without the guard, to prove that this test can fail.
    expect(await outage({ ...tenth, gap: 1000, guard: 0 })).toEqual({ early: 0, robbed: 1, held: 0 });
  });

  test("of a length between the thresholds lets no one rob either, though the holder's session is gone", async () => {
    const net = await network();
    const robber = await replica(net.url(url));
    await startRun(robber, "run-1");
    await claimed(robber);
    // A holder without a session lock, beating ten times in a lease through the same network.
    const holder = new pg.Pool({ connectionString: net.url(url), max: 1 });
    holder.on("error", () => {});
    await holder.query("update lifeboat.run set owner = 424242, beat_at = clock_timestamp()");
    let busy = false;
    const beating = setInterval(async () => {
      if (busy) return;
      busy = true;
      await holder.query("update lifeboat.run set beat_at = clock_timestamp() where owner = 424242").catch(() => {});
      busy = false;
    }, 100);
    try {
      for (const seconds of [0.15, 0.25, 0.2, 0.35, 0.5]) {
        expect(await warm(robber, 0.7)).toEqual([]);
        net.hold();
        const polled = warm(robber, seconds + 0.2);
        await pause(seconds * 1000);
        net.resume();
        expect(await polled).toEqual([]);
      }
    } finally {
      clearInterval(beating);
    }
    // It can be robbed at all: once it is silent, it is.
    expect(await claimed(robber)).toMatchObject({ epoch: "2" });
    await holder.end();
  });
});

describe("given practice moves the store's clock", () => {
  const DAY = 86_400;

  test("then what is due by time is due in every process, and real time is what it was", async () => {
    const [one, other] = [await replica(), await replica()];
    let jumped = 0;
    other.timeline.onJump(() => jumped++);
    other.timeline.follow(() => {});
    const schedule = createSchedule(other.pool);
    await schedule.set("sys-a", 1, new Date(one.timeline.now().getTime() + 2 * DAY * 1000));
    await startRun(one, "run-moved");
    const lease = await claimed(one);
    await one.leases.release(lease, 1, new Date(one.timeline.now().getTime() + 2 * DAY * 1000));
    expect(await schedule.claim(10, 5, "sys-")).toEqual([]);
    expect(await other.leases.claim(1)).toEqual([]);

    expect(await createPracticeClock(url).moveForward(3 * DAY)).toBe(3 * DAY);

    await until(() => jumped === 1);
    expect(aheadOf(other.timeline.now())).toBeCloseTo(3 * DAY, -2);
    expect(aheadOf(other.timeline.realNow())).toBeCloseTo(0, -2);
    expect(await schedule.claim(10, 5, "sys-")).toEqual(["sys-a"]);
    expect((await other.leases.claim(1)).map(({ run }) => run)).toEqual(["run-moved"]);
    await other.timeline.decide("inc-1", (_, now) => ({ events: [event("note", { data: { at: now } })], value: null }));
    const written = (await one.timeline.read("inc-1")).at(-1);
    expect(aheadOf(written?.at ?? new Date(0))).toBeCloseTo(3 * DAY, -2);
  });

  test("then a run that is driven keeps its driver: the clock does not move before it is over", async () => {
    const [one, other] = [await replica(), await replica()];
    await startRun(one, "run-driven");
    const lease = await claimed(one);
    const moving = createPracticeClock(url).moveForward(400);
    const beaten = setInterval(() => void one.leases.beat([lease]), 50);
    try {
      await pause(300);
      expect(await one.leases.beat([lease])).toEqual(new Set(["run-driven"]));
      expect(await createPracticeClock(url).aheadSeconds()).toBe(0);
    } finally {
      clearInterval(beaten);
    }
    await one.leases.release(lease, 1, null);
    expect(await moving).toBe(400);
    expect(await createPracticeClock(url).moveForward(60)).toBe(460);
    await expect(createPracticeClock(url).moveForward(-60)).rejects.toThrow("moves forward");
    expect(other.timeline.doubt()).toBeNull();
  });

  test("then the application's login can't, and a production bot does not start on a store where it was", async () => {
    const store = await replica();
    const body = "create or replace function lifeboat.clock() returns timestamptz language sql as 'select now()'";
    await expect(store.pool.query(body)).rejects.toThrow(/permission denied|must be owner/);
    await expect(store.pool.query("set role none").then(() => store.pool.query(body))).rejects.toThrow();
    await expect(store.pool.query("alter function lifeboat.clock() rename to other")).rejects.toThrow(/must be owner/);
    await expect(store.pool.query("drop function lifeboat.clock()")).rejects.toThrow(/must be owner/);
    await assertUnmoved(store.pool);
    // What it costs: nothing, because it is inlined.
    const { rows: plan } = await store.pool.query("explain (verbose, format text) select lifeboat.clock()");
    expect(JSON.stringify(plan)).toContain("Output: clock_timestamp()");
    await createPracticeClock(url).moveForward(60);
    await expect(assertUnmoved(store.pool)).rejects.toThrow("The clock of this store isn't the database's own");
    const bot = `bot_${randomBytes(4).toString("hex")}`;
    await asSuperuser(url, `create role ${bot} login password 'b' in role lifeboat_app`);
    const botUrl = new URL(url);
    botUrl.username = bot;
    botUrl.password = "b";
    const production = storeOn(botUrl.href, { ownerUrl: url, production: true });
    await expect(production).rejects.toThrow("The clock of this store isn't the database's own");
  });

  test("then a production bot that lives decides by real time, and what was enrolled just now has not aged", async () => {
    await replica();
    const bot = `bot_${randomBytes(4).toString("hex")}`;
    await asSuperuser(url, `create role ${bot} login password 'b' in role lifeboat_app`);
    const botUrl = new URL(url);
    Object.assign(botUrl, { username: bot, password: "b" });
    const production = await storeOn(botUrl.href, { ownerUrl: url, production: true });
    try {
      await createPracticeClock(url).moveForward(2 * DAY);
      const decidedAt = await production.timeline.decide("inc-1", (_, now) => ({
        events: [event("note")],
        value: now,
      }));
      const agedAt = await createSecondFactors(production.pool, production.keyring, false).change(
        ["a/b"],
        (rows, now) => ({
          rows,
          value: now,
        }),
      );
      const times = [decidedAt.kind === "written" ? decidedAt.value : null, agedAt, production.timeline.now()];
      expect(times.map((time) => time !== null && Math.abs(aheadOf(time)) < 60)).toEqual([true, true, true]);
      expect(aheadOf((await production.timeline.read("inc-1")).at(-1)?.at ?? new Date(0))).toBeCloseTo(0, -2);
    } finally {
      await production.close();
    }
  });

  function aheadOf(time: Date): number {
    return (time.getTime() - Date.now()) / 1000;
  }
});
