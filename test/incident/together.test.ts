import { describe, expect, test } from "@jest/globals";
import { next } from "../../src/engine/next.ts";
import { action, codeOf, gate, IncidentScenario, plan, startCode } from "../support/incident-scenario.ts";

/** Two roles are asked at the same moment: both have to say yes, each by a person of their own. */
const both = () => {
  const of = plan([[gate("dba"), gate("vp", { role: "vp-engineering", escalate: [] })], [action("fence")]]);
  return { ...of, stages: of.stages.map((stage, i) => ({ ...stage, parallel: i === 0 })) };
};
const ready = () => new IncidentScenario().declared().requested(both()).preflighted();
const asking = () => ready().gateOpened("dba", "ask-dba").gateOpened("vp", "ask-vp");
const doing = (story: IncidentScenario) =>
  next(story.run(), { epoch: "1", now: story.now }).intents.map((intent) =>
    "step" in intent ? `${intent.do} ${intent.step}` : intent.do,
  );

describe("two roles asked at once", () => {
  test("neither waits for the other", () => {
    expect(doing(ready())).toEqual(["openGate dba", "openGate vp"]);
  });

  test("nothing starts until both have said yes", () => {
    const story = asking();
    expect(codeOf(story.approve("vera", "ask-vp"))).toBe("accepted");
    expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
    expect(doing(story)).toEqual([]);
    expect(codeOf(story.approve("bo", "ask-dba"))).toBe("accepted");
    expect(doing(story)).toEqual(["start fence"]);
    expect(startCode(story.starts("fence"))).toBe("ok");
    expect([story.gateOf("dba").outcome, story.gateOf("vp").outcome]).toEqual(["passed", "passed"]);
  });

  test("who holds both roles counts in one of them", () => {
    const story = asking();
    story.approve("duo", "ask-vp");
    expect(codeOf(story.approve("duo", "ask-dba"))).toBe("counts-already");
    expect(codeOf(story.approve("bo", "ask-dba"))).toBe("accepted");
    expect(startCode(story.mayStart("fence"))).toBe("ok");
  });

  test("also where both yeses are on the log: the start counts one person once", () => {
    const story = asking();
    story.approve("duo", "ask-dba");
    const { planHash, factsHash } = story.gateOf("vp");
    const data = {
      ...{ step: "vp", ask: "ask-vp", person: "duo", role: "vp-engineering", onBehalfOf: null },
      ...{ planHash, factsHash, proved: false, vouchedBy: null },
    };
    story.happened({ type: "gate.approved", data });
    const may = story.mayStart("fence");
    expect(may).toMatchObject({
      ok: false,
      code: "gate-voided",
      why: 'Duo counts in "Gate dba", part of the same decision',
    });
  });

  test("one no ends it, whichever", () => {
    const story = asking();
    story.approve("bo", "ask-dba");
    story.deny("vera", "ask-vp");
    expect(startCode(story.mayStart("fence"))).toBe("gate-denied");
    expect(doing(story)).toEqual([]);
  });
});
