import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Play, playRunbook, sayLine } from "../../practice/session/play.ts";
import { type Practice, startPractice } from "../../practice/session/practice.ts";
import { playSequence } from "../../practice/session/sequence.ts";
import { ask } from "../../practice/systems/mimir/databases.ts";
import { type MimirEnvironment, mimir } from "../../practice/systems/mimir/index.ts";
import {
  CONFIG,
  CONTROLS,
  EAST,
  MEDIA,
  NAMESPACE,
  type Side,
  type Site,
  WARM_JOB,
  ZONE,
} from "../../practice/systems/mimir/names.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";
import { describeWith } from "../support/describe-with.ts";
import { FAST_SLACK } from "../support/fast-slack.ts";
import { killedOnce } from "../support/killed-once.ts";
import { playsItsCycles } from "./cycles.ts";
import { takesATransaction } from "./transaction.ts";

/** Every runbook of Mimir, played from what is on the screen; what it did is told by the world. */
const { needs } = mimir;
const describe = await describeWith(
  needs.map(({ program }) => program),
  [...new Set(needs.map((need) => need.package))],
);
const LIMIT = 240_000;

describe("Mimir", () => {
  let folder: string;
  let practice: Practice<MimirEnvironment>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-mimir-"));
    const root = projectRoot();
    practice = (await startPractice({
      system: "mimir",
      folder,
      port: 0,
      log: createLog("error", "test"),
      bot: { program: process.execPath, arguments: [await built("src/main.ts")] },
      manifestFile: join(root, "manifest.yml"),
      environment: FAST_SLACK,
    })) as unknown as Practice<MimirEnvironment>;
  }, LIMIT);
  afterAll(async () => {
    await practice?.stop();
    await rm(folder, { recursive: true, force: true });
  }, LIMIT);

  async function played(runbook: string, mode: "planned" | "unplanned"): Promise<Play> {
    const play = await playRunbook(practice, { runbook, mode, seconds: 170 });
    if (process.env.SAY) console.log(runbook, play.seconds, play.problem, play.texts.join("\n"));
    expect(play).toMatchObject({ problem: null, outcome: "verified", timeline: { verified: true } });
    return play;
  }
  const namesUnfenced = (text: string, server: RegExp) =>
    [...text.matchAll(/NOT FENCED: (.*?)\. If it comes back, two servers take writes\. Accepted by/g)].some(
      ([, name]) => server.test(name ?? ""),
    );
  const approvers = (play: Play) => play.report?.approvals.map(({ person }) => person);
  const takesWrites = async (site: Site) => {
    const [row] = await ask<{ open: boolean }>(
      practice.environment.databases.at[site],
      "select not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as open",
    );
    return row?.open;
  };
  const replicas = (side: Side) =>
    practice.environment.clusters[side].get("deployments", NAMESPACE, "api")?.spec?.replicas;
  /** Customers arrive only there, and are told that their orders are stored. */
  const arrivesAt = async () => {
    const { traffic } = practice.environment;
    const before = traffic.acknowledged.length;
    while (traffic.acknowledged.length < before + 3) await later(50);
    return [...new Set(traffic.acknowledged.slice(-2).map(({ side }) => side))];
  };
  /** What the repairs would change: who takes writes, what runs where, whom Redis follows, where customers are sent. */
  const asItStands = async () => {
    const { cloud, clusters, cache } = practice.environment;
    const nodes = [...cache.at.east.nodes, ...cache.at.west.nodes];
    return {
      writes: [await takesWrites("primary"), await takesWrites("dr")],
      pods: (["east", "west"] as const).map(replicas),
      suspended: (["east", "west"] as const).map((side) => clusters[side].get("cronjobs", NAMESPACE, WARM_JOB)?.spec),
      redis: await Promise.all(
        nodes.map(
          async (one) =>
            /role:\w+(\r\nmaster_host:\S+\r\nmaster_port:\d+)?/.exec(await one.raw("INFO", "replication"))?.[0],
        ),
      ),
      controls: [...cloud.aws.state.controls.values()],
      records: cloud.aws.state.zones.get(ZONE)?.records,
    };
  };
  const lostCarts = async () => practice.environment.cache.lostOn(await practice.environment.cache.master());

  test(
    "a zone fails, the network is cut and CPU is used up: Mimir heals, and nothing of it is left",
    async () => {
      const { east } = practice.environment.clusters;
      const onFirst = () =>
        east
          .list("pods", NAMESPACE)
          .filter(({ spec, metadata }) => spec?.nodeName === "node-1" && metadata.labels?.app === "api");
      expect(onFirst().length).toBeGreaterThan(0);
      await played("fault-drill", "planned");
      const made = east.writes().map(({ method, path }) => `${method} ${path.split("/").at(-1)}`);
      expect(made).toEqual(expect.arrayContaining(["POST eviction", "POST networkpolicies", "POST jobs"]));
      expect(east.get("nodes", undefined, "node-1")?.spec?.unschedulable).toBe(false);
      expect([east.list("networkpolicies"), east.list("jobs")]).toEqual([[], []]);
      // What was evicted is gone from there, and no one moved it back.
      expect(onFirst()).toEqual([]);
      // Typed without --drill it isn't planned.
      const refused = await sayLine(practice, "runbook fault-drill --planned", "fault-drill", 30);
      expect(refused).toMatch(/This runbook is a drill, and this request is for real/);
    },
    LIMIT,
  );

  test(
    "the Redis master moves under load, and no acknowledged cart is lost",
    async () => {
      await practice.environment.prepare("redis-failover", "planned");
      const { cache } = practice.environment;
      const before = (await cache.master()).port;
      while (cache.acknowledged < 50) await later(20);
      const play = await playRunbook(practice, {
        runbook: "redis-failover",
        mode: "planned",
        seconds: 60,
        prepare: false,
      });
      expect(play).toMatchObject({ problem: null, outcome: "verified" });
      const written = cache.acknowledged;
      while (cache.acknowledged < written + 20) await later(20);
      expect((await cache.master()).port).not.toBe(before);
      expect(written).toBeGreaterThan(50);
      expect(await lostCarts()).toBe(0);
      expect(["alex-rivera", "erin-walsh"]).toContain(approvers(play)?.[0]);
    },
    LIMIT,
  );

  test(
    "a dead Redis master is replaced",
    async () => {
      await played("redis-failover", "unplanned");
      const { cache } = practice.environment;
      const before = cache.acknowledged;
      while (cache.acknowledged < before + 20) await later(20);
    },
    LIMIT,
  );

  test(
    "the cache is emptied, and filled from the database by the job",
    async () => {
      await played("redis-rebuild", "unplanned");
      const { cache } = practice.environment;
      expect(await cache.isWarm("east")).toBe(true);
      expect(await (await cache.master()).raw("EXISTS", "cart:1")).toBe(":0\r\n");
    },
    LIMIT,
  );

  test.each(["db-rejoin", "region-rejoin"])(
    "on a healthy day %s is refused: no one is asked, and nothing is changed",
    async (runbook) => {
      await practice.environment.reset();
      const before = await asItStands();
      const play = await playRunbook(practice, { runbook, mode: "planned", seconds: 60, prepare: false });
      expect(play).toMatchObject({ refused: true });
      expect(play.texts.join("\n")).toMatch(/has no member that needs to rejoin \(mimir-db-us-east-1 takes writes\)/);
      expect(play.report?.approvals ?? []).toEqual([]);
      expect(await asItStands()).toEqual(before);
    },
    LIMIT,
  );

  test(
    "validate-dr says that everything could move, changes nothing, and looks again the second time",
    async () => {
      await practice.environment.reset();
      const validate = { runbook: "validate-dr", mode: "planned", seconds: 60, prepare: false } as const;
      expect(await playRunbook(practice, validate)).toMatchObject({ problem: null, outcome: "verified" });
      await practice.environment.databases.at.dr.kill();
      const again = await playRunbook(practice, validate);
      expect(again.outcome).not.toBe("verified");
      expect(again.texts.join("\n")).toMatch(/mimir-db-us-west-2 does not answer|no standby/i);
    },
    LIMIT,
  );

  test(
    "on a healthy day redis-rejoin finds that all follow, and changes nothing",
    async () => {
      await practice.environment.reset();
      const before = await asItStands();
      const play = await playRunbook(practice, {
        ...{ runbook: "redis-rejoin", mode: "planned", seconds: 60, prepare: false },
      });
      expect(play).toMatchObject({ problem: null, outcome: "verified" });
      expect(await asItStands()).toEqual(before);
      expect(await lostCarts()).toBe(0);
    },
    LIMIT,
  );

  test(
    "the monthly drill moves Redis and the database by plan and loses nothing; the next month it goes the other way",
    async () => {
      const lines = ["runbook component-drill", "runbook db-rejoin", "runbook component-drill", "runbook db-rejoin"];
      const { outcome, runs } = await playSequence(practice, { lines, seconds: 170 });
      expect({ outcome, problems: runs.map(({ problem }) => problem) }).toEqual({
        outcome: "verified",
        problems: lines.map(() => null),
      });
      expect([await takesWrites("primary"), await takesWrites("dr")]).toEqual([true, false]);
      expect(await lostCarts()).toBe(0);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    2 * LIMIT,
  );

  test(
    "a backup is proven on a server of its own, and nothing in use changes",
    async () => {
      const { restored } = practice.environment.databases.at;
      const restoredAt = async () => {
        const settings = await readFile(join(restored.folder, "postgresql.auto.conf"), "utf8");
        return /generated by pgBackRest restore on (\S+ \S+)/.exec(settings)?.[1];
      };
      await played("backup-validate", "planned");
      const first = await restoredAt();
      // What the first run left behind is no proof for the second.
      const again = await playRunbook(practice, {
        runbook: "backup-validate",
        mode: "planned",
        seconds: 170,
        prepare: false,
      });
      expect(again).toMatchObject({ problem: null, outcome: "verified" });
      expect(await restoredAt()).not.toBe(first);
      expect([await takesWrites("primary"), restored.running]).toEqual([true, false]);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    LIMIT,
  );

  test(
    "backup-nightly: one more backup of the region that serves, and all of the repository is whole",
    async () => {
      expect(await played("backup-nightly", "planned")).toMatchObject({ problem: null, outcome: "verified" });
    },
    LIMIT,
  );

  const exported = async (label: string) => {
    const { mimir: values } = JSON.parse(
      await readFile(String(practice.environment.environment().LIFEBOAT_VALUES), "utf8"),
    );
    const [newest] = (await readdir(values.exportFolder))
      .filter((name) => name.startsWith(label))
      .sort()
      .reverse();
    const lines = (await readFile(join(values.exportFolder, String(newest)), "utf8")).trimEnd().split("\n");
    return lines.slice(1, -1).map((line) => String((JSON.parse(line) as { row: { id: number } }).row.id));
  };
  const ordersIn = async (site: Site) =>
    new Set(
      (await ask<{ id: string }>(practice.environment.databases.at[site], "select id::text from orders")).map(
        ({ id }) => id,
      ),
    );
  /** The orders on the primary, and which it lacks of those that had been acknowledged before they were read: orders go on being placed. */
  const comparedWithTold = async () => {
    const told = [...practice.environment.traffic.acknowledged];
    const there = await ordersIn("primary");
    return { there, lost: told.filter(({ id }) => !there.has(id)) };
  };

  test(
    "the database goes back to a moment: killed in the middle, what is reported lost is what is lost, and is in a file",
    async () => {
      await practice.environment.prepare("db-restore-moment", "unplanned");
      const { databases, traffic } = practice.environment;
      const { to = "" } = practice.environment.inputs?.("db-restore-moment") ?? {};
      const looked = new Date().toISOString();
      const left = await ordersIn("primary");
      let play = {} as Play;
      await killedOnce(practice.bot, { at: "restore:after-apply", marker: join(folder, "killed") }, async () => {
        const given = { runbook: "db-restore-moment", mode: "unplanned", seconds: 170, prepare: false } as const;
        play = await playRunbook(practice, given);
      });
      expect(play).toMatchObject({ problem: null, outcome: "verified", violations: [], timeline: { verified: true } });
      expect([await takesWrites("primary"), await takesWrites("dr"), databases.at.restored.running]).toEqual([
        ...[true, false, false],
      ]);
      const { there, lost } = await comparedWithTold();
      expect(lost.length).toBeGreaterThan(0);
      expect(play.report?.rpo.rowsLost).toBe(lost.length);
      // What was written after the moment and deleted with the rest by mistake is on neither server any more.
      const isKept = ({ id, at }: { readonly id: string; readonly at: string }) => left.has(id) || at >= looked;
      const kept = lost.filter(isKept).map(({ id }) => id);
      expect(kept.length).toBeGreaterThan(0);
      expect(await exported("mimir-given-up")).toEqual(expect.arrayContaining(kept));
      // What had been deleted is there again, up to the moment.
      const before = traffic.acknowledged.filter(({ at }) => at < to).map(({ id }) => id);
      expect(before.filter((id) => !left.has(id))).not.toEqual([]);
      expect(before.filter((id) => !there.has(id))).toEqual([]);
      const followers = await ask(
        databases.at.primary,
        "select application_name as name, state from pg_stat_replication",
      );
      expect(followers).toEqual([{ name: databases.at.dr.name, state: "streaming" }]);
      expect(new Set(approvers(play)).size).toBeGreaterThanOrEqual(2);
      expect(await arrivesAt()).toEqual(["east"]);
    },
    2 * LIMIT,
  );

  test(
    "a moment that was not archived yet, or before the first backup, is refused before anyone is asked",
    async () => {
      await practice.environment.reset();
      await practice.environment.databases.archived();
      // The log is archived a minute after that at the soonest.
      const archivedBy = Date.now() + 2500;
      while (Date.now() < archivedBy) await later(50);
      const before = await asItStands();
      const moments = {
        "2020-01-01T00:00:00Z": /No backup ended before/,
        [new Date().toISOString()]: /The log is archived up to/,
      };
      for (const [to, why] of Object.entries(moments)) {
        const play = await playRunbook(practice, {
          ...{ runbook: "db-restore-moment", mode: "unplanned", seconds: 60, prepare: false },
          inputs: { to },
        });
        expect(play.outcome).not.toBe("verified");
        expect(play.texts.join("\n")).toMatch(why);
        expect(play.report?.approvals ?? []).toEqual([]);
      }
      expect(await asItStands()).toEqual(before);
    },
    LIMIT,
  );

  test(
    "both servers are lost: the newest backup and the log are restored, and the standby is made again",
    async () => {
      const play = await played("db-restore-s3", "unplanned");
      const { databases } = practice.environment;
      const { there, lost } = await comparedWithTold();
      expect(play.report?.rpo.rowsLost).toBe(lost.length);
      expect(play.violations).toEqual([]);
      expect(there.size).toBeGreaterThan(3);
      const rejoin = { runbook: "db-rejoin", mode: "planned", seconds: 170, prepare: false } as const;
      expect(await playRunbook(practice, rejoin)).toMatchObject({ problem: null, outcome: "verified" });
      expect(databases.at.dr.running).toBe(true);
      expect(await arrivesAt()).toEqual(["east"]);
      // With one server left it is refused: that one holds more than any backup.
      const again = await playRunbook(practice, {
        ...rejoin,
        runbook: "db-restore-s3",
        mode: "unplanned",
        seconds: 60,
      });
      expect(again.outcome).toBe("failed");
      expect(again.report?.approvals).toEqual([]);
    },
    2 * LIMIT,
  );

  test(
    "planned, with the region gone, it says what can't be done before anyone is asked",
    async () => {
      await practice.environment.prepare("region-failover", "planned");
      await practice.environment.inject?.("lose-us-east-1");
      const play = await playRunbook(practice, {
        runbook: "region-failover",
        mode: "planned",
        seconds: 60,
        prepare: false,
      });
      expect(play.outcome).not.toBe("verified");
      expect(play.findings.join("\n")).toMatch(/api\.mimir\.test A \(us-east-1\) can't be seen/);
      expect(play.report?.approvals).toEqual([]);
    },
    LIMIT,
  );

  test(
    "the quarterly drill drains the region that is left, and nothing is lost",
    async () => {
      const there = await played("region-drill", "planned");
      const { cloud, clusters, cache } = practice.environment;
      expect(there.report?.rpo.seconds).toBe(0);
      expect(cloud.aws.ledger.of("ChangeResourceRecordSets", "accepted")).toHaveLength(1);
      expect([await takesWrites("primary"), await takesWrites("dr")]).toEqual([false, true]);
      expect([replicas("east"), replicas("west")]).toEqual([0, 3]);
      expect(clusters.east.listeners(NAMESPACE, ["app", "api"])).toEqual([]);
      const suspended = (side: Side) => clusters[side].get("cronjobs", NAMESPACE, WARM_JOB)?.spec?.suspend;
      expect([suspended("east"), suspended("west")]).toEqual([true, false]);
      for (const one of cache.at.east.sentinels) expect(await one.raw("SENTINEL", "MASTERS")).toBe("*0\r\n");
      for (const one of cache.at.east.nodes) expect(await one.raw("ROLE")).toMatch(/slave\r\n[\s\S]*connected/);
      expect(await lostCarts()).toBe(0);
      const { buckets } = cloud.aws.s3;
      const [left, taken] = [buckets.get(MEDIA.east)?.objects, buckets.get(MEDIA.west)?.objects];
      expect([...(left?.keys() ?? [])].filter((key) => !taken?.has(key))).toEqual([]);
      expect(await arrivesAt()).toEqual(["west"]);
    },
    2 * LIMIT,
  );

  test(
    "the annual simulation ends with nine checks",
    async () => {
      const play = await played("annual-simulation", "unplanned");
      expect(play.texts.join("\n")).toMatch(/Nine checks, each with what was seen: done/);
      expect(await arrivesAt()).toEqual(["west"]);
    },
    LIMIT,
  );

  /** A row that only the server of us-east-1 holds, which takes writes again. */
  let exportsBefore: readonly string[] = [];
  const onlyInEast = async () => {
    const { mimir } = JSON.parse(await readFile(String(practice.environment.environment().LIFEBOAT_VALUES), "utf8"));
    exportsBefore = await readdir(mimir.exportFolder);
    await ask(
      practice.environment.databases.at.primary,
      "insert into orders (id, placed_at, cents) values (-1, now(), 1)",
    );
  };
  takesATransaction("mimir", () => practice);
  playsItsCycles("mimir", () => practice, {
    after: {
      // A dead database is replaced: the Service leads elsewhere, and orders follow it.
      "database, unplanned, 2": async (play) => {
        expect(await takesWrites("dr")).toBe(true);
        expect(play.report?.rpo.rowsLost).toBeGreaterThanOrEqual(0);
        expect(await arrivesAt()).toEqual(["east"]);
      },
      "database, unplanned, 3": onlyInEast,
      // The old database is back and takes writes: it is fenced, made again and follows, and orders are taken all the while.
      "database, unplanned, 4": async (play) => {
        expect(["alex-rivera", "erin-walsh"]).toContain(approvers(play)?.[0]);
        expect([await takesWrites("primary"), await takesWrites("dr")]).toEqual([false, true]);
        const { primary, dr } = practice.environment.databases.at;
        // What only the old one held is given up.
        expect(await ask(primary, "select id from orders where id < 0")).toEqual([]);
        const followers = await ask(dr, "select application_name as name, state from pg_stat_replication");
        expect(followers).toEqual([{ name: primary.name, state: "streaming" }]);
        expect(await arrivesAt()).toEqual(["east"]);
      },
      // The region is lost: not one call to us-east-1 is answered, and everyone orders in us-west-2.
      "region, unplanned, 2": async (play) => {
        const { cloud, clusters, cache } = practice.environment;
        const answered = cloud.aws.ledger.entries.filter(
          ({ region, outcome }) => region === EAST && outcome !== "dropped",
        );
        expect(answered).toEqual([]);
        expect(clusters.east.ledger.filter(({ code }) => code !== null)).toEqual([]);
        expect(cloud.aws.ledger.of("ChangeResourceRecordSets")).toEqual([]);
        expect(cloud.aws.state.controls.get(CONTROLS.east)).toBe("Off");
        expect(new Set(approvers(play)).size).toBe(2);
        expect([replicas("west"), await takesWrites("dr")]).toEqual([3, true]);
        expect(clusters.west.get("configmaps", NAMESPACE, CONFIG)?.data).toMatchObject({ MEDIA_BUCKET: MEDIA.west });
        expect(await (await cache.master("west")).raw("ROLE")).toMatch(/master/);
        expect(await arrivesAt()).toEqual(["west"]);
        // The database and Redis of us-east-1 can't be reached: the one who approved was told, and signed both.
        for (const server of [/database|db|postgres/i, /redis-us-east-1-a/])
          expect(play.texts.some((text) => /is done and verified/.test(text) && namesUnfenced(text, server))).toBe(
            true,
          );
        // How much Redis lost no one can know, and that is what is said: it is worse than any number.
        expect(play.report?.rpo.seconds).toBeNull();
      },
      "region, unplanned, 3": onlyInEast,
      // A region that comes back is kept from everything it would do, and what only its database holds is in a file.
      "region, unplanned, 4": async () => {
        const { clusters, cache, databases } = practice.environment;
        expect([await takesWrites("primary"), await takesWrites("dr")]).toEqual([false, true]);
        expect([replicas("east"), replicas("west")]).toEqual([0, 3]);
        expect(clusters.east.listeners(NAMESPACE, ["app", "api"])).toEqual([]);
        const master = await cache.master("west");
        for (const one of cache.at.east.nodes)
          expect(await one.raw("INFO", "replication")).toContain(`:${master.port}`);
        const { mimir } = JSON.parse(
          await readFile(String(practice.environment.environment().LIFEBOAT_VALUES), "utf8"),
        );
        const file = (await readdir(mimir.exportFolder)).find((name) => !exportsBefore.includes(name));
        const kept = (await readFile(join(mimir.exportFolder, String(file)), "utf8")).split("\n");
        expect(kept.filter((line) => line.includes('"absent"') && /"id":"?-1"?/.test(line))).toHaveLength(1);
        expect(await ask(databases.at.primary, "select id from orders where id < 0")).toEqual([]);
        expect(await arrivesAt()).toEqual(["west"]);
      },
    },
  });
});
