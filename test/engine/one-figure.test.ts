import { expect, test } from "@jest/globals";
import { z } from "zod";
import { type Action, type Fact, sayWaitedFor } from "../../src/actions/contract.ts";
import { lookAhead } from "../../src/engine/preflight.ts";
import { action, gate, IncidentScenario, plan } from "../support/incident-scenario.ts";
import { quiet } from "../support/postgres.ts";

/** An action that only says what would be lost. */
function telling(id: string, value: string, of?: string): [string, Action] {
  const loss: Fact = { id: "loss", label: "Would be lost", value, material: false, ...(of !== undefined && { of }) };
  const one = {
    ...{ id: `postgres.${id}`, input: z.object({}), budget: { typicalSeconds: 1, warnSeconds: 1, failSeconds: 5 } },
    ...{ observe: async () => ({}), facts: () => [loss], ready: () => [] },
  };
  return [one.id, one as unknown as Action];
}

async function lossShown(...actions: readonly [string, Action][]): Promise<string> {
  const look = action("look", { risk: "read", repeat: "safe" });
  const story = new IncidentScenario()
    .declared()
    .requested(plan([[look], [gate("go"), action("drain", { risk: "read" }), action("promote")]]));
  const around = {
    actions: new Map(actions),
    log: quiet,
    practice: false,
    secret: () => "",
    observeSeconds: 5,
    drillLimits: () => null,
  };
  return (await lookAhead(story.run(), around)).loss;
}

test("steps that speak of the same data are told once, by the first that knows", async () => {
  const promote = telling("promote", "about 175 s of writes, by a metric", "postgres:b:5432");
  const drain = telling("drain", "writes after 17:53:12 UTC", "postgres:b:5432");
  const blind = telling("look", "unknown: there is no standby", "postgres:b:5432");
  const sees = telling("look", "writes after 17:53:11 UTC", "postgres:b:5432");
  const other = telling("look", "nothing", "postgres:c:5432");
  expect(await lossShown(sees, drain, promote)).toBe("writes after 17:53:11 UTC");
  expect(await lossShown(blind, drain, promote)).toBe("writes after 17:53:12 UTC");
  expect(await lossShown(other, telling("drain", "x", "postgres:c:5432"), promote)).toBe(
    "about 175 s of writes, by a metric",
  );
  expect(await lossShown(sees, drain, telling("promote", "what only this step knows"))).toBe(
    "what only this step knows",
  );
});

test("what the run waits for is not lost, however far behind it was when others looked", async () => {
  const sees = telling("look", "about 37 s of writes, after 17:53:12 UTC", "postgres:b:5432");
  const promote = telling("promote", "about 37 s of writes, after 17:53:12 UTC", "postgres:b:5432");
  const drain = telling("drain", sayWaitedFor("orders-b has everything"), "postgres:b:5432");
  expect(await lossShown(sees, drain, promote)).toBe("nothing");
  expect(await lossShown(sees, telling("drain", sayWaitedFor("it has"), "postgres:c:5432"), promote)).toBe(
    "about 37 s of writes, after 17:53:12 UTC",
  );
});
