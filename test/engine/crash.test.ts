import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { POINTS, type Point } from "../../src/engine/kill-point.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { Store } from "../../src/timeline/index.ts";
import { storeOn, type TestServer, testServer } from "../timeline/server.ts";
import { away, deed, engineOn, folder, go, Night, planOf } from "./bed.ts";
import { behave, ledger } from "./deeds.ts";

/** Real processes, killed as `kill -9` kills, at every point of a step; another engine takes over. */

let server: TestServer;
let store: Store;
let night: Night;
let dir: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  // Quicker than the real settings, and in the same proportions, so that the file stays quick.
  store = await storeOn(await server.database(), { timings: { lease: 3, lock: 1.5, gap: 1.2, guard: 1.5 } });
  night = new Night(store);
  dir = await folder();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await store.close();
  await away(dir);
});

function bot(env: Record<string, string> = {}): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--import", "tsx", "test/engine/fixtures/bot.ts"], {
    cwd: projectRoot(),
    env: { ...process.env, NODE_OPTIONS: "", DATABASE_URL: store.url, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return new Promise((ready, failed) => {
    child.stdout?.once("data", () => ready(child));
    child.once("exit", () => failed(new Error("The bot ended before it drove.")));
  });
}

const death = (child: ChildProcess) =>
  new Promise<NodeJS.Signals | null>((resolve) => child.once("exit", (_code, signal) => resolve(signal)));

/** Runs `verb` with a process killed at `point` of it; an engine in this process takes over. */
async function killedAt(point: Point, verb: string): Promise<void> {
  const marker = join(dir, "killed");
  await night.requested(planOf([[deed(dir, "look", "check")], [go()], [deed(dir, verb, "it"), deed(dir, "put", "b")]]));
  const child = await bot({ LIFEBOAT_KILL_AT: `it:${point}`, LIFEBOAT_KILL_ONCE: marker });
  const dead = death(child);
  await night.untilAsked();
  await night.approve();
  expect(await dead).toBe("SIGKILL");
  expect(existsSync(marker)).toBe(true);
}

describe("kill -9 at every point of a step that changes something", () => {
  test.each(POINTS)("%s: the run is verified, with one effect of each step", async (point) => {
    await killedAt(point, "guard");
    const engine = engineOn(store);
    engine.start();
    try {
      await night.until((run) => run.status === "verified", "run-1", 20);
      expect(ledger(dir)).toEqual(["guard it", "put b"]);
      expect((await night.types()).filter((type) => type === "step.verified it")).toHaveLength(1);
    } finally {
      await engine.stop();
    }
  });
});

describe("kill -9 around the effect, by what a repeat would do", () => {
  test.each([
    ["before-apply", "flip", "verified", ["flip it", "put b"]],
    ["after-apply", "flip", "verified", ["flip it", "put b"]],
    ["after-apply", "wipe", "verified", ["wipe it", "put b"]],
    ["before-apply", "wipe", "stopped", []],
  ] as const)("%s of a %s: %s", async (point, verb, status, effects) => {
    await killedAt(point, verb);
    const engine = engineOn(store);
    engine.start();
    try {
      const run = await night.until((one) => one.status === status, "run-1", 20);
      expect(ledger(dir)).toEqual(effects);
      if (status === "stopped") expect(run.problem?.stateNow).toBe("Now: it: unknown; weather: fair.");
    } finally {
      await engine.stop();
    }
  });

  test("after the effect, with an outcome nobody can tell: it stops and asks", async () => {
    await killedAt("after-apply", "guard");
    behave(dir, "it", "unclear");
    const engine = engineOn(store);
    engine.start();
    try {
      const run = await night.untilStep("it", "stopped", "run-1", 20);
      expect(run.problem?.code).toBe("outcome-unknown");
      expect(ledger(dir)).toEqual(["guard it"]);
    } finally {
      await engine.stop();
    }
  });

  test("a process frozen between the intent and the effect finds out, when it wakes, that the run is not its own", async () => {
    behave(dir, "it", "slow", 4_000);
    await night.requested(
      planOf([[go()], [deed(dir, "guard", "it", { budget: { typicalSeconds: 1, warnSeconds: 9, failSeconds: 20 } })]]),
    );
    const child = await bot();
    await night.untilAsked();
    await night.approve();
    await night.until((run) => {
      const step = run.steps.get("it");
      return step?.status === "running" && step.reached === "applied";
    });
    child.kill("SIGSTOP");
    const engine = engineOn(store);
    engine.start();
    try {
      await night.until((run) => {
        const step = run.steps.get("it");
        return step?.status === "running" && step.epoch === "2";
      });
      behave(dir, "it", "slow", null);
      child.kill("SIGCONT");
      await night.until((run) => run.status === "verified");
      expect(ledger(dir)).toEqual(["guard it"]);
      expect((await night.types()).filter((type) => type === "step.verified it")).toHaveLength(1);
    } finally {
      await engine.stop();
    }
  });
});

describe("a run that has ended while its process was dead", () => {
  test.each([
    ["before-apply", "failed", []],
    ["after-apply", "done", ["guard it"]],
  ] as const)(
    "killed at %s, then aborted: what was left is looked at, recorded as %s, and not repeated",
    async (point, status, effects) => {
      await killedAt(point, "guard");
      await night.asks("cy", { type: "abort", run: "run-1", reason: "enough" });
      const engine = engineOn(store);
      engine.start();
      try {
        const run = await night.untilStep("it", status, "run-1", 20);
        expect(run.status).toBe("aborted");
        expect(ledger(dir)).toEqual(effects);
      } finally {
        await engine.stop();
      }
    },
  );
});
