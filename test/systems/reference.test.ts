import { Resolver } from "node:dns/promises";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { soon } from "../../practice/environment/patience.ts";
import type { SystemEnvironment } from "../../practice/environment/system-environment.ts";
import { type Play, playRunbook } from "../../practice/session/play.ts";
import { type Practice, startPractice } from "../../practice/session/practice.ts";
import { playSequence } from "../../practice/session/sequence.ts";
import { PLACES } from "../../practice/systems/reference/backups.ts";
import { NAMES } from "../../practice/systems/reference/cloud.ts";
import { type ReferenceEnvironment, reference } from "../../practice/systems/reference/index.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";
import { describeWith } from "../support/describe-with.ts";
import { FAST_SLACK } from "../support/fast-slack.ts";
import { playsItsCycles } from "./cycles.ts";

/** The reference system, every runbook of it, over a real Patroni cluster and real DNS, through the real bot. */
const describe = await describeWith(
  reference.needs.map((one) => one.program),
  ["patroni", "etcd-server", "python3-etcd", "postgresql"],
);

describe("the reference system", () => {
  let folder: string;
  let practice: Practice<SystemEnvironment>;
  let practiceEnvironment: ReferenceEnvironment;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-reference-"));
    const root = projectRoot();
    practice = await startPractice({
      system: "reference",
      folder,
      port: 0,
      log: createLog("error", "test"),
      bot: { program: process.execPath, arguments: [await built("src/main.ts")] },
      manifestFile: join(root, "manifest.yml"),
      environment: FAST_SLACK,
    });
    practiceEnvironment = practice.environment as ReferenceEnvironment;
  }, 180_000);
  afterAll(async () => {
    await practice?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const play = async (runbook: string, mode: "planned" | "unplanned" = "planned", prepare = true): Promise<Play> => {
    if (prepare) await practiceEnvironment.prepare(runbook, mode);
    practiceEnvironment.cloud.aws.ledger.clear();
    const played = await playRunbook(practice, { runbook, mode, seconds: 90, prepare: false });
    if (played.problem !== null) console.error(played.texts.join("\n---\n"));
    expect(played).toMatchObject({ outcome: "verified", problem: null, timeline: { verified: true } });
    return played;
  };
  const leader = async () => (await practiceEnvironment.payments.patroni.settled()).name;

  test("patroni-maintenance: Patroni holds still while the work lasts, and acts again afterwards", async () => {
    await play("patroni-maintenance");
    const config = (await (await fetch(`${practiceEnvironment.payments.patroni.nodes[0]?.api}/config`)).json()) as {
      pause?: boolean;
    };
    expect(config.pause ?? false).toBe(false);
    await play("patroni-resume", "planned", false);
  }, 150_000);

  test("pitr: rows destroyed by mistake are there again, and what came after is counted as given up", async () => {
    const { report } = await play("pitr", "unplanned");
    const [kept] = await practiceEnvironment.payments.asOwner<{ even: string }>(
      practiceEnvironment.payments.scratchPort,
      ["select count(*) filter (where id % 2 = 0) as even from orders"],
    );
    expect(Number(kept?.even)).toBeGreaterThan(10);
    expect(report?.rpo.rowsLost).toBeGreaterThan(0);
  }, 150_000);

  test("velero-restore: what was deleted is back beside where it was, and people are led there", async () => {
    await play("velero-restore", "unplanned");
    expect(practiceEnvironment.cloud.east.get("deployments", "production-dr", "api")?.status?.availableReplicas).toBe(
      3,
    );
  }, 150_000);

  test("patroni-resume: refused while the other region takes the writes, and nothing is changed", async () => {
    await practiceEnvironment.reset();
    const { sides } = practiceEnvironment.payments;
    await sides["us-east-1"].patroni.configure({ pause: true });
    await practiceEnvironment.payments.promote("us-west-2");
    const played = await playRunbook(practice, {
      runbook: "patroni-resume",
      mode: "planned",
      seconds: 60,
      prepare: false,
    });
    expect(played.refused).toBe(true);
    expect(played.problem).toMatch(/postgres-cluster-west takes the writes of this database/);
    expect((await sides["us-east-1"].patroni.configure()).pause).toBe(true);
  }, 150_000);

  test("region-rejoin on a healthy day: refused, whichever region is named, and nothing is changed", async () => {
    await practiceEnvironment.reset();
    const before = await practiceEnvironment.writers();
    for (const from of ["us-east-1", "us-west-2"]) {
      const { runs, writers, healthy } = await playSequence(practice, {
        lines: [`runbook region-rejoin from=${from}`],
        seconds: 60,
      });
      expect(runs).toMatchObject([{ outcome: "refused" }]);
      expect({ writers, healthy }).toEqual({ writers: 1, healthy: true });
    }
    expect(await practiceEnvironment.writers()).toEqual(before);
  }, 150_000);

  test("quarterly-drill-w4, twice in a row: there and back", async () => {
    await play("quarterly-drill-w4");
    expect((await practiceEnvironment.writers()).map(({ name }) => name)).toEqual(["postgres11"]);
    await play("quarterly-drill-w4", "planned", false);
    expect((await practiceEnvironment.writers())[0]?.name).toMatch(/^postgres0/);
  }, 300_000);

  test("backup-verify looks again each time: what was damaged since the last time is found, whichever copy it is", async () => {
    await play("backup-verify");
    const { fleet } = practiceEnvironment.payments.patroni;
    const { east } = practiceEnvironment.cloud;
    const offsite = join(fleet.folder, PLACES.offsiteBase);
    const log = join(fleet.folder, PLACES.offsiteLog);
    const copy = (await readdir(offsite)).sort().at(-1) as string;
    const damages: readonly { readonly step: string; readonly file: () => Promise<string> }[] = [
      { step: "Three copies", file: async () => join(offsite, copy, "global", "pg_control") },
      { step: "The archived log", file: async () => join(log, await inTheMiddle(log)) },
    ];
    for (const { step, file } of damages) {
      const path = await file();
      await rename(path, `${path}.away`);
      try {
        await finds(step);
      } finally {
        await rename(`${path}.away`, path);
      }
    }
    east.edit("backups", "velero", "daily-backup-1", (one) => {
      one.status = { ...one.status, phase: "PartiallyFailed" };
    });
    try {
      await finds("Velero");
    } finally {
      east.edit("backups", "velero", "daily-backup-1", (one) => {
        one.status = { ...one.status, phase: "Completed" };
      });
    }
    await play("backup-verify", "planned", false);

    async function finds(step: string): Promise<void> {
      const played = await playRunbook(practice, {
        runbook: "backup-verify",
        mode: "planned",
        seconds: 90,
        prepare: false,
      });
      expect(played.outcome).not.toBe("verified");
      expect(played.texts.join("\n")).toContain(step);
    }
  }, 300_000);

  test.each(["quarterly-drill-w1", "quarterly-drill-w2", "quarterly-drill-w3"])(
    "%s: its points are on the timeline as steps",
    async (week) => {
      await play(week);
    },
    150_000,
  );

  let led = "";
  const clear = () => practiceEnvironment.cloud.aws.ledger.clear();
  playsItsCycles("reference", () => practice, {
    before: {
      "database, planned, 1": async () => {
        led = await leader();
      },
      "application, unplanned, 2": clear,
      "application, unplanned, 6": clear,
      "active-active, planned, 1": clear,
      "region, unplanned, 2": clear,
    },
    after: {
      // Leadership moves under load, two approve, and nothing that was acknowledged is lost.
      "database, planned, 1": async ({ report }) => {
        expect(await leader()).not.toBe(led);
        expect(report?.approvals).toHaveLength(2);
        expect(report?.rpo.rowsLost).toBe(0);
        expect(await practiceEnvironment.lost()).toEqual([]);
      },
      // No one leads and everyone is behind; one leads again, and the loss is counted.
      "database, unplanned, 2": async ({ report, texts }) => {
        expect(report?.approvals).toHaveLength(3);
        expect(report?.rpo.rowsLost).toBeGreaterThan(0);
        expect(texts.join("\n")).toMatch(/rows\) lost, measured by the application's own ledger/);
        await practiceEnvironment.payments.patroni.settled();
      },
      // Health checks move the name by themselves, nothing is forced, and payments are taken.
      "application, unplanned, 2": async () => {
        expect(practiceEnvironment.cloud.aws.ledger.of("UpdateHealthCheck")).toEqual([]);
        expect(await practiceEnvironment.healthy()).toBe(true);
      },
      // Stuck: a person forces the health check, and lets it check again.
      "application, unplanned, 6": () => {
        expect(practiceEnvironment.cloud.aws.ledger.of("UpdateHealthCheck", "accepted")).toHaveLength(2);
      },
      // The survivor grows first, then everyone is there.
      "active-active, planned, 1": () => {
        expect(practiceEnvironment.cloud.west.get("deployments", "production", "api")?.status?.availableReplicas).toBe(
          4,
        );
        expect(practiceEnvironment.cloud.aws.ledger.of("ChangeResourceRecordSets", "accepted")).toHaveLength(1);
      },
      // Nothing is lost, and payments are taken in the other region.
      "region, planned, 1": async ({ report }) => {
        expect(report?.rpo.rowsLost).toBe(0);
        expect(await practiceEnvironment.lost()).toEqual([]);
      },
      // us-east-1 is gone with its control planes, and the name is kept from going back over the data plane alone.
      "region, unplanned, 2": ({ report }) => {
        const { ledger, state } = practiceEnvironment.cloud.aws;
        expect(report?.rpo.rowsLost).not.toBeNull();
        expect(ledger.of("UpdateHealthCheck")).toEqual([]);
        expect(state.controls.get(NAMES.control)).toBe("Off");
        expect(ledger.of("UpdateRoutingControlStates", "accepted").map(({ region }) => region)).not.toContain(
          "us-east-1",
        );
      },
      // us-east-1 answers again, its health check passes, and the name stays where people were led.
      "region, unplanned, 3": async () => {
        const { state, resolver } = practiceEnvironment.cloud.aws;
        await soon(
          "the health check passing",
          async () => state.healthChecks.get(NAMES.healthCheck)?.endpointUp === true,
        );
        const dns = new Resolver();
        dns.setServers([`127.0.0.1:${resolver.port}`]);
        expect(await dns.resolve4(NAMES.publicName)).toEqual([NAMES.west]);
      },
    },
  });
});

/** A segment with one before it and one after it. */
async function inTheMiddle(folder: string): Promise<string> {
  const segments = (await readdir(folder)).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort();
  expect(segments.length).toBeGreaterThan(2);
  return segments[Math.floor(segments.length / 2)] as string;
}
