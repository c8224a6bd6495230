import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { DatabaseHost } from "../../src/practice/estate/database.ts";
import { tell } from "../../src/practice/estate/marimo-erp/databases.ts";
import { type MarimoEstate, marimoErp } from "../../src/practice/estate/marimo-erp/index.ts";
import {
  ADDRESS,
  CONSUL_SERVICES,
  INVOICES,
  QUEUES,
  REPLICAS,
  TEST_NAMESPACE,
  USERS,
} from "../../src/practice/estate/marimo-erp/names.ts";
import { type Play, playRunbook } from "../../src/practice/play.ts";
import { type Practice, startPractice } from "../../src/practice/practice.ts";
import { describeWith } from "../actions/present.ts";
import { built } from "../built.ts";
import { killedOnce } from "../story/killed-once.ts";
import { playsItsCycles } from "./cycles.ts";

/** Every runbook of Marimo ERP, played from what is on the screen; what it did is told by the world. */
const { needs } = marimoErp;
const describe = await describeWith(
  needs.map(({ program }) => program),
  [...new Set(needs.map((need) => need.package))],
);

describe("Marimo ERP", () => {
  let folder: string;
  let practice: Practice<MarimoEstate>;
  let estate: MarimoEstate;

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
    })) as unknown as Practice<MarimoEstate>;
    estate = practice.estate;
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
    Number((await tell(estate.databases.ownerUrl(host), [`select count(*)::int as rows from ${table}`]))[0]?.rows);
  const takesWrites = async (host: DatabaseHost) => {
    const [row] = await tell(host.url(), [
      "select not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as open",
    ]);
    return row?.open;
  };
  const answers = () => estate.aws.world.zones.get("Z0MARIMOERP")?.served.map(({ values }) => values.join());
  const health = async () =>
    (await (await fetch(`${estate.sites.publicUrl}/health`)).json()) as Record<string, unknown>;
  const kept = { redis: 1, postgres: 1, rabbitmq: 1, consul: 1 };

  test(
    "db-restore: every row of the dump is back, and exactly the counts that were there",
    async () => {
      const play = await played("db-restore");
      const { a } = estate.databases;
      expect(approvers(play)).toEqual(["dana-kim", "sam-okafor"]);
      expect([await rows(a, "users"), await rows(a, "invoices")]).toEqual([USERS, INVOICES]);
      expect(estate.sites.replicas("primary")).toEqual({ ...REPLICAS, ...kept });
      expect((await readdir(estate.backups.folder)).filter((name) => /^safety-.*\.dump$/.test(name))).toHaveLength(1);
      // Down and up, one request each; what was at 0 and what data needs was not asked for.
      const { writes } = estate.sites.clusters.primary;
      expect(
        writes()
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
      expect(estate.sites.replicas("primary")).toEqual({ ...REPLICAS, ...kept });
      expect(await rows(estate.databases.a, "users")).toBe(USERS);
    },
    2 * LIMIT,
  );

  test(
    "a service is restarted, and a bad release is taken back",
    async () => {
      expect(approvers(await played("service-restart"))).toEqual(["sam-okafor"]);
      await played("service-rollback");
      const { primary } = estate.sites.clusters;
      expect(primary.listeners("marimo-erp", ["app", "api-gateway"])).toHaveLength(REPLICAS["api-gateway"]);
      expect(JSON.stringify(primary.get("deployments", "marimo-erp", "api-gateway")?.spec)).not.toContain("broken");
    },
    2 * LIMIT,
  );

  test(
    "a node is emptied, and takes pods again",
    async () => {
      await played("node-drain");
      const { primary } = estate.sites.clusters;
      expect(primary.get("nodes", undefined, "node-1")?.spec?.unschedulable ?? null).toBeNull();
      expect(estate.sites.replicas("primary")).toEqual({ ...REPLICAS, ...kept });
    },
    LIMIT,
  );

  test(
    "cluster-rebuild: a new cluster serves what the dump held, and the name leads there",
    async () => {
      const play = await played("cluster-rebuild");
      const { scratch } = estate.databases;
      expect(approvers(play)).toEqual(["sam-okafor", "max-weber", "sam-okafor"]);
      expect([await rows(scratch, "users"), await rows(scratch, "invoices")]).toEqual([USERS, INVOICES]);
      expect(answers()).toEqual([ADDRESS.rebuilt]);
      expect(await health()).toMatchObject({ status: "healthy", datacentre: "rebuilt", users: USERS });
      expect([...estate.consul.world.services.keys()]).toEqual(expect.arrayContaining([...CONSUL_SERVICES]));
    },
    LIMIT,
  );

  test(
    "dc-failover, unplanned and planned: the standby is the database, the services run there, the name leads there",
    async () => {
      for (const mode of ["unplanned", "planned"] as const) {
        const play = await played("dc-failover", mode);
        const { a, b } = estate.databases;
        expect(approvers(play)).toEqual(["sam-okafor", "max-weber"]);
        expect(await takesWrites(b)).toBe(true);
        if (mode === "planned") expect(await takesWrites(a)).toBe(false);
        expect(estate.sites.replicas("secondary")).toMatchObject({ "api-gateway": 3, "auth-service": 2 });
        expect(answers()).toEqual([ADDRESS.secondary]);
        expect(await health()).toMatchObject({ status: "healthy", datacentre: "secondary", users: USERS });
      }
    },
    2 * LIMIT,
  );

  test(
    "db-rejoin: the old database is back and takes writes; it is fenced, made anew, and follows",
    async () => {
      const { a, b } = estate.databases;
      await estate.prepare("db-rejoin", "planned");
      const early = { runbook: "dc-failback", mode: "planned", seconds: 60, prepare: false } as const;
      const tooEarly = await playRunbook(practice, early);
      expect(tooEarly.outcome).toBe("failed");
      expect(tooEarly.texts.join()).toMatch(/not a standby but a primary[\s\S]*`\/dr runbook db-rejoin` makes it one/);
      const play = await played("db-rejoin", "planned");
      expect(approvers(play)).toEqual(["dana-kim", "sam-okafor"]);
      expect([await takesWrites(a), await takesWrites(b)]).toEqual([false, true]);
      // What only the old one held is given up.
      expect([await rows(a, "invoices"), await rows(b, "invoices")]).toEqual([INVOICES, INVOICES]);
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

  test(
    "on a healthy day db-rejoin is refused: approval is never requested, and the live primary isn't fenced",
    async () => {
      const { a, b } = estate.databases;
      await estate.prepare("dc-failover", "planned");
      const rejoin = { runbook: "db-rejoin", mode: "planned", seconds: 60, prepare: false } as const;
      const play = await playRunbook(practice, rejoin);
      expect(play.outcome).toBe("failed");
      expect(play.texts.join("\n")).toMatch(/it has not taken over from .* is the live primary: leave it alone/);
      expect(play.report?.approvals).toEqual([]);
      expect([await takesWrites(a), await takesWrites(b)]).toEqual([true, false]);
    },
    LIMIT,
  );

  test(
    "dc-failback: without loss",
    async () => {
      const play = await played("dc-failback", "planned");
      const { a, b } = estate.databases;
      expect(play.report?.rpo.seconds ?? 0).toBe(0);
      expect([await takesWrites(a), await takesWrites(b)]).toEqual([true, false]);
      expect(answers()).toEqual([ADDRESS.primary]);
      expect(await health()).toMatchObject({ status: "healthy", datacentre: "primary" });
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
      const queues = (await estate.rabbit.api("GET", "/api/queues/%2f")) as { name: string }[];
      expect(queues.map(({ name }) => name).sort()).toEqual([...QUEUES].sort());
      await played("consul-recover");
      expect(estate.consul.world.kv.get("erp/currency")).toBe("EUR");
    },
    4 * LIMIT,
  );

  test(
    "tests: the dump is verified, a service comes back in the test namespace, a restore is counted and thrown away",
    async () => {
      expect(approvers(await played("backup-verify", "planned"))).toEqual([]);
      await played("service-test", "planned");
      expect(estate.sites.replicas("primary", TEST_NAMESPACE)).toEqual({ "inventory-service": 1 });
      expect(estate.sites.replicas("primary")).toEqual({ ...REPLICAS, ...kept });
      await played("restore-test", "planned");
      const tables = await tell(estate.databases.ownerUrl(estate.databases.scratch), [
        "select 1 from pg_tables where schemaname = 'public'",
      ]);
      expect(tables).toEqual([]);
    },
    3 * LIMIT,
  );

  playsItsCycles("marimo-erp", () => practice);
});
