import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Item } from "../../../src/projection/outbox/messages.ts";
import { choose, EDITS, POSTS } from "../../../src/sinks/slack/choose.ts";
import { filled, spent, waitFor } from "../../../src/sinks/slack/pace.ts";

let serial = 0;
const item = (more: Partial<Item> = {}): Item => ({
  id: String(++serial),
  stream: "inc-1",
  key: `k${serial}`,
  under: null,
  rootAs: null,
  priority: 1,
  broadcast: false,
  once: false,
  desired: {},
  desiredHash: "new",
  deliveredAs: null,
  deliveredHash: null,
  deliveredAgoMs: null,
  sendingSince: null,
  sendingHash: null,
  plain: false,
  waitMs: 0,
  tries: 0,
  ...more,
});
const full = { tokens: 4, at: 0 };
const empty = { tokens: 0, at: 0 };
const plenty = { tokens: 10, at: 0 };
const started = (items: readonly Item[], posts = full, edits = plenty, busy: readonly string[] = []) =>
  choose(items, new Set(busy), posts, edits).start.map(({ key }) => key);

describe("what is done next in a channel", () => {
  test("inside a thread one after another, in the order of the desired state", () => {
    const [a, b] = [item({ key: "a" }), item({ key: "b" })];
    expect(started([b, a])).toEqual(["a"]);
    expect(started([a, b], full, plenty, [a.id])).toEqual([]);
  });

  test("different threads at the same time", () => {
    const one = item({ key: "one", under: "r1", rootAs: "1.1" });
    const two = item({ key: "two", under: "r2", rootAs: "1.2" });
    expect(started([one, two])).toEqual(["one", "two"]);
  });

  test("a reply waits for its root, and makes it as urgent as itself", () => {
    const queue = Array.from({ length: 5 }, (_, i) => item({ key: `news ${i}` }));
    const root = item({ key: "run", priority: 2 });
    const prompt = item({ key: "gate", under: "run", priority: 0 });
    expect(started([...queue, root, prompt], empty)).toEqual(["run"]);
  });

  test("the urgent goes into debt; the rest waits for its second", () => {
    const [news, prompt] = [item({ key: "news" }), item({ key: "gate", priority: 0 })];
    const choice = choose([news, prompt], new Set(), empty, plenty);
    expect(choice.start.map(({ key }) => key)).toEqual(["gate"]);
    expect(choice.posts.tokens).toBe(-1);
    expect(choose([news], new Set(), empty, plenty).waitMs).toBe(1000);
  });

  test("an urgent post does not wait for one in progress", () => {
    const news = item({ key: "news" });
    const prompts = [item({ key: "card", priority: 0 }), item({ key: "gate", priority: 0 })];
    expect(started([news, ...prompts], full, plenty, [news.id])).toEqual(["card", "gate"]);
  });

  test("an edit no one waits for rests three seconds, one that may lag twelve; an urgent one does not", () => {
    const edit = (priority: number) =>
      item({ key: `edit ${priority}`, priority, deliveredAs: "1.1", deliveredHash: "old", deliveredAgoMs: 1000 });
    const choice = choose([edit(1), edit(0)], new Set(), full, plenty);
    expect(choice.start.map(({ key }) => key)).toEqual(["edit 0"]);
    expect(choice.waitMs).toBe(2000);
    expect(choose([edit(2)], new Set(), full, plenty).waitMs).toBe(11_000);
  });

  test("at ten times Slack's rate, what waits for time waits a tenth of it", () => {
    const edit = item({ priority: 1, deliveredAs: "1.1", deliveredHash: "old", deliveredAgoMs: 1000 });
    expect(choose([edit], new Set(), full, plenty, 10).waitMs).toBe(200);
    expect(choose([item()], new Set(), empty, plenty, 10).waitMs).toBe(100);
  });

  test("a post waits until what stands above it is up to date, where that is urgent", () => {
    const shown = { deliveredAs: "1.1", deliveredHash: "old", deliveredAgoMs: 100 };
    const root = item({ key: "run", priority: 0, ...shown });
    const steps = item({ key: "steps", under: "run", rootAs: "1.1", priority: 0, ...shown });
    const elsewhere = item({ key: "card", priority: 0, ...shown });
    const result = item({ key: "result", under: "run", rootAs: "1.1", priority: 0 });
    const broadcast = { ...result, broadcast: true };
    expect(started([root, steps, elsewhere, result])).toEqual(["run", "steps", "card"]);
    for (const edit of [root, steps]) expect(started([edit, result], full, plenty, [edit.id])).toEqual([]);
    expect(started([elsewhere, result], full, plenty, [elsewhere.id])).toEqual(["result"]);
    expect(started([elsewhere, broadcast], full, plenty, [elsewhere.id])).toEqual([]);
    expect(started([{ ...steps, priority: 2 }, result])).toEqual(["result"]);
    expect(started([{ ...steps, tries: 3, waitMs: 60_000 }, result])).toEqual(["result"]);
  });

  test("a message that keeps failing holds up nothing behind it", () => {
    const poison = (tries: number) => item({ key: "poison", tries, waitMs: 60_000 });
    expect(started([poison(2), item({ key: "next" })])).toEqual([]);
    expect(started([poison(3), item({ key: "next" })])).toEqual(["next"]);
  });

  test("whatever waits, nothing is started twice, out of turn, or beyond the pace", () => {
    const any = fc.record({
      priority: fc.constantFrom(0, 1, 2),
      under: fc.constantFrom(null, "root"),
      rootAs: fc.constantFrom(null, "1.1"),
      deliveredAs: fc.constantFrom(null, "2.2"),
      waitMs: fc.constantFrom(0, 500),
      tries: fc.constantFrom(0, 5),
    });
    fc.assert(
      fc.property(
        fc.array(any, { maxLength: 12 }),
        fc.integer({ min: -4, max: 4 }),
        fc.boolean(),
        (parts, tokens, someBusy) => {
          const items = parts.map((part) => item(part));
          const busy = new Set(someBusy && items[0] ? [items[0].id] : []);
          const { start, posts } = choose(items, busy, { tokens, at: 0 }, plenty);
          expect(start.length + busy.size).toBeLessThanOrEqual(4 + busy.size);
          expect(start.some(({ id }) => busy.has(id))).toBe(false);
          expect(start.some(({ waitMs }) => waitMs > 0)).toBe(false);
          expect(
            start.some(({ under, rootAs, deliveredAs }) => deliveredAs === null && under !== null && rootAs === null),
          ).toBe(false);
          expect(posts.tokens).toBeGreaterThanOrEqual(-POSTS.debt);
        },
      ),
    );
  });
});

describe("pace", () => {
  test("fills by the second up to its burst", () => {
    expect(filled({ tokens: 0, at: 0 }, POSTS, 1500).tokens).toBe(1.5);
    expect(filled({ tokens: 0, at: 0 }, POSTS, 60_000).tokens).toBe(4);
    expect(filled({ tokens: 3, at: 1000 }, POSTS, 500).tokens).toBe(3);
    expect(waitFor(empty, EDITS, false)).toBe(1250);
    expect(waitFor({ tokens: -POSTS.debt, at: 0 }, POSTS, true)).toBe(1000);
    expect(spent(full).tokens).toBe(3);
  });
});
