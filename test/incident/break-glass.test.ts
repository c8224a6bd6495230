import { describe, expect, test } from "@jest/globals";
import { unreviewed } from "../../src/incident/break-glass.ts";
import type { DecideContext } from "../../src/incident/commands.ts";
import { codeOf, failover, IncidentScenario, rosterWith, SYSTEM, startCode } from "../support/incident-scenario.ts";

const vp = (more = {}) => IncidentScenario.asking(failover({ role: "vp-engineering", escalate: [], ...more }));
const breaks = (
  story: IncidentScenario,
  who: string,
  reason: string | null = "nobody answers",
  more: Partial<DecideContext> = {},
) => story.asks(who, { type: "breakGlass", run: "run-1", ask: "ask-1", reason }, more);
const confirms = (story: IncidentScenario, who: string, more: Partial<DecideContext> = {}) =>
  story.asks(who, { type: "confirmBreak", run: "run-1", ask: "ask-1" }, more);

describe("who may use break-glass", () => {
  test.each([
    ["holds a role that may", "cy", "accepted"],
    ["asked for the run, and holds such a role", "ana", "accepted"],
    ["holds another role, though a higher one", "vera", "break-glass-role"],
    ["is not on the roster", "stranger", "not-on-roster"],
  ])("one who %s", (_given, who, then) => {
    expect(codeOf(breaks(vp(), who))).toBe(then);
  });

  test("no one, where the system does not say who", () => {
    const story = vp();
    story.system = { ...SYSTEM, breakGlass: null };
    expect(codeOf(breaks(story, "cy"))).toBe("break-glass-off");
    story.system = {
      ...SYSTEM,
      breakGlass: { roles: [], secondPerson: false, aloneAfterSeconds: 0, lastsSeconds: 600, silentForSeconds: 0 },
    };
    expect(codeOf(breaks(story, "cy"))).toBe("break-glass-role");
  });

  test.each([
    ["a guest", { blocked: "a guest" }, "account-blocked"],
    ["somebody without a reason", {}, "reason-missing"],
  ])("not %s", (_who, more, then) => {
    expect(codeOf(breaks(vp(), "cy", then === "reason-missing" ? "  " : "why", more))).toBe(then);
  });

  test("of a gate with step-up, only who has just proved who they are, the second person too", () => {
    const story = vp({ stepUp: true });
    expect(codeOf(breaks(story, "cy"))).toBe("step-up-needed");
    expect(codeOf(breaks(story, "cy", "why", { provedAfresh: true }))).toBe("accepted");
    expect(codeOf(confirms(story, "oli"))).toBe("step-up-needed");
    expect(codeOf(confirms(story, "oli", { provedAfresh: true }))).toBe("accepted");
    expect(startCode(story.mayStart("fence"))).toBe("ok");
  });
});

test("who vouched for a new authenticator is not the second person beside it, whichever of the two begins", () => {
  for (const [cy, oli] of [
    ["oli", null],
    [null, "cy"],
  ] as const) {
    const story = vp({ stepUp: true });
    expect(codeOf(breaks(story, "cy", "why", { provedAfresh: true, vouchedBy: cy }))).toBe("accepted");
    expect(codeOf(confirms(story, "oli", { provedAfresh: true, vouchedBy: oli }))).toBe("proof-vouched-by-same");
    expect(codeOf(confirms(story, "vera", { provedAfresh: true, vouchedBy: null }))).toBe("accepted");
  }
});

describe("when", () => {
  test("not against a denial, not after the end, not what is decided already", () => {
    const denied = vp();
    denied.deny("vera");
    expect(codeOf(breaks(denied, "cy"))).toBe("already-decided");
    const approved = vp();
    approved.approve("vera");
    expect(codeOf(breaks(approved, "cy"))).toBe("already-decided");
    const late = vp();
    late.at(960);
    expect(codeOf(breaks(late, "cy"))).toBe("gate-expired");
    const other = vp();
    other.preflighted({ factsHash: "facts-2" });
    expect(codeOf(breaks(other, "cy"))).toBe("facts-changed");
    const over = vp();
    over.asks("ana", { type: "abort", run: "run-1", reason: "false alarm" });
    expect(codeOf(breaks(over, "cy"))).toBe("run-ended");
    expect(codeOf(vp().asks("cy", { type: "breakGlass", run: "run-1", ask: "made-up", reason: "why" }))).toBe(
      "ask-unknown",
    );
  });
});

describe("the second person", () => {
  test("is waited for: nothing starts on one word", () => {
    const story = vp();
    breaks(story, "cy");
    expect(story.types().at(-1)).toBe("gate.breakAsked");
    expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
  });

  test.each([
    ["holds a role that may break the glass", "oli", "accepted"],
    ["may decide the gate", "duo", "accepted"],
    ["is the first", "cy", "not-second"],
    ["asked for the run", "ana", "not-second"],
    ["has no part in this", "bo", "not-second"],
  ])("is one who %s", (_given, who, then) => {
    const story = vp();
    breaks(story, "cy");
    expect(codeOf(confirms(story, who))).toBe(then);
    expect(startCode(story.mayStart("fence"))).toBe(then === "accepted" ? "ok" : "quorum-missing");
  });

  test("has nothing to confirm before someone asks", () => {
    expect(codeOf(confirms(vp(), "oli"))).toBe("nothing-to-confirm");
  });

  test.each([
    [299.999, "second-awaited"],
    [300, "accepted"],
  ])("%d s after no one came, of 300", (after, then) => {
    const story = vp();
    breaks(story, "cy");
    story.at(60 + after);
    expect(codeOf(breaks(story, "cy", null))).toBe(then);
    const { broken } = story.gateOf("go");
    if (then === "accepted") expect(broken).toMatchObject({ person: "cy", second: null, reason: "nobody answers" });
    if (then === "accepted") expect(broken?.alone).toContain("no one has confirmed since 00:01:00");
    else expect(broken).toBeNull();
  });

  test("another first does not take over the first one's waiting", () => {
    const story = vp();
    breaks(story, "cy");
    story.at(400);
    expect(codeOf(breaks(story, "ana"))).toBe("accepted");
    expect(story.gateOf("go")).toMatchObject({ broken: null, breaking: { person: "ana" } });
  });

  test("is not waited for where there is no one, or where none is requested; that is recorded", () => {
    const lonely = vp({ role: "vp-engineering" });
    lonely.system = { ...SYSTEM, people: SYSTEM.people.filter(({ id }) => id === "ana" || id === "cy") };
    breaks(lonely, "cy");
    expect(lonely.gateOf("go").broken).toMatchObject({ second: null, alone: "no one else could confirm it" });
    const trusting = vp();
    const { breakGlass } = SYSTEM;
    trusting.system = { ...SYSTEM, breakGlass: breakGlass ? { ...breakGlass, secondPerson: false } : null };
    breaks(trusting, "cy");
    expect(trusting.gateOf("go").broken).toMatchObject({ second: null, alone: "no second person is needed here" });
  });
});

describe("what a break-glass is worth", () => {
  const broken = () => {
    const story = vp();
    breaks(story, "cy");
    confirms(story, "oli");
    return story;
  };

  test("one gate of one run, once: the start is by both", () => {
    const story = broken();
    expect(story.starts("fence")).toMatchObject({ ok: true });
    expect(story.log.find(({ type }) => type === "gate.passed")?.data).toMatchObject({ people: ["cy", "oli"] });
  });

  test("nothing in another run", () => {
    const story = broken();
    story.requested(failover({ role: "vp-engineering", escalate: [] }), { run: "run-2" });
    story.preflighted({}, "run-2").done("check", "run-2").gateOpened("go", "ask-2", "run-2");
    expect(startCode(story.mayStart("fence", {}, "run-2"))).toBe("quorum-missing");
  });

  test("nothing after a denial", () => {
    const story = broken();
    story.deny("vera");
    expect(startCode(story.mayStart("fence"))).toBe("gate-denied");
  });

  test.each([
    ["the facts moved", (_: IncidentScenario) => {}, { factsHash: "facts-2" }, "facts-changed"],
    ["another plan is at hand", (_: IncidentScenario) => {}, { planHash: "another" }, "plan-changed"],
    ["its time is over", (story: IncidentScenario) => void story.at(660), {}, "gate-voided"],
    [
      "the first may no longer",
      (story: IncidentScenario) => story.roster(rosterWith("cy", { roles: [] })),
      {},
      "gate-voided",
    ],
    ["the second is gone", (story: IncidentScenario) => story.roster(rosterWith("oli", null)), {}, "gate-voided"],
    [
      "the first is deactivated",
      (_: IncidentScenario) => {},
      {
        accounts: new Map([
          ["cy", "deactivated"],
          ["oli", null],
        ]),
      },
      "gate-voided",
    ],
    [
      "the second is deactivated",
      (_: IncidentScenario) => {},
      {
        accounts: new Map([
          ["cy", null],
          ["oli", "deactivated"],
        ]),
      },
      "gate-voided",
    ],
    [
      "the first was not looked up",
      (_: IncidentScenario) => {},
      { accounts: new Map([["oli", null]]) },
      "standing-unknown",
    ],
    [
      "the second was not looked up",
      (_: IncidentScenario) => {},
      { accounts: new Map([["cy", null]]) },
      "standing-unknown",
    ],
  ])("nothing when %s", (_when, change, more, then) => {
    const story = broken();
    change(story);
    expect(startCode(story.mayStart("fence", more as never))).toBe(then);
  });

  test("a written event that claims more than it may opens nothing", () => {
    const { planHash, factsHash } = vp().gateOf("go");
    const data = {
      step: "go",
      ask: "ask-1",
      person: "cy",
      role: "incident-commander",
      reason: "x",
      planHash,
      factsHash,
    };
    const until = new Date(vp().now.getTime() + 600_000).toISOString();
    const forged = (more: object) => {
      const story = vp();
      story.happened({ type: "gate.broken", data: { ...data, second: null, alone: null, until, ...more } } as never);
      return startCode(story.mayStart("fence"));
    };
    expect(forged({})).toBe("gate-voided");
    expect(forged({ second: "cy" })).toBe("gate-voided");
    expect(forged({ person: "vera", second: "oli" })).toBe("gate-voided");
    expect(forged({ second: "oli", planHash: "another" })).toBe("quorum-missing");
    expect(forged({ second: "oli" })).toBe("ok");
  });
});

describe("the review", () => {
  const used = () => {
    const story = vp();
    breaks(story, "cy");
    confirms(story, "oli");
    story.starts("fence");
    return story;
  };
  const reviews = (story: IncidentScenario, who: string, finding = "It was right") =>
    story.asks(who, { type: "review", run: "run-1", ask: "ask-1", finding });

  test.each([
    ["the first", "cy", "review-own"],
    ["the second", "oli", "review-own"],
    ["the requester of the run", "ana", "review-own"],
    ["a stranger", "stranger", "not-on-roster"],
    ["anybody else", "vera", "accepted"],
  ])("by %s", (_who, who, then) => {
    const story = used();
    expect(codeOf(reviews(story, who))).toBe(then);
    expect(unreviewed(story.state)).toHaveLength(then === "accepted" ? 0 : 1);
  });

  test("says something, and is made once", () => {
    const story = used();
    expect(codeOf(reviews(story, "vera", " "))).toBe("finding-missing");
    reviews(story, "vera");
    expect(codeOf(reviews(story, "bo"))).toBe("nothing-to-review");
    expect(codeOf(vp().asks("vera", { type: "review", run: "run-1", ask: "ask-1", finding: "x" }))).toBe(
      "nothing-to-review",
    );
  });

  test("is still to be made when the run is over, and keeps the incident from being closed", () => {
    const story = used();
    story.done("fence").starts("promote");
    story.done("promote").asks("ana", { type: "abort", run: "run-1", reason: "enough" });
    story.asks("ana", { type: "resolve", summary: null });
    expect(codeOf(story.asks("vera", { type: "close", waived: "x" }))).toBe("review-missing");
    expect(codeOf(reviews(story, "vera"))).toBe("accepted");
    expect(codeOf(story.asks("vera", { type: "close", waived: "x" }))).toBe("accepted");
  });

  test("is due though the question was asked again", () => {
    const story = vp();
    breaks(story, "cy");
    confirms(story, "oli");
    story.preflighted({ factsHash: "facts-2" }).timePasses().gateOpened("go", "ask-2");
    expect(unreviewed(story.state).map(({ broke }) => broke.ask)).toEqual(["ask-1"]);
  });
});
