import { engineOn } from "../support/engine-harness.ts";
import { openWorkspace } from "./bots.ts";
import type { Figure } from "./figure.ts";
import { STEP_MS, STEPS } from "./p3.ts";
import { openRemote } from "./remote.ts";
import { gated, runOf } from "./run.ts";
import { median } from "./statistics.ts";
import { openTransport, staffed } from "./transport.ts";

const TURNS = 2;
const ROUNDS = 5;
const HOUR_SECONDS = 3_600;

export const p8: Figure = {
  name: "p8",
  title: "The runbook of P3 with Slack drawn and asked as always, and with a Slack that no longer answers",
  async measure(around) {
    const store = await around.store();
    const remote = await openRemote(around);
    const workspace = await openWorkspace(around);
    const slack = await openTransport(around, workspace, store);
    const engine = engineOn(store, {
      actions: remote.actions,
      systems: new Map([[staffed.id, staffed]]),
      accountStatus: slack.accountStatus,
    });
    engine.start();
    around.later(() => engine.stop());
    const plan = gated([Array.from({ length: STEPS }, (_, i) => remote.step(`s${i + 1}`, STEP_MS))]);
    const took = { there: [] as number[], away: [] as number[] };
    const rounds = async (slackIs: keyof typeof took) => {
      // Connections stay open and requests are taken, and nothing comes back.
      workspace.faults("delayCalls", { seconds: slackIs === "away" ? HOUR_SECONDS : 0 });
      // The first one finds out which it is.
      for (let round = 0; round <= ROUNDS; round++) {
        const one = await runOf(store, { ...plan, resources: [`round:${round}`] });
        if (round > 0) took[slackIs].push(one);
      }
    };
    // In turns: a machine that is busy meanwhile is so for both.
    for (let turn = 0; turn < TURNS; turn++) {
      await rounds("there");
      await rounds("away");
    }
    const [there, away] = [median(took.there), median(took.away)];
    return [
      { what: "approval → verified with Slack, median", value: there, unit: "ms" },
      { what: "with Slack blackholed, median", value: away, unit: "ms" },
      { what: "blackholed to there", value: away / there, unit: "×", goal: { atMost: 1.02 } },
    ];
  },
};
