import type { Locator, Page } from "playwright-core";
import type { Message } from "../../practice/slack/index.ts";
import type { PracticeHarness } from "./harness.ts";

type Place = Pick<Message, "channel" | "ts" | "thread_ts">;

/**
 * A message on the page, by its own timestamp. Position (`.last()`) and reply counts ("2 replies") name a different message
 * depending on what else has been drawn by then.
 */
export function messageIn(where: Locator, { ts }: Pick<Place, "ts">): Locator {
  return where.locator(`article[data-ts="${ts}"]`);
}

/** Opens the channel of a message from the list of channels. */
export function channelButton(harness: PracticeHarness, page: Page, { channel }: Pick<Place, "channel">): Locator {
  const name = harness.workspace.snapshot().channels.find(({ id }) => id === channel)?.name;
  if (name === undefined) throw new Error(`There is no channel ${channel}.`);
  return page.getByRole("navigation", { name: "Channels" }).getByRole("button", { name });
}

/** Opens the thread that a message stands in; its channel is open already. */
export async function openThread(page: Page, { ts, thread_ts }: Place): Promise<Locator> {
  await messageIn(page.getByRole("main"), { ts: thread_ts ?? ts })
    .getByRole("button", { name: /\d+ repl(y|ies)/ })
    .click();
  return page.getByRole("region", { name: "Thread" });
}
