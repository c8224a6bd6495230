import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { z } from "zod";
import type { Action } from "../../src/actions/contract.ts";
import { run as runAction } from "../../src/actions/script/run.ts";
import type { PlanStep } from "../../src/catalog/types.ts";
import type { RunState } from "../../src/incident/state.ts";
import { sha256 } from "../../src/lib/canonical.ts";
import { type ChildEnd, type ChildRule, runChild } from "../../src/lib/child.ts";
import { ownFolder, removeLeftFolders } from "../../src/lib/own-folder.ts";
import { endProcess, identify, lookAtProcess, type ProcessIdentity } from "../../src/lib/processes.ts";
import { createSecretBook } from "../../src/lib/redact.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { writableByOthers } from "../../src/lib/writable.ts";
import type { Store } from "../../src/timeline/index.ts";
import { redacted } from "../../src/timeline/redacted.ts";
import { actionHarness } from "../support/action-harness.ts";
import { built } from "../support/built.ts";
import { soon } from "../support/database-fixture.ts";
import { away, EngineScenario, engineOn, folder, go, planOf } from "../support/engine-harness.ts";
import { actions } from "../support/ledger-actions.ts";
import { storeOn, type TestServer, testServer } from "../support/postgres.ts";

/**
 * What a script may do to Lifeboat, and what may become of it when Lifeboat is killed, stopped or robbed of its run: real
 * scripts, real processes, a real store. The ledger is what the target saw.
 */
let server: TestServer;
let dir: string;
let world: Server;
let url: string;
let effects: string[] = [];

beforeAll(async () => {
  server = await testServer();
  dir = await folder();
  world = createServer(async (request, response) => {
    if (request.method === "PUT") for await (const chunk of request) effects.push(String(chunk));
    response.end(JSON.stringify({ effects: effects.length }));
  });
  await new Promise<void>((open) => world.listen(0, "127.0.0.1", open));
  url = `http://127.0.0.1:${(world.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  world.close();
  await server.close();
  await away(dir);
});

/** A time to sleep that no other process of this machine sleeps: so that it is known by its command line. */
let sleeps = 0;
const ownSleep = () => `30${++sleeps}.${process.pid}`;

/** Processes of this machine with this text in their command line. */
async function running(text: string): Promise<number> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(names.map((name) => readFile(`/proc/${name}/cmdline`, "latin1").catch(() => "")));
  return lines.filter((line) => line.includes(text)).length;
}

/** The launcher as production uses it, and what it was recorded as. */
async function launch(script: string, more: Partial<ChildRule> = {}, contained = false) {
  const own = await ownFolder();
  const recorded: ProcessIdentity[] = [];
  const over: Promise<ChildEnd> = runChild({
    program: "/bin/sh",
    arguments: ["-c", script, dir],
    environment: { PATH: "/usr/bin:/bin" },
    folder: own.path,
    seconds: 20,
    recorded: {
      folder: own.path,
      contained,
      async launched(child) {
        recorded.push(child);
      },
    },
    ...more,
  }).finally(() => own.remove());
  over.catch(() => {});
  return { over, child: await soon("its identity", async () => recorded[0] ?? null) };
}

describe.each([
  ["in a namespace of its own", true],
  ["by its marker", false],
])("what a script leaves behind is ended with it (%s)", (_how, contained) => {
  test("a daemon that holds the output holds neither the step nor survives it", async () => {
    const started = performance.now();
    const sleep = ownSleep();
    const { over } = await launch(`setsid sleep ${sleep} & echo done`, {}, contained);
    expect(await over).toMatchObject({ code: 0, ended: null, output: "done\n" });
    expect(performance.now() - started).toBeLessThan(12_000);
    await soon("the daemon being gone", async () => (await running(sleep)) === 0);
  }, 20_000);

  test("at its deadline, what has left its group as well, whether or not it listens", async () => {
    const sleep = ownSleep();
    const daemon = `trap "" TERM; (setsid sh -c 'trap "" TERM; while :; do sleep ${sleep}; done' &) ; sleep ${sleep}`;
    const { over } = await launch(daemon, { seconds: 1 }, contained);
    expect(await over).toMatchObject({ ended: "deadline" });
    await soon("all being gone", async () => (await running(sleep)) === 0);
  }, 20_000);

  test("its words arrive as they are, its exit code and the signal that ended it are told", async () => {
    const three = await launch(
      `echo "$1"; exit 3`,
      { arguments: ["-c", `echo "$1"; exit 3`, "sh", "$(id); 'x'"] },
      contained,
    );
    expect(await three.over).toMatchObject({ code: 3, signal: null, output: "$(id); 'x'\n" });
    const killed = await launch(`kill -KILL $$`, {}, contained);
    expect(await killed.over).toMatchObject({ code: null, signal: "SIGKILL" });
  }, 20_000);
});

test("nothing is started that could not be recorded, and nothing when its starter dies before", async () => {
  effects = [];
  const own = await ownFolder();
  const refused = runChild({
    program: "/bin/sh",
    arguments: ["-c", `touch ${join(dir, "started")}`],
    environment: { PATH: "/usr/bin:/bin" },
    folder: own.path,
    seconds: 5,
    recorded: { folder: own.path, launched: () => Promise.reject(new Error("no longer ours")) },
  });
  await expect(refused).rejects.toThrow("no longer ours");
  await own.remove();
  expect(await readdir(dir)).not.toContain("started");
});

describe("what others can write to is not run", () => {
  const harness = actionHarness({ TOKEN: "a-token-of-its-own" });
  const bound = async (path: string, environment: readonly string[] = []) => ({
    script: { name: "open", path, sha256: sha256(await readFile(path)), environment },
    arguments: [url],
    observe: { url, json: { effects: 1 } },
    settleSeconds: 0.2,
  });

  test.each([
    ["the script", "shop/scripts/repoint.mjs"],
    ["its folder", "shop/scripts"],
    ["the system's folder", "shop"],
    ["the folder of all systems", "."],
  ])("%s", async (_what, open) => {
    effects = [];
    const home = join(dir, `systems-${Math.random()}`);
    await mkdir(join(home, "shop/scripts"), { recursive: true });
    await writeFile(join(home, "shop/system.yml"), "title: Shop\n");
    const path = join(home, "shop/scripts/repoint.mjs");
    await writeFile(path, `await fetch(process.argv[2], { method: "PUT", body: "ran" });`);
    for (const one of [".", "shop", "shop/scripts", "shop/scripts/repoint.mjs"]) await chmod(join(home, one), 0o755);
    expect(writableByOthers(path)).toBe(null);
    await chmod(join(home, open), 0o777);
    await expect(harness.perform("run", "script.run", await bound(path))).rejects.toMatchObject({
      problem: { code: "script-writable", stateNow: "It was not started" },
    });
    expect(effects).toEqual([]);
  });
});

describe("who it is", () => {
  test("a living one, a dead one, another with its number, another machine's", async () => {
    const child = spawn("sleep", ["303"], { detached: true, stdio: "ignore" });
    const one = await identify(child.pid as number, "none-carries-this", 5);
    expect(await lookAtProcess(one)).toBe("alive");
    expect(await lookAtProcess({ ...one, startTicks: "1" })).toBe("gone");
    expect(await lookAtProcess({ ...one, bootId: "another", machineId: null })).toBe("unknown");
    expect(await lookAtProcess({ ...one, pidNamespace: "pid:[1]" })).toBe("unknown");
    expect(await lookAtProcess({ ...one, bootId: null })).toBe("unknown");
    expect(await endProcess(one)).toBe("gone");
    expect(await endProcess({ ...one, bootId: "another", machineId: null })).toBe("unknown");
  });

  test("folders left by the dead are removed, those of the living stay", async () => {
    const left = await ownFolder();
    const used = await ownFolder();
    const child = spawn("sleep", ["304"], { detached: true, stdio: "ignore" });
    const one = await identify(child.pid as number, "none-carries-this", 5);
    const dead = { ...one, startTicks: "1" };
    await writeFile(join(left.path, "process.json"), JSON.stringify([dead, dead]));
    await writeFile(join(used.path, "process.json"), JSON.stringify([dead, one]));
    await removeLeftFolders();
    await expect(readdir(left.path)).rejects.toThrow("ENOENT");
    expect(await readdir(used.path)).toEqual(["process.json"]);
    expect(await endProcess(one)).toBe("gone");
    await used.remove();
  });
});

/** Quicker than the real settings, and in the same proportions. */
const timings = { lease: 3, lock: 1.5, gap: 1.2, guard: 1.5 };

interface Scene {
  readonly scenario: EngineScenario;
  bot(env?: Record<string, string>): Promise<ChildProcess>;
}

async function scene(play: (scene: Scene) => Promise<void>): Promise<void> {
  effects = [];
  const store: Store = await storeOn(await server.database(), { timings });
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
    await play({ scenario: new EngineScenario(store), bot });
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await store.close();
  }
}

/** Takes its time, talks all the while, and then makes one request. */
async function slow(milliseconds: number, { succeeds = true, timeoutSeconds = 20 } = {}): Promise<PlanStep> {
  const path = join(dir, `slow-${Math.random()}.mjs`);
  await writeFile(
    path,
    `const talk = setInterval(() => console.log("working"), 100);
await new Promise((over) => setTimeout(over, ${milliseconds}));
clearInterval(talk);
${succeeds ? `await fetch(process.argv[2], { method: "PUT", body: "done" });` : ""}
`,
  );
  await chmod(path, 0o755);
  const input = {
    script: { name: "slow", path, sha256: sha256(await readFile(path)), environment: [] },
    arguments: [url],
    observe: { url, json: { effects: 1 } },
    settleSeconds: 0.5,
    timeoutSeconds,
  };
  const { id: action, risk, repeat, budget } = runAction;
  return { id: "it", title: "Repoint", when: null, kind: "action", action, input, risk, repeat, budget, retries: 0 };
}

const withScripts = new Map([...actions, [runAction.id, runAction as Action]]);

async function started({ scenario }: Scene): Promise<ProcessIdentity> {
  await scenario.untilApprovalRequested();
  await scenario.approve();
  const run = await scenario.until((one) => one.steps.get("it")?.process !== undefined);
  return run.steps.get("it")?.process as ProcessIdentity;
}

async function goesOn({ scenario }: Scene, until: (run: RunState) => boolean): Promise<RunState> {
  const engine = engineOn(scenario.store, { actions: withScripts });
  engine.start();
  try {
    return await scenario.until(until, "run-1", 40);
  } finally {
    await engine.stop();
  }
}

const settled = (run: RunState) => ["verified", "stopped"].includes(run.status);

describe("Lifeboat is lost while a script runs", () => {
  test(
    "killed: it is waited for, its one effect is seen, and no one is asked",
    () =>
      scene(async (on) => {
        await on.scenario.requested(planOf([[go()], [await slow(4_000)]]));
        const bot = await on.bot();
        const child = await started(on);
        bot.kill("SIGKILL");
        const run = await goesOn(on, settled);
        expect({ status: run.status, effects }).toEqual({ status: "verified", effects: ["done"] });
        const said = (await on.scenario.print()).split("\n").filter((line) => line.startsWith("step.progressed"));
        expect(said.join("\n")).toContain(`It is still running (pid ${child.pid} on`);
        expect(await lookAtProcess(child)).toBe("gone");
      }),
    60_000,
  );

  test(
    "killed, and a person asks for another try: it begins only when the first has ended",
    () =>
      scene(async (on) => {
        await on.scenario.requested(planOf([[go()], [await slow(2_000, { succeeds: false, timeoutSeconds: 4 })]]));
        const bot = await on.bot();
        await started(on);
        bot.kill("SIGKILL");
        const stopped = await goesOn(on, settled);
        expect(stopped.steps.get("it")).toMatchObject({ status: "stopped", problem: { code: "outcome-unknown" } });
        // Where it can't be looked at, its time has to be over.
        const state = stopped.steps.get("it");
        const elsewhere = { ...(state?.process as ProcessIdentity), bootId: "another", machineId: null, seconds: 1 };
        const problem = state?.status === "stopped" ? state.problem : null;
        await on.scenario.store.timeline.decide("inc-1", () => {
          const of = { run: "run-1", actor: { kind: "bot" } };
          const data = { step: "it", attempt: 1 };
          const events = [
            {
              ...of,
              type: "step.progressed",
              key: "elsewhere",
              data: { ...data, says: "started", process: elsewhere },
            },
            { ...of, type: "step.stopped", key: "elsewhere/stopped", data: { ...data, problem } },
          ];
          return { events: events as never, value: null };
        });
        await on.scenario.asks("ana", { type: "retryStep", run: "run-1", step: "it" });
        const since = performance.now();
        await goesOn(on, (run) => (run.steps.get("it")?.attempts ?? 0) >= 2 && settled(run));
        expect(performance.now() - since).toBeGreaterThan(4_000);
        expect(await on.scenario.print()).toContain("It may still be running (pid");
      }),
    60_000,
  );

  test("killed, and the run is aborted: what runs here is ended, what runs elsewhere is told to people, and nothing is repeated", async () => {
    for (const elsewhere of [false, true])
      await scene(async (on) => {
        await on.scenario.requested(planOf([[go()], [await slow(60_000)]]));
        const bot = await on.bot();
        const child = await started(on);
        bot.kill("SIGKILL");
        const process = { ...child, bootId: "another", machineId: null };
        if (elsewhere)
          await on.scenario.store.timeline.decide("inc-1", () => {
            const data = { step: "it", attempt: 1, says: "started", process };
            const event = { type: "step.progressed", key: "elsewhere", run: "run-1", actor: { kind: "bot" }, data };
            return { events: [event as never], value: null };
          });
        await on.scenario.asks("cy", { type: "abort", run: "run-1", reason: "enough" });
        const run = await goesOn(on, (one) => one.steps.get("it")?.status === "stopped");
        const step = run.steps.get("it");
        const problem = step?.status === "stopped" ? step.problem : null;
        expect(problem?.code).toBe(elsewhere ? "still-running" : "outcome-unknown");
        if (elsewhere)
          expect(problem?.what).toContain(`It may still be running (pid ${child.pid} on ${child.host}, since `);
        else expect(await lookAtProcess(child)).toBe("gone");
        expect(effects).toEqual([]);
        await endProcess(child);
      });
  }, 60_000);

  test(
    "told to stop with too little time: it is handed over with who it is, and finished by the next",
    () =>
      scene(async (on) => {
        await on.scenario.requested(planOf([[go()], [await slow(4_000)]]));
        const bot = await on.bot({ DRAIN_MS: "200" });
        const child = await started(on);
        const gone = new Promise((resolve) => bot.once("exit", resolve));
        bot.kill("SIGTERM");
        expect(await gone).toBe(0);
        expect(await on.scenario.print()).toContain(`Handed over: this Lifeboat is stopping, process ${child.pid} on`);
        expect(await lookAtProcess(child)).toBe("alive");
        const run = await goesOn(on, settled);
        expect({ status: run.status, effects }).toEqual({ status: "verified", effects: ["done"] });
      }),
    60_000,
  );

  test(
    "told to stop with time enough: the step is finished, and nothing new is begun",
    () =>
      scene(async (on) => {
        const after = { ...(await slow(1)), id: "after", title: "After" } as PlanStep;
        await on.scenario.requested(planOf([[go()], [await slow(1_500), after]]));
        const bot = await on.bot({ DRAIN_MS: "20000" });
        await started(on);
        const gone = new Promise((resolve) => bot.once("exit", resolve));
        bot.kill("SIGTERM");
        expect(await gone).toBe(0);
        const run = await on.scenario.run();
        expect({ it: run.steps.get("it")?.status, after: run.steps.get("after")?.status, effects }).toEqual({
          it: "done",
          after: "waiting",
          effects: ["done"],
        });
      }),
    60_000,
  );

  test(
    "killed after its time: what still runs then is ended by itself",
    () =>
      scene(async (on) => {
        await on.scenario.requested(planOf([[go()], [await slow(60_000, { timeoutSeconds: 1 })]]));
        const bot = await on.bot();
        const child = await started(on);
        bot.kill("SIGKILL");
        await soon("it being ended", async () => (await lookAtProcess(child)) === "gone", 15);
        expect(effects).toEqual([]);
      }),
    60_000,
  );
});

/** Every way in which an action says something, each in another writing. */
function leaky(secret: string): Action {
  const base64 = Buffer.from(`x${secret}`).toString("base64");
  const hex = Buffer.from(secret).toString("hex");
  const says = `${secret} or ${base64} or ${hex} or ${encodeURIComponent(secret)} or ${JSON.stringify({ secret })}`;
  return {
    id: "canary.leak",
    summary: says,
    input: z.looseObject({ fails: z.boolean().default(false) }) as never,
    risk: "disruptive",
    repeat: "safe",
    budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 10 },
    resources: () => [],
    observe: async () => ({ seen: says, [secret]: [base64] }),
    facts: () => [{ id: "canary", label: says, value: hex, material: false }],
    ready: () => [{ id: "canary", level: "block", ok: true, says }],
    done: () => "no",
    async apply(ctx, input) {
      ctx.progress(says);
      if ((input as { fails: boolean }).fails) throw new Error(says);
      return { output: says, nested: { lines: secret.split("").join("\n") } };
    },
    verify: async () => ({ says, facts: [{ id: "canary", label: hex, value: base64, material: false }] }),
    undo: { ahead: () => ({ how: "no", says }) as never, step: () => ({ kind: "never", says }) as never },
  } as Action;
}

test("a secret that was read comes out nowhere: not in what is seen, done, said, failed or logged", async () => {
  const secret = `kan4ri/en+"${randomUUID()}"&Vogel`;
  const book = createSecretBook();
  book.note(secret);
  const opened = await storeOn(await server.database(), { timings });
  const store: Store = { ...opened, timeline: redacted(opened.timeline, book.redact) };
  const action = leaky(secret);
  const scenario = new EngineScenario(store);
  const engine = engineOn(store, { actions: new Map([[action.id, action]]) });
  const line = (id: string, fails: boolean): PlanStep => {
    const { id: name, risk, repeat, budget } = action;
    return {
      id,
      title: id,
      when: null,
      kind: "action",
      action: name,
      input: { fails },
      risk,
      repeat,
      budget,
      retries: 0,
    };
  };
  try {
    engine.start();
    await scenario.requested(planOf([[go()], [line("says", false), line("fails", true)]]));
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.until((run) => run.steps.get("fails")?.status === "failed");
    await scenario.asks("ana", { type: "retryStep", run: "run-1", step: "fails" });
    await scenario.asks("ana", { type: "abort", run: "run-1", reason: `It said ${secret}` });
    const { rows } = await opened.pool.query<{ text: string }>(
      "select data::text || actor::text as text from lifeboat.event",
    );
    const written = rows.map(({ text }) => text).join("\n");
    expect(written).toMatch(/\[secret\] or \S{2}\[secret\]\S{0,3} or \[secret\] or \[secret\]/);
    for (const way of [
      "step.intended",
      "step.applied",
      "step.verified",
      "step.failed",
      "run.preflighted",
      "run.aborted",
    ])
      expect(await scenario.print()).toContain(way);
    const bare = written.replace(/[\s\\]|\\n/g, "");
    for (const writing of [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString("hex"),
      Buffer.from(`x${secret}`).toString("base64").slice(2, -4),
    ])
      expect({ writing, found: bare.includes(writing) }).toEqual({ writing, found: false });
  } finally {
    await engine.stop();
    await store.close();
  }
  const program = `import { createLog } from "./src/lib/log.ts"; import { createSecretBook } from "./src/lib/redact.ts";
    const book = createSecretBook(); book.note(process.env.CANARY); const s = process.env.CANARY;
    createLog("info", "lifeboat", book.redact).error({ err: new Error(s), url: encodeURIComponent(s), at: { deep: [Buffer.from(s).toString("base64")] } }, s);`;
  const env = { ...process.env, NODE_OPTIONS: "", CANARY: secret };
  const { stderr } = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    cwd: projectRoot(),
    env,
    encoding: "utf8",
  });
  expect(JSON.parse(stderr)).toMatchObject({ msg: "[secret]", url: "[secret]", err: { message: "[secret]" } });
  expect(stderr).not.toContain("Vogel");
}, 60_000);
