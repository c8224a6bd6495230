import { describe, expect, test } from "@jest/globals";
import { cards } from "../../../src/actions/index.ts";
import type { ActionStep, Plan } from "../../../src/catalog/types.ts";
import type { Preflight } from "../../../src/incident/events.ts";
import { gateCard } from "../../../templates/messages/approval/gate.ts";
import { coveredBy, gatesOf, stepsOf } from "../../../templates/messages/run/plan.ts";
import { runCard } from "../../../templates/messages/run/run.ts";
import { noReturnWords } from "../../../templates/messages/run/undo.ts";
import { printMessage } from "../../support/printed-page.ts";
import { asked, everyRunbook, planOf } from "../../support/runbook-plans.ts";
import { around } from "../../support/surroundings.ts";

/** Asked of the action itself, not of the plan. */
function says(step: ActionStep): string {
  return cards.get(step.action)?.wayBack(step.input).kind ?? "unknown";
}

const looked: Preflight = { ready: true, factsHash: "f", facts: [], checks: [], loss: "nothing" };
const CAN_BE_UNDONE = /(every step|every step this approves|the others) can be undone/;

describe("no card says that something can be undone of which its action says that it can't", () => {
  test.each(everyRunbook)("%s", (_name, book, mode, back) => {
    const { system, plan } = planOf(book, mode, back);
    const changing = (steps: Plan["stages"][number]["steps"]) =>
      steps.filter((step): step is ActionStep => step.kind === "action" && step.risk !== "read");
    const never = stepsOf(plan).find((step) => step.kind === "action" && says(step) === "never");
    expect(plan.pointOfNoReturn).toBe(never?.id ?? null);
    for (const step of changing(stepsOf(plan))) expect(step.undo?.kind).toBe(says(step));

    const { story, declared, run, open } = asked(system, plan, looked);
    const here = { ...around(story), system };
    const card = printMessage(runCard(story.state, declared, run(), here));
    expectTrue(card, stepsOf(plan));
    for (const gate of gatesOf(plan)) {
      expectTrue(printMessage(gateCard(open(gate), here)), coveredBy(plan, gate.id));
    }

    function expectTrue(text: string, steps: Plan["stages"][number]["steps"]): void {
      const [line = ""] = /\*?Point of no return:?\*?:? .*/.exec(text) ?? [];
      expect(line).not.toBe("");
      const first = steps.find((step) => step.kind === "action" && says(step) === "never");
      if (first) {
        expect(line).toContain(first.title.slice(0, 40).replaceAll("&", "&amp;"));
        expect(line).not.toMatch(CAN_BE_UNDONE);
        return;
      }
      const byHand = steps.filter(
        (step) => step.kind === "manual" || (step.kind === "action" && says(step) === "by-hand"),
      );
      if (byHand.length > 0) expect(line).toContain("by hand");
      else if (changing(steps).length > 0) expect(line).toMatch(CAN_BE_UNDONE);
    }
  });
});

test("what no action was asked of is not called undoable: a plan of 0.1", () => {
  const fence = {
    kind: "action",
    id: "fence",
    title: "Fence",
    when: null,
    action: "postgres.fence",
    input: {},
    risk: "reversible",
  } as ActionStep;
  expect(noReturnWords([fence], "every step")).toBe("not recorded in this plan");
  expect(noReturnWords([{ ...fence, undo: { kind: "step" } }], "every step")).toBe("none: every step can be undone");
  expect(noReturnWords([{ ...fence, risk: "irreversible" }], "every step")).toBe("“Fence”");
  const tell = { kind: "manual", id: "tell", title: "Call them", when: null, instructions: "", role: null } as const;
  expect(noReturnWords([{ ...fence, undo: { kind: "step" } }, tell], "every step")).toBe(
    "none; by hand: “Call them”; the others can be undone",
  );
});
