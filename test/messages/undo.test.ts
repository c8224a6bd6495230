import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { cards } from "../../src/actions/index.ts";
import { sampleOf } from "../../src/catalog/input.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { planRunbook } from "../../src/catalog/plan.ts";
import type { PlanRequest } from "../../src/catalog/prepare.ts";
import type { ActionCard, ActionStep, Mode, Plan, Runbook, System } from "../../src/catalog/types.ts";
import type { Preflight } from "../../src/incident/events.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { gateCard } from "../../templates/messages/gate.ts";
import { coveredBy, gatesOf, stepsOf } from "../../templates/messages/plan.ts";
import { runCard } from "../../templates/messages/run.ts";
import { noReturnWords } from "../../templates/messages/undo.ts";
import { seenFor } from "../catalog/sightings.ts";
import { around } from "./around.ts";
import { printMessage } from "./page.ts";
import { Story } from "./story.ts";

const systems = join(projectRoot(), "templates", "systems");
const { catalog } = loadCatalog(systems, cards);

/** Values only an installation can give are guessed here, so an input may miss what its action demands of such a value. */
const guessing = new Map([...cards].map(([id, card]) => [id, lenient(card)]));

function lenient(card: ActionCard): ActionCard {
  return {
    ...card,
    checkInput(input) {
      const checked = card.checkInput(input);
      return checked.ok ? checked : { ok: true, input };
    },
    resources: () => [],
  };
}

/** Those with a direction in both. */
const all = catalog.runbooks.flatMap((book) =>
  book.modes.flatMap((mode) =>
    (book.direction ? [false, true] : [false]).map(
      (back) => [`${book.system}/${book.id} ${mode}${back ? " back" : ""}`, book, mode, back] as const,
    ),
  ),
);

function planOf(book: Runbook, mode: Mode, back: boolean): { system: System; plan: Plan } {
  const system = catalog.systems.find(({ id }) => id === book.system) as System;
  const values = system.variables.map(
    ({ name, type }, i) => [name, type === "number" ? i + 1 : type === "boolean" ? false : name] as const,
  );
  const inputs = new Map((book.inputs ?? []).map((input) => [input.name, sampleOf(input)]));
  const seen = seenFor(system, book, back);
  const request = { catalog, variables: new Map([[system.id, new Map(values)]]), cards: guessing, inputs, seen };
  const planned = planRunbook({ ...request, system: system.id, runbook: book.id, mode, kind: "real" } as PlanRequest);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems, null, 2));
  return { system, plan: planned.plan };
}

/** Asked of the action itself, not of the plan. */
function says(step: ActionStep): string {
  return cards.get(step.action)?.wayBack(step.input).kind ?? "unknown";
}

const looked: Preflight = { ready: true, factsHash: "f", facts: [], checks: [], loss: "nothing" };
const CAN_BE_UNDONE = /(every step|every step this approves|the others) can be undone/;

describe("no card says that something can be undone of which its action says that it can't", () => {
  test.each(all)("%s", (_name, book, mode, back) => {
    const { system, plan } = planOf(book, mode, back);
    const changing = (steps: Plan["stages"][number]["steps"]) =>
      steps.filter((step): step is ActionStep => step.kind === "action" && step.risk !== "read");
    const never = stepsOf(plan).find((step) => step.kind === "action" && says(step) === "never");
    expect(plan.pointOfNoReturn).toBe(never?.id ?? null);
    for (const step of changing(stepsOf(plan))) expect(step.undo?.kind).toBe(says(step));

    const story = new Story(system);
    const person = system.people[0]?.id as string;
    const kind = plan.kind;
    story.ask(person, {
      type: "declare",
      title: "Down",
      system: system.id,
      severity: system.severities[0]?.id ?? "P1",
      kind,
      impactStartedAt: null,
      announceIn: null,
    });
    story.request(person, plan).engine({ type: "run.preflighted", data: looked });
    const run = () => story.state.runs.get("run-4hx8w2pd");
    const declared = story.state.declared;
    const here = { ...around(story), system };
    if (!declared || !run()) throw new Error("The run was refused.");
    const card = printMessage(runCard(story.state, declared, run() as never, here));
    expectTrue(card, stepsOf(plan));
    for (const gate of gatesOf(plan)) {
      story.open(gate.id, `ask-${gate.id}`);
      const state = run()?.steps.get(gate.id);
      if (state?.status !== "gate") throw new Error("The gate is not open.");
      expectTrue(
        printMessage(gateCard({ state: story.state, run: run() as never, step: gate, gate: state.gate }, here)),
        coveredBy(plan, gate.id),
      );
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
    "none, but by hand: “Call them”; the others can be undone",
  );
});
