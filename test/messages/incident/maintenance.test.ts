import { expect, test } from "@jest/globals";
import { renderIncident } from "../../../templates/messages/render.ts";
import { failover, orders, seen } from "../../support/orders-system.ts";
import { RecordedIncident } from "../../support/recorded-incident.ts";
import { around } from "../../support/surroundings.ts";

/** A planned failover that is requested where Ana types, has been looked at, and waits for a decision. */
function planned(): RecordedIncident {
  return new RecordedIncident(orders)
    .ask("ana", {
      ...{ type: "declare", title: "Orders database: failover", system: "orders", severity: "P2", kind: "maintenance" },
      ...{ impactStartedAt: null, announceIn: "C0TYPED" },
    })
    .request("ana", { ...failover, mode: "planned" })
    .after(4)
    .engine({ type: "run.preflighted", data: seen })
    .open("go", "ask-first");
}

const failedRun = { type: "run.failed", data: { problem: { code: "x", what: "The standby is gone" } } } as const;
const text = (view: ReturnType<typeof renderIncident>) => JSON.stringify(view);

test("planned work is a thread where it was typed: no channel, no card, no severity, and a letter to who decides", () => {
  const story = planned();
  const view = renderIncident(story.state, around(story, { channel: null }));
  expect(view.channel).toBeNull();
  expect(view.messages.map(({ key, in: place, under, broadcast }) => ({ key, place, under, broadcast }))).toEqual([
    { key: "run:run-4hx8w2pd", place: "announce", under: null },
    { key: "preflight:run-4hx8w2pd", place: "announce", under: "run:run-4hx8w2pd" },
    { key: "steps:run-4hx8w2pd", place: "announce", under: "run:run-4hx8w2pd" },
    { key: "gate:ask-first", place: "announce", under: "run:run-4hx8w2pd" },
    { key: "gate:ask-first:to:bo", place: { person: "U0BO" }, under: null },
  ]);
  expect(text(view)).not.toMatch(/P2|severity|role take/);
  expect(text(view)).toContain("incident.raise");
});

test("what goes wrong becomes an incident: a channel and a card then, and its thread stays where it is", () => {
  const story = planned().engine(failedRun);
  expect(text(renderIncident(story.state, around(story, { channel: null })))).toMatch(/Failed: .*Declare incident/);
  const raised = story.after(60).ask("bo", { type: "raise", severity: "P1", reason: null, announceIn: "C0TYPED" });
  const view = renderIncident(raised.state, around(raised));
  expect(view.channel?.name).toBe("inc-7k2m9xqz-orders-database-failover");
  const places = new Map(view.messages.map(({ key, in: place }) => [key, place]));
  expect(places.get("card")).toBe("incident");
  expect(places.get("announcement")).toBe("announce");
  expect(places.get("run:run-4hx8w2pd")).toBe("announce");
  expect(text(view)).not.toContain("incident.raise");
});
