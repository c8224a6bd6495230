import { describe, expect, test } from "@jest/globals";
import { awaited } from "../../src/incident/authority.ts";
import { fallThrough, gateDue } from "../../src/incident/gates.ts";
import { codeOf, failover, IncidentScenario, rosterWith } from "../support/incident-scenario.ts";

const CHAIN = [
  { role: "vp-engineering", afterSeconds: 300 },
  { role: "cto", afterSeconds: 600 },
];
const asking = (more = {}) =>
  IncidentScenario.asking(failover({ role: "incident-commander", escalate: CHAIN, remindSeconds: 120, ...more }));
const said = (story: IncidentScenario) => story.types().filter((type) => /gate\.(escalated|reminded)/.test(type));

describe("reminders", () => {
  test("come every two minutes until the next level is asked, and are counted from then", () => {
    const story = asking();
    const at: string[] = [];
    for (let seconds = 60; seconds <= 800; seconds += 10) {
      const before = said(story).length;
      story.at(seconds).timePasses();
      for (const type of said(story).slice(before)) at.push(`${seconds - 60} ${type}`);
    }
    expect(at).toEqual([
      "120 gate.reminded",
      "240 gate.reminded",
      "300 gate.escalated",
      "420 gate.reminded",
      "540 gate.reminded",
      "600 gate.escalated",
      "720 gate.reminded",
    ]);
  });

  test("those missed while no one looked become one", () => {
    const story = asking({ escalate: [] });
    story.at(700).timePasses().timePasses();
    expect(said(story)).toEqual(["gate.reminded"]);
    expect(story.gateOf("go").reminders).toHaveLength(1);
  });

  test("there are none when enough have approved, after a break-glass, and where the gate wants none", () => {
    const approved = asking();
    approved.approve("cy");
    const never = asking({ remindSeconds: 0 });
    const old = asking({ remindSeconds: undefined });
    for (const story of [approved, never, old]) {
      story.at(250).timePasses();
      expect(said(story)).toEqual([]);
    }
  });

  test("the engine is told when to look again", () => {
    const story = asking();
    expect(gateDue(story.run(), "go", story.now).nextAt).toEqual(new Date(story.now.getTime() + 120_000));
  });
});

describe("a question before the decision", () => {
  const ask = (story: IncidentScenario, who: string, text = "Is the provider back?") =>
    story.asks(who, { type: "question", run: "run-1", ask: "ask-1", text });

  test.each([
    ["vera", "accepted"],
    ["oli", "accepted"],
    ["stranger", "not-on-roster"],
  ])("by %s", (who, then) => {
    expect(codeOf(ask(asking(), who))).toBe(then);
  });

  test("stands on the timeline, and decides nothing", () => {
    const story = asking();
    ask(story, "vera");
    expect(story.gateOf("go")).toMatchObject({
      outcome: "open",
      approvals: [],
      talk: [{ kind: "question", person: "vera" }],
    });
  });

  test("is answered by anyone who knows, and only when a question is open", () => {
    const story = asking();
    const answers = (who: string, text = "Not before four") =>
      codeOf(story.asks(who, { type: "answer", run: "run-1", ask: "ask-1", text }));
    expect(answers("ana")).toBe("nothing-asked");
    ask(story, "vera");
    expect(answers("stranger")).toBe("not-on-roster");
    expect(answers("ana", " ")).toBe("answer-empty");
    expect(answers("ana")).toBe("accepted");
    expect(story.gateOf("go").talk.map(({ kind, says }) => [kind, says])).toEqual([
      ["question", "Is the provider back?"],
      ["answer", "Not before four"],
    ]);
  });

  test("has words in it, and a question to be about", () => {
    const story = asking();
    expect(codeOf(ask(story, "vera", "  "))).toBe("question-empty");
    story.deny("vera");
    expect(codeOf(ask(story, "vera"))).toBe("already-decided");
  });
});

describe("why it was denied", () => {
  const explain = (story: IncidentScenario, who: string, reason = "Too much would be lost", ask = "ask-1") =>
    codeOf(story.asks(who, { type: "explain", run: "run-1", ask, reason }));

  test("may be told after the press, by the person who denied", () => {
    const story = asking();
    expect(explain(story, "vera")).toBe("not-denied");
    story.asks("vera", { type: "deny", run: "run-1", ask: "ask-1", reason: null });
    expect(explain(story, "cy")).toBe("not-denied");
    expect(explain(story, "vera", " ")).toBe("reason-missing");
    expect(explain(story, "vera")).toBe("accepted");
    expect(story.gateOf("go").says).toBe("Denied by Vera: Too much would be lost");
  });

  test("is not told of a question that was asked again", () => {
    const story = asking();
    story.asks("vera", { type: "deny", run: "run-1", ask: "ask-1", reason: null });
    story.asks("ana", { type: "retryStep", run: "run-1", step: "go" });
    expect(explain(story, "vera")).toBe("not-denied");
    story.gateOpened("go", "ask-2");
    expect(explain(story, "vera")).toBe("not-denied");
    expect(story.gateOf("go").because).toBe("Denied by Vera");
  });
});

describe("not waiting for silence", () => {
  const escalate = (story: IncidentScenario, who: string) =>
    story.asks(who, { type: "escalate", run: "run-1", ask: "ask-1", why: null });

  test.each([
    ["the requester of the run", "ana", "accepted"],
    ["who is asked", "cy", "accepted"],
    ["who is not asked yet", "vera", "not-escalating"],
    ["anybody else", "oli", "not-escalating"],
    ["a stranger", "stranger", "not-on-roster"],
  ])("by %s", (_who, who, then) => {
    const story = asking();
    expect(codeOf(escalate(story, who))).toBe(then);
    expect(story.gateOf("go").level).toBe(then === "accepted" ? 1 : 0);
  });

  test("by the person who took command of this incident", () => {
    const story = asking({ role: "database-administrator" });
    story.asks("cy", { type: "assignRole", role: "incident-commander", person: "cy", note: null });
    expect(codeOf(escalate(story, "cy"))).toBe("accepted");
  });

  test("is recorded with who and why, happens once per level, and time does not repeat it", () => {
    const story = asking();
    story.at(90);
    escalate(story, "ana");
    expect(story.log.at(-1)).toMatchObject({
      actor: { person: "ana" },
      data: { level: 1, role: "vp-engineering", why: "Escalated by Ana" },
    });
    story.at(360).timePasses();
    expect(story.gateOf("go")).toMatchObject({ level: 1 });
    expect(awaited(story.run(), story.gateOf("go"), story.system, story.now).asked[1]?.since).toEqual(
      new Date(story.now.getTime() - 270_000),
    );
    escalate(story, "ana");
    expect(codeOf(escalate(story, "ana"))).toBe("no-level-left");
  });

  test("is of no use when it is decided", () => {
    const story = asking();
    story.approve("cy");
    expect(codeOf(escalate(story, "ana"))).toBe("already-decided");
  });
});

describe("a level no one of which is there", () => {
  const falls = (story: IncidentScenario, gone: Record<string, string> = {}) => {
    const context = { now: story.now, system: story.system, gone: new Map(Object.entries(gone)) };
    story.write(fallThrough(story.state, story.run(), "go", context));
    return story.gateOf("go");
  };

  test("is not waited for: the next is asked at once, with the reason", () => {
    const gate = falls(asking(), { cy: "This Slack account is deactivated." });
    expect(gate.risen).toMatchObject([
      {
        level: 1,
        why: "No one available to decide as Incident commander (Cy: This Slack account is deactivated)",
      },
    ]);
  });

  test("several in a row are passed over, up to the last", () => {
    const gone = { cy: "deactivated", vera: "deactivated", duo: "deactivated" };
    expect(falls(asking(), gone).level).toBe(2);
    expect(falls(asking(), { ...gone, tess: "deactivated" }).level).toBe(2);
  });

  test("because its only holder asked for the run", () => {
    const story = new IncidentScenario()
      .declared()
      .requested(failover({ role: "incident-commander", escalate: CHAIN }), { by: "cy" });
    story.preflighted().done("check").gateOpened();
    expect(falls(story).risen).toMatchObject([{ level: 1, why: expect.stringContaining("Cy: asked for this run") }]);
  });

  test("because the roster has emptied since", () => {
    const story = asking();
    story.system = rosterWith("cy", { roles: [] });
    expect(falls(story).level).toBe(1);
  });

  test.each([
    ["somebody of it is there", asking({ role: "vp-engineering", escalate: [CHAIN[1]] }), { vera: "deactivated" }],
    ["nobody could be looked up", asking(), {}],
  ])("is waited for when %s", (_when, story, gone) => {
    expect(falls(story, gone).level).toBe(0);
  });

  test("a borrower keeps it filled as long as the lender counts", () => {
    const story = asking();
    story.asks("cy", { type: "delegate", role: "incident-commander", to: "oli", seconds: 600, reason: null });
    expect(falls(story).level).toBe(0);
    expect(falls(story, { cy: "deactivated" }).level).toBe(1);
  });

  test("for two people, one who is there is too few", () => {
    const story = asking({ role: "vp-engineering", quorum: 2, escalate: [CHAIN[1]] });
    expect(falls(story, { duo: "deactivated" }).level).toBe(1);
  });
});
