import { afterEach, expect, jest, test } from "@jest/globals";
import type { WebClient } from "@slack/web-api";
import type { Item } from "../../../src/projection/outbox/messages.ts";
import { deliver } from "../../../src/sinks/slack/deliver.ts";
import { MemoryDatabase } from "../../support/memory-store/database.ts";
import { createMemoryOutbox } from "../../support/memory-store/outbox.ts";
import { quiet } from "../../support/postgres.ts";

afterEach(() => {
  jest.restoreAllMocks();
});

const real = performance.now.bind(performance);

/** Seconds for which the process stands still while it waits for the store's answer. */
async function posted(standsStill: number): Promise<number> {
  const database = new MemoryDatabase(Date.now);
  let late = 0;
  jest.spyOn(performance, "now").mockImplementation(() => real() + late * 1000);
  let freezes = false;
  const outbox = createMemoryOutbox(database, {
    async ask(_what, work) {
      const answer = work();
      if (freezes) late = standsStill;
      return answer;
    },
    notice: () => {},
  });
  const message = { key: "ask", queue: "C1", under: null, priority: 0, broadcast: false, once: false };
  await outbox.want({
    ...{ stream: "inc-1", version: 1, about: {}, redrawAt: null },
    queues: [{ queue: "C1", own: false, place: "C1", wanted: null }],
    messages: [{ ...message, desired: { text: "Approve?", blocks: [] } }],
  });
  await outbox.claim("me", 15, 1);
  const [item] = await outbox.pending("C1");
  let posts = 0;
  const client = { chat: { postMessage: async () => ({ ok: true, ts: `1.${++posts}` }) } } as unknown as WebClient;
  freezes = true;
  await deliver({ outbox, client, identity: () => ({}) as never, log: quiet, owner: "me" }, item as Item, "C1");
  return posts;
}

test("a process that stood still between its note and the post doesn't post: another may have done so", async () => {
  expect(await posted(0)).toBe(1);
  expect(await posted(20)).toBe(0);
});
