import { describe, expect, test } from "@jest/globals";
import type { SignedDecision } from "../../src/incident/commands.ts";
import type { Actor } from "../../src/incident/events.ts";
import { isHandled } from "../../src/incident/evolve.ts";
import { sayProblem } from "../../src/lib/errors.ts";
import {
  action,
  byPerson,
  codeOf,
  failover,
  gate,
  IncidentScenario,
  plan,
  rosterWith,
  startCode,
} from "../support/incident-scenario.ts";

const stranger: Actor = { kind: "person", person: null, slackUser: "U_NOBODY", name: "Nobody", door: "slack" };

describe("who may approve", () => {
  const rows: readonly [given: string, who: string | Actor, then: string][] = [
    ["holds the gate's role", "bo", "accepted"],
    ["holds a later level's role, before that level was asked", "vera", "accepted"],
    ["holds the gate's role and a later one", "duo", "accepted"],
    ["is the requester", "ana", "gate-requester"],
    ["is the requester under another account", byPerson("ana", "U_ANA_PHONE"), "gate-requester"],
    [
      "is the requester, and the door saw only the account",
      { kind: "person", person: null, slackUser: "U_ANA_PHONE", name: "ana2", door: "slack" },
      "gate-requester",
    ],
    [
      "is the requester at the other door",
      { kind: "person", person: "ana", slackUser: null, name: "Ana", door: "cli" },
      "gate-requester",
    ],
    ["holds no role of this gate (a lower level)", "oli", "gate-role"],
    ["holds a higher role that this gate does not name", "tess", "gate-role"],
    ["is not on the roster", stranger, "not-on-roster"],
    [
      "carries the display name of somebody who may",
      { kind: "person", person: null, slackUser: "U_FAKE", name: "Vera", door: "slack" },
      "not-on-roster",
    ],
    [
      "claims a person with somebody else's account",
      { kind: "person", person: "vera", slackUser: "U_OLI", name: "Vera", door: "slack" },
      "not-on-roster",
    ],
    [
      "names neither person nor account",
      { kind: "person", person: null, slackUser: null, name: "", door: "cli" },
      "not-on-roster",
    ],
    ["is the bot", { kind: "bot" }, "not-on-roster"],
  ];
  test.each(rows)("given one who %s", (_given, who, then) => {
    const story = IncidentScenario.asking();
    expect(codeOf(story.approve(who))).toBe(then);
    expect(story.gateOf("go").approvals).toHaveLength(then === "accepted" ? 1 : 0);
    expect(startCode(story.mayStart("fence"))).toBe(then === "accepted" ? "ok" : "quorum-missing");
  });

  test.each(["a guest", "deactivated", "from another workspace", "a bot", "the look-up failed"])(
    "given a blocked account: %s, though the roster names them",
    (why) => {
      const story = IncidentScenario.asking();
      const outcome = story.approve("bo", "ask-1", { blocked: why });
      expect(codeOf(outcome)).toBe("account-blocked");
      expect(codeOf(story.deny("bo", "ask-1", { blocked: why }))).toBe("account-blocked");
      expect(story.gateOf("go")).toMatchObject({ approvals: [], outcome: "open" });
    },
  );

  test("an account that two people claim is no one's", () => {
    const story = IncidentScenario.asking();
    story.system = rosterWith("oli", { slack: ["U_BO"] });
    expect(codeOf(story.approve("bo"))).toBe("not-on-roster");
  });

  test("one who gives no name is no one, even where there is only one person", () => {
    const story = IncidentScenario.asking();
    story.system = { ...story.system, people: story.system.people.filter((person) => person.id === "bo") };
    expect(codeOf(story.approve({ kind: "person", person: null, slackUser: null, name: "", door: "cli" }))).toBe(
      "not-on-roster",
    );
  });

  test("an empty role means no one, not everyone", () => {
    const story = IncidentScenario.asking(failover({ role: "night-watch", escalate: [] }));
    for (const who of ["ana", "bo", "cy", "vera", "duo", "tess", "oli"])
      expect(codeOf(story.approve(who))).toBe(who === "ana" ? "gate-requester" : "gate-role");
    expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
  });

  test("a role given after the question was asked does not count, and one taken away does not either", () => {
    const story = IncidentScenario.asking();
    story.system = rosterWith("oli", { roles: ["database-administrator"] });
    expect(codeOf(story.approve("oli"))).toBe("gate-added-later");
    story.system = rosterWith("bo", { roles: [] });
    expect(codeOf(story.approve("bo"))).toBe("gate-role");
  });

  test("a role taken during the incident is not authority over a gate", () => {
    const story = IncidentScenario.asking(failover({ role: "scribe", escalate: [] }));
    story.asks("oli", { type: "assignRole", role: "scribe", person: "oli", note: null });
    expect(codeOf(story.approve("oli"))).toBe("gate-role");
  });

  test("a gate with step-up needs a code to approve, and none to deny", () => {
    const story = IncidentScenario.asking(failover({ stepUp: true }));
    expect(codeOf(story.approve("bo"))).toBe("step-up-needed");
    expect(codeOf(story.approve("bo", "ask-1", { provedAfresh: true }))).toBe("accepted");
    expect(codeOf(story.deny("vera"))).toBe("accepted");
  });

  test("an approval of such a gate that was written without a code starts nothing", () => {
    const story = IncidentScenario.asking(failover({ stepUp: true }));
    const { planHash, factsHash } = story.gateOf("go");
    const data = { step: "go", ask: "ask-1", person: "bo", role: "database-administrator", planHash, factsHash };
    story.happened({ type: "gate.approved", data });
    expect(startCode(story.mayStart("fence"))).toBe("gate-voided");
  });
});

describe("one person counts once", () => {
  test("fifty clicks of one person are one approval, and each is answered", () => {
    const story = IncidentScenario.asking(failover({ quorum: 2 }));
    const codes = Array.from({ length: 50 }, () => codeOf(story.approve("bo")));
    expect(codes).toEqual(["accepted", ...Array(49).fill("already-decided")]);
    expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
  });

  test("a click that was handled is known by its key, and by nothing shorter or longer", () => {
    const story = IncidentScenario.asking();
    story.approve("bo", "ask-1", { key: "click-1" });
    story.approve("bo", "ask-1", { key: "click-22" });
    expect(["click-1", "click-22", "click-2", "click", "click-1/gate"].map((key) => isHandled(story.log, key))).toEqual(
      [true, true, false, false, false],
    );
  });

  test("two roles and two accounts are still one person", () => {
    const story = IncidentScenario.asking(failover({ quorum: 2 }));
    expect(codeOf(story.approve(byPerson("duo", "U_DUO")))).toBe("accepted");
    expect(codeOf(story.approve(byPerson("duo", "U_DUO_2")))).toBe("already-decided");
    expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
  });

  test("a quorum of two is two people", () => {
    const story = IncidentScenario.asking(failover({ quorum: 2 }));
    story.approve("bo");
    expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
    story.approve("vera");
    expect(startCode(story.mayStart("fence"))).toBe("ok");
  });

  test("after enough, the next is told by whom it was decided", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    const outcome = story.approve("vera");
    expect(outcome.kind === "refused" && sayProblem(outcome.problem)).toBe("Gate go: Already decided by Bo.");
  });
});

describe("when an approval is taken", () => {
  test.each([
    [899.999, "accepted"],
    [900, "gate-expired"],
    [900.001, "gate-expired"],
  ])("%d s after the question, of 900", (after, then) => {
    const story = IncidentScenario.asking();
    story.at(60 + after);
    expect(codeOf(story.approve("bo"))).toBe(then);
  });

  test("an ask that has been replaced is dead, and its newer one is not decided by it", () => {
    const story = IncidentScenario.asking();
    story.at(960).timePasses().at(970).asks("ana", { type: "retryStep", run: "run-1", step: "go" });
    story.gateOpened("go", "ask-2");
    expect(codeOf(story.approve("bo", "ask-1"))).toBe("ask-superseded");
    expect(codeOf(story.deny("bo", "ask-1"))).toBe("ask-superseded");
    expect(story.gateOf("go")).toMatchObject({ ask: "ask-2", approvals: [], outcome: "open", earlier: ["ask-1"] });
    expect(codeOf(story.approve("bo", "ask-2"))).toBe("accepted");
  });

  test("approvals of an earlier ask are not carried over", () => {
    const story = IncidentScenario.asking(failover({ quorum: 2 }));
    story.approve("bo");
    story.preflighted({ factsHash: "facts-2" }).timePasses().gateOpened("go", "ask-2");
    story.approve("vera", "ask-2");
    expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
  });

  test("after the facts have changed, the old question is no longer answered", () => {
    const story = IncidentScenario.asking();
    story.preflighted({ factsHash: "facts-2" });
    expect(codeOf(story.approve("bo"))).toBe("facts-changed");
    expect(story.timePasses().gateOf("go").outcome).toBe("voided");
    expect(codeOf(story.approve("bo"))).toBe("ask-void");
  });

  test("an ask that shows another plan than the run's is not answered, and is void", () => {
    const story = IncidentScenario.asking();
    const { approvers } = story.gateOf("go");
    story.preflighted({ factsHash: "facts-2" }).timePasses();
    const expiresAt = new Date(story.now.getTime() + 900_000).toISOString();
    const shown = { planHash: "another", factsHash: "facts-2", loss: "nothing", expiresAt, escalate: [], approvers };
    story.happened({
      type: "gate.opened",
      data: { step: "go", ask: "ask-2", role: "database-administrator", quorum: 1, ...shown },
    });
    expect(codeOf(story.approve("bo", "ask-2"))).toBe("plan-changed");
    expect(startCode(story.mayStart("fence"))).toBe("plan-changed");
    expect(story.timePasses().gateOf("go").outcome).toBe("voided");
  });

  test("an ask of another run, and one no one asked, are unknown", () => {
    const story = IncidentScenario.asking();
    story.requested(failover(), { run: "run-2" }).preflighted({}, "run-2").done("check", "run-2");
    story.gateOpened("go", "ask-of-2", "run-2");
    expect(codeOf(story.approve("bo", "ask-of-2"))).toBe("ask-unknown");
    expect(codeOf(story.approve("bo", "ask-1", {}, "run-2"))).toBe("ask-unknown");
    expect(codeOf(story.approve("bo", "made-up"))).toBe("ask-unknown");
    expect(codeOf(story.approve("bo", "ask-1", {}, "run-9"))).toBe("run-unknown");
    expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
    expect(startCode(story.mayStart("fence", {}, "run-2"))).toBe("quorum-missing");
  });

  test("nothing is approved in a run that has ended", () => {
    const story = IncidentScenario.asking();
    story.asks("ana", { type: "abort", run: "run-1", reason: "false alarm" });
    expect(codeOf(story.approve("bo"))).toBe("run-ended");
  });
});

describe("deny against approve", () => {
  test("deny, then approve: denied", () => {
    const story = IncidentScenario.asking();
    expect(codeOf(story.deny("vera"))).toBe("accepted");
    const outcome = story.approve("bo");
    expect(outcome.kind === "refused" && sayProblem(outcome.problem)).toBe(
      "Gate go: Already decided: Denied by Vera: not tonight.",
    );
    expect(startCode(story.mayStart("fence"))).toBe("gate-denied");
    expect(story.run().status).toBe("stopped");
  });

  test("approve, then deny before the start: denied", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    expect(startCode(story.mayStart("fence"))).toBe("ok");
    expect(codeOf(story.deny("vera"))).toBe("accepted");
    expect(startCode(story.mayStart("fence"))).toBe("gate-denied");
  });

  test("one may take one's own approval back, as long as nothing has started", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    expect(codeOf(story.deny("bo"))).toBe("accepted");
    expect(startCode(story.mayStart("fence"))).toBe("gate-denied");
  });

  test("approve, start, then deny: too late, and told to abort instead", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.starts("fence");
    const outcome = story.deny("vera");
    expect(codeOf(outcome)).toBe("too-late");
    expect(outcome.kind === "refused" && outcome.problem.allowed).toBe("The run can be paused or aborted instead");
    expect(codeOf(story.approve("duo"))).toBe("too-late");
  });

  test("the requester may say no to their own request, when they hold a deciding role", () => {
    expect(codeOf(IncidentScenario.asking().deny("ana"))).toBe("accepted");
  });

  test.each(["oli", "tess"])("one without a deciding role may not deny (%s)", (who) => {
    expect(codeOf(IncidentScenario.asking().deny(who))).toBe("gate-role");
  });

  test("someone who was given the role later may deny, and a denial needs no unchanged facts", () => {
    const story = IncidentScenario.asking();
    story.system = rosterWith("oli", { roles: ["database-administrator"] });
    story.preflighted({ factsHash: "facts-2" });
    expect(codeOf(story.deny("oli"))).toBe("accepted");
  });
});

describe("every refusal", () => {
  test("is an event that says who, which question, why, and what would be allowed", () => {
    const story = IncidentScenario.asking();
    story.approve(byPerson("ana", "U_ANA_PHONE"), "ask-1", { key: "click-7" });
    expect(story.log.at(-1)).toMatchObject({
      type: "approval.refused",
      key: "click-7/approval.refused",
      run: "run-1",
      actor: { person: "ana", name: "Ana", slackUser: "U_ANA_PHONE", door: "slack" },
      data: {
        step: "go",
        ask: "ask-1",
        who: "ana",
        decision: "approve",
        code: "gate-requester",
        says:
          "Gate go: You requested this run, so you can't approve it from any account. " +
          "Bo, Cy, Vera or Duo may approve it.",
      },
    });
  });

  test("names no one where no one may", () => {
    const story = IncidentScenario.asking(
      plan([
        [action("check", { risk: "read" })],
        [gate("go", { role: "night-watch", escalate: [] })],
        [action("fence")],
      ]),
    );
    const outcome = story.approve("bo");
    expect(outcome.kind === "refused" && outcome.problem.allowed).toBe("No one on the roster may decide it now");
  });

  test("names no one whose accounts are all closed, and lets them decide all the same if they do", () => {
    const unreachable = new Set(["U_CY", "U_DUO"]);
    const allowed = (who: string) => {
      const outcome = IncidentScenario.asking().approve(who, "ask-1", { unreachable });
      return outcome.kind === "refused" ? outcome.problem.allowed : "accepted";
    };
    expect(allowed("ana")).toBe("Bo, Vera or Duo may approve it");
    expect(allowed("oli")).toBe("Bo, Vera or Duo may decide it");
    expect(allowed("cy")).toBe("accepted");
  });

  test("what an account calls itself is not written down", () => {
    const story = IncidentScenario.asking();
    story.approve({ kind: "person", person: null, slackUser: "U_BO", name: "The CEO", door: "slack" });
    expect(story.log.at(-1)?.actor).toEqual({
      kind: "person",
      person: "bo",
      slackUser: "U_BO",
      name: "Bo",
      door: "slack",
    });
  });
});

describe("an authenticator that counts by endorsement", () => {
  const asking = () => IncidentScenario.asking(failover({ stepUp: true, quorum: 2 }));
  const proved = (vouchedBy: string | null) => ({ provedAfresh: true, vouchedBy });

  test("is recorded with whose word it was", () => {
    const story = asking();
    expect(codeOf(story.approve("bo", "ask-1", proved("oli")))).toBe("accepted");
    expect(story.gateOf("go").approvals).toMatchObject([{ person: "bo", proved: true, vouchedBy: "oli" }]);
  });

  test("not of the requester of the run, nor of someone who is no longer there, nor one's own; at the start neither", () => {
    const story = asking();
    expect(codeOf(story.approve("bo", "ask-1", proved("ana")))).toBe("proof-vouched-by-same");
    expect(codeOf(story.approve("bo", "ask-1", proved("zoe")))).toBe("proof-vouched-by-same");
    expect(codeOf(story.approve("bo", "ask-1", proved("bo")))).toBe("proof-vouched-by-same");
    story.approve("bo", "ask-1", proved("oli"));
    story.approve("vera", "ask-1", proved(null));
    expect(startCode(story.mayStart("fence"))).toBe("ok");
    expect(startCode(story.mayStart("fence", { system: rosterWith("oli", null) }))).toBe("gate-voided");
  });

  test("counts once together with its voucher's own approval, in either order", () => {
    for (const [first, second] of [
      [
        ["bo", proved("vera")],
        ["vera", proved(null)],
      ],
      [
        ["vera", proved(null)],
        ["bo", proved("vera")],
      ],
    ] as const) {
      const story = asking();
      expect(codeOf(story.approve(first[0], "ask-1", first[1]))).toBe("accepted");
      expect(codeOf(story.approve(second[0], "ask-1", second[1]))).toBe("proof-vouched-by-same");
      expect(codeOf(story.approve("cy", "ask-1", proved(null)))).toBe("accepted");
    }
  });
});

describe("a decision that was signed", () => {
  const record = { key: "SHA256:key", statement: "{}", signature: "-----BEGIN SSH SIGNATURE-----" };

  function signed(story: IncidentScenario, other: Partial<SignedDecision> = {}) {
    const { ask, planHash, factsHash } = story.gateOf("go");
    return { signed: { run: "run-1", ask, planHash, factsHash, userVerified: true, record, ...other } };
  }

  test("is the one it was signed for: this run, request, plan and facts, or nothing", () => {
    const story = IncidentScenario.asking();
    for (const other of [{ run: "run-2" }, { ask: "ask-2" }, { planHash: "another" }, { factsHash: "facts-2" }]) {
      expect(codeOf(story.approve("bo", "ask-1", signed(story, other)))).toBe("signed-other");
      expect(codeOf(story.deny("bo", "ask-1", signed(story, other)))).toBe("signed-other");
    }
    expect(story.gateOf("go")).toMatchObject({ outcome: "open", approvals: [] });
    expect(codeOf(story.approve("bo", "ask-1", signed(story)))).toBe("accepted");
    expect(story.log.at(-1)).toMatchObject({ type: "gate.approved", data: { signed: record, proved: false } });
    expect(codeOf(story.deny("bo", "ask-1", signed(story)))).toBe("accepted");
    expect(story.log.at(-1)).toMatchObject({ type: "gate.denied", data: { signed: record } });
  });
});
