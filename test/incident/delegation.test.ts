import { describe, expect, test } from "@jest/globals";
import { delegatedTo, delegationsNow, standsFor } from "../../src/incident/delegation.ts";
import { byPerson, codeOf, failover, IncidentScenario, rosterWith, startCode } from "../support/incident-scenario.ts";

const lend = (story: IncidentScenario, from: string, role: string, to: string, seconds = 7200) =>
  story.asks(from, { type: "delegate", role, to, seconds, reason: "at dinner" });

/** The gate is Vera's alone, and lapses to no one. */
const vp = () => IncidentScenario.asking(failover({ role: "vp-engineering", escalate: [] }));

describe("who may delegate what to whom", () => {
  const rows: readonly [given: string, from: string, role: string, to: string, seconds: number, then: string][] = [
    ["a role of their own", "vera", "vp-engineering", "oli", 7200, "accepted"],
    ["a role the roster gives somebody else", "bo", "vp-engineering", "oli", 7200, "role-not-yours"],
    ["a role that is none", "vera", "queen", "oli", 7200, "role-unknown"],
    ["to somebody nobody knows", "vera", "vp-engineering", "nobody", 7200, "person-unknown"],
    ["to themselves", "vera", "vp-engineering", "vera", 7200, "role-held"],
    ["to somebody who holds it", "vera", "vp-engineering", "duo", 7200, "role-held"],
    ["to who asked for a run that is open", "vera", "vp-engineering", "ana", 7200, "delegate-requester"],
    ["for no time", "vera", "vp-engineering", "oli", 0, "delegation-length"],
    ["for longer than a day", "vera", "vp-engineering", "oli", 86_401, "delegation-length"],
    ["for a length that is no number", "vera", "vp-engineering", "oli", Number.NaN, "delegation-length"],
    ["though they are not on the roster", "stranger", "vp-engineering", "oli", 7200, "not-on-roster"],
  ];
  test.each(rows)("%s", (_given, from, role, to, seconds, then) => {
    expect(codeOf(lend(vp(), from, role, to, seconds))).toBe(then);
  });

  test("what was delegated can't be delegated further", () => {
    const story = vp();
    lend(story, "vera", "vp-engineering", "oli");
    expect(codeOf(lend(story, "oli", "vp-engineering", "tess"))).toBe("role-not-yours");
  });

  test("a role taken during the incident can't be delegated", () => {
    const story = vp();
    story.asks("oli", { type: "assignRole", role: "scribe", person: "oli", note: null });
    expect(codeOf(lend(story, "oli", "scribe", "bo"))).toBe("role-not-yours");
  });

  test("the requester of a run may be delegated to when it is over", () => {
    const story = vp();
    story.asks("ana", { type: "abort", run: "run-1", reason: "false alarm" });
    expect(codeOf(lend(story, "vera", "vp-engineering", "ana"))).toBe("accepted");
  });
});

describe("what a borrowed role is worth", () => {
  test("it approves, in the lender's name, and the start counts it", () => {
    const story = vp();
    lend(story, "vera", "vp-engineering", "oli");
    expect(codeOf(story.approve("oli"))).toBe("accepted");
    expect(story.gateOf("go").approvals).toMatchObject([{ person: "oli", onBehalfOf: "vera", role: "vp-engineering" }]);
    expect(startCode(story.mayStart("fence"))).toBe("ok");
  });

  test("it denies", () => {
    const story = vp();
    lend(story, "vera", "vp-engineering", "oli");
    expect(codeOf(story.deny("oli"))).toBe("accepted");
  });

  test.each([
    [7199.999, "accepted"],
    [7200, "gate-role"],
  ])("%d s after it was lent for 7200", (after, then) => {
    const story = IncidentScenario.asking(failover({ role: "vp-engineering", escalate: [], expiresSeconds: 9000 }));
    lend(story, "vera", "vp-engineering", "oli");
    story.at(60 + after);
    expect(codeOf(story.approve("oli"))).toBe(then);
  });

  test("an approval given with it does not outlive it", () => {
    const story = vp();
    lend(story, "vera", "vp-engineering", "oli", 60);
    story.at(119);
    story.approve("oli");
    expect(startCode(story.mayStart("fence"))).toBe("ok");
    story.at(120);
    expect(startCode(story.mayStart("fence"))).toBe("gate-voided");
  });

  test("a delegator and their delegate count once, in either order", () => {
    for (const [first, second] of [
      ["oli", "vera"],
      ["vera", "oli"],
    ] as const) {
      const story = IncidentScenario.asking(failover({ role: "vp-engineering", escalate: [], quorum: 2 }));
      lend(story, "vera", "vp-engineering", "oli");
      story.approve(first);
      expect(codeOf(story.approve(second))).toBe("place-taken");
      expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
      expect(codeOf(story.approve("duo"))).toBe("accepted");
      expect(startCode(story.mayStart("fence"))).toBe("ok");
    }
  });

  test("what the requester of a run delegates is worth nothing in it", () => {
    const story = IncidentScenario.asking(failover({ role: "database-administrator", escalate: [] }));
    lend(story, "ana", "database-administrator", "oli");
    expect(codeOf(story.approve("oli"))).toBe("gate-role");
  });

  test("who asks for a run afterwards does not come to decide it by what they borrowed", () => {
    const story = new IncidentScenario().declared();
    lend(story, "vera", "vp-engineering", "oli");
    story.requested(failover({ role: "vp-engineering", escalate: [] }), { by: "oli" });
    story.preflighted().done("check").gateOpened();
    expect(codeOf(story.approve("oli"))).toBe("gate-requester");
  });

  test("it is worth nothing when the lender had the role only after the question", () => {
    const story = vp();
    story.system = rosterWith("tess", { roles: ["cto", "vp-engineering"] });
    lend(story, "tess", "vp-engineering", "oli");
    expect(codeOf(story.approve("oli"))).toBe("gate-added-later");
  });

  test.each([
    ["the lender lost the role", (story: IncidentScenario) => story.roster(rosterWith("vera", { roles: [] })), {}],
    ["the lender left the roster", (story: IncidentScenario) => story.roster(rosterWith("vera", null)), {}],
    ["the borrower left the roster", (story: IncidentScenario) => story.roster(rosterWith("oli", null)), {}],
    [
      "it was ended",
      (story: IncidentScenario) =>
        void story.asks("vera", { type: "endDelegation", role: "vp-engineering", to: "oli" }),
      {},
    ],
    ["the lender is deactivated", () => {}, { vera: "deactivated" }],
    ["the borrower is deactivated", () => {}, { oli: "deactivated" }],
  ])("an approval given with it is void when %s", (_when, change, standing) => {
    const story = vp();
    lend(story, "vera", "vp-engineering", "oli");
    story.approve("oli");
    story.at(70);
    change(story);
    const today = new Map([
      ...story.startContext().accounts,
      ["vera", null],
      ["oli", null],
      ...Object.entries(standing),
    ]);
    expect(startCode(story.mayStart("fence", { accounts: today as Map<string, string | null> }))).toBe("gate-voided");
  });

  test("lender and borrower count once, even where the log holds both", () => {
    const story = IncidentScenario.asking(failover({ role: "vp-engineering", escalate: [], quorum: 2 }));
    lend(story, "vera", "vp-engineering", "oli");
    story.approve("oli");
    const { planHash, factsHash } = story.gateOf("go");
    const data = { step: "go", ask: "ask-1", person: "vera", role: "vp-engineering", planHash, factsHash };
    story.happened({ type: "gate.approved", data });
    expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
  });

  test("the delegator's account was not looked up: it is not known, and so it does not start", () => {
    const story = vp();
    lend(story, "vera", "vp-engineering", "oli");
    story.approve("oli");
    expect(startCode(story.mayStart("fence", { accounts: new Map([["oli", null]]) }))).toBe("standing-unknown");
  });
});

describe("ending it early", () => {
  test.each([
    ["vera", "accepted"],
    ["oli", "accepted"],
    ["bo", "delegation-not-yours"],
  ])("by %s", (who, then) => {
    const story = vp();
    lend(story, "vera", "vp-engineering", "oli");
    story.at(65);
    expect(codeOf(story.asks(who, { type: "endDelegation", role: "vp-engineering", to: "oli" }))).toBe(then);
    expect(codeOf(story.approve(byPerson("oli")))).toBe(then === "accepted" ? "gate-role" : "accepted");
  });

  test("there is none", () => {
    expect(codeOf(vp().asks("vera", { type: "endDelegation", role: "vp-engineering", to: "oli" }))).toBe(
      "delegation-unknown",
    );
  });
});

describe("whose a delegation is", () => {
  const told = () => {
    const story = vp();
    lend(story, "vera", "vp-engineering", "oli");
    const run = story.state.runs.get("run-1");
    if (run === undefined) throw new Error("The story has no run-1.");
    const person = (id: string) => story.system.people.find((one) => one.id === id) as never;
    return { state: story.state, run, person, system: story.system, delegations: story.state.delegations };
  };

  test("it is worth something to the one it was given to, and to no one else", () => {
    const { run, person, system, delegations } = told();
    const of = (id: string) => delegatedTo(person(id), run, system, delegations).map(({ from }) => from);
    expect({ oli: of("oli"), bo: of("bo"), tess: of("tess") }).toEqual({ oli: ["vera"], bo: [], tess: [] });
  });

  test("it stands for its lender only, and for the role that was delegated only", () => {
    const { run, person, system, delegations } = told();
    const stands = (lender: string, roles: string[]) =>
      standsFor(person("oli"), lender, roles, run, system, delegations);
    expect(stands("vera", ["vp-engineering"])).toBe(true);
    expect(stands("bo", ["vp-engineering"])).toBe(false);
    expect(stands("vera", ["incident-commander"])).toBe(false);
  });

  test("it holds from the moment it was given until, and not at, its end", () => {
    const { delegations, ...story } = told();
    const [given] = delegations;
    if (given === undefined) throw new Error("Nothing was delegated.");
    const at = (moment: Date, ms: number) => delegationsNow(story.state, new Date(moment.getTime() + ms)).length;
    expect([at(given.since, -1), at(given.since, 0), at(given.until, -1), at(given.until, 0)]).toEqual([0, 1, 1, 0]);
  });
});
