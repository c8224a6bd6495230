import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { blockedBy, conduct } from "../conductor.ts";
import { survives } from "../survives.ts";
import { openFrontDoor, proof } from "./trials.ts";

await survives(proof);

describe("a synthetic transaction through the front door", () => {
  let front: Awaited<ReturnType<typeof openFrontDoor>>;
  beforeEach(async () => {
    front = await openFrontDoor();
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
    const { facts, evidence } = await conduct({}).perform(
      "smoke",
      "http.transaction",
      given({ expect: { region: "west" } }),
    );
    expect(front.keys).toEqual([facts.transaction]);
    expect(evidence.says).toBe(`A transaction through ${front.server.url} was taken and read back.`);
  });

  test("a second run really writes again", async () => {
    const conductor = conduct({});
    for (const _ of [1, 2]) expect((await conductor.perform("smoke", "http.transaction", given())).applied).toBe(true);
    expect(new Set(front.keys).size).toBe(2);
  });

  test("an answer is not believed: what cannot be read back was not taken", async () => {
    front.blind = true;
    await expect(conduct({}).perform("smoke", "http.transaction", given())).rejects.toMatchObject({
      problem: { code: "not-seen" },
    });
  });

  test("the other region answering is not as expected", async () => {
    const wrong = given({ expect: { region: "east" } });
    await expect(conduct({}).perform("smoke", "http.transaction", wrong)).rejects.toMatchObject({
      problem: { stateNow: 'region is "west" and not "east"' },
    });
  });

  test("nothing is sent to an endpoint that does not say it is made for this, or without saying so here", async () => {
    const { checks } = await conduct({}).look("http.transaction", given({ path: "/orders" }));
    expect(blockedBy(checks)).toEqual(["transaction.endpoint"]);
    const away = conduct({}).perform("smoke", "http.transaction", given({ path: "/elsewhere" }));
    await expect(away).rejects.toMatchObject({ problem: { code: "endpoint-unknown" } });
    await expect(conduct({}).look("http.transaction", given({ meantForIt: undefined }))).rejects.toThrow();
    expect(front.server.writes()).toEqual([]);
  });
});
