import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { sha256 } from "../../../src/lib/canonical.ts";
import { actionHarness, blockedBy } from "../../support/action-harness.ts";
import { soon } from "../../support/database-fixture.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { suite } from "./failure-cases.ts";

await runFailureSuite(suite);

let folder: string;
let world: Server;
let url: string;
/** The scripts of these tests change this one thing, by PUT; it is what is observed. */
let effect = "none";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-scripts-"));
  world = createServer(async (request, response) => {
    if (request.method === "PUT") for await (const chunk of request) effect = String(chunk);
    response.end(JSON.stringify({ effect }));
  });
  await new Promise<void>((open) => world.listen(0, "127.0.0.1", open));
  url = `http://127.0.0.1:${(world.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  world.close();
  await rm(folder, { recursive: true, force: true });
});

async function script(name: string, text: string, environment: string[] = []) {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, 0o755);
  return { name, path, sha256: sha256(await readFile(path)), environment };
}

const put = `const put = (body) => fetch(process.argv[2], { method: "PUT", body });\n`;
const step = (bound: unknown, wanted: string, more: object = {}) => ({
  script: bound,
  arguments: [url],
  observe: { url, json: { effect: wanted } },
  settleSeconds: 1,
  ...more,
});

describe("script.run", () => {
  test("what changes with every run: a second run really runs, and the first one's trace is no proof", async () => {
    const count = await script(
      "count.mjs",
      `const now = (await (await fetch(process.argv[2])).json()).effect;
await fetch(process.argv[2], { method: "PUT", body: String(Number(now) + 1) });`,
    );
    effect = "1";
    const given = { script: count, arguments: [url], observe: { url, changes: "effect" }, settleSeconds: 0.5 };
    const harness = actionHarness({});
    for (const after of ["2", "3"]) {
      expect((await harness.perform("run", "script.run", given)).applied).toBe(true);
      expect(effect).toBe(after);
    }
    const idle = { ...given, script: await script("idle.mjs", "") };
    await expect(harness.perform("run", "script.run", idle)).rejects.toMatchObject({
      problem: { stateNow: expect.stringContaining("still says effect 3") },
    });
    // After a crash: it ran where the value moved since the intent, and only there.
    const action = harness.action("script.run");
    const input = action.input.parse(given);
    const before = await action.observe(harness.context, input);
    expect(action.done(await action.observe(harness.context, input), input, before)).toBe("no");
    effect = "4";
    expect(action.done(await action.observe(harness.context, input), input, before)).toBe("yes");
  });

  test("runs an allowed script and believes what it sees, not the exit code", async () => {
    const good = await script("good.mjs", `${put}await put("good");`);
    const { evidence, applied } = await actionHarness({}).perform("run", "script.run", step(good, "good"));
    expect(applied).toBe(true);
    expect(evidence.says).toMatch(/^good\.mjs ran for [\d.]+ s; .* answers as expected\.$/);

    const again = await actionHarness({}).perform("run", "script.run", step(good, "good"));
    expect(again.applied).toBe(false);

    const liar = await script("liar.mjs", `console.log("all done");`);
    await expect(actionHarness({}).perform("run", "script.run", step(liar, "lied"))).rejects.toMatchObject({
      problem: { code: "not-seen", stateNow: expect.stringContaining('effect is "good"') },
    });
  });

  test("an edited script is not started", async () => {
    const bound = await script("edited.mjs", `${put}await put("first");`);
    const looked = await actionHarness({}).look("script.run", step(bound, "second"));
    await writeFile(bound.path, `${put}await put("second");`);
    const harness = actionHarness({});
    expect(blockedBy((await harness.look("script.run", step(bound, "second"))).checks)).toEqual(["script.unchanged"]);

    const run = harness.action("script.run");
    const context = { ...harness.context, budget: run.budget, progress: () => {}, launched: async () => {} };
    const input = harness.input("script.run", step(bound, "second"));
    await expect(run.apply?.(context, input, looked.seen)).rejects.toMatchObject({
      problem: { code: "script-changed", stateNow: "It was not started" },
    });
    expect(effect).not.toBe("second");
  });

  test("shell characters are letters like any other", async () => {
    const marker = join(folder, "pwned");
    const nasty = [
      `; touch ${marker}`,
      `$(touch ${marker})`,
      `\`touch ${marker}\``,
      `| touch ${marker}`,
      "*",
      "a\nb",
      "--",
      "'\"\\",
    ];
    const echo = await script("echo.mjs", `${put}await put(JSON.stringify(process.argv.slice(3)));`);
    const given = { ...step(echo, JSON.stringify(nasty)), arguments: [url, ...nasty] };
    await actionHarness({}).perform("run", "script.run", given);
    expect(JSON.parse(effect)).toEqual(nasty);
    expect(existsSync(marker)).toBe(false);
  });

  test("nothing of ours is in its environment, and what it says carries no secret", async () => {
    process.env.LIFEBOAT_TEST_SECRET = "ours-and-nobody-elses";
    const nosy = await script(
      "nosy.mjs",
      `${put}console.log("token is", process.env.SHOP_TOKEN);
       await put(Object.keys(process.env).sort().join(","));`,
      ["SHOP_TOKEN"],
    );
    const harness = actionHarness({ SHOP_TOKEN: "tok-12345678" });
    const wanted = "HOME,LANG,LIFEBOAT_CHILD,PATH,PWD,SHOP_TOKEN";
    const { handle } = await harness.perform("run", "script.run", step(nosy, wanted));
    expect(handle).toMatchObject({ output: "token is [secret]\n", exitCode: 0 });
    delete process.env.LIFEBOAT_TEST_SECRET;
  });

  test("endless output is read and thrown away, and ends at the deadline", async () => {
    const noisy = await script("noisy.mjs", `const go = () => process.stdout.write("x".repeat(65536), go); go();`);
    const started = performance.now();
    await expect(
      actionHarness({}).perform("run", "script.run", step(noisy, "never", { timeoutSeconds: 1 })),
    ).rejects.toMatchObject({ problem: { code: "script-failed" } });
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("a script that ignores being asked is killed with everything it started", async () => {
    const pids = join(folder, "pids");
    const stubborn = await script(
      "stubborn.sh",
      `#!/bin/sh
trap '' TERM
sh -c 'trap "" TERM; echo $$ >> ${pids}; while true; do sleep 1; done' ${pids} &
echo $$ >> ${pids}
while true; do sleep 1; done
`,
    );
    await expect(
      actionHarness({}).perform("run", "script.run", step(stubborn, "never", { timeoutSeconds: 1 })),
    ).rejects.toMatchObject({ problem: { what: expect.stringContaining("was ended at its deadline") } });
    expect((await readFile(pids, "utf8")).trim().split("\n").length).toBe(2);
    await soon("both being gone", async () => (await running(pids)) + (await running("stubborn.sh")) === 0);
  });

  test("what a script leaves running is ended with it", async () => {
    const pids = join(folder, "left");
    const leaver = await script(
      "leaver.sh",
      `#!/bin/sh\nsh -c 'sleep 300; true' ${pids} &\necho $! > ${pids}\nexit 3\n`,
    );
    const started = performance.now();
    await expect(actionHarness({}).perform("run", "script.run", step(leaver, "never"))).rejects.toMatchObject({
      problem: { what: expect.stringContaining("exit code 3") },
    });
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(existsSync(pids)).toBe(true);
    await soon("it being gone", async () => (await running(pids)) === 0);
  });

  test.each([
    ["a relative path", { path: "scripts/repoint.mjs" }],
    ["no hash", { sha256: "" }],
    ["a made-up key", { shell: true }],
    ["a name that is no variable", { environment: ["A=B"] }],
  ])("%s is refused in its input", async (_what, change) => {
    const bound = { ...(await script("input.mjs", "")), ...change };
    expect(actionHarness({}).action("script.run").input.safeParse(step(bound, "x")).success).toBe(false);
  });
});

/** Processes with this text in their command line: a script may count its own from one. */
async function running(text: string): Promise<number> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(names.map((name) => readFile(`/proc/${name}/cmdline`, "latin1").catch(() => "")));
  return lines.filter((line) => line.includes(text)).length;
}
