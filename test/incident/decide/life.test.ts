import { describe, expect, test } from "@jest/globals";
import type { IncidentCommand } from "../../../src/incident/commands.ts";
import type { Actor } from "../../../src/incident/events.ts";
import { hashOf } from "../../../src/lib/canonical.ts";
import { sayProblem } from "../../../src/lib/errors.ts";
import { action, codeOf, failover, gate, IncidentScenario, MIDNIGHT, plan } from "../../support/incident-scenario.ts";

const stranger: Actor = { kind: "person", person: null, slackUser: "U_NEW", name: "New", door: "slack" };

function declaring(more: Partial<Extract<IncidentCommand, { type: "declare" }>> = {}): IncidentCommand {
  const base = { type: "declare", title: "Checkout fails", system: "shop", severity: "P1", kind: "real" } as const;
  return { ...base, impactStartedAt: null, announceIn: null, ...more };
}

describe("declare", () => {
  test.each([
    ["a title and a system", {}, "accepted"],
    ["no title", { title: " \u200b\n " }, "title-missing"],
    ["another system", { system: "mimir" }, "system-unknown"],
    ["a severity this system does not know", { severity: "P3" }, "severity-unknown"],
    ["an impact that has started", { impactStartedAt: new Date(MIDNIGHT) }, "accepted"],
    ["an impact that starts later", { impactStartedAt: new Date(MIDNIGHT + 1) }, "impact-later"],
    ["an impact at no time at all", { impactStartedAt: new Date(Number.NaN) }, "impact-later"],
  ] as const)("with %s", (_given, more, then) => {
    expect(codeOf(new IncidentScenario().asks("ana", declaring(more)))).toBe(then);
  });

  test("is for everyone but blocked accounts", () => {
    expect(codeOf(new IncidentScenario().asks(stranger, declaring()))).toBe("accepted");
    expect(codeOf(new IncidentScenario().asks("ana", declaring(), { blocked: "guests can't" }))).toBe(
      "account-blocked",
    );
  });

  test("happens once", () => {
    const story = new IncidentScenario().declared();
    expect(codeOf(story.asks("bo", declaring()))).toBe("already-declared");
  });

  test("keeps what people typed readable and nothing else of it", () => {
    const story = new IncidentScenario();
    story.asks("ana", declaring({ title: `  Paying\r\nis \u202eslow\u0007 ${"x".repeat(200)}` }));
    expect(story.state.declared?.title).toMatch(/^Paying is slow x+…$/);
    expect([...(story.state.declared?.title ?? "")]).toHaveLength(150);
  });
});

const STATUSES = ["investigating", "identified", "mitigating", "monitoring"] as const;

describe("status", () => {
  test.each(STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const)))("%s → %s", (from, to) => {
    const story = new IncidentScenario().declared();
    if (from !== "investigating") story.asks("ana", { type: "changeStatus", to: from });
    expect(codeOf(story.asks("ana", { type: "changeStatus", to }))).toBe(from === to ? "status-same" : "accepted");
    expect(story.state.status).toBe(to);
  });

  const RESOLVE: IncidentCommand = { type: "resolve", summary: null };
  const REOPEN: IncidentCommand = { type: "reopen", reason: "it is back" };
  const CLOSE: IncidentCommand = { type: "close", waived: "A false alarm" };
  const CLOSE_DRAFTED: IncidentCommand = { type: "close", waived: null };
  const POSTMORTEM: IncidentCommand = { type: "draftPostmortem" };
  const MONITOR: IncidentCommand = { type: "changeStatus", to: "monitoring" };
  const SEVERITY: IncidentCommand = { type: "changeSeverity", to: "P0", reason: null };
  const ROLE: IncidentCommand = { type: "assignRole", role: "scribe", person: "oli", note: null };
  const NOTE: IncidentCommand = { type: "note", text: "It came back", happenedAt: null, link: null };
  const RUN: IncidentCommand = runOf();

  const rows: readonly (readonly [string, IncidentCommand[], IncidentCommand, string, string])[] = [
    ["open", [], RESOLVE, "accepted", "resolved"],
    ["open", [], REOPEN, "incident-open", "investigating"],
    ["open", [], CLOSE, "incident-open", "investigating"],
    ["open", [], POSTMORTEM, "incident-open", "investigating"],
    ["resolved", [RESOLVE], RESOLVE, "incident-over", "resolved"],
    ["resolved", [RESOLVE], MONITOR, "incident-over", "resolved"],
    ["resolved", [RESOLVE], SEVERITY, "incident-over", "resolved"],
    ["resolved", [RESOLVE], ROLE, "incident-over", "resolved"],
    ["resolved", [RESOLVE], NOTE, "accepted", "resolved"],
    ["resolved", [RESOLVE], POSTMORTEM, "accepted", "resolved"],
    ["resolved", [RESOLVE], REOPEN, "accepted", "investigating"],
    ["resolved", [RESOLVE], { type: "reopen", reason: " " }, "reason-missing", "resolved"],
    ["resolved", [RESOLVE], CLOSE, "accepted", "closed"],
    ["resolved", [RESOLVE], CLOSE_DRAFTED, "postmortem-missing", "resolved"],
    ["resolved", [RESOLVE], { type: "close", waived: " " }, "postmortem-missing", "resolved"],
    ["resolved", [RESOLVE, POSTMORTEM], CLOSE_DRAFTED, "accepted", "closed"],
    ["closed", [RESOLVE, CLOSE], CLOSE, "status-same", "closed"],
    ["closed", [RESOLVE, CLOSE], RESOLVE, "incident-over", "closed"],
    ["closed", [RESOLVE, CLOSE], RUN, "incident-over", "closed"],
    ["closed", [RESOLVE, CLOSE], REOPEN, "accepted", "investigating"],
  ];
  test.each(rows)("given it is %s (%#)", (_given, before, command, then, status) => {
    const story = new IncidentScenario().declared();
    for (const one of before) story.asks("ana", one);
    expect(codeOf(story.asks("ana", command))).toBe(then);
    expect(story.state.status).toBe(status);
    expect(story.state.resolvedAt === null).toBe(status === "investigating");
  });

  test("resolved and closed are not set like other statuses", () => {
    const outcome = new IncidentScenario().declared().asks("ana", { type: "changeStatus", to: "closed" as never });
    expect(codeOf(outcome)).toBe("status-unknown");
  });

  test("nothing but a declaration is possible where nothing was declared", () => {
    for (const command of [RESOLVE, REOPEN, CLOSE, POSTMORTEM, MONITOR, SEVERITY, ROLE, NOTE, RUN])
      expect(codeOf(new IncidentScenario().asks("ana", command))).toBe("not-declared");
  });

  test("strangers to the roster change nothing, but may leave a note", () => {
    for (const command of [RESOLVE, MONITOR, SEVERITY, ROLE, RUN])
      expect(codeOf(new IncidentScenario().declared().asks(stranger, command))).toBe("not-on-roster");
    expect(codeOf(new IncidentScenario().declared().asks(stranger, NOTE))).toBe("accepted");
  });

  test("blocked accounts do nothing at all", () => {
    for (const command of [RESOLVE, MONITOR, SEVERITY, ROLE, RUN, NOTE, REOPEN, CLOSE])
      expect(codeOf(new IncidentScenario().declared().asks("ana", command, { blocked: "deactivated" }))).toBe(
        "account-blocked",
      );
  });

  test("an incident is not resolved, nor closed, while a run is live, and it says which", () => {
    const story = IncidentScenario.asking();
    const outcome = story.asks("ana", RESOLVE);
    expect(outcome.kind === "refused" && sayProblem(outcome.problem)).toBe(
      'Still in progress: "Failover of the database" (run-1, waiting). An incident can be resolved once no run is in progress. ' +
        "Let it finish, or abort it: `/dr abort <why>`.",
    );
    story.asks("ana", { type: "abort", run: "run-1", reason: "it healed" });
    expect(codeOf(story.asks("ana", RESOLVE))).toBe("accepted");
  });
});

test.each([
  ["P0", "accepted"],
  ["P1", "severity-same"],
  ["P3", "severity-unknown"],
] as const)("severity P1 → %s", (to, then) => {
  const story = new IncidentScenario().declared();
  expect(codeOf(story.asks("oli", { type: "changeSeverity", to, reason: "worse" }))).toBe(then);
});

describe("roles", () => {
  test.each([
    ["one the roster gives it to", "incident-commander", "cy", "accepted"],
    ["one the roster gives it not to", "incident-commander", "bo", "role-not-theirs"],
    ["anybody on the roster, where it gives it to nobody", "scribe", "bo", "accepted"],
    ["somebody who is not on the roster", "scribe", "zoe", "person-unknown"],
    ["one who holds a standing authority", "vp-engineering", "vera", "role-standing"],
    ["a role there is not", "king", "cy", "role-unknown"],
  ])("go to %s", (_given, role, person, then) => {
    const story = new IncidentScenario().declared();
    expect(codeOf(story.asks("ana", { type: "assignRole", role, person, note: null }))).toBe(then);
    expect(story.state.roles.get(role)).toBe(then === "accepted" ? person : undefined);
  });

  test("are handed over, and not taken twice", () => {
    const story = new IncidentScenario().declared();
    const give = (person: string) => story.asks("ana", { type: "assignRole", role: "scribe", person, note: "shift" });
    expect([give("bo"), give("oli"), give("oli")].map(codeOf)).toEqual(["accepted", "accepted", "role-held"]);
  });

  test("a refusal says who may take it", () => {
    const story = new IncidentScenario().declared();
    const outcome = story.asks("ana", { type: "assignRole", role: "incident-commander", person: "bo", note: null });
    expect(outcome.kind === "refused" && outcome.problem.allowed).toBe("Cy may take it");
  });
});

describe("notes", () => {
  test.each([
    ["text", "The lag is 3 s", null, "accepted"],
    ["nothing", "\u0000\u200d ", null, "note-empty"],
    ["a time that was", "Seen", new Date(MIDNIGHT - 1000), "accepted"],
    ["a time to come", "Seen", new Date(MIDNIGHT + 1000), "note-later"],
  ])("with %s", (_given, text, happenedAt, then) => {
    const story = new IncidentScenario().declared();
    expect(codeOf(story.asks("oli", { type: "note", text, happenedAt, link: null }))).toBe(then);
  });

  test("keep their lines and lose what hides in them", () => {
    const story = new IncidentScenario().declared();
    story.asks("oli", { type: "note", text: "one\r\ntwo\u2028three\u202e\u0000", happenedAt: null, link: null });
    expect(story.log.at(-1)?.data).toMatchObject({ text: "one\ntwo\nthree" });
  });

  test("are cut where they get too long", () => {
    const story = new IncidentScenario().declared();
    story.asks("oli", { type: "note", text: "🌊".repeat(4000), happenedAt: null, link: null });
    expect(story.log.at(-1)?.data).toMatchObject({ text: `${"🌊".repeat(2999)}…` });
  });
});

function runOf(of = failover(), more: Partial<Extract<IncidentCommand, { type: "requestRun" }>> = {}): IncidentCommand {
  const base = { type: "requestRun", run: "run-1", plan: of, planHash: hashOf(of), mode: of.mode } as const;
  return { ...base, dryRun: false, announceIn: null, ...more };
}

describe("a run is requested", () => {
  const ungated = plan([[action("check", { risk: "read" }), action("fence")], [gate("go")], [action("promote")]]);
  test.each([
    ["with a plan for this system", runOf(), "accepted"],
    ["with a plan its hash does not name", runOf(failover(), { planHash: hashOf("other") }), "plan-hash"],
    ["in another mode than the plan's", runOf(failover(), { mode: "planned" }), "plan-hash"],
    ["for another system", runOf(plan([], { system: "mimir", systemTitle: "Mimir" })), "plan-system"],
    ["as a drill in a real incident", runOf(plan([], { kind: "drill" })), "plan-kind"],
    ["with a step that no gate covers", runOf(ungated), "plan-uncovered"],
    ["with a step that no gate covers, dry", runOf(ungated, { dryRun: true }), "accepted"],
  ])("%s", (_given, command, then) => {
    const story = new IncidentScenario().declared();
    if (command.type === "requestRun") story.plans.set(command.planHash, command.plan);
    expect(codeOf(story.asks("ana", command))).toBe(then);
  });

  test("for real in a drill: no", () => {
    expect(codeOf(new IncidentScenario().declared("drill").asks("ana", runOf()))).toBe("plan-kind");
  });

  test("once under one id", () => {
    expect(codeOf(new IncidentScenario().declared().requested().asks("ana", runOf()))).toBe("run-known");
  });

  test("by a person of the roster, whose name is kept, whatever account they used", () => {
    const story = new IncidentScenario().declared();
    story.plans.set(hashOf(failover()), failover());
    story.asks({ kind: "person", person: null, slackUser: "U_ANA_PHONE", name: "phone", door: "slack" }, runOf());
    expect(story.run().requester).toBe("ana");
  });
});
