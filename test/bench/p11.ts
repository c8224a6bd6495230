import { newId } from "../../src/lib/ids.ts";
import { engineOn } from "../support/engine-harness.ts";
import { event } from "../support/postgres.ts";
import type { Figure } from "./figure.ts";
import { openRemote } from "./remote.ts";
import { atGate, gated } from "./run.ts";
import { median, quantile, timed } from "./statistics.ts";

const CLICKS = 100;

/** What the click itself costs before anything is decided: its row in the inbox. */
export const p11: Figure = {
  name: "p11",
  title: "A click on Approve (inbox, decision, claim, intent) → the first outside call",
  async measure(around) {
    const store = await around.store();
    const remote = await openRemote(around);
    const engine = engineOn(store, { actions: remote.actions });
    engine.start();
    around.later(() => engine.stop());
    const took: number[] = [];
    const commits: number[] = [];
    for (let i = 0; i <= CLICKS; i++) {
      const waiting = await atGate(store, gated([[remote.step("first", 1)]]));
      const clicked = performance.now();
      await store.inbox.receive(newId("click"), "bench.click", { run: waiting.run });
      await waiting.approve();
      await waiting.verified();
      const called = remote.sent.find((at) => at >= clicked);
      if (called === undefined) throw new Error("Nothing was called.");
      const [commit = 0] = await timed(1, () => commitOf(waiting.run), 0);
      if (i === 0) continue;
      took.push(called - clicked);
      commits.push(commit);
    }
    const p99 = quantile(took, 0.99);
    const goal = 3 * quantile(commits, 0.99) + 10;
    return [
      { what: "click → call, median", value: median(took), unit: "ms" },
      { what: "click → call, p99", value: p99, unit: "ms", goal: { atMost: goal } },
      { what: "one commit (an append), median", value: median(commits), unit: "ms" },
      { what: "one commit (an append), p99", value: quantile(commits, 0.99), unit: "ms" },
    ];

    function commitOf(stream: string) {
      return store.timeline.decide(stream, () => ({ events: [event("bench.commit")], value: null }));
    }
  },
};
