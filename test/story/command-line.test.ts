import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Authenticator } from "../../practice/session/authenticator.ts";
import type { View } from "../../practice/slack/index.ts";
import type { StepState } from "../../src/incident/state.ts";
import { built } from "../support/built.ts";
import { until } from "../support/postgres.ts";
import { answerTo } from "./approval-requests.ts";
import { openPracticeHarness, type PracticeHarness } from "./harness.ts";

/** Slack answers nothing from before the bot starts until all is over: everything is asked and decided at the command line. */
let harness: PracticeHarness;
let environment: Record<string, string>;
beforeAll(async () => {
  harness = await openPracticeHarness();
  // All a caller has: no store, no key, no catalogue. Practice maps who started it to the first of the roster, Alex.
  environment = { PATH: process.env.PATH ?? "", LIFEBOAT_CLI_SOCKET: join(harness.folder, "run", "bot.sock") };
}, 120_000);
afterAll(() => harness?.stop(), 60_000);

interface Said {
  readonly code: number;
  readonly out: string;
}

async function dr(...args: string[]): Promise<Said> {
  const program = [await built("src/cli.ts"), "dr", ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, program, { env: environment }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 99 : 0, out: `${stdout}${stderr}` });
    });
  });
}

async function enrolled(user: string): Promise<Authenticator> {
  const person = harness.workspace.as(user);
  await person.slash("/dr enroll");
  const form = await person.waitForView(({ callback_id: id }: View) => id === "enroll");
  const secret = /`((?:[A-Z2-7]{4} ?)+)`/.exec(JSON.stringify(form.blocks))?.[1]?.replaceAll(" ", "") ?? "";
  const authenticator = new Authenticator(secret);
  const code = await authenticator.code();
  expect(await answerTo(harness, user, () => person.submit(form, { code }))).toContain("Your authenticator is set up");
  return authenticator;
}

const isOpen = (step: StepState) => step.status === "gate" && step.gate.outcome === "open";

test("with Slack frozen from the start a failover is requested, approved by someone else, and done; its thread is there when Slack is back", async () => {
  const sams = await enrolled("USAM");
  await harness.bot.stop();
  harness.workspace.faults("delayCalls", { seconds: 3600 });
  const messages = harness.workspace.snapshot().messages.length;
  const starting = harness.bot.start(300);
  starting.catch(() => {});
  await until(async () => (await dr("list")).code === 0, 60);

  expect(await dr("failover", "database")).toMatchObject({ code: 0, out: expect.stringContaining("requested: ") });
  await until(
    async () => [...((await harness.lastRun().catch(() => null))?.run.steps.values() ?? [])].some(isOpen),
    60,
  );
  const { run } = await harness.lastRun();
  const gate = [...run.steps.values()].find(isOpen);
  const ask = gate?.status === "gate" ? gate.gate.ask : "";

  expect((await dr("status")).out).toContain("waiting for approval by Incident commander");
  // What is asked, and what to type to approve exactly that.
  expect((await dr("approve")).out).toContain(`lifeboat dr approve ${run.id} ${ask}`);
  expect((await dr("list")).out).toContain(`${run.id}): waiting for approval`);
  expect(await dr("approve", run.id, ask)).toMatchObject({
    code: 1,
    out: expect.stringContaining("requested this run"),
  });
  expect(await dr("--as", "sam-okafor", "approve", run.id, ask)).toMatchObject({ code: 1 });
  expect((await dr("note", "Slack is dead, the bridge is open")).code).toBe(0);
  expect((await dr("pause", run.id)).code).toBe(0);
  expect((await dr("resume", run.id)).code).toBe(0);
  // The one that counts longest: on a busy machine a command line takes a while to begin.
  const shown = [await sams.code(), await sams.code(), await sams.code()];
  expect(await dr("--as", "sam-okafor", "--code", shown[2] ?? "", "approve", run.id, ask)).toEqual({
    code: 0,
    out: expect.stringContaining("is recorded"),
  });
  await until(async () => (await harness.lastRun()).run.ending !== null, 120);

  const { events, run: ended } = await harness.lastRun();
  expect(ended.status).toBe("verified");
  expect(await harness.promotions(harness.environment.nodes[1]?.name ?? "")).toBe(1);
  expect(events.find(({ type }) => type === "gate.approved")?.actor).toMatchObject({
    person: "sam-okafor",
    door: "cli",
  });
  expect(harness.workspace.snapshot().messages).toHaveLength(messages);
  const told = await dr("timeline", "--last", "60");
  expect(told.out).toMatch(/Sam Okafor, at the command line: approved/);

  harness.workspace.faults("calm");
  await starting;
  const sam = harness.workspace.as("USAM");
  const end = await sam.waitForMessage(({ text }) => /is done and verified/.test(text), 60_000);
  const thread = () =>
    harness.workspace
      .snapshot()
      .messages.filter((one) => one.thread_ts === end.thread_ts)
      .map(({ text }) => text);
  await until(() => thread().some((text) => /approved by/.test(text)), 30);
}, 400_000);
