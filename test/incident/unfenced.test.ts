import { describe, expect, test } from "@jest/globals";
import type { Plan } from "../../src/catalog/types.ts";
import type { ShownFact } from "../../src/incident/events.ts";
import { unfencedAfter, unfencedIn } from "../../src/incident/unfenced.ts";
import { action, failover, gate, IncidentScenario, plan, startCode } from "../support/incident-scenario.ts";

const shown: ShownFact = { step: "fence", id: "unfenced", label: "NOT FENCED", value: "orders-a", material: true };
const open = [{ id: "unfenced", value: "orders-a" }];

function asking(facts: readonly ShownFact[], of: Plan = failover()): IncidentScenario {
  return new IncidentScenario().declared().requested(of).preflighted({ facts }).done("check").gateOpened();
}

/** No one answers there any more when the step fences. */
function wentOn(facts: readonly ShownFact[], of?: Plan): IncidentScenario {
  const story = asking(facts, of);
  story.approve("bo");
  story.starts("fence");
  return story.done("fence", "run-1", open);
}

describe("a server that can't be fenced", () => {
  test("is known before the decision, and the question pins that it was shown", () => {
    const story = asking([shown]);
    expect(unfencedIn(story.run())).toEqual([{ server: "orders-a", step: "fence", happened: false, acceptedBy: [] }]);
    expect(story.gateOf("go").unfenced).toEqual(["orders-a"]);
  });

  test("is accepted by those who approved while it was shown, and then the promotion may start", () => {
    const story = wentOn([shown]);
    expect(unfencedIn(story.run())).toEqual([
      { server: "orders-a", step: "fence", happened: true, acceptedBy: ["bo"] },
    ]);
    expect(startCode(story.starts("promote"))).toBe("ok");
  });

  test("is no one's signature where it fell silent after the approval: nothing is promoted over it", () => {
    const story = wentOn([]);
    expect(unfencedIn(story.run())).toMatchObject([{ server: "orders-a", happened: true, acceptedBy: [] }]);
    expect(startCode(story.starts("promote"))).toBe("not-fenced");
    expect(story.status("promote")).toBe("waiting");
  });

  test("that could not be fenced in one way is fenced in another, though no one signed: nothing else may start", () => {
    const twice = plan([
      [action("check", { risk: "read", repeat: "safe" })],
      [gate("go"), action("fence"), action("cut", { fences: true }), action("promote", { risk: "irreversible" })],
    ]);
    const story = wentOn([], twice);
    expect(startCode(story.starts("cut"))).toBe("ok");
    story.done("cut", "run-1", []);
    expect(startCode(story.starts("promote"))).toBe("not-fenced");
  });

  test("seen closed by the other way it holds nothing up", () => {
    const twice = plan([
      [action("check", { risk: "read", repeat: "safe" })],
      [gate("go"), action("fence"), action("cut", { fences: true }), action("promote", { risk: "irreversible" })],
    ]);
    const story = wentOn([], twice);
    story.starts("cut");
    story.done("cut", "run-1", [{ id: "fencedServer", value: "orders-a" }]);
    expect(startCode(story.starts("promote"))).toBe("ok");
  });

  test("is accepted by a later question that shows it", () => {
    const twice = plan([
      [action("check", { risk: "read", repeat: "safe" })],
      [gate("go"), action("fence")],
      [gate("cut"), action("promote", { risk: "irreversible" })],
    ]);
    const story = wentOn([], twice).preflighted({ factsHash: "facts-2" }).gateOpened("cut", "ask-2");
    expect(story.gateOf("cut").unfenced).toEqual(["orders-a"]);
    story.approve("bo", "ask-2");
    expect(startCode(story.starts("promote"))).toBe("ok");
    expect(unfencedIn(story.run())).toMatchObject([{ acceptedBy: ["bo"] }]);
  });

  test("is a risk no more when a later step sees it fenced, or a later run has rebuilt it", () => {
    const story = wentOn([shown]);
    story.starts("promote");
    expect(unfencedAfter(story.state.runs.values())).toHaveLength(1);
    story.done("promote", "run-1", [{ id: "fencedServer", value: "orders-a" }]);
    expect(unfencedIn(story.run())).toEqual([]);
    expect(unfencedAfter(story.state.runs.values())).toEqual([]);
  });

  test("is no risk of a run that ended before it came to it", () => {
    const story = asking([shown]);
    story.asks("cy", { type: "abort", run: "run-1", reason: "it is back" });
    expect(unfencedIn(story.run())).toEqual([]);
  });

  test("of an older log, which does not say what a question showed, holds up no run in progress", () => {
    const story = new IncidentScenario().declared().requested().preflighted().done("check").gateOpened();
    for (const event of story.log)
      if (event.type === "gate.opened") delete (event.data as { unfenced?: unknown }).unfenced;
    const gateState = story.gateOf("go") as { unfenced?: readonly string[] | undefined };
    gateState.unfenced = undefined;
    story.approve("bo");
    story.starts("fence");
    story.done("fence", "run-1", [{ id: "fenceAccepted", value: true }]);
    expect(unfencedIn(story.run())).toMatchObject([{ server: "Step fence", acceptedBy: ["bo"] }]);
    expect(startCode(story.starts("promote"))).toBe("ok");
  });
});
