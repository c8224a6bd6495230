import { newId } from "../../src/lib/ids.ts";
import type { ShownMessage } from "../../templates/messages/kit/view.ts";
import { message, openSlackHarness } from "../support/slack-harness.ts";
import type { Figure } from "./figure.ts";
import { median } from "./statistics.ts";

const CALL_MS = 100;
const BEHIND = 60;
const ROUNDS = 5;

/** Slack takes one message a second in a channel, so what is queued before the prompt takes a minute. */
export const p9: Figure = {
  name: "p9",
  title: `An approval prompt behind ${BEHIND} queued posts of its channel, ${CALL_MS} ms for every call to Slack`,
  async measure(around) {
    const url = await around.database();
    const server = { database: async () => url } as Parameters<typeof openSlackHarness>[0];
    const harness = await openSlackHarness(server);
    around.later(() => harness.close());
    const { workspace } = harness;
    const alex = workspace.as("UALEX");
    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const incident = newId("inc");
      const words = (n: number) => `Round ${round}: post ${n}`;
      const posts = Array.from({ length: BEHIND }, (_, n) => message(`post-${n}`, words(n)));
      await harness.declare(incident);
      await harness.show(incident, { channel: channelCalled(`round-${round}`), messages: posts });
      await alex.waitForMessage((one) => one.text === words(0), 20_000);
      workspace.faults("delayCalls", { seconds: CALL_MS / 1000 });
      const prompt: ShownMessage = message("prompt", `Round ${round}: approve?`, { priority: 0 });
      const began = performance.now();
      await harness.show(incident, { messages: [...posts, prompt] });
      await alex.waitForMessage((one) => one.text === `Round ${round}: approve?`, 90_000);
      took.push(performance.now() - began);
      workspace.faults("delayCalls", { seconds: 0 });
      if (workspace.snapshot().messages.some(({ text }) => text === words(BEHIND - 1)))
        throw new Error("Nothing was queued any more when the prompt was shown.");
    }
    return [
      { what: "asked → visible, median", value: median(took), unit: "ms", goal: { atMost: 1000 + CALL_MS } },
      { what: "at the latest", value: Math.max(...took), unit: "ms" },
    ];
  },
};

function channelCalled(name: string) {
  return { name, topic: "", bookmarks: [], invite: [], pinned: [] };
}
