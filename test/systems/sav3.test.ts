import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { soon } from "../../src/practice/estate/fleet.ts";
import type { ArchivedHost } from "../../src/practice/estate/pgbackrest/index.ts";
import { type Sav3Estate, sav3 } from "../../src/practice/estate/sav3/index.ts";
import { API_BEFORE, MEDIA, MEDIA_BACKUP } from "../../src/practice/estate/sav3/names.ts";
import { type Play, playRunbook } from "../../src/practice/play.ts";
import { type Practice, startPractice } from "../../src/practice/practice.ts";
import { describeWith } from "../actions/present.ts";
import { built } from "../built.ts";
import { playsItsCycles } from "./cycles.ts";

/** Every runbook of SAV3, played from what is on the screen; what it did is told by the world. */
const describe = await describeWith(
  sav3.needs.map(({ program }) => program),
  [...new Set(sav3.needs.map((one) => one.package))],
);

describe("SAV3", () => {
  let folder: string;
  let practice: Practice<Sav3Estate>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-sav3-"));
    const root = projectRoot();
    practice = (await startPractice({
      system: "sav3",
      folder,
      port: 0,
      log: createLog("error", "test"),
      bot: { program: process.execPath, arguments: [await built("src/main.ts")] },
      manifestFile: join(root, "manifest.yml"),
    })) as unknown as Practice<Sav3Estate>;
  }, 120_000);
  afterAll(async () => {
    await practice?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const LIMIT = 240_000;
  const estate = () => practice.estate;

  async function played(runbook: string, mode: "planned" | "unplanned" = "planned"): Promise<Play> {
    const play = await playRunbook(practice, { runbook, mode, seconds: 170 });
    if (process.env.SAY)
      console.log(runbook, play.seconds, JSON.stringify(play.report, null, 1), play.texts.join("\n"));
    expect(play).toMatchObject({ problem: null, outcome: "verified", timeline: { verified: true } });
    return play;
  }
  const approvers = (play: Play) => play.report?.approvals.map(({ person }) => person);
  const rows = async (host: ArchivedHost) =>
    new Set((await estate().databases.sql(host, "select id::text from posts")).map(({ id }) => String(id)));
  /** What was acknowledged and is not on this server. */
  const lostOn = async (host: ArchivedHost) => {
    const acknowledged = estate().traffic.acknowledged.map(({ id }) => id);
    const there = await rows(host);
    return acknowledged.filter((id) => !there.has(id));
  };
  const stored = async () => {
    const { traffic } = estate();
    const from = traffic.acknowledged.length;
    await soon("posts being stored", 15, async () => traffic.acknowledged.length > from + 3);
  };
  const bucket = () => estate().stack.backend.state.settings.MEDIA_BUCKET;

  test(
    "planned failover behind PgBouncer: nobody sees an error, nothing is lost, and the old primary is fenced",
    async () => {
      const play = await played("db-failover");
      expect(approvers(play)).toEqual(["sam-okafor"]);
      await stored();
      const { databases, traffic } = estate();
      expect(traffic.errors).toEqual([]);
      expect(traffic.readonlyAnswers).toBe(0);
      expect(await lostOn(databases.standby)).toEqual([]);
      expect(play.report?.rpo.rowsLost).toBe(0);
      const [old] = await databases.sql(databases.primary, "show default_transaction_read_only");
      expect(old).toEqual({ default_transaction_read_only: "on" });
    },
    LIMIT,
  );

  test(
    "unplanned failover: a second signature for the loss, users see read-only, and the loss is what was lost",
    async () => {
      const play = await played("db-failover", "unplanned");
      expect(approvers(play)).toEqual(["sam-okafor", "dana-kim"]);
      await stored();
      const { databases, traffic } = estate();
      expect((await lostOn(databases.standby)).length).toBe(play.report?.rpo.rowsLost);
      expect(traffic.readonlyAnswers).toBeGreaterThan(0);
      expect(estate().stack.backend.state.readonly).toBe(false);
    },
    LIMIT,
  );

  test(
    "the old primary is rebuilt as a replica, and streams",
    async () => {
      await played("db-rebuild-primary");
      const { databases } = estate();
      const streaming = await databases.sql(databases.standby, "select application_name from pg_stat_replication");
      expect(streaming).toEqual([{ application_name: databases.primary.name }]);
    },
    LIMIT,
  );

  test(
    "both servers gone: the newest backup and the log come back, and the replica after it",
    async () => {
      const play = await played("db-restore", "unplanned");
      expect(approvers(play)).toEqual(["sam-okafor", "dana-kim"]);
      const { databases } = estate();
      const lost = play.report?.rpo.rowsLost ?? -1;
      expect(lost).toBeGreaterThanOrEqual(0);
      const streaming = await databases.sql(databases.primary, "select application_name from pg_stat_replication");
      expect(streaming).toEqual([{ application_name: databases.standby.name }]);
      await stored();
      expect((await lostOn(databases.primary)).length).toBe(lost);
    },
    LIMIT,
  );

  test(
    "data deleted by mistake: back to the moment before",
    async () => {
      await played("db-restore-moment");
      expect((await rows(estate().databases.primary)).size).toBeGreaterThan(0);
      expect(await lostOn(estate().databases.primary)).toEqual([]);
    },
    LIMIT,
  );

  test(
    "media: served from the copy, and home again",
    async () => {
      await played("media-switch", "unplanned");
      expect(bucket()).toBe(MEDIA_BACKUP);
      await played("media-restore");
      expect(bucket()).toBe(MEDIA);
      const { media } = estate();
      expect(media.keys(MEDIA)).toEqual(media.keys(MEDIA_BACKUP));
    },
    2 * LIMIT,
  );

  test(
    "services: restarted, rolled back by digest, led elsewhere; monitoring started",
    async () => {
      await played("service-restart", "unplanned");
      await played("service-rollback", "unplanned");
      expect(estate().stack.docker.container("sav3-api-1")?.image.tag).toBe(API_BEFORE);
      await stored();
      const play = await played("traefik-switch", "unplanned");
      expect(approvers(play)).toEqual(["sam-okafor"]);
      const through = await (await fetch(`${estate().stack.traefik.url}/health`)).json();
      expect(through).toMatchObject({ status: "healthy" });
      await played("monitoring-restore", "unplanned");
      await played("pool-resume", "unplanned");
    },
    3 * LIMIT,
  );

  test(
    "every morning the backups are read, and nothing is changed",
    async () => {
      await played("validate-daily");
      expect(estate().stack.docker.writes()).toEqual([]);
    },
    LIMIT,
  );

  test(
    "everything lost: five phases, and users are served again",
    async () => {
      const play = await played("full-recovery", "unplanned");
      expect(approvers(play)).toEqual(["sam-okafor", "sam-okafor", "dana-kim", "sam-okafor", "sam-okafor"]);
      expect(play.texts.join("\n")).toMatch(/Data loss: .*what was written after .*, when the log was last archived/);
      expect(play.texts.join("\n")).not.toContain("is late");
      await stored();
      const { media, stack } = estate();
      expect(media.keys(MEDIA)).toEqual(media.keys(MEDIA_BACKUP));
      expect(stack.docker.containers().filter((one) => one.state !== "running")).toEqual([]);
    },
    LIMIT,
  );

  test(
    "the weekly test breaks three things and recovers each",
    async () => {
      await played("weekly-drill");
      expect(bucket()).toBe(MEDIA_BACKUP);
      expect(estate().stack.backend.state.readonly).toBe(false);
    },
    LIMIT,
  );

  playsItsCycles("sav3", () => practice);
});
