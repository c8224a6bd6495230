import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { POINTS, type Point } from "../../src/engine/kill-point.ts";
import type { RunState } from "../../src/incident/state.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { Store } from "../../src/timeline/index.ts";
import { built } from "../support/built.ts";
import { away, EngineScenario, engineOn, folder, go, ledgerStep, planOf } from "../support/engine-harness.ts";
import { behave, ledger } from "../support/ledger-actions.ts";
import { storeOn, type TestServer, testServer } from "../support/postgres.ts";

/** Real processes, killed as `kill -9` kills, at every point of a step; an engine in this process takes over. */

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

/** Quicker than the real settings, and in the same proportions, so that the file stays quick. */
const timings = { lease: 3, lock: 1.5, gap: 1.2, guard: 1.5 };

/** One database after the other: the scenes play side by side. */
let made: Promise<string> = Promise.resolve("");
function database(): Promise<string> {
  made = made.then(() => server.database());
  return made;
}

interface Scene {
  readonly scenario: EngineScenario;
  readonly dir: string;
  bot(env?: Record<string, string>): Promise<ChildProcess>;
}

async function scene<T>(play: (scene: Scene) => Promise<T>, as = timings): Promise<T> {
  const store: Store = await storeOn(await database(), { timings: as });
  const dir = await folder();
  const children: ChildProcess[] = [];
  const program = await built("test/engine/fixtures/bot.ts");
  const bot = (env: Record<string, string> = {}) => {
    const child = spawn(process.execPath, [program], {
      cwd: projectRoot(),
      env: { ...process.env, NODE_OPTIONS: "", DATABASE_URL: store.url, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    return new Promise<ChildProcess>((ready, failed) => {
      child.stdout?.once("data", () => ready(child));
      child.once("exit", () => failed(new Error("The bot ended before it drove.")));
    });
  };
  try {
    return await play({ scenario: new EngineScenario(store), dir, bot });
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await store.close();
    await away(dir);
  }
}

/** Runs a plan with a process that is killed at `point` of the step "it". */
async function killedAt({ scenario, dir, bot }: Scene, point: Point, verb: string): Promise<void> {
  const marker = join(dir, "killed");
  await scenario.requested(
    planOf([[ledgerStep(dir, "look", "check")], [go()], [ledgerStep(dir, verb, "it"), ledgerStep(dir, "put", "b")]]),
  );
  const child = await bot({ LIFEBOAT_KILL_AT: `it:${point}`, LIFEBOAT_KILL_ONCE: marker });
  const died = new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
  await scenario.untilApprovalRequested();
  // What is proven at once is written with its proof: the log has to end before it.
  if (point === "applied") behave(dir, "it", "slow", 200);
  await scenario.approve();
  expect(await died).toBe("SIGKILL");
  expect(existsSync(marker)).toBe(true);
}

/** What became of it once another engine was there. */
async function takenOver({ scenario, dir }: Scene, settled: (run: RunState) => boolean) {
  const engine = engineOn(scenario.store);
  engine.start();
  try {
    const run = await scenario.until(settled, "run-1", 30);
    const verified = (await scenario.types()).filter((type) => type === "step.verified it").length;
    return { run: run.status, it: run.steps.get("it")?.status, effects: ledger(dir), verified };
  } finally {
    await engine.stop();
  }
}

const settled = (run: RunState) => ["verified", "stopped"].includes(run.status);

/** A few at a time: the processes are real. */
async function eachOf<K extends string, T>(
  keys: readonly K[],
  play: (key: K) => Promise<T>,
): Promise<Record<K, T | string>> {
  const found: [K, T | string][] = [];
  const left = [...keys];
  const work = async () => {
    for (let key = left.shift(); key !== undefined; key = left.shift()) {
      const name: K = key;
      found.push([name, await play(name).catch((error: unknown) => String(error))]);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  return Object.fromEntries(found) as Record<K, T | string>;
}

describe("kill -9", () => {
  test("at every point of a step: the run is verified elsewhere, with one effect of each step", async () => {
    const found = await eachOf(POINTS, (point) =>
      scene(async (on) => {
        await killedAt(on, point, "guard");
        return takenOver(on, settled);
      }),
    );
    const whole = { run: "verified", it: "done", effects: ["guard it", "put b"], verified: 1 };
    expect(found).toEqual(Object.fromEntries(POINTS.map((point) => [point, whole])));
  }, 90_000);

  test("around the effect: what a repeat would do decides", async () => {
    const cases = ["before-apply flip", "after-apply flip", "after-apply wipe", "before-apply wipe"] as const;
    const found = await eachOf(cases, (name) =>
      scene(async (on) => {
        const [point, verb] = name.split(" ") as [Point, string];
        await killedAt(on, point, verb);
        return takenOver(on, settled);
      }),
    );
    const whole = (verb: string) => ({ run: "verified", it: "done", effects: [`${verb} it`, "put b"], verified: 1 });
    expect(found).toEqual({
      "before-apply flip": whole("flip"),
      "after-apply flip": whole("flip"),
      "after-apply wipe": whole("wipe"),
      "before-apply wipe": { run: "stopped", it: "stopped", effects: [], verified: 0 },
    });
  }, 60_000);

  test("an outcome no one can tell stops and asks; a run that was aborted meanwhile is looked at and never repeated", async () => {
    const found = await eachOf(["unclear", "aborted before", "aborted after"], (name) =>
      scene(async (on) => {
        await killedAt(on, name === "aborted before" ? "before-apply" : "after-apply", "guard");
        if (name === "unclear") behave(on.dir, "it", "unclear");
        else await on.scenario.asks("cy", { type: "abort", run: "run-1", reason: "enough" });
        return takenOver(on, (run) => run.steps.get("it")?.status !== "running");
      }),
    );
    expect(found).toEqual({
      unclear: { run: "stopped", it: "stopped", effects: ["guard it"], verified: 0 },
      "aborted before": { run: "aborted", it: "failed", effects: [], verified: 0 },
      "aborted after": { run: "aborted", it: "done", effects: ["guard it"], verified: 1 },
    });
  }, 60_000);
});

test("a successor on the same host goes on at once, without waiting for any lease", async () => {
  const never = { lease: 1e6, lock: 1e6, gap: 1, guard: 1e6 };
  const found = await eachOf(["before-apply", "after-apply"] as const, (point) =>
    scene(async (on) => {
      await killedAt(on, point, "guard");
      return takenOver(on, settled);
    }, never),
  );
  const whole = { run: "verified", it: "done", effects: ["guard it", "put b"], verified: 1 };
  expect(found).toEqual({ "before-apply": whole, "after-apply": whole });
}, 60_000);

test(
  "a process frozen before the effect finds out, when it wakes, that the run is not its own",
  () =>
    scene(async (on) => {
      const { scenario, dir, bot } = on;
      const budget = { typicalSeconds: 1, warnSeconds: 9, failSeconds: 20 };
      await scenario.requested(planOf([[go()], [ledgerStep(dir, "flip", "it", { budget })]]));
      const child = await bot();
      await scenario.untilApprovalRequested();
      behave(dir, "it", "hangsLooking", 1_500);
      await scenario.approve();
      await scenario.untilStep("it", "running");
      child.kill("SIGSTOP");
      behave(dir, "it", "hangsLooking", null);
      expect(await takenOver(on, settled)).toMatchObject({ run: "verified", effects: ["flip it"] });
      child.kill("SIGCONT");
      // It wakes in the middle of its look, and would go on to flip it back.
      await new Promise((soon) => setTimeout(soon, 2_500));
      expect(ledger(dir)).toEqual(["flip it"]);
      expect(child.exitCode).toBe(null);
    }),
  60_000,
);
