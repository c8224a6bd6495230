import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { playScenario } from "../../practice/session/scenario.ts";
import { POINTS } from "../../src/engine/kill-point.ts";
import { FAST_SLACK } from "../systems/fast-slack.ts";
import { type Bed, logStatements, openBed } from "./bed.ts";
import { killedOnce } from "./killed-once.ts";

let bed: Bed;

beforeAll(async () => {
  bed = await openBed(FAST_SLACK);
}, 120_000);
afterAll(() => bed?.stop(), 60_000);
afterEach(() => bed.endOpenRuns(), 60_000);

const steps = ["check", "fence", "drain", "repoint", "nothing-lost", "orders-healthy"];
const cases = [
  ...steps.map((step) => `${step}:${step === "fence" || step === "repoint" ? "after-apply" : "before-verify"}`),
  ...POINTS.map((point) => `promote:${point}`),
];

describe("the bot is killed with kill -9 and started again", () => {
  test.each(cases)(
    "at %s: the run ends verified, one promotion, nothing lost, the timeline whole",
    async (at) => {
      await bed.environment.heal();
      await logStatements(bed);
      const before = await bed.promotions("orders-b");
      const next = cases[cases.indexOf(at) + 1];
      await killedOnce(bed.bot, { at, marker: join(bed.folder, "killed"), next }, () =>
        playScenario(bed, { words: "failover database", unplanned: false, seconds: 120 }),
      );

      const { run, events } = await bed.lastRun();
      expect(run.status).toBe("verified");
      expect((await bed.promotions("orders-b")) - before).toBe(1);
      expect(await bed.environment.ledger()).toMatchObject({ lost: 0 });
      expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
      expect(await bed.store.timeline.verify()).toMatchObject({ ok: true, problems: [] });
    },
    300_000,
  );
});
