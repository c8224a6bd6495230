import type { Plan } from "../catalog/types.ts";
import { fold } from "../incident/evolve.ts";
import { createLog } from "../lib/log.ts";
import { type RunReport, reportOfRun } from "../report/run-report.ts";
import { openStore } from "../timeline/index.ts";

/** What the timeline says of one run. */
export interface RunRecord {
  readonly report: RunReport;
  /** Of its incident, and whether the chain of everything holds. */
  readonly timeline: { readonly events: number; readonly verified: boolean };
}

/** Reads a run from the store in a bot's data folder, beside the bot; null: there is no such run. */
export async function recordOf(dataFolder: string, run: string): Promise<RunRecord | null> {
  const store = await openStore({ dataFolder, log: createLog("error"), openSeconds: 15 });
  try {
    const { timeline } = store;
    const stream = await timeline.streamOfRun(run);
    if (stream === null) return null;
    const events = await timeline.read(stream);
    const asked = [...new Set(events.flatMap((event) => (event.type === "run.requested" ? [event.run ?? ""] : [])))];
    const plans = new Map<string, Plan>();
    for (const id of asked) {
      const plan = await timeline.planOf(id);
      if (plan) plans.set(plan.planHash, JSON.parse(Buffer.from(plan.planBytes).toString("utf8")));
    }
    const state = fold(stream, events, plans);
    const found = state.runs.get(run);
    if (found === undefined) return null;
    const chain = await timeline.verify();
    return { report: reportOfRun(state, found), timeline: { events: events.length, verified: chain.ok } };
  } finally {
    await store.close();
  }
}
