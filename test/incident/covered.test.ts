import { describe, expect, test } from "@jest/globals";
import type { Gate } from "../../src/catalog/types.ts";
import type { IncidentCommand } from "../../src/incident/commands.ts";
import {
  action,
  codeOf,
  gate,
  IncidentScenario,
  manual,
  plan,
  rosterWith,
  SYSTEM,
  startCode,
} from "../support/incident-scenario.ts";

/** A backup is made, then it is wiped: what is approved is both. */
const wiping = (more: Partial<Gate> = {}) =>
  plan([
    [action("look", { risk: "read" })],
    [gate("go", more)],
    [action("backup", { repeat: "safe" }), action("wipe", { risk: "irreversible" })],
    [manual("tell")],
  ]);
const asking = (more: Partial<Gate> = {}) =>
  new IncidentScenario()
    .declared()
    .at(10)
    .requested(wiping(more))
    .at(20)
    .preflighted()
    .done("look")
    .at(60)
    .gateOpened();
const skip = (step = "backup"): IncidentCommand => ({ type: "skipStep", run: "run-1", step, reason: "hurry" });
const lend = (story: IncidentScenario, from: string, role: string, to: string) =>
  story.asks(from, { type: "delegate", role, to, seconds: 7200, reason: null });
const resume: IncidentCommand = { type: "resume", run: "run-1" };
const pause: IncidentCommand = { type: "pause", run: "run-1", reason: null };

describe("a skip of what an approval covers", () => {
  test("before anyone approved, by the requester of the run: the question is void and says why", () => {
    const story = asking();
    expect(codeOf(story.asks("ana", skip()))).toBe("accepted");
    expect(story.gateOf("go")).toMatchObject({ outcome: "voided", says: "Ana skipped “Step backup” (hurry)" });
    expect(codeOf(story.approve("bo"))).toBe("ask-void");
    expect(startCode(story.mayStart("wipe"))).toBe("gate-voided");
    story.gateOpened("go", "ask-2");
    expect(story.gateOf("go").because).toBe("Ana skipped “Step backup” (hurry)");
    story.approve("bo", "ask-2");
    expect(startCode(story.mayStart("wipe"))).toBe("ok");
  });

  test.each([
    ["the requester of the run", "ana", "skip-approved"],
    ["the requester of the run, by a second account", "ana-phone", "skip-approved"],
    ["who commands, and may decide it", "cy", "accepted"],
    ["who approved it", "bo", "accepted"],
    ["a higher level of its chain", "vera", "accepted"],
    ["who commands, and may not decide it", "oli", "skip-approved"],
  ])("after an approval, by %s", (_given, who, then) => {
    for (const passed of [false, true]) {
      const story = asking();
      story.roster(rosterWith("oli", { roles: ["incident-commander"] }));
      story.approve("bo");
      if (passed) expect(startCode(story.starts("backup"))).toBe("ok");
      const step = passed ? "wipe" : "backup";
      const actor = who === "ana-phone" ? ({ ...story.context("ana").actor, slackUser: "U_ANA_PHONE" } as const) : who;
      expect(codeOf(story.asks(actor, skip(step)))).toBe(then);
      // Open, it is asked again; passed, the word of one who could have approved it alone is enough.
      if (then === "accepted") expect(story.gateOf("go").outcome).toBe(passed ? "passed" : "voided");
      else expect(story.gateOf("go").outcome).toBe(passed ? "passed" : "open");
    }
  });

  test.each([
    ["needs two people", { quorum: 2 }],
    ["needs proof of who one is", { stepUp: true }],
  ])(
    "after an approval that %s, no one's word alone is enough: it is asked again in the middle of the run",
    (_given, more) => {
      const story = asking(more);
      for (const who of ["bo", "vera"]) story.approve(who, "ask-1", { provedAfresh: true });
      expect(startCode(story.starts("backup"))).toBe("ok");
      story.done("backup");
      expect(codeOf(story.asks("cy", skip("tell")))).toBe("accepted");
      expect(story.gateOf("go").outcome).toBe("voided");
      expect(startCode(story.mayStart("wipe"))).toBe("gate-voided");
      story.gateOpened("go", "ask-2");
      for (const who of ["bo", "vera"]) story.approve(who, "ask-2", { provedAfresh: true });
      expect(startCode(story.mayStart("wipe"))).toBe("ok");
    },
  );

  test("a role delegated to them lets them, one delegated by the requester does not", () => {
    const delegated = (from: string) => {
      const story = asking();
      story.roster(rosterWith("oli", { roles: ["incident-commander"] }));
      lend(story, from, "database-administrator", "oli");
      story.approve("cy");
      return codeOf(story.asks("oli", skip()));
    };
    expect(delegated("bo")).toBe("accepted");
    expect(delegated("ana")).toBe("skip-approved");
  });

  test("one added to the roster since may skip, and it is asked again", () => {
    const story = asking();
    story.approve("bo");
    story.starts("backup");
    story.roster(rosterWith("oli", { roles: ["incident-commander", "database-administrator"] }));
    expect(codeOf(story.asks("oli", skip("wipe")))).toBe("accepted");
    expect(story.gateOf("go").outcome).toBe("voided");
  });

  test("where break-glass opened it, only by people who may decide it", () => {
    const story = asking().silent();
    for (const [who, type] of [
      ["cy", "breakGlass"],
      ["oli", "confirmBreak"],
    ] as const)
      story.asks(who, { type, run: "run-1", ask: "ask-1", reason: "nobody answers" });
    expect(codeOf(story.asks("ana", skip()))).toBe("skip-approved");
  });

  test("never of the look that the active side is the planned one, while a change is to come", () => {
    const look = action("roles-unchanged", { action: "roles.check", risk: "read" });
    const of = plan([[gate("go")], [look, action("wipe")]]);
    const story = new IncidentScenario().declared().requested(of).preflighted().gateOpened();
    story.approve("bo");
    expect(codeOf(story.asks("bo", skip("roles-unchanged")))).toBe("look-not-skippable");
    story.asks("bo", skip("wipe"));
    story.gateOpened("go", "ask-2");
    expect(codeOf(story.asks("bo", skip("roles-unchanged")))).toBe("accepted");
  });

  test("a refusal says who may", () => {
    const story = asking();
    story.approve("bo");
    const outcome = story.asks("ana", skip());
    expect(outcome).toMatchObject({
      problem: { what: '"Gate go" was approved with this step in it', allowed: "Bo, Cy, Vera or Duo may skip it" },
    });
  });
});

describe("a standstill that outlives an approval", () => {
  const passed = () => {
    const story = asking();
    story.approve("bo");
    story.starts("backup");
    return story.done("backup");
  };
  // It was asked at 60 s and expires at 960 s.
  test.each([
    ["over before the approval ran out", 100, 959, "passed"],
    ["over when it ran out", 100, 960, "voided"],
    ["a short one after it ran out, in a run that goes on", 2000, 2600, "passed"],
    ["a long one after it ran out", 2000, 2900, "voided"],
  ])("a pause %s", (_given, from, to, then) => {
    const story = passed().at(from);
    story.asks("oli", pause);
    story.at(to);
    expect(codeOf(story.asks("ana", resume))).toBe("accepted");
    expect(story.gateOf("go").outcome).toBe(then);
    if (then === "voided") {
      expect(story.gateOf("go").says).toMatch(
        /^The run was held since 00:\d\d:\d\d UTC, longer than the approval is valid$/,
      );
      expect(startCode(story.mayStart("wipe"))).toBe("gate-voided");
    }
  });

  test("a run that was stuck, the same; pausing and resuming in between does not make it younger", () => {
    const story = passed().at(100);
    story.happened({ type: "run.stuck", data: { problem: { code: "x", what: "Not known" } } });
    story.at(950).asks("oli", pause);
    story.at(960).asks("ana", resume);
    expect(story.gateOf("go").outcome).toBe("voided");
  });

  test.each([
    [959, "passed"],
    [960, "voided"],
  ])("a step that failed, tried again at %d s", (at, then) => {
    const story = passed().at(100);
    story.starts("wipe");
    story.happened({
      type: "step.stopped",
      data: { step: "wipe", attempt: 1, problem: { code: "x", what: "Not known" } },
    });
    story.at(at);
    expect(codeOf(story.asks("oli", { type: "retryStep", run: "run-1", step: "wipe" }))).toBe("accepted");
    expect(story.gateOf("go").outcome).toBe(then);
  });

  test("nothing is asked again for what needs no approval any more", () => {
    const story = passed();
    story.starts("wipe");
    story.done("wipe").at(100);
    story.asks("bo", skip("tell"));
    story.asks("oli", pause);
    story.at(5000).asks("ana", resume);
    expect(story.gateOf("go").outcome).toBe("passed");
  });
});

describe("break-glass comes after the chain", () => {
  const breaks = (story: IncidentScenario, who: string) =>
    codeOf(story.asks(who, { type: "breakGlass", run: "run-1", ask: "ask-1", reason: "nobody answers" }));
  const { breakGlass } = SYSTEM;
  const patient = (story: IncidentScenario, more = {}) => {
    story.system = { ...SYSTEM, ...(breakGlass && { breakGlass: { ...breakGlass, silentForSeconds: 120, ...more } }) };
    return story;
  };

  test.each([
    ["at once", 60, false, "chain-not-silent"],
    ["while a level has not been asked, however long the others are silent", 299, false, "chain-not-silent"],
    ["when the last level was just asked", 360, true, "chain-not-silent"],
    ["when it is silent for all but its time", 479.999, true, "chain-not-silent"],
    ["when it was silent for its time", 480, true, "accepted"],
  ])("%s", (_given, at, escalated, then) => {
    const story = patient(asking());
    if (escalated) story.at(360).timePasses();
    expect(breaks(story.at(at), "cy")).toBe(then);
  });

  test("a chain of one level has its time too", () => {
    const story = patient(asking({ escalate: [] }));
    expect(breaks(story.at(179), "cy")).toBe("chain-not-silent");
    expect(breaks(story.at(180), "cy")).toBe("accepted");
  });

  test("no one is waited for where no one could answer", () => {
    const story = patient(asking());
    story.roster({ ...story.system, people: SYSTEM.people.filter(({ id }) => id === "ana" || id === "oli") });
    expect(breaks(story, "oli")).not.toBe("chain-not-silent");
  });

  test("the second person may still be asked for a question whose chain is silent", () => {
    const story = patient(asking()).at(360).timePasses().at(480);
    breaks(story, "cy");
    expect(codeOf(story.asks("oli", { type: "confirmBreak", run: "run-1", ask: "ask-1" }))).toBe("accepted");
  });
});

describe("the requester of the run", () => {
  const { breakGlass } = SYSTEM;
  const breaks = (story: IncidentScenario, who = "ana") =>
    codeOf(story.asks(who, { type: "breakGlass", run: "run-1", ask: "ask-1", reason: "nobody answers" }));
  const with_ = (story: IncidentScenario, more: object) => {
    story.system = { ...story.system, ...(breakGlass && { breakGlass: { ...breakGlass, ...more } }) };
    return story;
  };

  test.each([
    ["a second person is there", {}, SYSTEM.people, "requester-alone"],
    ["none is there", {}, SYSTEM.people.filter(({ id }) => id === "ana"), "requester-alone"],
    ["the system asks for none", { secondPerson: false }, SYSTEM.people, "requester-alone"],
    ["the system says so", { requesterAlone: "One engineer is on call at night." }, SYSTEM.people, "accepted"],
  ])("never goes past its approval alone, where %s", (_given, more, people, then) => {
    const story = with_(asking().silent(), more);
    story.system = { ...story.system, people };
    breaks(story);
    expect(breaks(story.at(3 * 60 + 300), "ana")).toBe(then);
    expect(story.gateOf("go").broken === null).toBe(then !== "accepted");
  });

  test("may with a second person", () => {
    const story = asking().silent();
    expect(breaks(story)).toBe("accepted");
    expect(codeOf(story.asks("cy", { type: "confirmBreak", run: "run-1", ask: "ask-1" }))).toBe("accepted");
    expect(startCode(story.mayStart("backup"))).toBe("ok");
  });

  test("whose lone word stands in a log opens nothing at the start", () => {
    const story = asking().silent();
    const { planHash, factsHash } = story.gateOf("go");
    story.happened({
      type: "gate.broken",
      data: {
        ...{ step: "go", ask: "ask-1", person: "ana", role: "on-call", reason: "x", second: null, alone: "x" },
        ...{ planHash, factsHash, until: story.now.toISOString().replace("00:01", "00:09") },
      },
    });
    expect(startCode(story.mayStart("backup"))).toBe("gate-voided");
  });
});
