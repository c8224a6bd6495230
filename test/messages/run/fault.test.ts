import { expect, test } from "@jest/globals";
import { cards } from "../../../src/actions/index.ts";
import { statedBy } from "../../../src/catalog/plan.ts";
import { gateCard } from "../../../templates/messages/approval/gate.ts";
import { gatesOf } from "../../../templates/messages/run/plan.ts";
import { runCard } from "../../../templates/messages/run/run.ts";
import { asked, everyRunbook, planOf } from "../../support/runbook-plans.ts";
import { around } from "../../support/surroundings.ts";

const seen = { ready: true, factsHash: "f", facts: [], checks: [], loss: "none" };

/** The card of its first approval, and the one at the root of its thread. */
function cardsOf(name: string): { readonly decision: string; readonly root: string } {
  const [, book, mode, back] = everyRunbook.find(([known]) => known === name) as (typeof everyRunbook)[number];
  const { system, plan } = planOf(book, mode, back);
  const { story, declared, run, open } = asked(system, plan, seen);
  const [gate] = gatesOf(plan);
  if (gate === undefined) throw new Error("It asks no one.");
  const decision = gateCard(open(gate), { ...around(story), system });
  const root = runCard(story.state, declared, run(), { ...around(story), system });
  return { decision: JSON.stringify(decision.blocks), root: JSON.stringify(root.blocks) };
}

test("both cards of a drill say that it breaks something, for how long at most, and who ends it", () => {
  const { decision, root } = cardsOf("mimir/fault-drill planned");
  expect(decision).toContain("*Breaks on purpose:* 3 steps, each lifted within 30 min");
  expect(root).toContain("Cut the API off the network (15 min at most)");
  expect(root).toContain("A later step lifts each; if none does, the bot does.");
});

test("a runbook that breaks nothing says nothing of it", () => {
  const { decision, root } = cardsOf("practice/database-failover planned");
  expect(decision + root).not.toContain("Breaks on purpose");
});

test("every action that breaks its target says into the plan for how long", () => {
  const breaking = [...cards.values()].filter(({ breaks }) => breaks !== undefined);
  expect(breaking.length).toBeGreaterThanOrEqual(4);
  for (const card of breaking)
    expect(statedBy({ ...card, risk: "read" }, { seconds: 900 })).toMatchObject({ breaksForSeconds: 900 });
});
