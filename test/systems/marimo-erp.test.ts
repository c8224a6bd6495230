import { appendFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { DatabaseHost } from "../../practice/environment/database.ts";
import { type Play, playRunbook } from "../../practice/session/play.ts";
import { type Practice, startPractice } from "../../practice/session/practice.ts";
import { playSequence } from "../../practice/session/sequence.ts";
import { tell } from "../../practice/systems/marimo-erp/databases.ts";
import { type MarimoEnvironment, marimoErp } from "../../practice/systems/marimo-erp/index.ts";
import {
  ADDED,
  ADDRESS,
  CONSUL_SERVICES,
  CURRENCY,
  INVOICES,
  QUEUES,
  REPLICAS,
  STALE_KEY,
  TEST_NAMESPACE,
  USERS,
} from "../../practice/systems/marimo-erp/names.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";
import { describeWith } from "../support/describe-with.ts";
import { FAST_SLACK } from "../support/fast-slack.ts";
import { killedOnce } from "../support/killed-once.ts";
import { playsItsCycles } from "./cycles.ts";
import { takesATransaction } from "./transaction.ts";

/** Every runbook of Marimo ERP, played from what is on the screen; what it did is told by the world. */
const { needs } = marimoErp;
const describe = await describeWith(
  needs.map(({ program }) => program),
  [...new Set(needs.map((need) => need.package))],
);

describe("Marimo ERP", () => {
  let folder: string;
  let practice: Practice<MarimoEnvironment>;
  let practiceEnvironment: MarimoEnvironment;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-marimo-"));
    const root = projectRoot();
    practice = (await startPractice({
      system: "marimo-erp",
      folder,
      port: 0,
      log: createLog("error", "test"),
      bot: { program: process.execPath, arguments: [await built("src/main.ts")] },
      manifestFile: join(root, "manifest.yml"),
      environment: FAST_SLACK,
    })) as unknown as Practice<MarimoEnvironment>;
    practiceEnvironment = practice.environment;
  }, 180_000);
  afterAll(async () => {
    await practice?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const LIMIT = 240_000;

  async function played(runbook: string, mode: "planned" | "unplanned" = "unplanned"): Promise<Play> {
    const play = await playRunbook(practice, { runbook, mode, seconds: 170 });
    if (process.env.SAY)
      console.log(runbook, play.seconds, JSON.stringify(play.report, null, 1), play.texts.join("\n"));
    expect(play).toMatchObject({ problem: null, outcome: "verified", timeline: { verified: true } });
    return play;
  }

  const approvers = (play: Play) => play.report?.approvals.map(({ person }) => person);
  const rows = async (host: DatabaseHost, table: string) =>
    Number(
      (await tell(practiceEnvironment.databases.ownerUrl(host), [`select count(*)::int as rows from ${table}`]))[0]
        ?.rows,
    );
  const takesWrites = async (host: DatabaseHost) => {
    const [row] = await tell(host.url(), [
      "select not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as open",
    ]);
    return row?.open;
  };
  const answers = () =>
    practiceEnvironment.aws.state.zones.get("Z0MARIMOERP")?.served.map(({ values }) => values.join());
  const health = async () =>
    (await (await fetch(`${practiceEnvironment.sites.publicUrl}/health`)).json()) as Record<string, unknown>;
  const NONE = Object.fromEntries(Object.keys(REPLICAS).map((name) => [name, 0]));
  const kept = { redis: 1, postgres: 1, rabbitmq: 1, consul: 1 };

  test(
    "db-restore: every row of the dump is back, and exactly the counts that were there",
    async () => {
      const play = await played("db-restore");
      const { a } = practiceEnvironment.databases;
      expect(approvers(play)?.sort()).toEqual(["dana-kim", "sam-okafor"]);
      expect([await rows(a, "users"), await rows(a, "invoices")]).toEqual([USERS, INVOICES]);
      expect(practiceEnvironment.sites.replicas("primary")).toEqual({ ...REPLICAS, ...kept });
      expect(
        (await readdir(practiceEnvironment.backups.folder)).filter((name) => /^safety-.*\.dump$/.test(name)),
      ).toHaveLength(1);
      // Down and up, one request each; what was at 0 and what data needs was not asked for.
      const { writes } = practiceEnvironment.sites.clusters.primary;
      expect(
        writes()
          .filter(({ path }) => path.includes("/deployments/"))
          .map(({ path }) => path.split("/").at(-1))
          .sort(),
      ).toEqual(
        ["api-gateway", "auth-service", "billing-service", "inventory-service"].flatMap((name) => [name, name]),
      );
      expect(await health()).toMatchObject({ status: "healthy", users: USERS });
    },
    LIMIT,
  );

  test.each(["scale-down:after-apply", "safety:before-verify"])(
    "db-restore, the bot killed with kill -9 at %s: the same counts come back",
    async (at) => {
      await killedOnce(practice.bot, { at, marker: join(folder, "killed") }, () => played("db-restore"));
      expect(practiceEnvironment.sites.replicas("primary")).toEqual({ ...REPLICAS, ...kept });
      expect(await rows(practiceEnvironment.databases.a, "users")).toBe(USERS);
    },
    2 * LIMIT,
  );

  test(
    "db-restore-moment, killed in the middle: back to the moment, what is given up is counted and in a file, and it is protected",
    async () => {
      const at = { at: "restore:after-apply", marker: join(folder, "killed") };
      let play = {} as Play;
      await killedOnce(practice.bot, at, async () => {
        play = await played("db-restore-moment");
      });
      const { a, b, restored } = practiceEnvironment.databases;
      expect(new Set(approvers(play))).toEqual(new Set(["dana-kim", "sam-okafor"]));
      expect([await rows(a, "users"), await rows(a, "invoices")]).toEqual([USERS, INVOICES]);
      expect(practiceEnvironment.sites.replicas("primary")).toEqual({ ...REPLICAS, ...kept });
      expect(practiceEnvironment.sites.suspended("primary")).toBe(false);
      // Users that came after the damage, and one that every look at /health changes.
      const file = (await readdir(practiceEnvironment.backups.folder)).find((name) => name.startsWith("given-up-"));
      const lines = (await readFile(join(practiceEnvironment.backups.folder, file as string), "utf8"))
        .trimEnd()
        .split("\n");
      const [head, ...given] = lines.slice(0, -1).map((line) => JSON.parse(line));
      expect(head).toMatchObject({ gone: ["public.invoices"] });
      const kinds = (kind: string) => given.filter((one) => one.kind === kind).map(({ row }) => Number(row.id));
      expect(kinds("absent")).toEqual(Array.from({ length: ADDED }, (_, i) => USERS + 1 + i));
      expect(kinds("newer").filter((id) => id !== 1)).toEqual([]);
      expect(play.report?.rpo.rowsLost).toBe(given.length);
      const followers = await tell(a.url(), ["select application_name as name, state from pg_stat_replication"]);
      expect(followers).toEqual([{ name: b.name, state: "streaming" }]);
      expect([await takesWrites(a), await takesWrites(b), restored.running]).toEqual([true, false, false]);
      expect(await health()).toMatchObject({ status: "healthy", users: USERS });
    },
    2 * LIMIT,
  );

  test(
    "backup-now: what it keeps is what a restore takes",
    async () => {
      const { backups } = practiceEnvironment;
      const before = await backups.dumps();
      expect(approvers(await played("backup-now", "planned"))).toEqual(["dana-kim"]);
      const made = (await backups.dumps()).filter((name) => !before.includes(name));
      try {
        expect(made).toHaveLength(1);
        await played("db-restore");
        expect(await rows(practiceEnvironment.databases.a, "users")).toBe(USERS);
        expect(practiceEnvironment.sites.suspended("primary")).toBe(false);
      } finally {
        for (const name of made) await backups.drop(name);
      }
    },
    2 * LIMIT,
  );

  test(
    "backup-nightly: one more dump that is whole, and no other is touched",
    async () => {
      const { backups } = practiceEnvironment;
      const before = await backups.dumps();
      expect(approvers(await played("backup-nightly", "planned"))).toEqual(["dana-kim"]);
      const after = await backups.dumps();
      const made = after.filter((name) => !before.includes(name));
      for (const name of made) await backups.drop(name);
      expect([made.length, before.every((name) => after.includes(name))]).toEqual([1, true]);
    },
    LIMIT,
  );

  test(
    "dc-failover, the database lost alone: what is left running is stopped when customers have moved",
    async () => {
      await practiceEnvironment.reset();
      const { databases, sites } = practiceEnvironment;
      await databases.a.kill();
      const play = await playRunbook(practice, {
        ...{ runbook: "dc-failover", mode: "unplanned", seconds: 170, prepare: false },
      });
      expect(play).toMatchObject({ problem: null, outcome: "verified" });
      expect(sites.replicas("primary")).toEqual({ ...NONE, ...kept });
      expect([sites.suspended("primary"), sites.suspended("secondary")]).toEqual([true, false]);
      expect(await health()).toMatchObject({ status: "healthy", datacentre: "secondary" });
    },
    LIMIT,
  );

  test(
    "a service is restarted, and a bad release is taken back",
    async () => {
      expect(approvers(await played("service-restart"))).toEqual(["sam-okafor"]);
      await played("service-rollback");
      const { primary } = practiceEnvironment.sites.clusters;
      expect(primary.listeners("marimo-erp", ["app", "api-gateway"])).toHaveLength(REPLICAS["api-gateway"]);
      expect(JSON.stringify(primary.get("deployments", "marimo-erp", "api-gateway")?.spec)).not.toContain("broken");
    },
    2 * LIMIT,
  );

  test(
    "a node is emptied, and takes pods again",
    async () => {
      await played("node-drain");
      const { primary } = practiceEnvironment.sites.clusters;
      expect(primary.get("nodes", undefined, "node-1")?.spec?.unschedulable ?? null).toBeNull();
      expect(practiceEnvironment.sites.replicas("primary")).toEqual({ ...REPLICAS, ...kept });
    },
    LIMIT,
  );

  test(
    "db-restore: an older dump is restored where the damage is in the newest, and what there is is listed",
    async () => {
      await practiceEnvironment.prepare("db-restore", "unplanned");
      const { databases, backups } = practiceEnvironment;
      const [older] = await backups.dumps();
      await tell(databases.ownerUrl(databases.a), [
        "create table invoices (id bigint primary key, cents int not null)",
      ]);
      await backups.dump();
      const [newest] = await backups.dumps();
      try {
        const options = { runbook: "db-restore", mode: "unplanned", seconds: 170, prepare: false } as const;
        const unknown = await playRunbook(practice, { ...options, inputs: { backup: "marimo-of-nobody.dump" } });
        expect(unknown.outcome).toBe("failed");
        expect(unknown.texts.join("\n")).toContain(`There are: ${newest}, ${older}`);
        const play = await playRunbook(practice, { ...options, inputs: { backup: older as string } });
        expect(play).toMatchObject({ problem: null, outcome: "verified" });
        expect([await rows(databases.a, "users"), await rows(databases.a, "invoices")]).toEqual([USERS, INVOICES]);
      } finally {
        await backups.drop(newest as string);
      }
    },
    2 * LIMIT,
  );

  test(
    "cluster-rebuild: a new cluster serves what the dump held, and the name leads there",
    async () => {
      const play = await played("cluster-rebuild");
      const { scratch } = practiceEnvironment.databases;
      // Asked once and together; a smoke test decides whether customers are led there.
      expect(approvers(play)?.sort()).toEqual(["max-weber", "sam-okafor"]);
      expect([await rows(scratch, "users"), await rows(scratch, "invoices")]).toEqual([USERS, INVOICES]);
      expect(answers()).toEqual([ADDRESS.rebuilt]);
      expect(await health()).toMatchObject({ status: "healthy", datacentre: "rebuilt", users: USERS });
      expect([...practiceEnvironment.consul.primary.state.services.keys()]).toEqual(
        expect.arrayContaining([...CONSUL_SERVICES]),
      );
    },
    LIMIT,
  );

  test(
    "db-rejoin: what came back is fenced, stopped and exported, made again, and follows",
    async () => {
      const { databases, sites, backups } = practiceEnvironment;
      const { a, b } = databases;
      await practiceEnvironment.prepare("db-rejoin", "planned");
      const early = { runbook: "dc-failover", mode: "planned", seconds: 60, prepare: false } as const;
      const tooEarly = await playRunbook(practice, early);
      expect(tooEarly.refused).toBe(true);
      expect(tooEarly.texts.join()).toMatch(/More than one member is active/);
      const play = await played("db-rejoin", "planned");
      expect(approvers(play)?.sort()).toEqual(["dana-kim", "sam-okafor"]);
      expect([await takesWrites(a), await takesWrites(b)]).toEqual([false, true]);
      // What only the old one held is in a file, and given up.
      expect([await rows(a, "invoices"), await rows(b, "invoices")]).toEqual([INVOICES, INVOICES]);
      const [file] = (await readdir(backups.folder)).filter((name) => name.startsWith("divergence-"));
      expect(await readFile(join(backups.folder, file as string), "utf8")).toMatch(
        new RegExp(`"kind":"absent"[^\n]*"id":"?${INVOICES + 1}`),
      );
      expect(sites.replicas("primary")).toEqual({ ...NONE, ...kept });
      expect([sites.suspended("primary"), sites.suspended("secondary")]).toEqual([true, false]);
      const followers = await tell(b.url(), ["select application_name as name, state from pg_stat_replication"]);
      expect(followers).toEqual([{ name: a.name, state: "streaming" }]);
      expect(await health()).toMatchObject({ status: "healthy", datacentre: "secondary" });
      // Again: it follows already, so there is nothing to do, and nothing is done.
      const again = await playRunbook(practice, { ...early, runbook: "db-rejoin" });
      expect(again.outcome).toBe("failed");
      expect(again.texts.join("\n")).toContain(`${a.name} streams from ${b.name} already`);
      expect(again.report?.approvals).toEqual([]);
    },
    LIMIT,
  );

  test.each([
    ["db-rejoin", "planned", /it has not taken over from|streams from .* already/],
    ["cluster-rebuild", "unplanned", /is a standby\. Its data is newer than any backup/],
    ["consul-recover", "unplanned", /A snapshot is for a fresh datacenter/],
  ] as const)(
    "on a healthy day %s is refused: approval is never requested, and nothing is changed",
    async (runbook, mode, why) => {
      const { databases, sites, consul } = practiceEnvironment;
      const { a, b } = databases;
      await practiceEnvironment.reset();
      const before = consul.primary.state.index;
      const play = await playRunbook(practice, { runbook, mode, seconds: 60, prepare: false });
      expect(play).toMatchObject({ outcome: "failed", violations: [] });
      expect([...play.texts, ...play.findings].join("\n")).toMatch(why);
      expect(play.report?.approvals).toEqual([]);
      expect([await takesWrites(a), await takesWrites(b)]).toEqual([true, false]);
      for (const cluster of Object.values(sites.clusters)) expect(cluster.writes()).toEqual([]);
      expect(consul.primary.state.index).toBe(before);
      expect(answers()).toEqual([ADDRESS.primary]);
    },
    LIMIT,
  );

  test(
    "a move that ended between database and name is finished by the same runbook",
    async () => {
      await practiceEnvironment.prepare("dc-failover", "unplanned");
      const { databases } = practiceEnvironment;
      await tell(databases.b.url(), ["select pg_promote(true, 30)", "checkpoint"]);
      const options = { runbook: "dc-failover", mode: "unplanned", seconds: 170, prepare: false } as const;
      expect(await playRunbook(practice, options)).toMatchObject({ problem: null, outcome: "verified" });
      expect(await health()).toMatchObject({ status: "healthy", datacentre: "secondary" });
    },
    LIMIT,
  );

  test(
    "Redis, RabbitMQ and Consul recover",
    async () => {
      await played("redis-recover", "unplanned");
      expect(await health()).toMatchObject({ cache: "ok" });
      await played("redis-recover", "planned");
      await played("rabbitmq-recover");
      const queues = (await practiceEnvironment.rabbit.primary.api("GET", "/api/queues/%2f")) as { name: string }[];
      expect(queues.map(({ name }) => name).sort()).toEqual([...QUEUES].sort());
      await played("consul-recover");
      expect(practiceEnvironment.consul.primary.state.kv.get(CURRENCY)).toBe("EUR");
    },
    4 * LIMIT,
  );

  test(
    "validations twice: a dump that is newer and damaged is found, and what was restored is thrown away",
    async () => {
      const { databases, backups, sites } = practiceEnvironment;
      for (const runbook of ["backup-verify", "restore-test"] as const) {
        const first = await played(runbook, "planned");
        if (runbook === "backup-verify") expect(approvers(first)).toEqual([]);
        await backups.dump();
        const [newest] = (await backups.dumps()) as [string];
        try {
          expect(await played(runbook, "planned")).toMatchObject({ outcome: "verified" });
          await appendFile(join(backups.folder, newest), "rot");
          const damaged = await playRunbook(practice, { runbook, mode: "planned", seconds: 60 });
          expect(damaged.outcome).toBe("failed");
          expect(damaged.texts.join("\n")).toMatch(/does not have the SHA-256 it has to have/);
        } finally {
          await backups.drop(newest);
        }
      }
      const left = await tell(databases.ownerUrl(databases.scratch), [
        "select 1 from pg_tables where schemaname = 'public'",
      ]);
      expect(left).toEqual([]);
      for (const _round of [1, 2]) {
        await played("service-test", "planned");
        expect(sites.replicas("primary", TEST_NAMESPACE)).toEqual({ "inventory-service": 1 });
        expect(sites.replicas("primary")).toEqual({ ...REPLICAS, ...kept });
      }
    },
    6 * LIMIT,
  );

  test(
    "the yearly exercise twice: there, protected, and back",
    async () => {
      const lines = ["runbook dc-exercise", "restore platform", "runbook dc-exercise", "restore platform"];
      const { runs, ...end } = await playSequence(practice, { lines, seconds: 170 });
      expect({ ...end, problems: runs.map(({ problem }) => problem) }).toEqual({
        ...{ outcome: "verified", writers: 1, healthy: true, violations: [] },
        problems: lines.map(() => null),
      });
      expect(answers()).toEqual([ADDRESS.primary]);
    },
    4 * LIMIT,
  );

  /** Everything the ERP stands on moves. */
  const moves = async (play: Play) => {
    const { databases, sites, consul, rabbit, redis } = practiceEnvironment;
    expect(approvers(play)?.sort()).toEqual(["max-weber", "sam-okafor"]);
    expect(await takesWrites(databases.b)).toBe(true);
    expect(answers()).toEqual([ADDRESS.secondary]);
    expect(await health()).toMatchObject({ status: "healthy", datacentre: "secondary", users: USERS, cache: "ok" });
    expect(consul.secondary.state.kv.get(CURRENCY)).toBe("EUR");
    expect(await redis.secondary.tell(`EXISTS ${STALE_KEY}`)).toBe(":0");
    const queues = (await rabbit.secondary.api("GET", "/api/queues/%2f")) as { name: string }[];
    expect(queues.map(({ name }) => name).sort()).toEqual([...QUEUES].sort());
    expect(sites.suspended("secondary")).toBe(false);
  };
  takesATransaction("marimo-erp", () => practice);
  playsItsCycles("marimo-erp", () => practice, {
    after: {
      "datacentre, unplanned, 2": async (play) => {
        await moves(play);
        expect(practiceEnvironment.sites.replicas("secondary")).toMatchObject({ "api-gateway": 3, "auth-service": 2 });
      },
      // And the datacentre that is left is drained.
      "datacentre, planned, 1": async (play) => {
        await moves(play);
        const { databases, sites } = practiceEnvironment;
        expect(await takesWrites(databases.a)).toBe(false);
        expect(sites.replicas("secondary")).toEqual({ ...REPLICAS, ...kept });
        expect(sites.replicas("primary")).toEqual({ ...NONE, ...kept });
        expect(sites.suspended("primary")).toBe(true);
      },
    },
  });
});
