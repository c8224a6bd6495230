import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Authenticator } from "../../practice/session/authenticator.ts";
import { clearFolder } from "../../practice/session/leftovers.ts";
import { phonesOf } from "../../practice/session/phones.ts";
import { noteProcess } from "../../practice/session/pidfile.ts";
import { playRunbook } from "../../practice/session/play.ts";
import { openPracticeHarness, type PracticeHarness } from "./harness.ts";

/** The player where things do not go well; that it plays every runbook is seen in test/cli and test/systems. */
describe("a player reads the screen", () => {
  let harness: PracticeHarness;
  beforeAll(async () => {
    harness = await openPracticeHarness();
  }, 120_000);
  afterAll(() => harness?.stop(), 60_000);

  test("a run that stops and asks ends the play in its words, and holds nothing afterwards", async () => {
    await harness.environment.prepare("database-failover", "unplanned");
    const planned = { runbook: "database-failover", mode: "planned", seconds: 90 } as const;
    const play = await playRunbook(harness, { ...planned, prepare: false });
    expect(play.outcome).not.toBe("verified");
    expect(play.problem).toMatch(/orders-a does not answer/);
    const again = await playRunbook(harness, { ...planned, postmortem: true });
    expect(again).toMatchObject({ problem: null, outcome: "verified", timeline: { verified: true } });
    expect(again.report?.approvals.map(({ person }) => person)).toEqual(["sam-okafor"]);
    expect(again.report?.rpo.rowsLost).toBe(0);
    expect(again.postmortem).toMatch(/^postmortem-(?:inc|maint)-.*\.md$/);
    expect(again.texts.at(-1)).toMatch(/is done and verified/);
  }, 200_000);

  test("a run that is refused is told in the words of the refusal; nothing was started", async () => {
    const play = await playRunbook(harness, { runbook: "practice-manual", mode: "unplanned", seconds: 30 });
    expect(play).toMatchObject({ outcome: "stopped", report: null });
    expect(play.problem).toMatch(/This runbook has no unplanned mode/);
  }, 60_000);

  test("where two have to approve and one of those asked has left, the next level is asked", async () => {
    await harness.catalog(async (practice) => {
      const file = join(practice, "runbooks", "practice-manual.yml");
      const text = await readFile(file, "utf8");
      await writeFile(
        file,
        text.replace(
          "role: incident-commander\n",
          "role: incident-commander\n          quorum: 2\n          stepUp: true\n",
        ),
      );
    });
    const play = await playRunbook(harness, { runbook: "practice-manual", mode: "planned", seconds: 90 });
    expect(play).toMatchObject({ problem: null, outcome: "verified" });
    expect(play.report?.approvals.map(({ person }) => person)).toEqual(["sam-okafor", "vera-lindqvist"]);
  }, 150_000);

  test("an approval with a code never waits for the next code: the phone that has none left is replaced", async () => {
    const usedUp = new UsedUp();
    phonesOf(harness.dataFolder).set("USAM", usedUp);
    const play = await playRunbook(harness, { runbook: "practice-manual", mode: "planned", seconds: 90 });
    expect(play).toMatchObject({ problem: null, outcome: "verified" });
    expect(play.report?.approvals.map(({ person }) => person)).toEqual(["sam-okafor", "vera-lindqvist"]);
    expect(phonesOf(harness.dataFolder).get("USAM")).not.toBe(usedUp);
  }, 150_000);
});

/** A phone whose next code comes later. */
class UsedUp extends Authenticator {
  constructor() {
    super("JBSWY3DPEHPK3PXP");
  }
  override get waits(): number {
    return 20_000;
  }
  override code(): Promise<string> {
    return Promise.reject(new Error("The next code was waited for."));
  }
}

describe("a practice that was killed leaves its bot behind", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-left-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("the next one ends it and empties the folder; a process that only has its number is left alone", async () => {
    const sleeper = () => spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    const [bot, stranger] = [sleeper(), sleeper()];
    try {
      await mkdir(join(folder, "practised", "sav3-2"), { recursive: true });
      await noteProcess(join(folder, "practised", "bot.pid"), bot.pid ?? 0);
      await writeFile(join(folder, "practised", "sav3-2", "bot.pid"), `${stranger.pid}\nMon Jan  1 00:00:00 2024\n`);
      await clearFolder(join(folder, "practised"));
      expect(bot.signalCode).toBe("SIGKILL");
      expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
      await expect(stat(join(folder, "practised"))).rejects.toThrow();
    } finally {
      bot.kill("SIGKILL");
      stranger.kill("SIGKILL");
    }
  }, 20_000);

  test("one that lives is not taken its folder away", async () => {
    const living = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    try {
      await noteProcess(join(folder, "practice.pid"), living.pid ?? 0);
      await expect(clearFolder(folder)).rejects.toThrow(/Practice is already running there/);
    } finally {
      living.kill("SIGKILL");
    }
  }, 20_000);
});
