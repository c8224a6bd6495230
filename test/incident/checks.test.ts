import { describe, expect, test } from "@jest/globals";
import { awaited, flawOf, isAnswered, policyOf } from "../../src/incident/authority.ts";
import { flawOfBreak } from "../../src/incident/break-glass.ts";
import { delegationsNow, standsFor } from "../../src/incident/delegation.ts";
import { fallThrough, gateDue } from "../../src/incident/gates.ts";
import { approversOf, decidedAtCommandLine, deciders, passGates } from "../../src/incident/start.ts";
import type { Approval, Broken } from "../../src/incident/state.ts";
import {
  action,
  byPerson,
  codeOf,
  failover,
  gate,
  IncidentScenario,
  plan,
  rosterWith,
  SYSTEM,
  startCode,
} from "../support/incident-scenario.ts";

/** Each check by itself, where whole conversations pass it beside others that say the same. */
const all = new Map(SYSTEM.people.map(({ id }) => [id, null]));
const lend = (story: IncidentScenario, from: string, role: string, to: string) =>
  story.asks(from, { type: "delegate", role, to, seconds: 7200, reason: null });
const fromCommandLine = (who: string) => ({ ...byPerson(who, ""), slackUser: null, door: "cli" as const });

describe("a start", () => {
  test("is not made of a gate, not even of one that waits", () => {
    const story = new IncidentScenario().declared().requested().preflighted().done("check");
    expect(story.mayStart("go")).toMatchObject({ code: "step-not-startable", why: expect.stringContaining("asked") });
  });

  test("may be the next attempt of what failed and has attempts left", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.starts("fence");
    story.done("fence").done("promote").started("smoke");
    const problem = { code: "no", what: "No" };
    story.happened({ type: "step.failed", data: { step: "smoke", attempt: 1, problem, retryable: true, seconds: 1 } });
    expect(startCode(story.mayStart("smoke"))).toBe("ok");
  });

  test("in a dry run is of what only looks", () => {
    const story = new IncidentScenario().declared().requested(failover(), { dryRun: true }).preflighted();
    expect(startCode(story.mayStart("check"))).toBe("ok");
    expect(startCode(story.mayStart("fence"))).toBe("dry-run");
  });

  test("of a step whose condition is known and true, behind its gate", () => {
    const when = { step: "check", fact: "loss", is: true } as const;
    const of = plan([[action("check", { risk: "read" })], [gate("go")], [{ ...action("fence"), when }]]);
    const story = new IncidentScenario().declared().requested(of).preflighted();
    story.done("check", "run-1", [{ id: "loss", value: true }]).gateOpened();
    story.approve("bo");
    expect(startCode(story.mayStart("fence"))).toBe("ok");
  });

  test("is refused in the words of the denial", () => {
    const story = IncidentScenario.asking();
    story.deny("vera");
    expect(story.mayStart("fence")).toMatchObject({ code: "gate-denied", why: expect.stringContaining("not tonight") });
  });

  test("that is void says what is certain, and leaves out what could not be looked up", () => {
    const story = IncidentScenario.asking(failover({ quorum: 2 }));
    story.approve("bo");
    story.approve("vera");
    const gone = new Map<string, string | null>([["bo", "deactivated"]]);
    const void_ = story.mayStart("fence", { accounts: gone });
    expect(void_).toMatchObject({ code: "gate-voided", why: "Bo may no longer decide: deactivated" });
    expect(story.mayStart("fence", { accounts: new Map([["bo", null]]) })).toMatchObject({
      code: "standing-unknown",
      why: "Vera's right to decide couldn't be checked",
    });
  });
});

describe("gates with nothing behind them", () => {
  const last = () => {
    const when = { step: "check", fact: "loss", is: true } as const;
    const of = plan([[action("check", { risk: "read" })], [gate("go"), gate("maybe", {}, when)]]);
    const story = new IncidentScenario().declared().requested(of).preflighted();
    return story.done("check", "run-1", [{ id: "loss", value: false }]).gateOpened();
  };
  const passes = (story: IncidentScenario, more = {}) => passGates(story.state, story.run(), story.startContext(more));

  test("pass, but for those their condition passed over", () => {
    const story = last();
    story.approve("bo");
    expect(passes(story)).toMatchObject({ ok: true, events: [{ type: "gate.passed", data: { people: ["bo"] } }] });
  });

  test("do not pass in a run that may not go on, and ask no one in a dry run", () => {
    const story = last();
    story.approve("bo");
    expect(passes(story, { planHash: "other" })).toMatchObject({ ok: false, code: "plan-changed" });
    story.asks("bo", { type: "pause", run: "run-1", reason: null });
    expect(passes(story)).toMatchObject({ ok: false, code: "run-paused" });
    const dry = new IncidentScenario().declared().requested(failover(), { dryRun: true }).preflighted();
    expect(passes(dry)).toEqual({ ok: true, events: [] });
  });
});

describe("who is looked up before a start", () => {
  test("those who approved the gates before it, their delegators, and who used break-glass; no one of gates that are closed", () => {
    const of = plan([[gate("go")], [action("fence")], [gate("last")], [action("promote")]]);
    const story = new IncidentScenario().declared().requested(of).preflighted().gateOpened("go");
    lend(story, "bo", "database-administrator", "oli");
    story.approve("oli");
    expect(approversOf(story.run(), "fence")).toEqual(["oli", "bo"]);
    expect(decidedAtCommandLine(story.run())).toEqual(new Set());
    story.starts("fence");
    expect(approversOf(story.run(), "fence")).toEqual([]);
    story.done("fence").gateOpened("last", "ask-2").silent("last");
    story.asks("cy", { type: "breakGlass", run: "run-1", ask: "ask-2", reason: "Nobody" });
    story.asks(fromCommandLine("oli"), { type: "confirmBreak", run: "run-1", ask: "ask-2" });
    expect(approversOf(story.run(), "fence")).toEqual([]);
    expect(approversOf(story.run(), "promote")).toEqual(["cy", "oli"]);
    expect(deciders(story.run())).toEqual(["cy", "oli"]);
    // One of the two spoke in Slack.
    expect(decidedAtCommandLine(story.run())).toEqual(new Set());
    const passed = story.mayStart("promote");
    expect(passed.ok && passed.events[0]?.data).toMatchObject({ people: ["cy", "oli"] });
  });

  test("who said so at the command line, and nowhere else, is known as such", () => {
    const story = IncidentScenario.asking(failover({ quorum: 2 }));
    lend(story, "vera", "vp-engineering", "oli");
    story.approve(fromCommandLine("bo"));
    story.approve(fromCommandLine("oli"));
    expect(decidedAtCommandLine(story.run())).toEqual(new Set(["bo", "oli", "vera"]));
    const alone = IncidentScenario.asking().silent();
    alone.system = {
      ...SYSTEM,
      breakGlass: { ...(SYSTEM.breakGlass as never as object), secondPerson: false } as never,
    };
    alone.asks(fromCommandLine("cy"), { type: "breakGlass", run: "run-1", ask: "ask-1", reason: "Nobody" });
    expect(decidedAtCommandLine(alone.run())).toEqual(new Set(["cy"]));
    const passed = alone.mayStart("fence", { system: alone.system });
    expect(passed.ok && passed.events[0]?.data).toMatchObject({ people: ["cy"] });
  });
});

describe("authority", () => {
  test("of a step the plan has no gate for is no one's", () => {
    const story = IncidentScenario.asking();
    expect(policyOf(story.run(), { ...story.gateOf("go"), step: "fence" })).toMatchObject({
      roles: [],
      quorum: Number.POSITIVE_INFINITY,
    });
  });

  test("is not borrowed with a role that decides nothing here", () => {
    const story = IncidentScenario.asking();
    lend(story, "cy", "incident-commander", "oli");
    expect(codeOf(story.approve("oli"))).toBe("gate-role");
  });

  test("of who approved for someone is that person's delegation of a deciding role, and no other", () => {
    const story = IncidentScenario.asking();
    lend(story, "bo", "database-administrator", "oli");
    lend(story, "cy", "incident-commander", "oli");
    const delegated = delegationsNow(story.state, story.now);
    const stands = (lender: string, roles: readonly string[]) =>
      standsFor(SYSTEM.people.find(({ id }) => id === "oli") as never, lender, roles, story.run(), SYSTEM, delegated);
    expect(stands("bo", ["database-administrator"])).toBe(true);
    expect(stands("cy", ["database-administrator"])).toBe(false);
    expect(stands("bo", ["vp-engineering"])).toBe(false);
    expect(stands("vera", ["database-administrator", "incident-commander"])).toBe(false);
    const forged: Approval = {
      ...{ person: "oli", role: "database-administrator", at: story.now, onBehalfOf: "cy", proved: false },
      ...{ vouchedBy: null, atCommandLine: false },
    };
    expect(flawOf(forged, story.run(), story.gateOf("go"), SYSTEM, all, delegated)?.sure).toBe(true);
    expect(flawOf({ ...forged, onBehalfOf: "bo" }, story.run(), story.gateOf("go"), SYSTEM, all, delegated)).toBeNull();
  });

  test("that begins later does not count yet", () => {
    const story = IncidentScenario.asking();
    lend(story, "bo", "database-administrator", "oli");
    expect(delegationsNow(story.state, new Date(story.now.getTime() - 1))).toEqual([]);
    expect(delegationsNow(story.state, story.now)).toHaveLength(1);
  });
});

describe("who is waited for", () => {
  const who = (story: IncidentScenario) => {
    const delegated = delegationsNow(story.state, story.now);
    const found = awaited(story.run(), story.gateOf("go"), story.system, story.now, delegated);
    const asked = found.asked.map(({ people }) => people.map(({ id }) => id));
    return { asked, missing: found.missing, possible: found.possible, next: found.next?.people.map(({ id }) => id) };
  };

  test("a lender and a borrower are one place: when one has approved, neither is waited for", () => {
    const story = IncidentScenario.asking(failover({ quorum: 2 }));
    lend(story, "bo", "database-administrator", "oli");
    expect(who(story)).toMatchObject({ asked: [["bo", "cy", "duo", "oli"]], missing: 2, next: ["vera", "duo"] });
    story.approve("oli");
    expect(who(story)).toMatchObject({ asked: [["cy", "duo"]], missing: 1 });
    const other = IncidentScenario.asking(failover({ quorum: 2 }));
    lend(other, "bo", "database-administrator", "oli");
    other.approve("bo");
    expect(who(other)).toMatchObject({ asked: [["cy", "duo"]], missing: 1 });
  });

  test("no one once break-glass was used or enough have approved; and it says when it can't be enough", () => {
    const story = IncidentScenario.asking(failover({ quorum: 2, role: "vp-engineering", escalate: [] }));
    expect(who(story)).toMatchObject({ missing: 2, possible: true });
    lend(story, "vera", "vp-engineering", "oli");
    story.system = rosterWith("duo", { roles: [] });
    expect(who(story)).toMatchObject({ asked: [["vera", "oli"]], missing: 2, possible: false });
    const broken = IncidentScenario.asking(failover({ quorum: 2 })).silent();
    broken.asks("cy", { type: "breakGlass", run: "run-1", ask: "ask-1", reason: "Nobody" });
    broken.asks("oli", { type: "confirmBreak", run: "run-1", ask: "ask-1" });
    expect(isAnswered(broken.run(), broken.gateOf("go"))).toBe(true);
    expect(who(broken)).toMatchObject({ missing: 0, next: undefined });
    const many = IncidentScenario.asking();
    many.approve("bo");
    many.happened({
      type: "gate.approved",
      data: {
        ...{ step: "go", ask: "ask-1", person: "vera", role: "vp-engineering" },
        ...{ planHash: many.gateOf("go").planHash, factsHash: many.gateOf("go").factsHash },
      },
    });
    expect(who(many).missing).toBe(0);
  });

  test("not a role the plan no longer names", () => {
    const story = IncidentScenario.asking();
    const narrowed = { ...story.gateOf("go"), role: "cto" };
    expect(awaited(story.run(), narrowed, SYSTEM, story.now).asked[0]?.people).toEqual([]);
  });
});

describe("a break-glass, judged by itself", () => {
  const broke = (more: Partial<Broken> = {}, change: (story: IncidentScenario) => void = () => {}) => {
    const story = IncidentScenario.asking().silent();
    story.asks("cy", { type: "breakGlass", run: "run-1", ask: "ask-1", reason: "Nobody" });
    story.asks("oli", { type: "confirmBreak", run: "run-1", ask: "ask-1" });
    change(story);
    const before = story.gateOf("go");
    const gateState = { ...before, broken: before.broken === null ? null : { ...before.broken, ...more } };
    return flawOfBreak(story.run(), gateState, { now: story.now, system: story.system, accounts: all });
  };
  const breakGlass = SYSTEM.breakGlass;

  test("counts as it is", () => expect(broke()).toBeNull());
  const asItIs = () => {};
  test.each<[string, Partial<Broken>, (story: IncidentScenario) => void]>([
    ["for another plan", { planHash: "other" }, asItIs],
    ["for other facts", { factsHash: "other" }, asItIs],
    ["after its time", {}, (story) => story.at(60 + 600)],
    ["after the question's time", { until: new Date(8.64e15) }, (story) => story.at(60 + 900)],
    ["by somebody who is gone", {}, (story) => story.roster(rosterWith("cy", null))],
    ["by somebody who may no longer", {}, (story) => story.roster(rosterWith("cy", { roles: [] }))],
    ["by one where two are needed", { second: null, alone: null }, asItIs],
    ["by one twice", { second: "cy" }, asItIs],
    ["with a second who is gone", { second: "nobody" }, asItIs],
  ])("not %s", (_how, more, change) => {
    expect(broke(more, change)).toMatchObject({ sure: true });
  });
  test("by one, where that is recorded, or where none is requested", () => {
    expect(broke({ second: null, alone: "nobody came" })).toBeNull();
    const lone = (story: IncidentScenario) =>
      story.roster({ ...SYSTEM, breakGlass: { ...breakGlass, secondPerson: false } as never });
    expect(broke({ second: null, alone: null }, lone)).toBeNull();
  });
  test("names who is gone", () => {
    expect(broke({}, (story) => story.roster(rosterWith("cy", null)))?.why).toMatch(/^cy may no longer/);
    expect(broke({}, (story) => story.roster(rosterWith("cy", { roles: [] })))?.why).toMatch(/^Cy may no longer/);
  });
  test("is no unused break-glass", () => {
    const story = IncidentScenario.asking();
    const context = { now: story.now, system: SYSTEM, accounts: all };
    expect(flawOfBreak(story.run(), story.gateOf("go"), context)).toMatchObject({ why: "Break-glass was not used" });
  });
});

describe("what time makes due", () => {
  test("an escalation is not said twice: a person asked again is not reminded at the same moment", () => {
    const story = IncidentScenario.asking(failover({ remindSeconds: 300 })).at(60 + 300);
    expect(gateDue(story.run(), "go", story.now).events.map(({ type }) => type)).toEqual(["gate.escalated"]);
  });

  test.each<[string, (story: IncidentScenario) => void]>([
    ["it is closed", (story) => void story.deny("vera")],
    ["enough have approved", (story) => void story.approve("vera")],
    ["its time is over", (story) => void story.at(60 + 900)],
    ["the run has ended", (story) => void story.asks("ana", { type: "abort", run: "run-1", reason: "x" })],
  ])("no level is passed over when %s", (_when, happens) => {
    const story = IncidentScenario.asking();
    happens(story);
    const gone = new Map(SYSTEM.people.filter(({ id }) => id !== "vera").map(({ id }) => [id, "deactivated"]));
    const context = { now: story.now, system: SYSTEM, gone };
    expect(fallThrough(story.state, story.run(), "go", context)).toEqual([]);
    expect(fallThrough(story.state, story.run(), "check", context)).toEqual([]);
  });

  test("a borrower who is gone does not keep a level filled, though the lender is there", () => {
    const story = IncidentScenario.asking(
      failover({ role: "vp-engineering", quorum: 2, escalate: [{ role: "cto", afterSeconds: 300 }] }),
    );
    lend(story, "vera", "vp-engineering", "oli");
    const level = (gone: Record<string, string>) =>
      fallThrough(story.state, story.run(), "go", {
        ...{ now: story.now, system: SYSTEM, gone: new Map(Object.entries(gone)) },
      }).length;
    expect(level({})).toBe(0);
    expect(level({ oli: "away" })).toBe(0);
    expect(level({ vera: "away" })).toBe(1);
    expect(level({ duo: "away" })).toBe(1);
  });
});

describe("what is refused in so many words", () => {
  test("to approve what a break-glass has decided", () => {
    const story = IncidentScenario.asking().silent();
    story.asks("cy", { type: "breakGlass", run: "run-1", ask: "ask-1", reason: "Nobody" });
    story.asks("oli", { type: "confirmBreak", run: "run-1", ask: "ask-1" });
    expect(story.approve("vera")).toMatchObject({
      problem: { code: "already-decided", what: expect.stringContaining("by break-glass") },
    });
  });

  test("to review another request than the one overridden by break-glass", () => {
    const story = IncidentScenario.asking().silent();
    story.asks("cy", { type: "breakGlass", run: "run-1", ask: "ask-1", reason: "Nobody" });
    story.asks("oli", { type: "confirmBreak", run: "run-1", ask: "ask-1" });
    story.at(90).requested(plan([[gate("go")], [action("a")]], { resources: ["other"] }), { run: "run-2" });
    const reviews = (run: string, ask: string) =>
      codeOf(story.asks("vera", { type: "review", run, ask, finding: "ok" }));
    expect(reviews("run-2", "ask-1")).toBe("nothing-to-review");
    expect(reviews("run-1", "ask-2")).toBe("nothing-to-review");
    expect(reviews("run-1", "ask-1")).toBe("accepted");
  });

  test("to delegate a role when all is over", () => {
    const story = new IncidentScenario().declared();
    story.asks("cy", { type: "resolve", summary: null });
    expect(codeOf(lend(story, "bo", "database-administrator", "oli"))).toBe("incident-over");
  });

  test("to wait for a second person where there is none any more", () => {
    const story = IncidentScenario.asking().silent();
    const breaks = () => codeOf(story.asks("cy", { type: "breakGlass", run: "run-1", ask: "ask-1", reason: "Nobody" }));
    expect(breaks()).toBe("accepted");
    expect(breaks()).toBe("second-awaited");
    story.roster({ ...SYSTEM, people: SYSTEM.people.filter(({ id }) => id === "cy" || id === "ana") });
    expect(breaks()).toBe("accepted");
    expect(story.gateOf("go").broken).toMatchObject({ second: null, alone: "no one else could confirm it" });
  });
});
