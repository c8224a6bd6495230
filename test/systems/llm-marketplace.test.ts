import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { DatabaseHost } from "../../practice/environment/database.ts";
import { type Play, playRunbook } from "../../practice/session/play.ts";
import { type Practice, startPractice } from "../../practice/session/practice.ts";
import { playSequence } from "../../practice/session/sequence.ts";
import { ask, asOwner, DATABASE } from "../../practice/systems/llm-marketplace/databases.ts";
import { indexed } from "../../practice/systems/llm-marketplace/environment.ts";
import type { MarketplaceEnvironment } from "../../practice/systems/llm-marketplace/index.ts";
import {
  ASIDE,
  CONFIG,
  CRON_JOB,
  EAST,
  endpointOf,
  NAMESPACE,
  PRIMARY,
  REPLICA,
  type Side,
  WEST,
} from "../../practice/systems/llm-marketplace/names.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";
import { FAST_SLACK } from "../support/fast-slack.ts";
import { playsItsCycles } from "./cycles.ts";
import { takesATransaction } from "./transaction.ts";

/** Every runbook of LLM-Marketplace, played from what is on the screen; what it did is told by the world. */
let folder: string;
let practice: Practice<MarketplaceEnvironment>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-llm-"));
  const root = projectRoot();
  practice = (await startPractice({
    system: "llm-marketplace",
    folder,
    port: 0,
    log: createLog("error", "test"),
    bot: { program: process.execPath, arguments: [await built("src/main.ts")] },
    manifestFile: join(root, "manifest.yml"),
    environment: FAST_SLACK,
  })) as unknown as Practice<MarketplaceEnvironment>;
}, 120_000);
afterAll(async () => {
  await practice?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Of a calm machine each needs some seconds; a busy one is given time. */
const LIMIT = 240_000;

async function played(runbook: string, mode: "planned" | "unplanned" = "planned"): Promise<Play> {
  const play = await playRunbook(practice, { runbook, mode, seconds: 170 });
  if (process.env.SAY) console.log(runbook, play.seconds, JSON.stringify(play.report, null, 1), play.texts.join("\n"));
  expect(play).toMatchObject({ problem: null, outcome: "verified", timeline: { verified: true } });
  return play;
}

const approvers = (play: Play) => play.report?.approvals.map(({ person }) => person);
const accepted = (operation: string) => practice.environment.cloud.aws.ledger.of(operation, "accepted");
const takesWrites = async (host: DatabaseHost) => {
  const [row] = await ask<{ open: boolean }>(
    host,
    "select not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as open",
  );
  return row?.open;
};
/** What runs in a region: pods of both services as they are requested, and whether its CronJob may start. */
const runsIn = (side: Side) => {
  const cluster = practice.environment.clusters[side];
  const replicas = (name: string) => cluster.get("deployments", NAMESPACE, name)?.spec?.replicas;
  const cron = cluster.get("cronjobs", NAMESPACE, CRON_JOB)?.spec?.suspend === false;
  return [replicas("publishing-service"), replicas("discovery-service"), cron];
};
const SERVES = [3, 2, true];
const STANDS_BY = [0, 0, false];
const endpoint = (side: Side) => practice.environment.clusters[side].get("configmaps", NAMESPACE, CONFIG)?.data;
/** The index searches are answered from. */
const searched = (side: Side) => indexed(practice.environment.search, side);
/** Publishers arrive only there, and are told that their models are stored. */
const arrivesAt = async () => {
  const { traffic } = practice.environment;
  const before = traffic.acknowledged.length;
  while (traffic.acknowledged.length < before + 3) await new Promise((later) => setTimeout(later, 50));
  const sides = traffic.acknowledged.slice(-2) as readonly { readonly side?: string }[];
  return [...new Set(sides.map(({ side }) => side))];
};

/** Plays lines in one world, each of which has to end as it says: verified, or refused with these words. */
async function inOneEnvironment(lines: readonly (string | [string, RegExp])[]) {
  const texts = lines.map((line) => (typeof line === "string" ? line : line[0]));
  const { runs, ...end } = await playSequence(practice, { lines: texts, seconds: 170, keepGoing: true });
  const wanted = lines.filter((line) => typeof line !== "string" || !line.startsWith("break "));
  for (const [i, line] of wanted.entries()) {
    if (typeof line === "string") expect([line, runs[i]?.outcome, runs[i]?.problem]).toEqual([line, "verified", null]);
    else
      expect([line[0], runs[i]?.outcome, runs[i]?.problem]).toEqual([
        line[0],
        "refused",
        expect.stringMatching(line[1]),
      ]);
  }
  expect(end).toMatchObject({ writers: 1, healthy: true, violations: [] });
  return runs;
}

const leaves = (mode: "planned" | "unplanned") => async (play: Play) => {
  expect(approvers(play)).toEqual(["vera-lindqvist"]);
  expect(accepted("ChangeResourceRecordSets")).toHaveLength(0);
  expect(accepted("UpdateRoutingControlStates")).toHaveLength(1);
  expect(endpoint("west")).toEqual({ DATABASE_ENDPOINT: endpointOf(EAST, PRIMARY) });
  expect([runsIn("west"), runsIn("east")]).toEqual([SERVES, mode === "planned" ? STANDS_BY : SERVES]);
  expect(await arrivesAt()).toEqual(["west"]);
};

takesATransaction("llm-marketplace", () => practice);
playsItsCycles("llm-marketplace", () => practice, {
  after: {
    // DB-F-002: fenced by its parameter group, drained, promoted for real; applications follow, and only one gate is asked.
    "database, planned, 1": async (play) => {
      const { databases, cloud } = practice.environment;
      expect(approvers(play)).toEqual(["vera-lindqvist"]);
      expect(accepted("PromoteReadReplica")).toHaveLength(1);
      expect(cloud.aws.state.instances.get(`${WEST}/${REPLICA}`)?.source).toBeNull();
      expect([await takesWrites(databases.east), await takesWrites(databases.west)]).toEqual([false, true]);
      expect(endpoint("east")).toEqual({ DATABASE_ENDPOINT: endpointOf(WEST, REPLICA) });
      expect(play.report?.rpo.rowsLost).toBe(0);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    // APP-F-001: by the routing controls, on the VP's word, and the side that is left is drained where it answers.
    "applications, planned, 1": leaves("planned"),
    "applications, unplanned, 2": leaves("unplanned"),
    // CR-F-001: not one call to us-east-1 is answered, and everyone publishes in us-west-2, on one approval.
    "region, unplanned, 2": async (play) => {
      const { databases, cloud, clusters } = practice.environment;
      expect(approvers(play)).toEqual(["vera-lindqvist"]);
      expect(play.texts.join("\n")).toMatch(/us-east-1 is down, seen from two places/);
      const answered = cloud.aws.ledger.entries.filter(
        ({ region, outcome }) => region === EAST && outcome !== "dropped",
      );
      expect(answered).toEqual([]);
      expect(clusters.east.ledger.filter(({ code }) => code !== null)).toEqual([]);
      expect(await takesWrites(databases.west)).toBe(true);
      expect(endpoint("west")).toEqual({ DATABASE_ENDPOINT: endpointOf(WEST, REPLICA) });
      expect(searched("west")?.name).toBe("models-lifeboat-1");
      expect(searched("west")?.docs.size).toBeGreaterThanOrEqual(40);
      expect(runsIn("west")).toEqual(SERVES);
      expect(await arrivesAt()).toEqual(["west"]);
      // The search index is as old as its snapshot; how many documents that is, no one can count.
      expect(play.report?.rpo.seconds).toBeLessThan(900);
    },
    "region, unplanned, 3": async () => {
      // Acknowledged by no one, and nowhere else.
      await onlyIn(practice.environment.databases.east, 7);
      expect([runsIn("east"), runsIn("west")]).toEqual([SERVES, SERVES]);
    },
    // Reprotect: fenced, its rows exported, deleted after a snapshot, a real replica of its name in its network; what ran there
    // is stopped.
    "region, unplanned, 4": async () => {
      const { databases, cloud } = practice.environment;
      const { instances, snapshots } = cloud.aws.state;
      expect(instances.get(`${WEST}/${REPLICA}`)?.multiAz).toBe(true);
      expect(instances.get(`${EAST}/${PRIMARY}`)).toMatchObject({
        source: { id: REPLICA, region: WEST },
        securityGroups: ["sg-marketplace"],
        encrypted: true,
      });
      expect(accepted("CreateDBInstanceReadReplica").map(({ given }) => given.KmsKeyId)).toEqual([
        expect.stringContaining(`kms:${EAST}`),
      ]);
      expect(snapshots.some(({ id }) => id.startsWith(`${PRIMARY}-final-`))).toBe(true);
      expect(await ask(databases.west, "select 1 from pg_stat_replication where state = 'streaming'")).toHaveLength(1);
      expect(await takesWrites(databases.east)).toBe(false);
      expect(await exported()).toContain("7");
      expect([runsIn("east"), runsIn("west")]).toEqual([STANDS_BY, SERVES]);
    },
  },
});

describe("inside a region", () => {
  test(
    "DB-F-001: the zone is left once, nothing is lost",
    async () => {
      const play = await played("db-f-001");
      const { state } = practice.environment.cloud.aws;
      expect(approvers(play)).toEqual(["sam-okafor"]);
      expect(accepted("RebootDBInstance")).toHaveLength(1);
      expect(state.instances.get(`${EAST}/${PRIMARY}`)?.zone).toBe("us-east-1b");
      expect(play.report?.rpo.rowsLost).toBe(0);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    LIMIT,
  );
});

describe("search", () => {
  test(
    "ES restore: in the region that is asked, beside what is there, counted, and the alias moves",
    async () => {
      await played("es-restore");
      expect(searched("east")?.name).toBe("models-lifeboat-1");
      expect(searched("east")?.docs.size).toBeGreaterThanOrEqual(40);
      expect(searched("west")?.name).toBe("models-standby");
      expect(practice.environment.search.cluster("east").state.indices.has("models")).toBe(true);
    },
    LIMIT,
  );
});

describe("the data is destroyed", () => {
  test(
    "a restored instance takes the primary's name after a second decision; the harmed one is kept",
    async () => {
      const play = await played("db-restore-snapshot");
      const { state } = practice.environment.cloud.aws;
      expect(approvers(play)).toEqual(["sam-okafor", "vera-lindqvist"]);
      const restored = accepted("RestoreDBInstanceFromDBSnapshot").map(({ given }) => given.DBSnapshotIdentifier);
      expect(restored).toEqual([expect.not.stringMatching(/^harmed$/)]);
      expect(state.instances.get(`${EAST}/${PRIMARY}`)).toMatchObject({
        port: practice.environment.databases.spare.port,
        multiAz: true,
        securityGroups: ["sg-marketplace"],
      });
      expect(state.instances.get(`${EAST}/${ASIDE}`)?.port).toBe(practice.environment.databases.east.port);
      expect(await arrivesAt()).toEqual(["east"]);
      // The other region's replica follows the harmed one: it is never promoted, also when the region is lost now.
      await practice.environment.inject?.("lose-us-east-1");
      const move = { runbook: "cr-f-001", mode: "unplanned", seconds: 60, prepare: false } as const;
      const { outcome, texts } = await playRunbook(practice, move);
      expect([outcome, accepted("PromoteReadReplica")]).toEqual(["failed", []]);
      expect(texts.join("\n")).toMatch(new RegExp(`${REPLICA} replicates \\S*${ASIDE} and not ${PRIMARY}`));
    },
    LIMIT,
  );
});

describe("looks", () => {
  test(
    "each looks twice, really: what is broken in between is seen the second time",
    async () => {
      const looks = ["dr-health", "verify-backups", "verify-backups-database", "verify-backups-files"];
      await inOneEnvironment(looks.flatMap((id) => [`runbook ${id}`, `runbook ${id}`]));
      const { ledger } = practice.environment.cloud.aws;
      expect(ledger.entries.filter(({ outcome }) => outcome === "accepted")).toEqual([]);
      expect(practice.environment.clusters.west.writes()).toEqual([]);
      practice.environment.repositories.east.snapshots.clear();
      for (const runbook of ["verify-backups-search", "dr-health", "verify-backups"]) {
        const play = await playRunbook(practice, { runbook, mode: "planned", seconds: 60, prepare: false });
        expect([runbook, play.outcome]).toEqual([runbook, "failed"]);
        expect(play.texts.join("\n")).toMatch(/There is no complete snapshot/);
      }
    },
    LIMIT * 3,
  );
});

describe("tests on production", () => {
  test(
    "each twice in a row: the zone is changed there and back, and the quarterly one ends as it began",
    async () => {
      await inOneEnvironment(
        ["monthly-test", "monthly-test", "surprise-drill", "surprise-drill"].map((id) => `runbook ${id}`),
      );
      expect(accepted("RebootDBInstance")).toHaveLength(4);
      await inOneEnvironment(["runbook quarterly", "runbook quarterly"]);
      expect([runsIn("east"), runsIn("west")]).toEqual([SERVES, STANDS_BY]);
      expect(practice.environment.search.cluster("west").state.indices.has("models-test-lifeboat-2")).toBe(true);
      expect([searched("west")?.name, searched("west")?.docs.size]).toEqual(["models-standby", 30]);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    LIMIT * 4,
  );

  test(
    "the full test goes there, nothing moves before it is protected again, and the same test comes back with everything",
    async () => {
      await inOneEnvironment([
        "runbook full-test",
        ["failover platform", /no standby is ready.*restore database-region/s],
        ["failover database-region", /no standby is ready.*restore database-region/s],
        "restore database-region",
        "runbook full-test",
      ]);
      expect([runsIn("east"), runsIn("west")]).toEqual([SERVES, STANDS_BY]);
      expect(await arrivesAt()).toEqual(["east"]);
      // Search went along and came home: nothing that was published is missing from it.
      const found = searched("east");
      expect(found?.name).toBe("models-lifeboat-1");
      expect(practice.environment.traffic.acknowledged.filter(({ id }) => !found?.docs.has(id))).toEqual([]);
    },
    LIMIT * 3,
  );
});

describe("on a healthy day", () => {
  test(
    "what repairs is refused before anything is changed, or has nothing to change",
    async () => {
      await inOneEnvironment([["restore database-region", /has no member that needs to rejoin/], "runbook stand-down"]);
      expect(practice.environment.cloud.aws.ledger.entries.filter(({ outcome }) => outcome === "accepted")).toEqual([]);
      expect([practice.environment.clusters.east.writes(), practice.environment.clusters.west.writes()]).toEqual([
        [],
        [],
      ]);
      expect([runsIn("east"), runsIn("west")]).toEqual([SERVES, STANDS_BY]);
    },
    LIMIT,
  );

  test(
    "the database in one region and the applications in the other is no state to leave a region from",
    async () => {
      await inOneEnvironment([
        "failover database-region",
        "restore database-region",
        ["failover platform", /Mixed state: Marketplace database is active in us-west-2, Public name in us-east-1/],
        "failover applications",
        "failover us-west-2",
      ]);
      expect([runsIn("east"), runsIn("west")]).toEqual([SERVES, STANDS_BY]);
    },
    LIMIT * 4,
  );
});

/** A model that only this server holds, although it takes no writes. */
async function onlyIn(host: DatabaseHost, id: number): Promise<void> {
  await asOwner(host, DATABASE, [
    "set default_transaction_read_only = off",
    `insert into models (id, name, published_at) values (${id}, 'only-here', clock_timestamp())`,
  ]);
}

/** Ids of the models that were exported. */
async function exported(): Promise<readonly string[]> {
  const { exportFolder } = practice.environment;
  const texts = await Promise.all(
    (await readdir(exportFolder)).map((name) => readFile(join(exportFolder, name), "utf8")),
  );
  const lines = texts.flatMap((text) => text.trim().split("\n")).map((line) => JSON.parse(line));
  return lines.flatMap(({ kind, row }) => (kind === "absent" ? [String(row.id)] : []));
}
