import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createPager, type Pager } from "../../../practice/pagerduty/index.ts";
import { type Account, createPagerDuty, type PagerDuty } from "../../../src/sinks/pagerduty/client.ts";
import { PagerDutyError } from "../../../src/sinks/pagerduty/errors.ts";
import { holdPagerDuty } from "../../support/held.ts";
import { quiet } from "../../support/postgres.ts";

const wire = holdPagerDuty();

/**
 * What Lifeboat relies on of PagerDuty, over the stand-in. The same suite holds against a real account: give it one in
 * `account`, with a service whose policies are yours.
 */
let pager: Pager;
let pd: PagerDuty;
const policy = { policy: "PCOMMAND" };
const asked = { title: "Decide: failover", details: "…", to: policy };
const alarm = { summary: "Orders fail", source: "lifeboat", severity: "critical", details: "…" } as const;

const account = (more: Partial<Account> = {}): Account => ({
  apiUrl: pager.url,
  eventsUrl: pager.url,
  token: pager.environment().PAGERDUTY_TOKEN,
  routingKey: pager.environment().PAGERDUTY_ROUTING_KEY,
  from: "lifeboat@practice.invalid",
  service: "PORDERS",
  seconds: 5,
  ...more,
});

beforeEach(async () => {
  pager = await createPager({ log: quiet });
  pd = createPagerDuty(account());
});
afterEach(() => pager.close());

const failureOf = async (work: Promise<unknown>): Promise<PagerDutyError> => {
  const error = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(error instanceof PagerDutyError)) throw new Error(`Expected trouble, got ${error}`);
  return error;
};

describe("who is on call", () => {
  test("the first level that has someone", async () => {
    expect(await pd.onCall("PCOMMAND")).toEqual([{ user: "PSAM0", name: "Sam Okafor" }]);
    pager.onCall("PCOMMAND", [[], ["PVERA", "PALEX"]]);
    expect((await pd.onCall("PCOMMAND")).map(({ user }) => user)).toEqual(["PVERA", "PALEX"]);
  });
  test("among more than PagerDuty gives at once", async () => {
    pager.onCall("PCOMMAND", [[...Array.from({ length: 30 }, () => "PVERA"), "PSAM0"]]);
    expect((await pd.onCall("PCOMMAND")).map(({ user }) => user)).toEqual(["PVERA", "PSAM0"]);
  });
  test("no one", async () => {
    pager.injectFault("nobody");
    expect(await pd.onCall("PCOMMAND")).toEqual([]);
  });
});

describe("an alarm", () => {
  test("rings once however often it is sent under its key, and is answered and ended by it", async () => {
    await pd.trigger("lifeboat/inc-1", alarm);
    await pd.trigger("lifeboat/inc-1", alarm);
    expect(pager.incidents).toMatchObject([{ key: "lifeboat/inc-1", status: "triggered", assigned: ["PALEX"] }]);
    await pd.acknowledge("lifeboat/inc-1");
    expect(pager.incidents).toMatchObject([{ status: "acknowledged" }]);
    await pd.resolve("lifeboat/inc-1");
    await pd.resolve("lifeboat/inc-1");
    expect(pager.incidents).toMatchObject([{ status: "resolved" }]);
  });
  test("to end one no one knows is harmless", async () => {
    await pd.resolve("lifeboat/never");
    expect(pager.incidents).toEqual([]);
  });
  test("with a wrong integration key it is refused, not lost", async () => {
    const wrong = createPagerDuty(account({ routingKey: "another".padEnd(32, "0") }));
    expect(await failureOf(wrong.trigger("lifeboat/inc-1", alarm))).toMatchObject({ status: 400, refused: true });
  });
});

describe("a page for a role", () => {
  test("rings the policy's people, is there once, is handed on, noted and closed", async () => {
    expect(await pd.open("lifeboat/inc-1/ask-1", asked)).toBe(true);
    expect(await pd.open("lifeboat/inc-1/ask-1", asked)).toBe(false);
    const found = await pd.find("lifeboat/inc-1/ask-1");
    expect(found).toMatchObject({ status: "triggered", policy: "PCOMMAND", assigned: ["PSAM0"] });
    const id = found?.id ?? "";
    await pd.escalate(id, { policy: "PVPENG" });
    expect(await pd.incident(id)).toMatchObject({ policy: "PVPENG", assigned: ["PVERA"] });
    await pd.escalate(id, { users: ["PALEX", "PSAM0"] });
    expect(await pd.incident(id)).toMatchObject({ assigned: ["PALEX", "PSAM0"] });
    await pd.note(id, "Done and verified.");
    expect(await pd.notes(id)).toEqual(["Done and verified."]);
    await pd.close(id);
    expect(await pd.find("lifeboat/inc-1/ask-1")).toMatchObject({ status: "resolved" });
    expect(pager.incidents).toHaveLength(1);
  });
  test("of what is open and what is over under one key, the open one is found", async () => {
    await pd.open("k", asked);
    await pd.close((await pd.find("k"))?.id ?? "");
    await pd.open("k", asked);
    expect(await pd.find("k")).toMatchObject({ status: "triggered" });
  });
  test("unknown things are null, not errors", async () => {
    expect(await pd.find("lifeboat/never")).toBeNull();
    expect(await pd.incident("QNOBODY")).toBeNull();
  });
  test("in no one's name it is refused, and says so", async () => {
    const noOne = createPagerDuty(account({ from: "nobody@example.com" }));
    const { message, refused } = await failureOf(noOne.open("k", asked));
    expect({ message, refused }).toEqual({
      message: "PagerDuty's POST /incidents: It answered 400: Requester User Not Found.",
      refused: true,
    });
    expect(pager.incidents).toEqual([]);
  });
});

describe("when PagerDuty is not well", () => {
  const calls: [string, (pd: PagerDuty) => Promise<unknown>][] = [
    ["asking", (pd) => pd.onCall("PCOMMAND")],
    ["finding", (pd) => pd.find("k")],
    ["opening", (pd) => pd.open("k", asked)],
    ["an event", (pd) => pd.trigger("k", alarm)],
  ];

  test.each(calls)("silence ends at our deadline: %s", async (_, call) => {
    pager.injectFault("hang");
    const began = performance.now();
    const { status, message } = await failureOf(call(createPagerDuty(account({ seconds: 0.3 }))));
    expect(status).toBeNull();
    expect(message).toContain("It gave no answer in time");
    expect(performance.now() - began).toBeLessThan(8_000);
  });

  test.each(calls)("a broken connection is unsure: %s", async (_, call) => {
    pager.injectFault("down");
    expect(await failureOf(call(pd))).toMatchObject({ status: null, refused: false });
  });

  test.each(calls)("a 500 is unsure, and its request was sent once: %s", async (_, call) => {
    pager.injectFault("failAfter");
    expect(await failureOf(call(pd))).toMatchObject({ status: 500, refused: false });
    expect(pager.ledger).toHaveLength(1);
  });

  test.each(calls)("a revoked key is refused until a person acts: %s", async (_, call) => {
    pager.injectFault("lockOut");
    expect(await failureOf(call(pd))).toMatchObject({ status: 401, refused: true });
  });

  test.each(calls)("too many requests: it says when to come back: %s", async (_, call) => {
    pager.injectFault("throttle");
    expect(await failureOf(call(pd))).toMatchObject({ status: 429, refused: false, afterSeconds: 2 });
  });

  test("what was done though the answer was lost is found, and not done twice", async () => {
    pager.injectFault("failAfter");
    await failureOf(pd.open("k", asked));
    pager.injectFault("calm");
    expect(await pd.open("k", asked)).toBe(false);
    expect(pager.incidents).toHaveLength(1);
  });
});

test("every call there is was held against what PagerDuty documents", () => {
  expect([...wire.seen].sort()).toEqual(["create", "event", "get", "list", "note", "notes", "onCall", "update"]);
});
