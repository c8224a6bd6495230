import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { attemptsMax } from "../../../src/timeline/index.ts";
import type { ProcessStore } from "../../support/memory-store/store.ts";
import type { Stores } from "./stores.ts";

/** What every store promises of the inbox: kept before it is acknowledged, handled by one at a time, given up visibly. */
export function inboxContract(stores: Stores): void {
  let store: ProcessStore;
  beforeEach(async () => {
    store = await stores.open();
  });
  afterEach(() => store.close());
  const keys = (items: readonly { key: string }[]) => items.map(({ key }) => key);

  describe("the inbox", () => {
    test("keeps what came once, though it was delivered twelve times at once", async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => store.inbox.receive("k1", "slack.command", { text: "help\u0000" })),
      );
      expect(answers.filter(Boolean)).toHaveLength(1);
      const [item] = await store.inbox.take(10, 30);
      expect(item).toMatchObject({ key: "k1", kind: "slack.command", body: { text: "help\ufffd" }, attempts: 1 });
    });

    test("gives the oldest first, each to one taker, and to each transport its own kind", async () => {
      for (const n of [1, 2, 3, 4]) await store.inbox.receive(`s${n}`, "slack.action", n);
      await store.inbox.receive("c1", "cli", 1);
      const takes = await Promise.all([1, 2, 3].map(() => store.inbox.take(2, 30, "slack.")));
      expect(takes.flatMap(keys).sort()).toEqual(["s1", "s2", "s3", "s4"]);
      expect(keys(takes[0] ?? [])).toEqual([...keys(takes[0] ?? [])].sort());
      expect(keys(await store.inbox.take(9, 30))).toEqual(["c1"]);
    });

    test("keeps for its receiver what was received with a claim, until the receiver is gone", async () => {
      await store.inbox.receive("k1", "slack.action", 1, 30);
      expect(await store.inbox.take(9, 30)).toEqual([]);
      await stores.inboxIsDue();
      expect(await store.inbox.take(9, 30)).toMatchObject([{ key: "k1", attempts: 2 }]);
      await store.inbox.done("k1");
      await stores.inboxIsDue();
      expect(await store.inbox.take(9, 30)).toEqual([]);
      expect(await store.inbox.receive("k1", "slack.action", 1)).toBe(false);
    });

    test("waits before a failed item is tried again, and gives up visibly", async () => {
      await store.inbox.receive("bad", "slack.action", 1);
      for (let n = 1; n <= attemptsMax; n++) {
        expect(await store.inbox.take(9, 30)).toMatchObject([{ key: "bad", attempts: n }]);
        await store.inbox.failed("bad", `no ${n}`);
        expect(await store.inbox.take(9, 30)).toEqual([]);
        await stores.inboxIsDue();
      }
      expect(await store.inbox.take(9, 30)).toEqual([]);
      expect(await store.inbox.now()).toMatchObject({ waiting: 0, givenUp: 1 });
      expect(await store.inbox.givenUp()).toMatchObject([
        { key: "bad", kind: "slack.action", attempts: attemptsMax, lastError: `no ${attemptsMax}` },
      ]);
    });

    test("stops giving out an item that ends every process that takes it", async () => {
      await store.inbox.receive("deadly", "slack.action", 1);
      for (let n = 1; n <= attemptsMax; n++) {
        expect(keys(await store.inbox.take(9, 30))).toEqual(["deadly"]);
        await stores.inboxIsDue();
      }
      expect(await store.inbox.take(9, 30)).toEqual([]);
      expect(keys(await store.inbox.givenUp())).toEqual(["deadly"]);
    });

    test("is emptied of what was done two weeks ago", async () => {
      await store.inbox.receive("old", "cli", { secret: 1 });
      await store.inbox.done("old");
      await stores.inboxAges(15);
      await store.inbox.receive("new", "cli", 1);
      await store.inbox.done("new");
      expect(await stores.inboxKeys()).toEqual(["new"]);
    });
  });
}
