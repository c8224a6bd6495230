import { engineOn } from "../support/engine-harness.ts";
import { openWorkspace } from "./bots.ts";
import type { Figure } from "./figure.ts";
import { STEP_MS, STEPS } from "./p3.ts";
import { openRemote } from "./remote.ts";
import { gated, runOf } from "./run.ts";
import { median } from "./statistics.ts";
import { openTransport, staffed } from "./transport.ts";

const ROUNDS = 5;
/** A dead Slack may cost a deadline each time. */
const ROUNDS_AWAY = 2;

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
    const rounds = async (times: number) => {
      const took: number[] = [];
      for (let round = 0; round <= times; round++) {
        const one = await runOf(store, { ...plan, resources: [`round:${round}`] });
        if (round > 0) took.push(one);
      }
      return median(took);
    };
    const there = await rounds(ROUNDS);
    // Connections stay open and requests are taken, and nothing ever comes back.
    workspace.faults("delayCalls", { seconds: 3_600 });
    const away = await rounds(ROUNDS_AWAY);
    return [
      { what: "approval → verified with Slack, median", value: there, unit: "ms" },
      { what: "with Slack blackholed, median", value: away, unit: "ms" },
      { what: "blackholed to there", value: away / there, unit: "×", goal: { atMost: 1.02 } },
    ];
  },
};
