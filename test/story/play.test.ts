import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { playRunbook } from "../../src/practice/play.ts";
import { type Practice, startPractice } from "../../src/practice/practice.ts";

/** Every runbook of the system `practice`, played from what is on the screen. */
let folder: string;
let practice: Practice;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-play-"));
  const root = projectRoot();
  practice = await startPractice({
    folder,
    port: 0,
    log: createLog("error", "test"),
    bot: { program: process.execPath, arguments: ["--import", "tsx", join(root, "src/main.ts")] },
    manifestFile: join(root, "manifest.yml"),
  });
}, 120_000);
afterAll(async () => {
  await practice?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

describe("whoever plays finds their way with what the screen says", () => {
  test.each([
    ["database-failover", "unplanned", ["sam-okafor"]],
    ["region-failover", "planned", ["vera-lindqvist"]],
    ["database-rejoin", "planned", ["sam-okafor"]],
    ["practice-manual", "planned", ["sam-okafor"]],
    ["database-check", "unplanned", []],
  ] as const)(
    "%s, %s",
    async (runbook, mode, approvers) => {
      const play = await playRunbook(practice, { runbook, mode, seconds: 90 });
      expect(play).toMatchObject({ problem: null, outcome: "verified", timeline: { verified: true } });
      expect(play.report).toMatchObject({ system: "practice", runbook, mode });
      expect(play.report?.approvals.map(({ person }) => person)).toEqual(approvers);
      expect(practice.workspace.sight().channels.filter(({ topic }) => /waiting for/.test(topic.value))).toEqual([]);
    },
    150_000,
  );

  test("a run that stops and asks ends the play in the words of the screen, and holds nothing afterwards", async () => {
    await practice.estate.prepare("database-failover", "unplanned");
    const play = await playRunbook(practice, {
      runbook: "database-failover",
      mode: "planned",
      seconds: 60,
      prepare: false,
    });
    expect(play.outcome).not.toBe("verified");
    expect(play.problem).toMatch(/orders-a/);
    const again = await playRunbook(practice, { runbook: "database-failover", mode: "planned", seconds: 90 });
    expect(again).toMatchObject({ problem: null, outcome: "verified" });
    expect(again.report?.rpo.rowsLost).toBe(0);
  }, 200_000);
});
