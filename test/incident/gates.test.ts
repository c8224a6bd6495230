import { describe, expect, test } from "@jest/globals";
import { awaited } from "../../src/incident/authority.ts";
import { gateDue, openGate } from "../../src/incident/gates.ts";
import { LifeboatError } from "../../src/lib/errors.ts";
import { failover, gate, IncidentScenario, MIDNIGHT, plan, rosterWith } from "../support/incident-scenario.ts";

const CHAIN = {
  escalate: [
    { role: "vp-engineering", afterSeconds: 300 },
    { role: "cto", afterSeconds: 600 },
  ],
};
/** Seconds after midnight. */
const second = (date: Date | null) => (date === null ? null : (date.getTime() - MIDNIGHT) / 1000);

describe("silence escalates", () => {
  const asking = () => IncidentScenario.asking(failover(CHAIN));
  test.each([
    [60, [], 360],
    [359.999, [], 360],
    [360, ["vp-engineering"], 660],
    [660, ["vp-engineering", "cto"], 960],
    [959.999, ["vp-engineering", "cto"], 960],
  ])("at %d s, asked at 60", (at, roles, next) => {
    const story = asking().at(at);
    const due = gateDue(story.run(), "go", story.now);
    expect(due.events.map((event) => event.type === "gate.escalated" && event.data.role)).toEqual(roles);
    expect(second(due.nextAt)).toBe(next);
  });

  test("each level once, however often it is looked at", () => {
    const story = asking().at(360).timePasses().timePasses().at(660).timePasses().timePasses();
    expect(story.types().filter((type) => type === "gate.escalated")).toHaveLength(2);
    expect(story.gateOf("go").level).toBe(2);
  });

  test("not when enough have approved; then only the expiry is left", () => {
    const story = asking();
    story.approve("bo");
    const due = gateDue(story.at(700).run(), "go", story.now);
    expect([due.events, second(due.nextAt)]).toEqual([[], 960]);
  });

  test("while too few have approved, it does", () => {
    const story = IncidentScenario.asking(failover({ ...CHAIN, quorum: 2 }));
    story.approve("bo");
    expect(gateDue(story.at(360).run(), "go", story.now).events).toHaveLength(1);
  });

  test("at the expiry the question ends, without asking anyone more", () => {
    const story = asking().at(960);
    const due = gateDue(story.run(), "go", story.now);
    expect([due.events.map((event) => event.type), due.nextAt]).toEqual([["gate.expired"], null]);
    story.timePasses();
    expect(story.run()).toMatchObject({
      status: "stopped",
      problem: { code: "gate-expired", what: "No decision in time" },
    });
    expect(gateDue(story.run(), "go", story.now)).toEqual({ events: [], nextAt: null });
  });

  test("nothing is due on a gate of a run that has ended, or that was never asked", () => {
    const story = asking();
    story.asks("ana", { type: "abort", run: "run-1", reason: "enough" });
    expect(gateDue(story.run(), "go", story.at(5000).now)).toEqual({ events: [], nextAt: null });
    expect(gateDue(story.run(), "fence", story.now)).toEqual({ events: [], nextAt: null });
  });

  test("a question whose facts are no longer the run's is void, and asked again", () => {
    const story = asking().preflighted({ factsHash: "facts-2" });
    expect(gateDue(story.run(), "go", story.now).events.map((event) => event.type)).toEqual(["gate.voided"]);
    story.timePasses();
    expect(story.run().status).toBe("running");
    story.at(100).gateOpened("go", "ask-2");
    expect(story.gateOf("go")).toMatchObject({ ask: "ask-2", factsHash: "facts-2", earlier: ["ask-1"] });
    expect(second(story.gateOf("go").firstOpenedAt)).toBe(60);
  });
});

describe("a question pins", () => {
  test("what was shown, who decides, how many, until when, and who may", () => {
    const story = IncidentScenario.asking(failover({ ...CHAIN, quorum: 2 }));
    expect(story.log.at(-1)).toMatchObject({
      type: "gate.opened",
      data: {
        step: "go",
        ask: "ask-1",
        planHash: story.run().planHash,
        factsHash: "facts-1",
        loss: "about 3 s of writes",
        role: "database-administrator",
        quorum: 2,
        expiresAt: "2026-03-01T00:16:00.000Z",
        escalate: [
          { role: "vp-engineering", at: "2026-03-01T00:06:00.000Z" },
          { role: "cto", at: "2026-03-01T00:11:00.000Z" },
        ],
        approvers: ["ana", "bo", "cy", "duo", "vera", "tess"],
      },
    });
  });

  test("at least one person, whatever a plan says", () => {
    expect(IncidentScenario.asking(failover({ quorum: 0 })).gateOf("go").quorum).toBe(1);
  });

  test("nothing, where there is nothing to ask", () => {
    const asked = (story: IncidentScenario, step: string) => () => {
      openGate(story.run(), step, { ask: "a", now: story.now, key: "k", system: story.system });
    };
    expect(asked(new IncidentScenario().declared().requested(), "go")).toThrow(LifeboatError);
    expect(asked(IncidentScenario.asking(), "go")).toThrow(LifeboatError);
    expect(asked(IncidentScenario.asking(), "fence")).toThrow(LifeboatError);
    const denied = IncidentScenario.asking();
    denied.deny("bo");
    expect(asked(denied, "go")).toThrow(LifeboatError);
  });
});

describe("who is waited for", () => {
  const seen = (story: IncidentScenario) => {
    const who = awaited(story.run(), story.gateOf("go"), story.system, story.now);
    return {
      asked: who.asked.map(({ role, since, people }) => [role, second(since), people.map((one) => one.id)]),
      approved: who.approved.map(({ person }) => person),
      missing: who.missing,
      possible: who.possible,
      next: who.next && [who.next.role, second(who.next.at), who.next.people.map((one) => one.id)],
      expired: who.expired,
    };
  };

  test("first those of the gate's role, but not the requester", () => {
    expect(seen(IncidentScenario.asking(failover({ ...CHAIN, quorum: 2 })))).toEqual({
      asked: [["database-administrator", 60, ["bo", "cy", "duo"]]],
      approved: [],
      missing: 2,
      possible: true,
      next: ["vp-engineering", 360, ["vera", "duo"]],
      expired: false,
    });
  });

  test("then the next level too; who has approved is waited for no more", () => {
    const story = IncidentScenario.asking(failover({ ...CHAIN, quorum: 2 }));
    story.approve("duo");
    story.at(360).timePasses();
    expect(seen(story)).toMatchObject({
      asked: [
        ["database-administrator", 60, ["bo", "cy"]],
        ["vp-engineering", 360, ["vera"]],
      ],
      approved: ["duo"],
      missing: 1,
      next: ["cto", 660, ["tess"]],
    });
  });

  test("no one comes next when enough have approved, or when the chain is at its end", () => {
    const enough = IncidentScenario.asking(failover(CHAIN));
    enough.approve("bo");
    expect(seen(enough)).toMatchObject({ missing: 0, next: null });
    expect(seen(IncidentScenario.asking(failover(CHAIN)).at(700).timePasses())).toMatchObject({
      missing: 1,
      next: null,
    });
  });

  test("an approval of someone who has left does not count", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.system = rosterWith("bo", null);
    expect(seen(story)).toMatchObject({ approved: [], missing: 1 });
  });

  test("an approval of someone who has lost the role does not count, and one who got it later is not waited for", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.system = rosterWith("bo", { roles: ["on-call"] }, rosterWith("oli", { roles: ["database-administrator"] }));
    expect(seen(story)).toMatchObject({
      approved: [],
      missing: 1,
      asked: [["database-administrator", 60, ["cy", "duo"]]],
    });
  });

  test("it is said when even everyone would not be enough", () => {
    expect(seen(IncidentScenario.asking(failover({ quorum: 9 })))).toMatchObject({ missing: 9, possible: false });
    const alone = plan([[gate("go", { role: "on-call", escalate: [] })]]);
    const story = new IncidentScenario().declared().requested(alone).preflighted().gateOpened();
    story.system = rosterWith("oli", null);
    expect(seen(story)).toMatchObject({ missing: 1, possible: false, asked: [["on-call", 0, []]] });
    expect(seen(story.at(900)).expired).toBe(true);
  });
});
