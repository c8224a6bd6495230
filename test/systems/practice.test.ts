import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { serverOf } from "../../practice/environment/leftovers.ts";
import { playRunbook } from "../../practice/session/play.ts";
import { type Practice, startPractice } from "../../practice/session/practice.ts";
import { playSequence } from "../../practice/session/sequence.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";
import { FAST_SLACK } from "../support/fast-slack.ts";
import { playsItsCycles } from "./cycles.ts";

/** The orders system: its cycles, and what a sequence of runbooks says when it does not go well. */
let folder: string;
let practice: Practice;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-orders-"));
  practice = await startPractice({
    folder,
    port: 0,
    log: createLog("error", "test"),
    bot: { program: process.execPath, arguments: [await built("src/main.ts")] },
    manifestFile: join(projectRoot(), "manifest.yml"),
    environment: FAST_SLACK,
  });
}, 120_000);
afterAll(async () => {
  await practice?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const LIMIT = 240_000;

playsItsCycles("practice", () => practice);

describe("a sequence of runbooks", () => {
  test(
    "begins in a world that is well, goes on in the one it made, and ends where something is refused",
    async () => {
      const lines = ["failover database", "failover database", "restore database"];
      const played = await playSequence(practice, { lines, seconds: 90 });
      expect(played).toMatchObject({ outcome: "stopped", writers: 1, healthy: true, violations: [] });
      expect(played.runs.map(({ runbook, outcome }) => [runbook, outcome])).toEqual([
        ["database-failover", "verified"],
        ["database-failover", "refused"],
      ]);
      expect(played.runs[1]?.problem).toMatch(/nothing was started.*no standby is ready.*`\/dr restore database`/s);
    },
    LIMIT,
  );

  test(
    "goes on if it is told to, and is not well for all that",
    async () => {
      const lines = ["failover database", "failover db", "status", "undo", "restore pg --planned"];
      const said: string[] = [];
      const played = await playSequence(practice, {
        ...{ lines, seconds: 90, keepGoing: true },
        onLine: (line, play, answer) => void (play === null && said.push(`${line}: ${answer}`)),
      });
      expect(played.outcome).toBe("stopped");
      expect(played.runs.map(({ outcome }) => outcome)).toEqual(["verified", "refused", "refused", "verified"]);
      // Of the run that was played last, without a word about which.
      expect(played.runs[2]).toMatchObject({ runbook: "undo", problem: expect.stringMatching(/What repoint does/) });
      expect(said).toEqual([expect.stringMatching(/^status: .*done and verified/s)]);
    },
    LIMIT,
  );

  test(
    "says that two servers take writes when the old primary came back and no one did anything about it",
    async () => {
      const lines = ["break Kill the primary", "failover database --unplanned", "break Start what is down"];
      const played = await playSequence(practice, { lines, seconds: 90 });
      expect(played).toMatchObject({ outcome: "stopped", writers: 2, healthy: true });
      expect(played.runs.map(({ outcome }) => outcome)).toEqual(["verified"]);
    },
    LIMIT,
  );

  test.each([
    ["failover databse", /No runbook starts with "failover databse".*Did you mean "database"\?/],
    ["runbook database-rejoin --unplanned", /"database-rejoin" is not offered unplanned/],
    ["triage all is well", /"triage" starts no run/],
    ["break the-door", /Nothing here is called "the-door"\. Allowed: kill-primary, /],
  ])("%s: said before anything is played", async (line, says) => {
    const before = practice.workspace.snapshot().messages.length;
    await expect(playSequence(practice, { lines: ["failover database", line], seconds: 90 })).rejects.toThrow(says);
    expect(practice.workspace.snapshot().messages.length).toBe(before);
  });
});

describe("a play in a world that goes wrong", () => {
  test(
    "is no success, though the run verified: someone opened the fenced server again",
    async () => {
      await practice.environment.prepare("database-failover", "planned");
      const [old] = practice.environment.nodes;
      const opening = setInterval(() => void open(old.url()).catch(() => {}), 50);
      const play = await playRunbook(practice, {
        ...{ runbook: "database-failover", mode: "planned", seconds: 90, prepare: false },
      }).finally(() => clearInterval(opening));
      expect(play.violations.map(({ rule }) => rule)).toContain("fence-holds");
      expect(play.problem).not.toBeNull();
    },
    LIMIT,
  );
});

async function open(url: string): Promise<void> {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 });
  client.on("error", () => {});
  await client.connect();
  try {
    const { rows } = await client.query(
      `select 1 from pg_stat_replication where state = 'streaming'
        union all select 1 where current_setting('default_transaction_read_only') = 'off'`,
    );
    if (rows.length > 0) return;
    await client.query("alter system reset default_transaction_read_only");
    await client.query("select pg_reload_conf()");
  } finally {
    await client.end();
  }
}

test("a bot that was killed leaves no server behind when practice is closed", async () => {
  const store = await realpath(join(practice.dataFolder, "postgres"));
  await practice.bot.kill();
  expect(await serverOf(store)).not.toBeNull();
  await practice.stop();
  expect(await serverOf(store)).toBeNull();
}, 60_000);
