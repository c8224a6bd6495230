import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { playScenario } from "../../practice/session/scenario.ts";
import { POINTS } from "../../src/engine/kill-point.ts";
import { FAST_SLACK } from "../support/fast-slack.ts";
import { killedOnce } from "../support/killed-once.ts";
import { logStatements, openPracticeHarness, type PracticeHarness } from "./harness.ts";

let harness: PracticeHarness;

beforeAll(async () => {
  harness = await openPracticeHarness(FAST_SLACK);
}, 120_000);
afterAll(() => harness?.stop(), 60_000);
afterEach(() => harness.endOpenRuns(), 60_000);

const steps = ["check", "fence", "drain", "repoint", "nothing-lost", "orders-healthy"];
const cases = [
  ...steps.map((step) => `${step}:${step === "fence" || step === "repoint" ? "after-apply" : "before-verify"}`),
  ...POINTS.map((point) => `promote:${point}`),
];

describe("the bot is killed with kill -9 and started again", () => {
  test.each(cases)(
    "at %s: the run ends verified, one promotion, nothing lost, the timeline whole",
    async (at) => {
      await harness.environment.heal();
      await logStatements(harness);
      const before = await harness.promotions("orders-b");
      const next = cases[cases.indexOf(at) + 1];
      await killedOnce(harness.bot, { at, marker: join(harness.folder, "killed"), next }, () =>
        playScenario(harness, { words: "failover database", unplanned: false, seconds: 120 }),
      );

      const { run, events } = await harness.lastRun();
      expect(run.status).toBe("verified");
      expect((await harness.promotions("orders-b")) - before).toBe(1);
      expect(await harness.environment.ledger()).toMatchObject({ lost: 0 });
      expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
      expect(await harness.store.timeline.verify()).toMatchObject({ ok: true, problems: [] });
    },
    300_000,
  );
});
