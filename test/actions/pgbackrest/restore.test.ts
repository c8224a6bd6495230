import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { type Fleet, openFleet } from "../../../practice/environment/fleet.ts";
import { soon } from "../../../practice/environment/patience.ts";
import {
  type ArchivedHost,
  createRepository,
  firstBackup,
  PGBACKREST_PACKAGES,
  PGBACKREST_PROGRAMS,
  type Repository,
} from "../../../practice/targets/pgbackrest/index.ts";
import { sshCommand } from "../../../src/actions/pgbackrest/host.ts";
import { actionHarness, blockedBy } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { describeWith } from "../../support/describe-with.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { Step } from "../../support/step.ts";
import { suite } from "./failure-cases.ts";

await runFailureSuite(suite);

/** A real pgBackRest over a real PostgreSQL: a backup, and every way back from it. */
const describe = await describeWith(PGBACKREST_PROGRAMS, PGBACKREST_PACKAGES);

describe("pgbackrest.check, .verify, .backup and .restore", () => {
  const secrets = { OWNER_PASSWORD: "owner-secret" };
  const harness = actionHarness(secrets);
  let fleet: Fleet;
  let host: ArchivedHost;
  let repository: Repository;

  const node = () => ({
    name: "archive-a",
    host: "127.0.0.1",
    port: host.port,
    user: "postgres",
    passwordFrom: "OWNER_PASSWORD",
  });
  const sql = async (text: string) => {
    const client = new pg.Client(host.url());
    await client.connect();
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  const write = async (kind: string, rows: number) => {
    await sql(`insert into written select '${kind}', clock_timestamp() from generate_series(1, ${rows})`);
    const [row] = await sql("select clock_timestamp()::text as at");
    return new Date(String(row?.at)).toISOString();
  };
  /** Until what was written so far can be restored. */
  const archived = async () => {
    const [row] = await sql("select pg_walfile_name(pg_switch_wal()) as file");
    await soon("the log being archived", async () => {
      const [seen] = await sql("select last_archived_wal from pg_stat_archiver");
      return String(seen?.last_archived_wal ?? "") >= String(row?.file);
    });
  };
  const recovered = async () => {
    await host.start();
    await soon("the end of recovery", async () => (await sql("select pg_is_in_recovery() as on"))[0]?.on === false);
  };
  const kinds = async () => await sql("select kind, count(*)::int as n from written group by 1 order by 1");
  const restoring = (more: object = {}) => ({ host: host.input, copies: host.copies, ...more });
  const restored = async () => (await readdir(host.copies)).length;

  beforeAll(async () => {
    fleet = await openFleet("pgbackrest");
    const passwords = { owner: secrets.OWNER_PASSWORD, replicator: "replicator-secret" };
    repository = await createRepository(fleet, passwords);
    host = await repository.host("archive-a");
    await host.create();
    await host.start();
    await sql("create table written (kind text not null, at timestamptz not null)");
    await write("backed-up", 500);
    await firstBackup(host);
  }, 90_000);
  afterAll(async () => {
    await host?.kill();
    await fleet?.stop();
  }, 30_000);

  test("says what could be restored, and refuses to call it fresh when it is not", async () => {
    const { evidence, facts } = await harness.perform("check", "pgbackrest.check", { host: host.input });
    expect(evidence.says).toMatch(/^Newest backup \d{8}-\d{6}F \(full\) ended .+; the log is archived up to 20/);
    expect(facts).toMatchObject({ repositoryReachable: true, backups: 1, archiveMax: expect.stringMatching(/^0{7}1/) });
    const old = { host: host.input, maxAgeSeconds: 0.001, rpoSeconds: 0.001 };
    await soon("a second passing", async () => {
      const looked = await harness.look("pgbackrest.check", old);
      return blockedBy(looked.checks).join() === "backup.age,archive.age";
    });
    const emergency = await harness.look("pgbackrest.check", { ...old, mustBeFresh: false });
    expect(blockedBy(emergency.checks)).toEqual([]);
    const elsewhere = { host: { ...host.input, stanza: "nowhere" } };
    expect(blockedBy((await harness.look("pgbackrest.check", elsewhere)).checks)).toEqual(["repository.usable"]);
  }, 30_000);

  test("reads every file and compares", async () => {
    const { evidence } = await harness.perform("verify", "pgbackrest.verify", { host: host.input });
    expect(evidence.says).toMatch(/^Every file of stanza main is as it was written/);
  }, 30_000);

  test.each([
    ["before it asked for one", "backup of stanza", "again"],
    ["after it had asked for one", undefined, "verify"],
  ])(
    "a backup killed %s ends with exactly one more",
    async (_when, at, way) => {
      const given = { host: host.input, type: "incr" };
      const count = async () => Number((await harness.look("pgbackrest.backup", given)).facts.backups);
      const before = await count();
      const died = await performAndDie("pgbackrest.backup", given, { secrets, ...(at ? { at } : {}) });
      expect((await recoverFrom(harness, "pgbackrest.backup", given, died.before)).way).toBe(way);
      expect(await count()).toBe(before + 1);
    },
    60_000,
  );

  const incremental = () => ({ host: host.input, type: "incr" });
  const count = async () => Number((await harness.look("pgbackrest.backup", incremental())).facts.backups);
  const begun = async (id: string, given: object) => {
    const step = new Step(harness, id, given);
    await step.intend();
    return step;
  };

  test("killed while pgBackRest is at work: it is waited for, and no second one is made", async () => {
    const before = await count();
    const busy = () =>
      soon("the backup being made", async () => {
        const { checks } = await harness.look("pgbackrest.backup", incremental());
        return blockedBy(checks).includes("repository.free");
      });
    const died = await performAndDie("pgbackrest.backup", incremental(), { secrets, when: busy });
    const again = async () => await recoverFrom(harness, "pgbackrest.backup", incremental(), died.before);
    const outcome = await soon("its end", async () => {
      try {
        return await again();
      } catch (error) {
        // No one begins a second one beside it.
        expect((error as Error).message).toContain("pgBackRest is making a backup already");
        return null;
      }
    });
    expect(["verify", "again"]).toContain(outcome.way);
    expect(await count()).toBe(before + 1);
  }, 90_000);

  test("a pgBackRest that was stopped refuses, and one that hangs is ended; either made nothing", async () => {
    const before = await count();
    const step = await begun("pgbackrest.backup", { ...incremental(), timeoutSeconds: 3 });
    await host.pgbackrest("stop");
    await expect(step.apply()).rejects.toThrow(/stop file exists/);
    await host.pgbackrest("start");
    expect([await step.afterwards(), await count()]).toEqual(["again", before]);
    await host.freeze();
    try {
      await expect(step.apply()).rejects.toThrow(/was ended/);
    } finally {
      await host.thaw();
    }
    expect([await step.afterwards(), await count()]).toEqual(["again", before]);
  }, 60_000);

  test("an end with 0 is no evidence: what is not there is not believed", async () => {
    const backup = await begun("pgbackrest.backup", incremental());
    await expect(backup.verify()).rejects.toMatchObject({ problem: { code: "backup-missing" } });
    const restore = await begun("pgbackrest.restore", restoring());
    await expect(restore.verify()).rejects.toMatchObject({ problem: { code: "not-restored" } });
  }, 30_000);

  test("one that someone made since the intent is taken for it", async () => {
    const step = await begun("pgbackrest.backup", incremental());
    await host.pgbackrest("backup", "--type=incr");
    expect(await step.afterwards()).toBe("verify");
    expect((await step.verify()).says).toContain("is in the repository");
  }, 60_000);

  test("another stanza behind the same host is refused", async () => {
    const elsewhere = { ...host.input, stanza: "nowhere" };
    const blocked = async (id: string, more: object) =>
      blockedBy((await harness.look(id, { ...more, host: elsewhere })).checks);
    expect(await blocked("pgbackrest.backup", incremental())).toEqual(["repository.answers"]);
    expect(await blocked("pgbackrest.restore", restoring())).toContain("repository.usable");
  }, 30_000);

  test("a restore that is ended at its deadline is for a person, and what was there is there", async () => {
    await host.stop();
    const step = await begun("pgbackrest.restore", restoring({ timeoutSeconds: 0.02 }));
    await expect(step.apply()).rejects.toThrow();
    expect(await step.afterwards()).toBe("ask");
    await host.start();
    expect((await kinds()).length).toBeGreaterThan(0);
    for (const name of await readdir(host.copies)) await rm(join(host.copies, name), { recursive: true });
  }, 60_000);

  test("never while PostgreSQL runs; never a backup that is not there; never further than the log goes", async () => {
    const running = await harness.look("pgbackrest.restore", restoring());
    expect(blockedBy(running.checks)).toEqual(["evidence.stopped"]);
    const unknown = await harness.look("pgbackrest.restore", restoring({ set: "20200101-000000F" }));
    expect(blockedBy(unknown.checks)).toContain("backup.there");
    const future = restoring({ targetTime: "2099-01-01T00:00:00Z" });
    expect(blockedBy((await harness.look("pgbackrest.restore", future)).checks)).toContain("archive.reaches");
    // What the runbook of SAV3 says literally: pgBackRest knows no --backup-id, and "latest" is no label.
    await expect(host.pgbackrest("restore", "--delta", "--backup-id=latest")).rejects.toThrow(/invalid option/);
    expect(() => harness.input("pgbackrest.restore", restoring({ set: "latest" }))).toThrow(/is a label/);
    await expect(host.pgbackrest("restore", "--delta")).rejects.toThrow(/while PostgreSQL is running/);
  }, 30_000);

  test("on a server of its own, to a moment: the one that serves goes on, and nothing is archived beside its log", async () => {
    // A backup has to have ended in a second before the moment.
    const target = await soon("a moment after the backup", async () => {
      const at = await write("before-the-damage", 1);
      const { checks } = await harness.look("pgbackrest.restore", restoring({ targetTime: at }));
      return blockedBy(checks).includes("backup.there") ? null : at;
    });
    await write("damage", 10);
    await archived();
    const scratch = await repository.host("scratch", { archives: false });
    await scratch.create();
    await scratch.stop();
    const given = { host: scratch.input, copies: scratch.copies, targetTime: target, archiveMode: "off" };
    const uncopied = { host: scratch.input, archiveMode: "off" };
    expect(() => harness.input("pgbackrest.restore", { host: scratch.input })).toThrow(/copies/);
    // A cluster that no one restored there may be of use.
    expect(blockedBy((await harness.look("pgbackrest.restore", uncopied)).checks)).toEqual(["data.ofNoUse"]);
    const { facts } = await harness.look("pgbackrest.restore", given);
    expect([facts.backupsThere, facts.moments]).toEqual([expect.stringMatching(/F/), expect.stringContaining(" to ")]);
    await harness.perform("scratch", "pgbackrest.restore", { ...given, set: "newest" });
    await scratch.start();
    const client = new pg.Client(scratch.url());
    await client.connect();
    const asked = async (text: string) => (await client.query(text)).rows[0] as Record<string, unknown>;
    await soon("the end of recovery", async () => (await asked("select pg_is_in_recovery() as on")).on === false);
    expect(await asked("select count(*)::int as n from written where kind = 'damage'")).toEqual({ n: 0 });
    expect(await readFile(join(scratch.folder, "postgresql.auto.conf"), "utf8")).toContain("archive_mode = 'off'");
    await client.end();
    await scratch.stop();
    const kept = await readdir(scratch.copies);
    expect((await harness.perform("again", "pgbackrest.restore", uncopied)).applied).toBe(true);
    expect(await readdir(scratch.copies)).toEqual(kept);
    expect((await sql("select count(*)::int as n from written where kind = 'damage'"))[0]).toEqual({ n: 10 });
    await sql("delete from written where kind in ('damage', 'before-the-damage')");
    await archived();
  }, 90_000);

  test("to a moment: what came after is gone, and the broken folder is kept", async () => {
    const target = await write("good", 20);
    await write("bad", 30);
    await archived();
    const [{ timeline }] = (await sql("select timeline_id as timeline from pg_control_checkpoint()")) as [
      { timeline: number },
    ];
    await host.stop();
    const given = restoring({ targetTime: target });
    const { evidence } = await harness.perform("restore", "pgbackrest.restore", given);
    expect(evidence.says).toContain(`recovers to ${target}. What was there is in ${host.copies}/archive-a-`);
    expect(evidence.rpo).toMatchObject({ seconds: null, method: `everything written after ${target}` });
    expect(await restored()).toBe(1);
    const again = await harness.perform("restore", "pgbackrest.restore", given).catch((error: Error) => error);
    expect(again).not.toBeInstanceOf(Error);
    await recovered();
    expect(await kinds()).toEqual([
      { kind: "backed-up", n: 500 },
      { kind: "good", n: 20 },
    ]);
    const [now] = await sql("select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)::int as timeline");
    expect(Number(now?.timeline)).toBeGreaterThan(timeline);
    const data = { node: node(), counts: [{ table: "written", min: 520, max: 520 }] };
    const newest = [{ table: "written", column: "at", notAfter: target }];
    const held = await harness.perform("data", "postgres.verify_data", { ...data, newest });
    expect(held.facts).toMatchObject({ rowsOfWritten: 520 });
    const short = harness.perform("data", "postgres.verify_data", {
      ...data,
      counts: [{ table: "written", min: 521 }],
    });
    await expect(short).rejects.toThrow(/at least 521 was expected/);
  }, 90_000);

  test.each([
    ["before anything was changed", "copying", "ask", 0],
    ["when the copy was made", "what was there is in", "ask", 1],
    ["when the restore was over", undefined, "verify", 1],
  ])(
    "killed %s, it is looked for and never repeated by itself",
    async (_when, at, way, copies) => {
      await host.stop();
      const count = await restored();
      const died = await performAndDie("pgbackrest.restore", restoring(), { secrets, ...(at ? { at } : {}) });
      const found = await recoverFrom(harness, "pgbackrest.restore", restoring(), died.before);
      expect(found.way).toBe(way);
      expect(await restored()).toBe(count + copies);
      if (found.evidence) expect(found.evidence.says).toContain(`What was there is in ${host.copies}/archive-a-`);
      await recovered();
      expect(await kinds()).toHaveLength(2);
    },
    90_000,
  );

  test("a host that is not there is an observation", async () => {
    const gone = { ...host.input, data: "/nonexistent/data", config: "/nonexistent/pgbackrest.conf" };
    const looked = await harness.look("pgbackrest.restore", { host: gone, copies: "/nonexistent/copies" });
    expect(blockedBy(looked.checks)).toEqual(["repository.usable", "backup.there", "host.answers"]);
    expect(looked.done).toBe("unknown");
  }, 30_000);

  test("a file of a backup that is not as it was written is found, though pgBackRest ends with 0", async () => {
    const label = String((await harness.look("pgbackrest.check", { host: host.input })).facts.newestBackup).slice(
      0,
      16,
    );
    await writeFile(join(fleet.folder, "repository/backup/main", label, "pg_data/postgresql.conf.lz4"), "broken");
    const read = harness.perform("verify", "pgbackrest.verify", { host: host.input });
    await expect(read).rejects.toThrow(/found errors: .*status: error.*checksum invalid: 1/);
  }, 30_000);
});

test("over ssh every word is quoted, what can't be is refused, and no one's configuration takes part", () => {
  const ssh = { user: "lifeboat", host: "db1.sav3.example", port: 22, identity: "/keys/dr", knownHosts: "/keys/known" };
  const command = sshCommand(ssh, "10.0.0.5", ["pgbackrest", "--target=2026-11-21 10:00:00.000+00", "restore"]);
  expect(command.slice(0, 4)).toEqual(["ssh", "-F", "none", "-T"]);
  expect(command.slice(-3)).toEqual(["--", "10.0.0.5", "'pgbackrest' '--target=2026-11-21 10:00:00.000+00' 'restore'"]);
  expect(command).toEqual(expect.arrayContaining(["BatchMode=yes", "StrictHostKeyChecking=yes"]));
  expect(() => sshCommand(ssh, "10.0.0.5", ["cat", "a'; reboot; '"])).toThrow(/can't be passed/);
});
