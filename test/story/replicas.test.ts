import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as passing } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { BotProcess } from "../../practice/session/bot-process.ts";
import { adoptServer } from "../../src/embedded-postgres/server.ts";
import type { StoredEvent } from "../../src/timeline/contract.ts";
import { askFor, heard, newFrom } from "./approval-requests.ts";
import { logStatements, openPracticeHarness, type PracticeHarness } from "./harness.ts";

let harness: PracticeHarness;
let other: BotProcess;
let marker: string;
let before: readonly string[];

beforeAll(async () => {
  harness = await openPracticeHarness();
  other = await harness.anotherBot();
  marker = join(harness.folder, "killed");
}, 120_000);
afterAll(async () => {
  await other?.stop();
  await harness?.stop();
}, 60_000);

beforeEach(async () => {
  await harness.environment.heal();
  await logStatements(harness);
  before = await harness.userActions();
}, 120_000);

afterEach(async () => {
  harness.workspace.faults("calm");
  await harness.endOpenRuns();
}, 60_000);

/** What the servers were told since the test began, each once: fence, promotion, and what goes with them. */
async function eachOnce(): Promise<void> {
  const told = (await harness.userActions()).slice();
  for (const old of before) told.splice(told.indexOf(old), 1);
  expect(told.filter((line) => /alter system set default_transaction_read_only/.test(line))).toHaveLength(1);
  expect(told.filter((line) => /select pg_promote/.test(line))).toHaveLength(1);
  const { run, events } = await harness.lastRun();
  expect(run.status).toBe("verified");
  expect(await harness.environment.ledger()).toMatchObject({ lost: 0 });
  expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
  expect(await harness.store.timeline.verify()).toMatchObject({ ok: true });
}

const stepsOf = (events: readonly StoredEvent[], run: string) =>
  events.filter((event) => event.run === run && event.type.startsWith("step."));

/** Both bots, told to kill themselves where it hurts; the one who drives the run does, and the other one does not. */
async function armed(at: string): Promise<void> {
  await rm(marker, { force: true });
  const environment = { LIFEBOAT_KILL_AT: at, LIFEBOAT_KILL_ONCE: marker };
  for (const bot of [harness.bot, other]) {
    await bot.stop();
    await bot.start(60, environment);
  }
  // No replica may take anything over in its first 5 s, and this is about one that was there all along.
  await passing(5_500);
}

describe("two bots on one store", () => {
  test("every envelope delivered twice: no step is performed twice", async () => {
    harness.workspace.faults("duplicate", { times: 50 });
    const isNew = newFrom(harness);
    const question = await askFor(harness, "/dr failover database");
    await harness.workspace.as("USAM").click(question.card, "gate.approve", { confirm: true });
    await heard(harness, isNew, /is done and verified/, 60_000);
    await eachOnce();
    const { events } = await harness.lastRun();
    const started = stepsOf(events, question.run).filter(({ type }) => type === "step.started");
    expect(new Set(started.map(({ data }) => (data as { step: string }).step)).size).toBe(started.length);
    expect(events.filter(({ type }) => type === "run.requested")).toHaveLength(1);
    expect(events.filter(({ type }) => type === "gate.approved")).toHaveLength(1);
  }, 120_000);

  describe("and one of them is killed for good", () => {
    afterEach(async () => {
      await harness.bot.start(60);
      await other.start(60);
    }, 60_000);

    test.each(["check:before-verify", "promote:before-apply", "promote:after-apply"])(
      "at %s: the other goes on within 5 s, hears what people press, and repeats nothing",
      async (at) => {
        await armed(at);
        const isNew = newFrom(harness);
        const question = await askFor(harness, "/dr failover database");
        await harness.workspace.as("USAM").click(question.card, "gate.approve", { confirm: true });
        await heard(harness, isNew, /is done and verified/, 60_000);
        expect([harness.bot.running, other.running].filter(Boolean)).toHaveLength(1);
        await eachOnce();

        const steps = stepsOf((await harness.lastRun()).events, question.run);
        const [first, again] = steps.flatMap(({ type, data }, i) =>
          type === "step.started" && (data as { step: string }).step === at.split(":")[0] ? [i] : [],
        );
        const silence = (Number(steps[again ?? 0]?.at) - Number(steps[(again ?? 0) - 1]?.at)) / 1000;
        process.stderr.write(`taken over at ${at} after ${silence.toFixed(1)} s\n`);
        expect(again).toBeGreaterThan(first as number);
        expect(silence).toBeLessThanOrEqual(6);
      },
      150_000,
    );
  });

  test("their store is restarted in the middle of it: the run ends verified", async () => {
    const isNew = newFrom(harness);
    const question = await askFor(harness, "/dr failover database");
    const sam = harness.workspace.as("USAM");
    await sam.click(question.card, "gate.approve", { confirm: true });
    await fenced(question.run);
    const server = await adoptServer(join(harness.dataFolder, "postgres"));
    await server?.stop("fast");
    expect(server).not.toBeNull();
    await heard(harness, isNew, /is done and verified/, 90_000);
    await eachOnce();
  }, 180_000);
});

/** Resolves once the old primary's fence stands on the timeline: the run is in its middle. */
async function fenced(run: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = async () => {
      const { events } = await harness.lastRun();
      const isFence = ({ type, data }: StoredEvent) =>
        type === "step.verified" && (data as { step: string }).step === "fence";
      if (stepsOf(events, run).some(isFence)) done(resolve);
    };
    const unfollow = harness.store.timeline.follow(() => look().catch((error) => done(() => reject(error))));
    const done = (how: () => void) => {
      unfollow();
      how();
    };
  });
}
