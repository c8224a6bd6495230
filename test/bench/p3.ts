import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { engineOn } from "../support/engine-harness.ts";
import { openDbos } from "./dbos.ts";
import type { Figure } from "./figure.ts";
import { openRemote } from "./remote.ts";
import { gated, runOf } from "./run.ts";
import { median, timed } from "./statistics.ts";

export const STEPS = 20;
export const STEP_MS = 20;
const ROUNDS = 9;

export const p3: Figure = {
  name: "p3",
  title: `A runbook of ${STEPS} steps of ${STEP_MS} ms, with journal, locks, approval and timeline`,
  async measure(around) {
    const store = await around.store();
    const remote = await openRemote(around);
    const engine = engineOn(store, { actions: remote.actions });
    engine.start();
    around.later(() => engine.stop());
    const steps = Array.from({ length: STEPS }, (_, i) => remote.step(`s${i + 1}`, STEP_MS));
    const script = `set -euo pipefail; for i in $(seq ${STEPS}); do curl -fsS -X POST '${remote.url}/?ms=${STEP_MS}' >/dev/null; done`;
    const bare = async () => {
      for (let i = 0; i < STEPS; i++) await remote.call(STEP_MS);
    };

    const workflow = await openDbos(around, STEPS, () => remote.call(STEP_MS));

    const [ours, calls, curls, workflows]: number[][] = [[], [], [], []];
    for (let round = 0; round <= ROUNDS; round++) {
      const took = await runOf(store, gated([steps]));
      const [loop = 0] = await timed(1, bare, 0);
      const [shell = 0] = await timed(1, () => promisify(execFile)("bash", ["-c", script]), 0);
      const [dbos = 0] = await timed(1, workflow, 0);
      if (round === 0) continue;
      ours?.push(took);
      calls?.push(loop);
      curls?.push(shell);
      workflows?.push(dbos);
    }
    const took = median(ours ?? []);
    return [
      { what: "approval → verified, median", value: took, unit: "ms" },
      { what: "overhead of one step", value: (took - median(calls ?? [])) / STEPS, unit: "ms" },
      { what: "the bare calls in a row, median", value: median(calls ?? []), unit: "ms" },
      { what: "bash + curl, median", value: median(curls ?? []), unit: "ms" },
      { what: "DBOS, median", value: median(workflows ?? []), unit: "ms" },
      { what: `to ${STEPS} × ${STEP_MS} ms`, value: took / (STEPS * STEP_MS), unit: "×", goal: { atMost: 1.2 } },
      { what: "to bash + curl", value: took / median(curls ?? []), unit: "×", goal: { atMost: 0.85 } },
      { what: "to DBOS", value: took / median(workflows ?? []), unit: "×", goal: { atMost: 1 } },
    ];
  },
};
