import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { sha256 } from "../../src/lib/canonical.ts";
import type { Store } from "../../src/timeline/index.ts";
import { complaints } from "../support/independent-verifier.ts";
import { type Net, openNet } from "../support/network.ts";
import { event, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";

let on: TestServer;
let url: string;
let net: Net;
let store: Store;
beforeAll(async () => {
  on = await testServer();
});
afterAll(() => on.close());
beforeEach(async () => {
  url = await on.database();
  net = await openNet(on.server.port);
  store = await storeOn(net.url(url));
});
afterEach(async () => {
  await store.close();
  await net.close();
});

const types = async () => (await store.timeline.read("inc-1")).map(({ type }) => type);

describe("when the connection breaks", () => {
  test("at COMMIT, the decision counts once and its own answer is given", async () => {
    const planBytes = Buffer.from("plan");
    const lost = net.loseAnswerTo("commit");
    let asked = 0;
    const decided = await store.timeline.decide("inc-1", (events) => {
      asked += 1;
      return {
        events: [event(events.length === 0 ? "approved" : "approval.refused")],
        runs: [{ id: "run-1", planHash: sha256(planBytes), planBytes, resources: ["pg:a"] }],
        value: `decided ${asked}`,
      };
    });
    await lost;
    expect(decided).toMatchObject({ kind: "written", value: "decided 1", events: [{ type: "approved", version: 1 }] });
    expect(await types()).toEqual(["approved"]);
    expect(await complaints(url)).toEqual([]);
  });

  test("at the lock, it is decided again", async () => {
    await store.timeline.decide("inc-1", () => ({ events: [event("declared")], value: null }));
    const lost = net.loseAnswerTo("begin");
    const decided = await store.timeline.decide("inc-1", () => ({ events: [event("noted")], value: "once" }));
    await lost;
    expect(decided).toMatchObject({ kind: "written", value: "once" });
    expect(await types()).toEqual(["declared", "noted"]);
  });

  test("under fifty writers again and again, nothing acknowledged is lost and nothing is there twice", async () => {
    let cuts = 0;
    const cutting = setInterval(() => {
      if (++cuts <= 6) net.cut();
    }, 150);
    try {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          store.timeline.decide("inc-1", () => ({ events: [event("noted", { data: i, key: `note-${i}` })], value: i })),
        ),
      );
      expect(answers.flatMap((answer) => (answer.kind === "written" ? answer.events : []))).toHaveLength(50);
    } finally {
      clearInterval(cutting);
    }
    const stored = await store.timeline.read("inc-1");
    expect(stored.map(({ data }) => data as number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
    expect(await complaints(url)).toEqual([]);
  });

  test("while receiving, the sender's item is taken in once and known to be", async () => {
    const lost = net.loseAnswerTo("lifeboat.inbox");
    expect(await store.inbox.receive("k1", "slack.action", 1, 30)).toBe(true);
    await lost;
    expect(await store.inbox.receive("k1", "slack.action", 1, 30)).toBe(false);
  });
});

describe("when the store restarts", () => {
  test("in the middle of a decision, the decision is made when it is back", async () => {
    let restarted: Promise<void> | undefined;
    const told = new Set<string>();
    store.timeline.follow((stream) => told.add(stream));
    const decided = await store.timeline.decide("inc-1", (_, now) => {
      restarted ??= on.restart();
      // The server is asked to stop while this transaction is open; it ends it.
      for (const end = Date.now() + 400; Date.now() < end; );
      return { events: [event("declared")], value: now };
    });
    await restarted;
    expect(decided).toMatchObject({ kind: "written", events: [{ version: 1 }] });
    expect(await types()).toEqual(["declared"]);
    await until(() => told.has("inc-1"));
  });

  test("an opener waits for it, a caller is told in time, and a follower misses nothing", async () => {
    const told = new Set<string>();
    store.timeline.follow((stream) => told.add(stream));
    const impatient = await storeOn(url, { callerSeconds: 0.5 });
    await on.server.stop("immediate");
    const opening = storeOn(url);
    const refused = impatient.timeline.decide("inc-1", () => ({ events: [event("noted")], value: null }));
    await expect(refused).rejects.toMatchObject({ problem: { code: "store-away" } });
    const waiting = store.timeline.decide("inc-2", () => ({ events: [event("declared")], value: null }));
    await on.restart();
    expect(await waiting).toMatchObject({ kind: "written" });
    const late = await opening;
    await late.timeline.decide("inc-3", () => ({ events: [event("declared")], value: null }));
    await until(() => told.has("inc-2") && told.has("inc-3"));
    await Promise.all([late.close(), impatient.close()]);
  });

  test("a driver's result waits for it, however short the patience of callers", async () => {
    const driver = await storeOn(url, { callerSeconds: 0.1 });
    const planBytes = Buffer.from("plan");
    await driver.timeline.decide("inc-1", () => ({
      events: [event("run.requested")],
      runs: [{ id: "run-1", planHash: sha256(planBytes), planBytes, resources: [] }],
      value: null,
    }));
    const [lease] = await driver.leases.claim(1);
    if (lease === undefined) throw new Error("no lease");
    await on.server.stop("fast");
    const result = driver.timeline.decide("inc-1", () => ({ events: [event("step.verified")], value: null }), {
      lease,
    });
    await new Promise((longer) => setTimeout(longer, 600));
    await on.restart();
    expect(await result).toMatchObject({ kind: "written" });
    await driver.close();
  });
});

test("what is asked of a store that was closed is refused at once", async () => {
  const other = await storeOn(url);
  await other.close();
  await other.close();
  await expect(other.timeline.read("inc-1")).rejects.toMatchObject({ problem: { code: "store-closed" } });
});
