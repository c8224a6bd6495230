import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { commands, commandTable } from "../../commands/index.ts";
import { createPracticeClock } from "../../practice/session/clock.ts";
import type { RoleObservation } from "../../src/catalog/roles.ts";
import { idFor } from "../../src/lib/id-for.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { Store } from "../../src/timeline/index.ts";
import { seen } from "../support/orders-system.ts";
import { keepPages } from "../support/printed-page.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));

let store: Store;
let app: TestApp;

storeForEach((fresh) => {
  store = fresh;
  app = new TestApp(store);
});

/** The store's clock, as practice moves it. */
async function moveTo(then: string): Promise<void> {
  const clock = createPracticeClock(store.url);
  const left = () => Math.round((Date.parse(then) - Date.now()) / 1000);
  for (let ahead = 0; left() - ahead > 60; ) ahead = await clock.moveForward(Math.min(left() - ahead, 366 * 86_400));
}

const ready = { ...seen, facts: [], checks: [] };

describe("a night", () => {
  test("from nothing to a post-mortem", async () => {
    const incident = idFor("inc", "failover-key");
    const run = idFor("run", "failover-key");
    await app.ask("alex", "");
    await app.ask("alex", "failover database --unplanned", { key: "failover-key" });
    app.remark("Slack has made the channel");
    app.channels.set(incident, "C0INCNIGHT");
    await app.ask("sam", "role take commander", { channel: "C0INCNIGHT" });
    await app.ask("sam", "role assign comms-lead <@UCASS|cass>", { channel: "C0INCNIGHT" });
    await app.ask("alex", "status", { channel: "C0INCNIGHT" });
    app.remark("the engine has looked, and asks");
    await app.engine(run, { type: "run.preflighted", data: ready });
    await app.open(run, "approve", "ask-first");
    await app.press("alex", "gate.approve", `${run}/ask-first`, { channel: "C0INCNIGHT" });
    await app.ask("sam", "approve", { channel: "C0INCNIGHT" });
    await app.press("sam", "gate.approve", `${run}/ask-first`, { channel: "C0INCNIGHT" });
    await app.press("sam", "gate.approve", `${run}/ask-first`, { channel: "C0INCNIGHT" });
    await app.ask("cass", "note --at 02:41 First alert came in, see <!channel>", { channel: "C0INCNIGHT" });
    await app.ask("sam", "severity P0 Nobody can order", { channel: "C0INCNIGHT" });
    await app.ask("sam", "resolve", { channel: "C0INCNIGHT" });
    await app.press("sam", "run.abort", run, { channel: "C0INCNIGHT", canAskForm: true });
    await app.press("cass", "run.abort", run, { channel: "C0INCNIGHT", form: { reason: "I am afraid" } });
    await app.press("alex", "run.abort", run, { channel: "C0INCNIGHT", form: { reason: "The primary is back" } });
    await app.press("sam", "run.abort", run, { channel: "C0INCNIGHT", form: { reason: "The primary is back" } });
    await app.ask("sam", "resolve Power is back", { channel: "C0INCNIGHT" });
    await app.ask("sam", "timeline", { channel: "C0INCNIGHT" });
    await app.ask("sam", "postmortem", { channel: "C0INCNIGHT" });
    await app.ask("sam", "reopen", { channel: "C0INCNIGHT" });
    await app.ask("sam", "reopen Errors are back", { channel: "C0INCNIGHT" });
    await app.ask("sam", "list", { channel: "C0INCNIGHT" });
    expectPage("failover.out", app.script());
    expect((await store.timeline.verify()).ok).toBe(true);
  });

  test("and a second failover of the same within the hour: refused, then given a reason in a form, or typed", async () => {
    const first = idFor("run", "first-key");
    await app.ask("alex", "failover database", { key: "first-key" });
    await app.engine(first, { type: "run.preflighted", data: ready });
    await app.engine(first, { type: "run.verified", data: { dryRun: false } });
    app.remark("orders-b takes writes now");
    app.seen = new Map<string, RoleObservation>([
      ["orders-a", { state: "standby", cluster: "7", streaming: true, says: "orders-a is a standby" }],
      ["orders-b", { state: "active", cluster: "7", says: "orders-b takes writes" }],
    ]);
    await app.ask("alex", "failover database --dry-run", { key: "dry-key" });
    const refused = await app.ask("alex", "failover database --unplanned --severity P0", { key: "again-key" });
    expect(refused).toMatchObject({ refused: true });
    await app.press("alex", "run.again", "failover database --unplanned --severity P0", { canAskForm: true });
    await app.press("alex", "run.again", "failover database --unplanned --severity P0", { form: { reason: "  " } });
    await app.press("alex", "run.again", "failover database --unplanned --severity P0", {
      ...{ key: "reason-key", form: { reason: "orders-b loses packets" } },
    });
    const { state } = await app.state(idFor("inc", "reason-key"));
    expect(state.runs.get(idFor("run", "reason-key"))?.again?.reason).toBe("orders-b loses packets");
    app.remark("one under way holds what it moves, whoever asks with whatever reason");
    await app.ask("cass", 'failover database --again "I want it too"');
    await app.ask("cass", "failover database");
    await app.ask("cass", "failover database --unplanned --severity P1");
    await app.ask("alex", "failover database --again");
    expectPage("again.out", app.script());
  });

  test("that is closed, and leaves something to do", async () => {
    const incident = idFor("inc", "close-key");
    const here = { channel: "C0INCNIGHT" };
    await app.ask("alex", "declare Orders fail", { key: "close-key" });
    app.channels.set(incident, "C0INCNIGHT");
    await app.ask("alex", "close", here);
    await app.ask(
      "alex",
      "action add Build a second standby --owner <@USAM> --due 2099-12-24 --link https://x.example/1",
      here,
    );
    await app.ask("alex", "action add", { ...here, canAskForm: true });
    await app.press("alex", "action", incident, {
      ...here,
      form: { text: "Fence orders-a", owner: "", due: "", link: "" },
    });
    await app.ask("alex", "action add Write it up --issue OPS-1", here);
    await app.ask("alex", "action add Late --due 2001-01-01", here);
    await app.ask("cass", "action", here);
    await app.ask("alex", "resolve The switch was replaced", here);
    await app.press("alex", "incident.close", incident, { ...here, canAskForm: true });
    await app.ask("alex", "close", here);
    await app.ask("alex", "close --no-postmortem 'A switch was replaced'", here);
    await app.ask("alex", "close", here);
    app.remark("elsewhere, later");
    await app.ask("cass", "action list");
    await app.ask("cass", "action done INC-1/A2 Done by hand");
    await app.press("sam", "action.done", `${incident}/A1`);
    await app.press("sam", "action.done", `${incident}/A1`);
    await app.ask("cass", "action list");
    await app.ask("cass", "action done A1 --incident INC-1");
    await app.ask("alex", "reopen INC-1 It is back");
    expectPage("close.out", app.script());
  });

  test("in which people say its number", async () => {
    const incident = idFor("inc", "number-key");
    await app.ask("alex", "declare Orders fail", { key: "number-key" });
    await app.ask("sam", "failover database --planned --drill", { key: "look-key" });
    for (const said of ["INC-1", "inc-1", "1", "#1", incident, "--incident INC-1", "--incident 1"]) {
      const reply = await app.ask("sam", `status ${said}`);
      expect([said, reply.kind === "private" && reply.message.text]).toEqual([
        said,
        expect.stringMatching(/^PRACTICE · INC-1 · P1 Orders fail: investigating/),
      ]);
    }
    const drill = await app.ask("sam", "status DRILL-2");
    expect(drill.kind === "private" && drill.message.text).toMatch(/^PRACTICE DRILL · DRILL-2 /);
    expect((await app.ask("sam", "status inc-77")).kind).toBe("private");
    await app.ask("sam", "note --incident INC-1 12 pods are down");
    await app.ask("sam", "resolve INC-1 42 pods are up again");
    await app.ask("sam", "reopen INC-1 they are not");
    const { events } = await app.state(incident);
    expect(events.map(({ type, data }) => [type, data]).slice(-3)).toEqual([
      ["incident.noted", expect.objectContaining({ text: "12 pods are down" })],
      ["incident.resolved", { summary: "42 pods are up again", posted: true }],
      ["incident.reopened", { reason: "they are not", posted: true }],
    ]);
  });

  test("of a question that is not clear yet: the tree is walked to a runbook", async () => {
    await app.ask("alex", "triage");
    await app.ask("alex", "declare Orders fail", { key: "declare-key" });
    const incident = idFor("inc", "declare-key");
    app.channels.set(incident, "C0INCNIGHT");
    const here = { channel: "C0INCNIGHT" };
    await app.ask("alex", "", here);
    await app.ask("alex", "triage practise", here);
    await app.ask("alex", "triage practice", { ...here, key: "first-walk" });
    await app.press("alex", "triage", incident, { ...here, key: "walk-key" });
    const walk = `${incident}/${idFor("tri", "walk-key")}`;
    await app.press("stranger", "triage.answer", `${walk}/orders-taken/no`, here);
    await app.press("alex", "triage.answer", `${walk}/orders-taken/no`, here);
    await app.press("sam", "triage.answer", `${walk}/orders-taken/yes`, here);
    await app.press("alex", "triage.answer", `${walk}/primary-answers/perhaps`, here);
    await app.press("alex", "triage.start", `${walk}/unplanned`, here);
    await app.press("sam", "triage.answer", `${walk}/primary-answers/no`, here);
    await app.press("alex", "triage.start", `${walk}/planned`, here);
    await app.press("alex", "triage.start", `${walk}/unplanned`, { ...here, key: "start-key" });
    await app.ask("alex", "triage.answer", here);
    await app.ask("sam", "timeline", here);
    expectPage("triage.out", app.script());
    const { state } = await app.state(incident);
    expect(state.runs.get(idFor("run", "start-key"))?.mode).toBe("unplanned");
  });

  test("of someone who types in a hurry", async () => {
    await app.ask("alex", "failovr database");
    await app.ask("alex", "failover databse");
    await app.ask("alex", "failover");
    await app.ask("alex", "failover database --dryrun");
    await app.ask("alex", "failover database --planned --unplanned");
    await app.ask("alex", "failover database --system ordrs");
    await app.ask("alex", "failover database --severity P9");
    await app.ask("alex", "restore cache");
    await app.ask("alex", "runbook database-failovr");
    await app.ask("alex", "runbook");
    await app.ask("alex", "status");
    await app.ask("alex", "pause");
    await app.ask("alex", "note --at soon Something");
    await app.ask("alex", "failover --help");
    await app.ask("alex", "help nonsense");
    await app.press("alex", "gate.approve", "run-nothing/ask-nothing");
    await app.press("alex", "no.such.button", "x");
    expectPage("failover-at-once.out", app.script());
  });

  test("of people who may not", async () => {
    await app.ask("stranger", "help");
    await app.ask("stranger", "failover database");
    await app.ask("stranger", "declare Orders fail for everybody");
    await app.ask("guest", "status", { blocked: "guests may not use Lifeboat" });
    await app.ask("guest", "declare Everything is broken", { blocked: "guests may not use Lifeboat" });
    expectPage("may-not.out", app.script());
    expect(await store.timeline.read("workspace")).toEqual([]);
    const counted = await app.context.tally.read("refused/");
    expect(counted.map(({ what, who, count }) => [what, who, count])).toEqual([
      ["refused/account-blocked", "U0GUEST", 2],
      ["refused/not-on-roster", "U0STRANGER", 2],
    ]);
  });

  test("of a stage that takes longer than it was given: a person who asks is told, and nothing waits for it", async () => {
    await app.ask("alex", "runbook practice-manual", { key: "slow-key" });
    const [incident, run] = [idFor("inc", "slow-key"), idFor("run", "slow-key")];
    app.channels.set(incident, "C0INCNIGHT");
    app.remark("the engine comes to the work by hand, and five minutes pass");
    await app.engine(run, { type: "run.preflighted", data: ready });
    await app.engine(run, { type: "step.opened", data: { step: "graph", until: null } });
    const late = { stage: "hands", withinSeconds: 300, dueAt: "2026-11-21T02:49:00.000Z" };
    await app.engine(run, { type: "stage.late", data: late });
    await app.ask("sam", "timeline", { channel: "C0INCNIGHT" });
    await app.ask("alex", "done", { channel: "C0INCNIGHT" });
    const { state } = await app.state(incident);
    expect(state.runs.get(run)?.clocks?.get("hands")).toMatchObject({ clock: { withinSeconds: 300 }, endedAt: null });
    expect(state.runs.get(run)?.steps.get("graph")?.status).toBe("done");
    expectPage("late.out", app.script());
  });

  test("of someone who asks at three in the afternoon: the calendar and the alerts", async () => {
    // A date of its own: which entry comes first must not depend on the day this is run.
    await moveTo("2031-01-06T12:00:00Z");
    await app.calendarLooks();
    await app.ask("alex", "calendar");
    await app.ask("alex", "failover database --planned --drill", { key: "drill-key" });
    const run = idFor("run", "drill-key");
    await app.engine(run, { type: "run.verified", data: { dryRun: false } });
    await app.calendarLooks();
    await app.ask("alex", "calendar --system practice");
    app.remark("fifteen weeks later, on a Monday at noon");
    app.timeIs(new Date("2031-04-21T12:00:00Z"));
    await app.ask("alex", "calendar");
    app.remark("the CTO is told of the surprise");
    await app.ask("toni", "drills");
    await app.ask("alex", "calendar --system ordrs");
    await app.ask("alex", "alerts");
    await app.ask("alex", "alerts postgres primary");
    await app.ask("alex", "alerts disk");
    expectPage("calendar.out", app.script());
  });

  test("with forms", async () => {
    await app.ask("alex", "declare", { canAskForm: true });
    await app.ask("alex", "", {
      verb: "declare",
      actionValue: "",
      form: { title: "Orders fail", system: "practice", severity: "P0", impact: "" },
    });
    await app.ask("alex", "failover", { canAskForm: true });
    await app.ask("alex", "", {
      ...{ verb: "failover", actionValue: "" },
      form: { runbook: "practice/database-failover", mode: "unplanned", how: "dry-run" },
    });
    await app.ask("alex", "note", { canAskForm: true });
    await app.ask("alex", "role", { canAskForm: true });
    const [incident] = await store.timeline.streams("inc-");
    await app.press("sam", "role", incident?.id ?? "", { canAskForm: true });
    await app.ask("sam", "", { verb: "role", actionValue: incident?.id ?? "", form: { role: "incident-commander" } });
    await app.press("sam", "incident.resolve", incident?.id ?? "", { canAskForm: true });
    await app.ask("sam", "", {
      verb: "resolve",
      actionValue: incident?.id ?? "",
      form: { summary: "It was a test" },
    });
    expectPage("forms.out", app.script());
  });
});

describe("what a repeat or a second one does", () => {
  test("the same request delivered three times at once is one incident and one run", async () => {
    await Promise.all([1, 2, 3].map(() => app.ask("alex", "failover database", { key: "same" })));
    const streams = await store.timeline.streams("inc-");
    expect(streams.map(({ id }) => id)).toEqual([idFor("inc", "same")]);
    const { state } = await app.state(idFor("inc", "same"));
    expect([...state.runs.keys()]).toEqual([idFor("run", "same")]);
  });

  test("a request delivered again is answered as the first time, without a look at the world it has changed", async () => {
    const incident = async (key: string) => [...(await app.state(idFor("inc", key))).state.runs.keys()];
    const first = await app.ask("alex", "failover database --unplanned", { key: "moved" });
    const looked = app.looks;
    app.seen = new Map<string, RoleObservation>([
      ["orders-a", { state: "silent", says: "orders-a does not answer" }],
      ["orders-b", { state: "active", cluster: "7", says: "orders-b takes writes" }],
    ]);
    const again = await app.ask("alex", "failover database --unplanned", { key: "moved" });
    expect(again).toEqual(first);
    expect(app.looks).toBe(looked);
    expect(await incident("moved")).toEqual([idFor("run", "moved")]);
    // Another request is planned for the world as it is now: there is no standby any more.
    const other = await app.ask("alex", "failover database --unplanned", { key: "other" });
    expect(JSON.stringify(other)).toContain("can't be planned");
    expect(app.looks).toBeGreaterThan(looked);
  });

  test("whatever starts a run is answered again as the first time", async () => {
    const nothing = new Map<string, RoleObservation>();
    const before = app.seen;
    const twice = async (key: string, does: () => Promise<unknown>) => {
      app.seen = before;
      const first = await does();
      app.seen = nothing;
      const looked = app.looks;
      expect(await does()).toEqual(first);
      expect([key, app.looks]).toEqual([key, looked]);
      app.seen = before;
    };
    await twice("one", () => app.ask("alex", "runbook database-failover --planned", { key: "one" }));
    const one = idFor("run", "one");
    await twice("planned", () => app.press("alex", "run.unplanned", one, { key: "planned" }));
    await twice("typed", () => app.ask("alex", "replan --planned It is alive", { key: "typed" }));
    await twice("raised", () => app.press("alex", "run.unplanned", idFor("run", "typed"), { key: "raised" }));
    const { state } = await app.state(idFor("inc", "one"));
    expect([...state.runs.keys()]).toEqual(["one", "planned", "typed", "raised"].map((key) => idFor("run", key)));
  });

  test("every command that starts runs says so, and so knows a repeat before it looks", () => {
    const folder = join(projectRoot(), "commands");
    const starts = /\b(startRun|startProposed|undoStep|requested)\(/;
    const files = readdirSync(folder).filter((file) => starts.test(readFileSync(join(folder, file), "utf8")));
    const verbs = files
      .map((file) => file.replace(".ts", ""))
      .filter((file) => !["start", "proposed", "occasion-start"].includes(file));
    expect(
      commands
        .filter(({ startsRuns }) => startsRuns)
        .map(({ verb }) => verb)
        .toSorted(),
    ).toEqual(verbs.toSorted());
  });

  test("a refused request, delivered again, is refused again and not recorded twice", async () => {
    await app.ask("alex", "failover database", { key: "one" });
    const first = await app.ask("cass", "abort I am afraid", { key: "twice" });
    const again = await app.ask("cass", "abort I am afraid", { key: "twice" });
    const { events, state } = await app.state(idFor("inc", "one"));
    for (const reply of [first, again])
      expect(reply.kind === "private" && reply.message.text).toContain(
        "Only the requester, the incident commander and the approvers",
      );
    expect(events.filter(({ type }) => type === "command.refused")).toHaveLength(1);
    expect(state.runs.get(idFor("run", "one"))?.status).toBe("preflight");
  });

  test("a second run of the same target is held, says by which, and leaves nothing behind", async () => {
    await app.ask("alex", "failover database", { key: "one" });
    app.channels.set(idFor("inc", "one"), "C0INCNIGHT");
    await app.ask("sam", "failover database", { key: "two" });
    const { state } = await app.state(idFor("inc", "one"));
    expect(state.runs.size).toBe(1);
    await app.ask("sam", "failover database --dry-run", { key: "three" });
    await app.ask("sam", "failover database --drill", { key: "four" });
    expectPage("held.out", app.script());
    expect(await store.timeline.read(idFor("inc", "four"))).toEqual([]);
  });

  test("a click on an aborted run is refused, and the refusal stands on the incident's timeline", async () => {
    await app.ask("alex", "failover database --severity P1", { key: "one" });
    const run = idFor("run", "one");
    await app.ask("alex", "abort A mistake");
    await app.press("alex", "run.pause", run);
    const { events } = await app.state(idFor("inc", "one"));
    expect(events.map(({ type }) => type)).toEqual([
      "incident.declared",
      "run.requested",
      "run.aborted",
      "command.refused",
    ]);
    const again = await app.ask("alex", "failover database", { key: "two" });
    expect(again.kind).toBe("private");
    expect((await app.state(idFor("inc", "one"))).state.runs.size).toBe(2);
  });

  test("a planned run whose primary is dead is run unplanned by one press", async () => {
    await app.ask("alex", "failover database", { key: "one" });
    const run = idFor("run", "one");
    await app.engine(run, { type: "run.preflighted", data: { ...ready, ready: false } });
    await app.press("alex", "run.unplanned", run, { key: "press" });
    const { state } = await app.state(idFor("inc", "one"));
    const second = state.runs.get(idFor("run", "press"));
    expect(state.runs.get(run)?.status).toBe("aborted");
    expect(second?.mode).toBe("unplanned");
    expect(second?.plan.mode).toBe("unplanned");
    // It was maintenance until then.
    expect(state).toMatchObject({ declared: { kind: "real" }, severity: "P1", status: "investigating" });
  });

  test("planned work is maintenance: it ends with its run, and what goes wrong is declared an incident with its timeline", async () => {
    const [one, run] = [idFor("inc", "one"), idFor("run", "one")];
    await app.ask("alex", "failover database --planned", { key: "one" });
    await app.ask("sam", "list");
    await app.ask("sam", "severity P0 Too slow");
    expect((await app.state(one)).state).toMatchObject({
      declared: { kind: "maintenance" },
      status: "investigating",
    });
    await app.ask("alex", "abort Not today");
    expect((await app.state(one)).state.status).toBe("closed");
    app.remark("another fails, and one press makes it an incident");
    const [two, failed] = [idFor("inc", "two"), idFor("run", "two")];
    await app.ask("alex", "failover database --planned", { key: "two" });
    await app.engine(failed, { type: "run.failed", data: { problem: { code: "x", what: "The standby is gone" } } });
    expect((await app.state(two)).state.status).toBe("investigating");
    await app.press("sam", "incident.raise", two);
    await app.press("sam", "incident.raise", two);
    const { state, events } = await app.state(two);
    expect(state).toMatchObject({ declared: { kind: "real" }, severity: "P1", status: "investigating" });
    expect(events.map(({ type }) => type)).toEqual([
      "incident.declared",
      "run.requested",
      "run.failed",
      "incident.raised",
      "command.refused",
    ]);
    app.channels.set(two, "C0TWO");
    app.remark("planned work for a system with an open incident joins it, and what follows a resolved one does so too");
    await app.ask("alex", "runbook database-check --planned", { key: "three" });
    await app.ask("alex", "abort Seen", { channel: "C0TWO" });
    await app.ask("sam", "resolve It is back", { channel: "C0TWO" });
    await app.ask("alex", "runbook database-check --planned", { key: "four", channel: "C0TWO" });
    expect([...(await app.state(two)).state.runs.keys()]).toEqual([
      failed,
      idFor("run", "three"),
      idFor("run", "four"),
    ]);
    expect((await app.state(two)).state.status).toBe("resolved");
    expect((await app.state(one)).state.runs.has(run)).toBe(true);
    expectPage("maintenance.out", app.script());
  });

  test("with several incidents open, the channel says which is meant, and elsewhere it is asked", async () => {
    await app.ask("alex", "declare First thing", { key: "one" });
    await app.ask("alex", "declare p0: Second thing", { key: "two" });
    app.channels.set(idFor("inc", "two"), "C0SECOND");
    const asked = await app.ask("alex", "status");
    expect(asked.kind === "private" && asked.message.text).toContain("Several incidents are open");
    expect((await app.state(idFor("inc", "two"))).state).toMatchObject({
      severity: "P0",
      declared: { title: "Second thing" },
    });
    await app.ask("alex", "severity P3 Better", { channel: "C0SECOND" });
    await app.ask("alex", `severity P2 Better --incident ${idFor("inc", "one")}`);
    expect((await app.state(idFor("inc", "one"))).state.severity).toBe("P2");
    expect((await app.state(idFor("inc", "two"))).state.severity).toBe("P3");
  });
});

test("help and the README's table say the same as the command files", async () => {
  await app.ask("alex", "help");
  expectPage("help.out", app.script());
  expectPage("table.out", `${commandTable()}\n`);
});
