import { afterAll, expect, test } from "@jest/globals";
import { testServer } from "../support/postgres.ts";
import { message, openSlackHarness, said, until } from "../support/slack-harness.ts";

const server = await testServer();
afterAll(() => server.close());

test("at fifty times Slack's rate sixty messages are posted and edited before one a second would be", async () => {
  const harness = await openSlackHarness(server, { config: { rate: 50 } });
  try {
    const channel = { name: "inc-1-orders", topic: "P1", bookmarks: [], invite: ["UALEX"], pinned: [] };
    const shown = () => {
      const own = harness.workspace.snapshot().channels.find(({ name }) => name.startsWith(channel.name));
      return said(harness.workspace, own?.id ?? "");
    };
    const all = (word: string) => Array.from({ length: 60 }, (_, i) => message(`n${i}`, `${word} ${i}`));
    harness.scenes.set("inc-1", { channel, messages: all("news") });
    await harness.declare("inc-1");
    await until(() => shown().length === 60, 25);
    await harness.show("inc-1", { messages: all("edited") });
    await until(() => shown().every((text) => text.startsWith("edited")), 25);
    expect(shown()).toEqual(all("edited").map(({ message }) => message.text));
  } finally {
    await harness.close();
  }
}, 60_000);
