import { openWorkspace } from "./bots.ts";
import type { Figure } from "./figure.ts";
import { median } from "./statistics.ts";
import { openTransport } from "./transport.ts";

const CALL_MS = 100;
const ROUNDS = 7;

export const p2: Figure = {
  name: "p2",
  title: `/dr declare → channel and status card with its buttons, ${CALL_MS} ms for every call to Slack`,
  async measure(around) {
    const workspace = await openWorkspace(around);
    await openTransport(around, workspace, await around.store());
    workspace.faults("delayCalls", { seconds: CALL_MS / 1000 });
    const alex = workspace.as("UALEX");
    const took: number[] = [];
    const calls: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const known = new Set(workspace.snapshot().channels.map(({ id }) => id));
      const before = workspace.inspected.length;
      const began = performance.now();
      const asked = alex.slash(`/dr declare Orders fail ${round} --severity P1`);
      await alex.waitForMessage(
        (one) => !known.has(one.channel) && one.user === "ULIFEBOAT" && hasButtons(one.blocks),
        20_000,
      );
      if (round > 0) took.push(performance.now() - began);
      await asked;
      // Everything that follows is let through before the next round, and counted: done in series it would take this.
      await quiet(() => workspace.inspected.length);
      const made = workspace.inspected.slice(before).filter(({ kind }) => kind === "call").length;
      if (round > 0) calls.push(made * CALL_MS);
    }
    return [
      { what: "declared → card usable, median", value: median(took), unit: "ms" },
      { what: "to two round trips", value: median(took) / (2 * CALL_MS), unit: "×", goal: { atMost: 1.15 } },
      { what: "to the same calls in series", value: median(took) / median(calls), unit: "×", goal: { atMost: 0.3 } },
      { what: "calls of one declaration, median", value: median(calls) / CALL_MS, unit: "" },
    ];
  },
};

function hasButtons(blocks: readonly { readonly type: string }[] | undefined): boolean {
  return (blocks ?? []).some(({ type }) => type === "actions");
}

/** Resolves when nothing was added for a second and a half. */
async function quiet(count: () => number): Promise<void> {
  for (let last = -1; last !== count(); ) {
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
}
