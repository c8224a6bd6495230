import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ReadContext } from "../../../src/actions/contract.ts";
import { blockedBy } from "../conductor.ts";
import { type NodeInput, openShop, type Shop } from "../shop.ts";
import { survives } from "../survives.ts";
import { opened, proof } from "./trials.ts";

await survives(proof);

describe("where a server of somebody else's answers", () => {
  let other: Shop;
  let stranger: NodeInput;
  beforeAll(async () => {
    other = await openShop();
    await opened().whole();
    stranger = { ...other.a, name: "stranger", passwordFrom: "OTHER_PASSWORD" };
  }, 90_000);
  afterAll(() => other?.estate.stop(), 30_000);

  /** With the passwords of both. */
  const blocks = async (id: string, given: object) => {
    const conductor = opened().conductor();
    const own = opened().estate.environment();
    const password = other.estate.environment().ORDERS_DB_PASSWORD ?? "";
    const secret = (name: string) => (name === "OTHER_PASSWORD" ? password : (own[name] ?? ""));
    const context: ReadContext = { ...conductor.context, secret };
    const action = conductor.action(id);
    const input = action.input.parse(given);
    return blockedBy(action.ready(await action.observe(context, input), input, context));
  };

  test("a server of another cluster is not the other one", async () => {
    const { a, app } = opened();
    expect(await blocks("postgres.unfence", { node: a, other: stranger, app })).toContain("other.sameCluster");
  });

  test("a server of another cluster is not rebuilt", async () => {
    const { a } = opened();
    const script = await opened().script("rejoin.mjs", ["PRACTICE_HOSTS_TOKEN"]);
    const given = { node: stranger, primary: a, slot: "stranger", script };
    expect(await blocks("postgres.rejoin", given)).toContain("node.sameCluster");
  });
});
