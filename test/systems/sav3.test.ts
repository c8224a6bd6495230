import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { soon } from "../../practice/environment/patience.ts";
import { type Play, playRunbook } from "../../practice/session/play.ts";
import { type Practice, startPractice } from "../../practice/session/practice.ts";
import { playSequence } from "../../practice/session/sequence.ts";
import { type Sav3Environment, sav3 } from "../../practice/systems/sav3/index.ts";
import { API_BEFORE, MEDIA, MEDIA_BACKUP, MEDIA_NEW } from "../../practice/systems/sav3/names.ts";
import type { ArchivedHost } from "../../practice/targets/pgbackrest/index.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";
import { describeWith } from "../support/describe-with.ts";
import { FAST_SLACK } from "../support/fast-slack.ts";
import { playsItsCycles } from "./cycles.ts";
import { takesATransaction } from "./transaction.ts";

/** Every runbook of SAV3, played from what is on the screen; what it did is told by the world. */
const describe = await describeWith(
  sav3.needs.map(({ program }) => program),
  [...new Set(sav3.needs.map((one) => one.package))],
);

describe("SAV3", () => {
  let folder: string;
  let practice: Practice<Sav3Environment>;

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
      environment: FAST_SLACK,
    })) as unknown as Practice<Sav3Environment>;
  }, 120_000);
  afterAll(async () => {
    await practice?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const LIMIT = 240_000;
  const practiceEnvironment = () => practice.environment;

  async function played(runbook: string, mode: "planned" | "unplanned" = "planned"): Promise<Play> {
    const play = await playRunbook(practice, { runbook, mode, seconds: 170 });
    if (process.env.SAY)
      console.log(runbook, play.seconds, JSON.stringify(play.report, null, 1), play.texts.join("\n"));
    expect(play).toMatchObject({ problem: null, outcome: "verified", timeline: { verified: true } });
    return play;
  }
  /** In no order: those who are asked together answer as they come. */
  const approvers = (play: Play) => play.report?.approvals.map(({ person }) => person).sort();
  const rows = async (host: ArchivedHost) =>
    new Set(
      (await practiceEnvironment().databases.sql(host, "select id::text from posts")).map(({ id }) => String(id)),
    );
  /** What was acknowledged and is not on this server. */
  const lostOn = async (host: ArchivedHost) => {
    const acknowledged = practiceEnvironment().traffic.acknowledged.map(({ id }) => id);
    const there = await rows(host);
    return acknowledged.filter((id) => !there.has(id));
  };
  const stored = async () => {
    const { traffic } = practiceEnvironment();
    const from = traffic.acknowledged.length;
    await soon("posts being stored", async () => traffic.acknowledged.length > from + 3);
  };
  const bucket = () => practiceEnvironment().stack.backend.state.settings.MEDIA_BUCKET;

  test(
    "both servers gone: the newest backup and the log come back, and the replica after it",
    async () => {
      const play = await played("db-restore", "unplanned");
      expect(approvers(play)).toEqual(["dana-kim", "sam-okafor"]);
      const { databases } = practiceEnvironment();
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
      expect((await rows(practiceEnvironment().databases.primary)).size).toBeGreaterThan(0);
      expect(await lostOn(practiceEnvironment().databases.primary)).toEqual([]);
    },
    LIMIT,
  );

  test(
    "media: what is uploaded while it is moved is in the storage it was moved to, there and back",
    async () => {
      const { media, traffic } = practiceEnvironment();
      const [buckets, missing]: [unknown[], string[]] = [[], []];
      const { outcome, runs } = await playSequence(practice, {
        lines: ["failover media", "failover media"],
        seconds: 170,
        onLine() {
          const to = bucket() ?? "";
          const there = new Set(media.keys(to));
          buckets.push(to);
          expect(traffic.uploaded.length).toBeGreaterThan(3);
          missing.push(...traffic.uploaded.filter((key) => !there.has(key)));
        },
      });
      expect({ outcome, problems: runs.map(({ problem }) => problem) }).toMatchObject({ outcome: "verified" });
      expect(buckets).toEqual([MEDIA_BACKUP, MEDIA]);
      expect(missing).toEqual([]);
    },
    2 * LIMIT,
  );

  test(
    "media that were lost come back from the copy, while users are served from there",
    async () => {
      await played("media-restore");
      expect(bucket()).toBe(MEDIA_BACKUP);
      const { media } = practiceEnvironment();
      const there = new Set(media.keys(MEDIA));
      expect(there.has("media/0.jpg")).toBe(true);
    },
    LIMIT,
  );

  test(
    "services: restarted, rolled back by digest; monitoring started",
    async () => {
      await played("service-restart", "unplanned");
      await played("service-rollback", "unplanned");
      expect(practiceEnvironment().stack.docker.container("sav3-api-1")?.image.tag).toBe(API_BEFORE);
      await stored();
      await played("monitoring-restore", "unplanned");
      await played("pool-resume", "unplanned");
    },
    3 * LIMIT,
  );

  test(
    "every morning a backup is restored for real beside the one that serves, the second morning too",
    async () => {
      const { databases, stack } = practiceEnvironment();
      const restores = () => stack.docker.writes().filter(({ path }) => path.endsWith("/start")).length;
      /** When the backup began that the server was restored from, as PostgreSQL keeps it after its recovery. */
      const restored = () => readFile(join(databases.scratch.folder, "backup_label.old"), "utf8");
      await played("validate-daily");
      expect(restores()).toBe(1);
      const begun = await restored();
      await databases.primary.pgbackrest("backup", "--type=full");
      const options = { runbook: "validate-daily", mode: "planned", prepare: false, seconds: 170 } as const;
      const second = await playRunbook(practice, options);
      expect(second).toMatchObject({ problem: null, outcome: "verified" });
      expect(restores()).toBe(2);
      expect(await restored()).not.toBe(begun);
      expect(databases.scratch.running).toBe(false);
    },
    2 * LIMIT,
  );

  test(
    "everything lost, the Docker engine too: new machines are made, everything comes back on them, and users are served",
    async () => {
      const lines = ["break burn", "runbook new-machines", "restore platform"];
      const { runs, ...end } = await playSequence(practice, { lines, seconds: 170 });
      expect({ ...end, problems: runs.map(({ problem }) => problem) }).toEqual({
        ...{ outcome: "verified", writers: 1, healthy: true, violations: [], problems: [null, null] },
      });
      const { machines, databases, media, stack } = practiceEnvironment();
      expect(databases.replacement.running).toBe(true);
      expect(media.has(MEDIA_NEW, "media/0.jpg")).toBe(true);
      expect(machines.docker.containers().filter((one) => one.state !== "running")).toEqual([]);
      expect(stack.docker.writes()).toEqual([]);
    },
    2 * LIMIT,
  );

  test(
    "a backup is chosen by its label, and the log after it is followed to its end",
    async () => {
      await practiceEnvironment().prepare("db-restore", "unplanned");
      const info = await practiceEnvironment().databases.replacement.pgbackrest("info", "--output=json");
      const label = JSON.parse(info)[0].backup[0].label as string;
      const inputs = { backup: label };
      const options = { runbook: "db-restore", mode: "unplanned", prepare: false, inputs, seconds: 170 } as const;
      const play = await playRunbook(practice, options);
      expect(play).toMatchObject({ problem: null, outcome: "verified" });
      expect(play.texts.join("\n")).toContain(`backup ${label}`);
      await stored();
      expect((await lostOn(practiceEnvironment().databases.primary)).length).toBe(play.report?.rpo.rowsLost);
    },
    LIMIT,
  );

  test(
    "on a healthy day every repair is refused before anything is changed, or has nothing to change",
    async () => {
      const { databases, stack, machines } = practiceEnvironment();
      const lines = ["runbook db-rebuild-primary", "restore database", "runbook new-machines", "restore platform"];
      const played = await playSequence(practice, { lines, seconds: 60, keepGoing: true });
      expect(played.runs.map(({ runbook, outcome }) => [runbook, outcome])).toEqual([
        ["db-rebuild-primary", "refused"],
        ["db-restore", "refused"],
        ["new-machines", "refused"],
        ["full-recovery", "refused"],
      ]);
      expect(played.runs[1]?.problem).toMatch(/sav3-db-a is a primary that takes writes/);
      expect(played).toMatchObject({ writers: 1, healthy: true, violations: [] });
      expect([...stack.docker.writes(), ...machines.docker.writes()]).toEqual([]);
      const [setting] = await databases.sql(databases.primary, "show default_transaction_read_only");
      expect(setting).toEqual({ default_transaction_read_only: "off" });
      const copied = await playSequence(practice, { lines: ["restore media"], seconds: 60 });
      expect(copied).toMatchObject({ outcome: "verified", writers: 1, healthy: true });
      expect(stack.docker.writes()).toEqual([]);
    },
    LIMIT,
  );

  test(
    "the weekly test breaks three things and recovers each, and the next one goes the other way",
    async () => {
      const lines = ["runbook weekly-drill", "runbook weekly-drill"];
      const { runs, ...end } = await playSequence(practice, { lines, seconds: 170 });
      expect({ ...end, problems: runs.map(({ problem }) => problem) }).toMatchObject({
        ...{ outcome: "verified", writers: 1, healthy: true, problems: [null, null] },
      });
      expect(bucket()).toBe(MEDIA);
      expect(practiceEnvironment().stack.backend.state.readonly).toBe(false);
    },
    2 * LIMIT,
  );

  test(
    "a full backup is made of whichever server takes the writes",
    async () => {
      await played("backup-now");
    },
    LIMIT,
  );

  takesATransaction("sav3", () => practice);
  playsItsCycles("sav3", () => practice, {
    after: {
      // Behind PgBouncer: no one sees an error, nothing is lost, and the old primary is fenced.
      "database, planned, 1": async (play) => {
        expect(approvers(play)).toEqual(["sam-okafor"]);
        await stored();
        const { databases, traffic } = practiceEnvironment();
        expect(traffic.errors).toEqual([]);
        expect(traffic.readonlyAnswers).toBe(0);
        expect(await lostOn(databases.standby)).toEqual([]);
        expect(play.report?.rpo.rowsLost).toBe(0);
        const [old] = await databases.sql(databases.primary, "show default_transaction_read_only");
        expect(old).toEqual({ default_transaction_read_only: "on" });
      },
      // The old primary is rebuilt as a replica, and streams.
      "database, planned, 2": async () => {
        const { databases } = practiceEnvironment();
        const streaming = await databases.sql(databases.standby, "select application_name from pg_stat_replication");
        expect(streaming).toEqual([{ application_name: databases.primary.name }]);
      },
      // A second signature for the loss, users see read-only, and the loss is what was lost.
      "database, unplanned, 2": async (play) => {
        expect(approvers(play)).toEqual(["dana-kim", "sam-okafor"]);
        await stored();
        const { databases, traffic } = practiceEnvironment();
        expect((await lostOn(databases.standby)).length).toBe(play.report?.rpo.rowsLost);
        expect(traffic.readonlyAnswers).toBeGreaterThan(0);
        expect(practiceEnvironment().stack.backend.state.readonly).toBe(false);
      },
      // Led elsewhere.
      "api, unplanned, 2": async (play) => {
        expect(approvers(play)).toEqual(["sam-okafor"]);
        expect(await readFile(practiceEnvironment().stack.traefikFile, "utf8")).toContain(
          practiceEnvironment().stack.standbyApiUrl,
        );
      },
    },
  });
});
