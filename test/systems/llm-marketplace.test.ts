import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { DatabaseHost } from "../../src/practice/estate/database.ts";
import { ask } from "../../src/practice/estate/llm-marketplace/databases.ts";
import type { MarketplaceEstate } from "../../src/practice/estate/llm-marketplace/index.ts";
import {
  ASIDE,
  CONFIG,
  EAST,
  endpointOf,
  FAILBACK,
  NAMESPACE,
  PRIMARY,
  REPLICA,
  WEST,
} from "../../src/practice/estate/llm-marketplace/names.ts";
import { type Play, playRunbook } from "../../src/practice/play.ts";
import { type Practice, startPractice } from "../../src/practice/practice.ts";
import { built } from "../built.ts";
import { playsItsCycles } from "./cycles.ts";

/** Every runbook of LLM-Marketplace, played from what is on the screen; what it did is told by the world. */
let folder: string;
let practice: Practice<MarketplaceEstate>;

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
  })) as unknown as Practice<MarketplaceEstate>;
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
const accepted = (operation: string) => practice.estate.cloud.aws.ledger.of(operation, "accepted");
const takesWrites = async (host: DatabaseHost) => {
  const [row] = await ask<{ open: boolean }>(
    host,
    "select not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as open",
  );
  return row?.open;
};
const replicas = (which: "primary" | "dr", name: string) =>
  practice.estate.clusters[which].get("deployments", NAMESPACE, name)?.spec?.replicas;
const endpoint = (which: "primary" | "dr") =>
  practice.estate.clusters[which].get("configmaps", NAMESPACE, CONFIG)?.data;
/** The index searches are answered from in us-west-2, and how much it holds. */
const searched = () => {
  const found = [...practice.estate.search.cluster("dr").world.indices.values()].find(({ aliases }) =>
    aliases.has("models-search"),
  );
  return [found?.name, found?.docs.size];
};
/** Publishers arrive only there, and are told that their models are stored. */
const arrivesAt = async () => {
  const { traffic } = practice.estate;
  const before = traffic.acknowledged.length;
  while (traffic.acknowledged.length < before + 3) await new Promise((later) => setTimeout(later, 50));
  const sides = traffic.acknowledged.slice(-2) as readonly { readonly side?: string }[];
  return [...new Set(sides.map(({ side }) => side))];
};

describe("inside us-east-1", () => {
  test(
    "DB-F-001: the zone is left once, nothing is lost",
    async () => {
      const play = await played("db-f-001");
      const { world } = practice.estate.cloud.aws;
      expect(approvers(play)).toEqual(["sam-okafor"]);
      expect(accepted("RebootDBInstance")).toHaveLength(1);
      expect(world.instances.get(`${EAST}/${PRIMARY}`)?.zone).toBe("us-east-1b");
      expect(play.report?.rpo.rowsLost).toBe(0);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    LIMIT,
  );
});

describe("the database leaves", () => {
  test(
    "DB-F-002, planned: fenced by its parameter group, drained, promoted for real; applications follow",
    async () => {
      const play = await played("db-f-002");
      const { databases, cloud } = practice.estate;
      expect(approvers(play)).toEqual(["vera-lindqvist"]);
      expect(accepted("PromoteReadReplica")).toHaveLength(1);
      expect(cloud.aws.world.instances.get(`${WEST}/${REPLICA}`)?.source).toBeNull();
      expect([await takesWrites(databases.primary), await takesWrites(databases.replica)]).toEqual([false, true]);
      expect(endpoint("primary")).toEqual({ DATABASE_ENDPOINT: endpointOf(WEST, REPLICA) });
      expect(play.report?.rpo.rowsLost).toBe(0);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    LIMIT,
  );

  test(
    "reprotect: read-only, Multi-AZ, a real replica in the old region",
    async () => {
      await played("reprotect");
      const { databases, cloud } = practice.estate;
      const { instances } = cloud.aws.world;
      expect(instances.get(`${WEST}/${REPLICA}`)?.multiAz).toBe(true);
      expect(instances.get(`${EAST}/${FAILBACK}`)?.source).toEqual({ id: REPLICA, region: WEST });
      const streaming = await ask(databases.replica, "select 1 from pg_stat_replication where state = 'streaming'");
      expect(streaming).toHaveLength(1);
      expect(await takesWrites(databases.primary)).toBe(false);
    },
    LIMIT,
  );
});

describe("applications leave", () => {
  test(
    "APP-F-001, planned: by the records",
    async () => {
      await played("app-f-001");
      expect(accepted("ChangeResourceRecordSets")).toHaveLength(1);
      expect([replicas("dr", "publishing-service"), replicas("dr", "discovery-service")]).toEqual([3, 2]);
      expect(await arrivesAt()).toEqual(["west"]);
    },
    LIMIT,
  );

  test(
    "APP-F-001, unplanned: by the routing controls",
    async () => {
      await played("app-f-001", "unplanned");
      expect(accepted("ChangeResourceRecordSets")).toHaveLength(0);
      expect(accepted("UpdateRoutingControlStates")).toHaveLength(1);
      expect(await arrivesAt()).toEqual(["west"]);
    },
    LIMIT,
  );
});

describe("search", () => {
  test(
    "ES restore: beside what is there, counted, and the alias moves",
    async () => {
      await played("es-restore");
      expect(searched()).toEqual(["models-lifeboat-1", 40]);
      expect(practice.estate.search.cluster("dr").world.indices.has("models-standby")).toBe(true);
    },
    LIMIT,
  );
});

describe("the data is destroyed", () => {
  test(
    "a restored instance takes the primary's name after a second decision; the harmed one is kept",
    async () => {
      const play = await playRunbook(practice, { runbook: "db-restore-snapshot", mode: "planned", seconds: 170 });
      // Nothing fences the instance that is put aside, so whoever holds an old address writes to it. To be mended in the runbook.
      expect(play.violations.map(({ rule, saw }) => [rule, saw])).toEqual([
        ["one-writer", `${PRIMARY} and ${ASIDE} take writes at the same time`],
      ]);
      expect(play).toMatchObject({ outcome: "verified", timeline: { verified: true } });
      const { world } = practice.estate.cloud.aws;
      expect(approvers(play)).toEqual(["sam-okafor", "vera-lindqvist"]);
      const restored = accepted("RestoreDBInstanceFromDBSnapshot").map(({ given }) => given.DBSnapshotIdentifier);
      expect(restored).toEqual([expect.not.stringMatching(/^harmed$/)]);
      expect(world.instances.get(`${EAST}/${PRIMARY}`)).toMatchObject({
        port: practice.estate.databases.spare.port,
        multiAz: true,
        securityGroups: ["sg-marketplace"],
      });
      expect(world.instances.get(`${EAST}/${ASIDE}`)?.port).toBe(practice.estate.databases.primary.port);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    LIMIT,
  );
});

describe("looks and tests", () => {
  test.each([
    "dr-health",
    "verify-backups",
    "verify-backups-database",
    "verify-backups-search",
    "verify-backups-files",
  ])(
    "%s changes nothing, and asks nobody",
    async (runbook) => {
      const play = await played(runbook);
      expect(approvers(play)).toEqual([]);
      expect(practice.estate.cloud.aws.ledger.entries.filter(({ outcome }) => outcome === "accepted")).toEqual([]);
      expect(practice.estate.clusters.dr.writes()).toEqual([]);
    },
    LIMIT,
  );

  test.each([
    ["monthly-test", "sam-okafor"],
    ["surprise-drill", "vera-lindqvist"],
  ])(
    "%s fails the database over once",
    async (runbook, approver) => {
      const play = await played(runbook);
      expect(approvers(play)).toEqual([approver]);
      expect(accepted("RebootDBInstance")).toHaveLength(1);
    },
    LIMIT,
  );

  test(
    "quarterly starts and restores, moves nobody, and leaves the counts as they were",
    async () => {
      await played("quarterly");
      expect([replicas("dr", "publishing-service"), replicas("dr", "discovery-service")]).toEqual([0, 0]);
      expect(practice.estate.search.cluster("dr").world.indices.has("models-test-lifeboat-1")).toBe(true);
      expect(searched()).toEqual(["models-standby", 30]);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    LIMIT,
  );
});

describe("the region is lost", () => {
  test(
    "CR-F-001: not one call to us-east-1 is answered, and everybody publishes in us-west-2",
    async () => {
      const play = await played("cr-f-001", "unplanned");
      const { databases, cloud, clusters } = practice.estate;
      expect(approvers(play)).toEqual(["vera-lindqvist", "vera-lindqvist"]);
      const answered = cloud.aws.ledger.entries.filter(
        ({ region, outcome }) => region === EAST && outcome !== "dropped",
      );
      expect(answered).toEqual([]);
      expect(clusters.primary.ledger.filter(({ code }) => code !== null)).toEqual([]);
      expect(await takesWrites(databases.replica)).toBe(true);
      expect(endpoint("dr")).toEqual({ DATABASE_ENDPOINT: endpointOf(WEST, REPLICA) });
      expect(searched()).toEqual(["models-lifeboat-1", 40]);
      expect([replicas("dr", "publishing-service"), replicas("dr", "discovery-service")]).toEqual([3, 2]);
      expect(await arrivesAt()).toEqual(["west"]);
      // One figure for the database, a moment, on the preflight, every decision, the steps and the result.
      const moments = play.texts.flatMap((text) =>
        [...text.matchAll(/writes,? after (\d\d:\d\d:\d\d UTC)/g)].map(([, at]) => at),
      );
      expect(new Set(moments).size).toBeLessThanOrEqual(1);
      const unfenced = play.texts.filter((text) => text.includes(`NOT FENCED: ${PRIMARY}`));
      expect(unfenced.some((text) => /^Preflight passed/.test(text))).toBe(true);
      expect(unfenced.some((text) => /is done and verified.* Accepted by <@UVERA>\./.test(text))).toBe(true);
      // The search index is as old as its snapshot; how many documents that is, nobody can count.
      expect(play.report?.rpo.seconds).toBeLessThan(900);
    },
    LIMIT,
  );

  test(
    "what needs us-east-1 says so before anybody is asked",
    async () => {
      await practice.estate.prepare("app-f-001", "planned");
      await practice.estate.strike?.("lose-region");
      const play = await playRunbook(practice, { runbook: "app-f-001", mode: "planned", seconds: 60, prepare: false });
      expect(play.outcome).not.toBe("verified");
      expect(play.texts.join("\n")).toMatch(/api\.llm-marketplace\.test A \(us-east-1\) can not be seen/);
      expect(play.report?.approvals).toEqual([]);
    },
    LIMIT,
  );

  test(
    "and back again, planned, without loss",
    async () => {
      const back = await played("cr-rollback");
      const { databases } = practice.estate;
      expect(approvers(back)).toEqual(["vera-lindqvist", "vera-lindqvist"]);
      expect(back.report?.rpo.rowsLost).toBe(0);
      expect([await takesWrites(databases.replica), await takesWrites(databases.spare)]).toEqual([false, true]);
      expect(endpoint("primary")).toEqual({ DATABASE_ENDPOINT: endpointOf(EAST, FAILBACK) });
      expect([replicas("primary", "publishing-service"), replicas("dr", "publishing-service")]).toEqual([3, 0]);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    LIMIT,
  );
});

playsItsCycles("llm-marketplace", () => practice);
