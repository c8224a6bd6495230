import { describe, expect, test } from "@jest/globals";
import type { Conformance, Gate, Plan } from "../../src/catalog/types.ts";
import { openGate } from "../../src/incident/gates.ts";
import type { StartContext } from "../../src/incident/start.ts";
import { action, codeOf, GATE, gate, IncidentScenario, plan, startCode } from "../support/incident-scenario.ts";

const PLAN: Plan = plan([[gate("go")], [action("fence"), action("promote", { risk: "irreversible" })]]);
const asking = (of = PLAN) => new IncidentScenario().declared().requested(of).preflighted().at(60).gateOpened();
const today = (more: Partial<Gate> = {}, differences: Conformance["differences"] = []): Conformance => ({
  gates: new Map([["go", { ...GATE, ...more }]]),
  differences,
});
const at = (conformance: Conformance): Partial<StartContext> => ({ conformance });
const asksAgain = (story: IncidentScenario, conformance: Conformance, ask = "ask-2") =>
  story.write([openGate(story.run(), "go", { ask, now: story.now, key: ask, system: story.system, conformance })]);

describe("an approval counts by the rules of today", () => {
  // By the plan a database administrator, or after 5 min the VP, decides alone.
  test.each<[string, Partial<Gate>, string, RegExp]>([
    ["two have to approve", { quorum: 2 }, "gate-voided", /2 people must approve, not 1/],
    [
      "another role decides",
      { role: "cto", escalate: [] },
      "gate-voided",
      /database-administrator and vp-engineering may no longer decide/,
    ],
    ["a level of the chain is gone", { escalate: [] }, "gate-voided", /vp-engineering may no longer decide this/],
    ["who approves has to prove it", { stepUp: true }, "gate-voided", /need an authenticator code/],
    ["the approval expires sooner", { expiresSeconds: 10 }, "gate-voided", /expires sooner/],
    ["nothing is stricter", {}, "ok", /./],
    ["it is less strict", { escalate: [...GATE.escalate, { role: "cto", afterSeconds: 600 }] }, "ok", /./],
    ["it is longer valid", { expiresSeconds: 5000 }, "ok", /./],
  ])("%s", (_given, more, then, why) => {
    const story = asking();
    story.approve("bo");
    story.at(90);
    expect(startCode(story.starts("fence", at(today(more))))).toBe(then);
    if (then === "ok") return;
    expect(story.gateOf("go")).toMatchObject({ outcome: "voided", says: expect.stringMatching(why) });
    expect(story.status("fence")).toBe("waiting");
  });

  test("also in the middle of a run: what has passed is asked again, and the run goes on after it", () => {
    const story = asking();
    story.approve("bo");
    const stricter = today({ quorum: 2 });
    expect(startCode(story.starts("fence", at(today())))).toBe("ok");
    story.done("fence");
    expect(startCode(story.starts("promote", at(stricter)))).toBe("gate-voided");
    expect(story.gateOf("go").outcome).toBe("voided");
    asksAgain(story, stricter);
    story.approve("bo", "ask-2");
    expect(startCode(story.starts("promote", at(stricter)))).toBe("quorum-missing");
    story.approve("vera", "ask-2");
    expect(startCode(story.starts("promote", at(stricter)))).toBe("ok");
    expect(story.status("promote")).toBe("running");
  });

  test("a time that ran out while it was passed takes nothing back", () => {
    const story = asking();
    story.approve("bo");
    story.starts("fence", at(today()));
    story.done("fence").at(2000);
    expect(startCode(story.mayStart("promote", at(today({ expiresSeconds: 10 }))))).toBe("ok");
  });
});

describe("a question is asked by the stricter of the plan and the catalogue", () => {
  test.each<[string, Partial<Gate>, readonly [string, string][]]>([
    [
      "roles both allow",
      { role: "vp-engineering", escalate: [{ role: "cto", afterSeconds: 60 }] },
      [
        ["bo", "gate-role"],
        ["tess", "gate-role"],
        ["vera", "accepted"],
      ],
    ],
    [
      "the catalogue's, where they share none",
      { role: "cto", escalate: [] },
      [
        ["bo", "gate-role"],
        ["vera", "gate-role"],
        ["tess", "accepted"],
      ],
    ],
    ["its proof", { stepUp: true }, [["bo", "step-up-needed"]]],
  ])("%s", (_given, more, votes) => {
    const story = new IncidentScenario().declared().requested(PLAN).preflighted();
    asksAgain(story, today(more), "ask-1");
    expect(votes.map(([who]) => [who, codeOf(story.approve(who))])).toEqual(votes);
    expect(startCode(story.mayStart("fence", at(today(more))))).toBe(
      votes.some(([, code]) => code === "accepted") ? "ok" : "quorum-missing",
    );
  });

  test("the higher number and the shorter time", () => {
    const story = new IncidentScenario().declared().requested(PLAN).preflighted();
    asksAgain(story, today({ quorum: 2, expiresSeconds: 120 }), "ask-1");
    expect(story.gateOf("go")).toMatchObject({ quorum: 2, expiresAt: new Date(story.now.getTime() + 120_000) });
    const longer = new IncidentScenario().declared().requested(PLAN).preflighted();
    asksAgain(longer, today({ expiresSeconds: 5000 }), "ask-1");
    expect(longer.gateOf("go").expiresAt).toEqual(new Date(longer.now.getTime() + 900_000));
  });

  test("with the plan's rules untouched where the catalogue asks for no more", () => {
    const story = new IncidentScenario().declared().requested(PLAN).preflighted();
    asksAgain(story, today(), "ask-1");
    expect(story.gateOf("go")).not.toHaveProperty("today");
    expect(story.gateOf("go")).not.toHaveProperty("differs");
  });

  test("a gate.opened whose roles are wider than the catalogue's opens nothing, no matter who wrote it", () => {
    const story = new IncidentScenario().declared().requested(PLAN).preflighted();
    const wide = openGate(story.run(), "go", { ask: "ask-1", now: story.now, key: "x", system: story.system });
    const data = { ...wide.data, today: { roles: ["on-call"], stepUp: false }, role: "on-call", approvers: ["oli"] };
    story.write([{ ...wide, data } as never]);
    expect(codeOf(story.approve("oli"))).toBe("accepted");
    expect(startCode(story.mayStart("fence", at(today())))).toBe("gate-voided");
  });
});

describe("what the catalogue would not make", () => {
  const differs = (firm: boolean, step: string | null = "promote"): Conformance["differences"] => [
    { step, firm, says: "the target is gone" },
  ];

  test("stops the run where no approval makes up for it, until the catalogue has it", () => {
    const story = asking();
    story.approve("bo");
    const may = story.mayStart("fence", at(today({}, differs(true))));
    expect(may).toMatchObject({
      ok: false,
      code: "catalogue-differs",
      why: "The catalogue doesn't allow this plan as it stands: the target is gone",
      events: [],
    });
    expect(startCode(story.mayStart("fence", at(today())))).toBe("ok");
  });

  test("is accepted by those who may decide, once they are shown it, and only that", () => {
    const story = asking();
    story.approve("bo");
    const conformance = today({}, differs(false));
    expect(startCode(story.starts("fence", at(conformance)))).toBe("gate-voided");
    asksAgain(story, conformance);
    expect(story.gateOf("go")).toMatchObject({
      differs: ["the target is gone"],
      because: expect.stringContaining("the target is gone"),
    });
    story.approve("bo", "ask-2");
    expect(startCode(story.mayStart("fence", at(conformance)))).toBe("ok");
    const more = today({}, [...differs(false), { step: null, firm: false, says: "the component is gone" }]);
    expect(startCode(story.mayStart("fence", at(more)))).toBe("gate-voided");
  });

  test("is nothing to a run that has it behind it", () => {
    const story = asking();
    story.approve("bo");
    story.starts("fence", at(today()));
    story.done("fence");
    for (const firm of [true, false])
      expect(startCode(story.mayStart("promote", at(today({}, differs(firm, "fence")))))).toBe("ok");
  });
});
