import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { actionHarness, blockedBy } from "../../support/action-harness.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { openFrontEnd, suite } from "./failure-cases.ts";

await runFailureSuite(suite);

describe("a synthetic transaction through the front door", () => {
  let front: Awaited<ReturnType<typeof openFrontEnd>>;
  beforeEach(async () => {
    front = await openFrontEnd();
  });
  afterEach(() => front.server.close());
  const given = (more: object = {}) => ({
    url: front.server.url,
    path: "/synthetic",
    meantForIt: true,
    readBackSeconds: 0.5,
    ...more,
  });

  test("is written once, and read back as expected", async () => {
    const { facts, evidence } = await actionHarness({}).perform(
      "smoke",
      "http.transaction",
      given({ expect: { region: "west" } }),
    );
    expect(front.keys).toEqual([facts.transaction]);
    expect(evidence.says).toBe(`A transaction through ${front.server.url} was taken and read back.`);
  });

  test("a second run really writes again", async () => {
    const harness = actionHarness({});
    for (const _ of [1, 2]) expect((await harness.perform("smoke", "http.transaction", given())).applied).toBe(true);
    expect(new Set(front.keys).size).toBe(2);
  });

  test("an answer is not believed: what can't be read back was not taken", async () => {
    front.blind = true;
    await expect(actionHarness({}).perform("smoke", "http.transaction", given())).rejects.toMatchObject({
      problem: { code: "not-seen" },
    });
  });

  test("the other region answering is not as expected", async () => {
    const wrong = given({ expect: { region: "east" } });
    await expect(actionHarness({}).perform("smoke", "http.transaction", wrong)).rejects.toMatchObject({
      problem: { stateNow: 'region is "west" and not "east"' },
    });
  });

  test("nothing is sent to an endpoint that does not say it is made for this, or without saying so here", async () => {
    const { checks } = await actionHarness({}).look("http.transaction", given({ path: "/orders" }));
    expect(blockedBy(checks)).toEqual(["transaction.endpoint"]);
    const away = actionHarness({}).perform("smoke", "http.transaction", given({ path: "/elsewhere" }));
    await expect(away).rejects.toMatchObject({ problem: { code: "endpoint-unknown" } });
    await expect(actionHarness({}).look("http.transaction", given({ meantForIt: undefined }))).rejects.toThrow();
    expect(front.server.writes()).toEqual([]);
  });
});
