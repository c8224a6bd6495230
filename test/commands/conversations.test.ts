import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { idFor } from "../../commands/ids.ts";
import { commands, commandTable } from "../../commands/index.ts";
import type { Sighting } from "../../src/catalog/roles.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { Store } from "../../src/timeline/index.ts";
import { seen } from "../messages/orders.ts";
import { keepPages } from "../messages/page.ts";
import { storeForEach } from "../timeline/store-for-each.ts";
import { TestHouse } from "./house.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));

let store: Store;
let house: TestHouse;

storeForEach((fresh) => {
  store = fresh;
  house = new TestHouse(store);
});

function mondayAfter(now: Date, days: number): Date {
  const then = new Date(now.getTime() + days * 86_400_000);
  then.setUTCDate(then.getUTCDate() + ((8 - then.getUTCDay()) % 7));
  then.setUTCHours(12, 0, 0, 0);
  return then;
}

const ready = { ...seen, facts: [], checks: [] };

describe("a night", () => {
  test("from nothing to a post-mortem", async () => {
    const incident = idFor("inc", "failover-key");
    const run = idFor("run", "failover-key");
    await house.ask("alex", "");
    await house.ask("alex", "failover database --unplanned", { key: "failover-key" });
    house.remark("Slack has made the channel");
    house.channels.set(incident, "C0INCNIGHT");
    await house.ask("sam", "role take commander", { channel: "C0INCNIGHT" });
    await house.ask("sam", "role assign comms-lead <@UCASS|cass>", { channel: "C0INCNIGHT" });
    await house.ask("alex", "status", { channel: "C0INCNIGHT" });
    house.remark("the engine has looked, and asks");
    await house.engine(run, { type: "run.preflighted", data: ready });
    await house.open(run, "approve", "ask-first");
    await house.press("alex", "gate.approve", `${run}/ask-first`, { channel: "C0INCNIGHT" });
    await house.ask("sam", "approve", { channel: "C0INCNIGHT" });
    await house.press("sam", "gate.approve", `${run}/ask-first`, { channel: "C0INCNIGHT" });
    await house.press("sam", "gate.approve", `${run}/ask-first`, { channel: "C0INCNIGHT" });
    await house.ask("cass", "note --at 02:41 First alert came in, see <!channel>", { channel: "C0INCNIGHT" });
    await house.ask("sam", "severity P0 Nobody can order", { channel: "C0INCNIGHT" });
    await house.ask("sam", "resolve", { channel: "C0INCNIGHT" });
    await house.press("sam", "run.abort", run, { channel: "C0INCNIGHT", canAskForm: true });
    await house.press("cass", "run.abort", run, { channel: "C0INCNIGHT", form: { reason: "I am afraid" } });
    await house.press("alex", "run.abort", run, { channel: "C0INCNIGHT", form: { reason: "The primary is back" } });
    await house.press("sam", "run.abort", run, { channel: "C0INCNIGHT", form: { reason: "The primary is back" } });
    await house.ask("sam", "resolve Power is back", { channel: "C0INCNIGHT" });
    await house.ask("sam", "timeline", { channel: "C0INCNIGHT" });
    await house.ask("sam", "postmortem", { channel: "C0INCNIGHT" });
    await house.ask("sam", "reopen", { channel: "C0INCNIGHT" });
    await house.ask("sam", "reopen Errors are back", { channel: "C0INCNIGHT" });
    await house.ask("sam", "list", { channel: "C0INCNIGHT" });
    expectPage("night.out", house.script());
    expect((await store.timeline.verify()).ok).toBe(true);
  });

  test("in which people say its number", async () => {
    const incident = idFor("inc", "number-key");
    await house.ask("alex", "declare Orders fail", { key: "number-key" });
    await house.ask("sam", "failover database --planned --drill", { key: "look-key" });
    for (const said of ["INC-1", "inc-1", "1", "#1", incident, "--incident INC-1", "--incident 1"]) {
      const reply = await house.ask("sam", `status ${said}`);
      expect([said, reply.kind === "private" && reply.message.text]).toEqual([
        said,
        expect.stringMatching(/^PRACTICE · INC-1 · P1 Orders fail: investigating/),
      ]);
    }
    const drill = await house.ask("sam", "status DRILL-2");
    expect(drill.kind === "private" && drill.message.text).toMatch(/^PRACTICE DRILL · DRILL-2 /);
    expect((await house.ask("sam", "status inc-77")).kind).toBe("private");
    await house.ask("sam", "note --incident INC-1 12 pods are down");
    await house.ask("sam", "resolve INC-1 42 pods are up again");
    await house.ask("sam", "reopen INC-1 they are not");
    const { events } = await house.state(incident);
    expect(events.map(({ type, data }) => [type, data]).slice(-3)).toEqual([
      ["incident.noted", expect.objectContaining({ text: "12 pods are down" })],
      ["incident.resolved", { summary: "42 pods are up again" }],
      ["incident.reopened", { reason: "they are not" }],
    ]);
  });

  test("of a question that is not clear yet: the tree is walked to a runbook", async () => {
    await house.ask("alex", "triage");
    await house.ask("alex", "declare Orders fail", { key: "declare-key" });
    const incident = idFor("inc", "declare-key");
    house.channels.set(incident, "C0INCNIGHT");
    const here = { channel: "C0INCNIGHT" };
    await house.ask("alex", "", here);
    await house.ask("alex", "triage practise", here);
    await house.ask("alex", "triage practice", { ...here, key: "first-walk" });
    await house.press("alex", "triage", incident, { ...here, key: "walk-key" });
    const walk = `${incident}/${idFor("tri", "walk-key")}`;
    await house.press("stranger", "triage.answer", `${walk}/orders-taken/no`, here);
    await house.press("alex", "triage.answer", `${walk}/orders-taken/no`, here);
    await house.press("sam", "triage.answer", `${walk}/orders-taken/yes`, here);
    await house.press("alex", "triage.answer", `${walk}/primary-answers/perhaps`, here);
    await house.press("alex", "triage.start", `${walk}/unplanned`, here);
    await house.press("sam", "triage.answer", `${walk}/primary-answers/no`, here);
    await house.press("alex", "triage.start", `${walk}/planned`, here);
    await house.press("alex", "triage.start", `${walk}/unplanned`, { ...here, key: "start-key" });
    await house.ask("alex", "triage.answer", here);
    await house.ask("sam", "timeline", here);
    expectPage("triage.out", house.script());
    const { state } = await house.state(incident);
    expect(state.runs.get(idFor("run", "start-key"))?.mode).toBe("unplanned");
  });

  test("of somebody who types in a hurry", async () => {
    await house.ask("alex", "failovr database");
    await house.ask("alex", "failover databse");
    await house.ask("alex", "failover");
    await house.ask("alex", "failover database --dryrun");
    await house.ask("alex", "failover database --planned --unplanned");
    await house.ask("alex", "failover database --system ordrs");
    await house.ask("alex", "failover database --severity P9");
    await house.ask("alex", "restore cache");
    await house.ask("alex", "runbook database-failovr");
    await house.ask("alex", "runbook");
    await house.ask("alex", "status");
    await house.ask("alex", "pause");
    await house.ask("alex", "note --at soon Something");
    await house.ask("alex", "failover --help");
    await house.ask("alex", "help nonsense");
    await house.press("alex", "gate.approve", "run-nothing/ask-nothing");
    await house.press("alex", "no.such.button", "x");
    expectPage("hurry.out", house.script());
  });

  test("of people who may not", async () => {
    await house.ask("stranger", "help");
    await house.ask("stranger", "failover database");
    await house.ask("stranger", "declare Orders fail for everybody");
    await house.ask("guest", "status", { blocked: "guests may not use Lifeboat" });
    await house.ask("guest", "declare Everything is broken", { blocked: "guests may not use Lifeboat" });
    expectPage("may-not.out", house.script());
    expect(await store.timeline.read("workspace")).toEqual([]);
    const counted = await house.house.tally.read("refused/");
    expect(counted.map(({ what, who, count }) => [what, who, count])).toEqual([
      ["refused/barred", "U0GUEST", 2],
      ["refused/not-on-roster", "U0STRANGER", 2],
    ]);
  });

  test("of a stage that takes longer than it was given: whoever asks is told, and nothing waits for it", async () => {
    await house.ask("alex", "runbook practice-manual", { key: "slow-key" });
    const [incident, run] = [idFor("inc", "slow-key"), idFor("run", "slow-key")];
    house.channels.set(incident, "C0INCNIGHT");
    house.remark("the engine comes to the work by hand, and five minutes pass");
    await house.engine(run, { type: "run.preflighted", data: ready });
    await house.engine(run, { type: "step.opened", data: { step: "graph", until: null } });
    const late = { stage: "hands", withinSeconds: 300, dueAt: "2026-11-21T02:49:00.000Z" };
    await house.engine(run, { type: "stage.late", data: late });
    await house.ask("sam", "timeline", { channel: "C0INCNIGHT" });
    await house.ask("alex", "done", { channel: "C0INCNIGHT" });
    const { state } = await house.state(incident);
    expect(state.runs.get(run)?.clocks?.get("hands")).toMatchObject({ clock: { withinSeconds: 300 }, endedAt: null });
    expect(state.runs.get(run)?.steps.get("graph")?.status).toBe("done");
    expectPage("late.out", house.script());
  });

  test("of somebody who asks at three in the afternoon: the calendar and the alerts", async () => {
    await house.ask("alex", "calendar");
    await house.ask("alex", "failover database --planned --drill", { key: "drill-key" });
    const run = idFor("run", "drill-key");
    await house.engine(run, { type: "run.verified", data: { dryRun: false } });
    await house.ask("alex", "calendar --system practice");
    house.remark("ten weeks later, on a Monday at noon");
    house.timeIs(mondayAfter(store.timeline.now(), 70));
    await house.ask("alex", "calendar");
    house.remark("the CTO is told of the surprise");
    await house.ask("toni", "drills");
    await house.ask("alex", "calendar --system ordrs");
    await house.ask("alex", "alerts");
    await house.ask("alex", "alerts postgres primary");
    await house.ask("alex", "alerts disk");
    expectPage("calendar.out", house.script());
  });

  test("with forms", async () => {
    await house.ask("alex", "declare", { canAskForm: true });
    await house.ask("alex", "", {
      verb: "declare",
      actionValue: "",
      form: { title: "Orders fail", system: "practice", severity: "P0", impact: "" },
    });
    await house.ask("alex", "failover", { canAskForm: true });
    await house.ask("alex", "", {
      ...{ verb: "failover", actionValue: "" },
      form: { runbook: "practice/database-failover", mode: "unplanned", how: "dry-run" },
    });
    await house.ask("alex", "note", { canAskForm: true });
    await house.ask("alex", "role", { canAskForm: true });
    const [incident] = await store.timeline.streams("inc-");
    await house.press("sam", "role", incident?.id ?? "", { canAskForm: true });
    await house.ask("sam", "", { verb: "role", actionValue: incident?.id ?? "", form: { role: "incident-commander" } });
    await house.press("sam", "incident.resolve", incident?.id ?? "", { canAskForm: true });
    await house.ask("sam", "", {
      verb: "resolve",
      actionValue: incident?.id ?? "",
      form: { summary: "It was a test" },
    });
    expectPage("forms.out", house.script());
  });
});

describe("what a repeat or a second one does", () => {
  test("the same request delivered three times at once is one incident and one run", async () => {
    await Promise.all([1, 2, 3].map(() => house.ask("alex", "failover database", { key: "same" })));
    const streams = await store.timeline.streams("inc-");
    expect(streams.map(({ id }) => id)).toEqual([idFor("inc", "same")]);
    const { state } = await house.state(idFor("inc", "same"));
    expect([...state.runs.keys()]).toEqual([idFor("run", "same")]);
  });

  test("a request delivered again is answered as the first time, without a look at the world it has changed", async () => {
    const incident = async (key: string) => [...(await house.state(idFor("inc", key))).state.runs.keys()];
    const first = await house.ask("alex", "failover database --unplanned", { key: "moved" });
    const looked = house.looks;
    house.seen = new Map<string, Sighting>([
      ["orders-a", { state: "silent", says: "orders-a does not answer" }],
      ["orders-b", { state: "active", cluster: "7", says: "orders-b takes writes" }],
    ]);
    const again = await house.ask("alex", "failover database --unplanned", { key: "moved" });
    expect(again).toEqual(first);
    expect(house.looks).toBe(looked);
    expect(await incident("moved")).toEqual([idFor("run", "moved")]);
    // Another request is planned for the world as it is now: there is no standby any more.
    const other = await house.ask("alex", "failover database --unplanned", { key: "other" });
    expect(JSON.stringify(other)).toContain("can't be planned");
    expect(house.looks).toBeGreaterThan(looked);
  });

  test("whatever starts a run is answered again as the first time", async () => {
    const nothing = new Map<string, Sighting>();
    const before = house.seen;
    const twice = async (key: string, does: () => Promise<unknown>) => {
      house.seen = before;
      const first = await does();
      house.seen = nothing;
      const looked = house.looks;
      expect(await does()).toEqual(first);
      expect([key, house.looks]).toEqual([key, looked]);
      house.seen = before;
    };
    await twice("one", () => house.ask("alex", "runbook database-failover --planned", { key: "one" }));
    const one = idFor("run", "one");
    await twice("planned", () => house.press("alex", "run.unplanned", one, { key: "planned" }));
    await twice("typed", () => house.ask("alex", "replan --planned It is alive", { key: "typed" }));
    await twice("raised", () => house.press("alex", "run.unplanned", idFor("run", "typed"), { key: "raised" }));
    const { state } = await house.state(idFor("inc", "one"));
    expect([...state.runs.keys()]).toEqual(["one", "planned", "typed", "raised"].map((key) => idFor("run", key)));
  });

  test("every command that starts runs says so, and so knows a repeat before it looks", () => {
    const folder = join(projectRoot(), "commands");
    const starts = /\b(startRun|undoStep|requested)\(/;
    const files = readdirSync(folder).filter((file) => starts.test(readFileSync(join(folder, file), "utf8")));
    const verbs = files.map((file) => file.replace(".ts", "")).filter((file) => file !== "start");
    expect(
      commands
        .filter(({ startsRuns }) => startsRuns)
        .map(({ verb }) => verb)
        .toSorted(),
    ).toEqual(verbs.toSorted());
  });

  test("a refused request, delivered again, is refused again and not recorded twice", async () => {
    await house.ask("alex", "failover database", { key: "one" });
    const first = await house.ask("cass", "abort I am afraid", { key: "twice" });
    const again = await house.ask("cass", "abort I am afraid", { key: "twice" });
    const { events, state } = await house.state(idFor("inc", "one"));
    for (const reply of [first, again])
      expect(reply.kind === "private" && reply.message.text).toContain(
        "Only the requester, the incident commander and the approvers",
      );
    expect(events.filter(({ type }) => type === "command.refused")).toHaveLength(1);
    expect(state.runs.get(idFor("run", "one"))?.status).toBe("preflight");
  });

  test("a second run of the same target is held, says by which, and leaves nothing behind", async () => {
    await house.ask("alex", "failover database", { key: "one" });
    house.channels.set(idFor("inc", "one"), "C0INCNIGHT");
    await house.ask("sam", "failover database", { key: "two" });
    const { state } = await house.state(idFor("inc", "one"));
    expect(state.runs.size).toBe(1);
    await house.ask("sam", "failover database --dry-run", { key: "three" });
    await house.ask("sam", "failover database --drill", { key: "four" });
    expectPage("held.out", house.script());
    expect(await store.timeline.read(idFor("inc", "four"))).toEqual([]);
  });

  test("a click on an aborted run is refused, and the refusal stands on the incident's timeline", async () => {
    await house.ask("alex", "failover database --severity P1", { key: "one" });
    const run = idFor("run", "one");
    await house.ask("alex", "abort A mistake");
    await house.press("alex", "run.pause", run);
    const { events } = await house.state(idFor("inc", "one"));
    expect(events.map(({ type }) => type)).toEqual([
      "incident.declared",
      "run.requested",
      "run.aborted",
      "command.refused",
    ]);
    const again = await house.ask("alex", "failover database", { key: "two" });
    expect(again.kind).toBe("private");
    expect((await house.state(idFor("inc", "one"))).state.runs.size).toBe(2);
  });

  test("a planned run whose primary is dead is run unplanned by one press", async () => {
    await house.ask("alex", "failover database", { key: "one" });
    const run = idFor("run", "one");
    await house.engine(run, { type: "run.preflighted", data: { ...ready, ready: false } });
    await house.press("alex", "run.unplanned", run, { key: "press" });
    const { state } = await house.state(idFor("inc", "one"));
    const second = state.runs.get(idFor("run", "press"));
    expect(state.runs.get(run)?.status).toBe("aborted");
    expect(second?.mode).toBe("unplanned");
    expect(second?.plan.mode).toBe("unplanned");
    // It was maintenance until then.
    expect(state).toMatchObject({ declared: { kind: "real" }, severity: "P1", status: "investigating" });
  });

  test("planned work is maintenance: it ends with its run, and what goes wrong is declared an incident with its timeline", async () => {
    const [one, run] = [idFor("inc", "one"), idFor("run", "one")];
    await house.ask("alex", "failover database --planned", { key: "one" });
    await house.ask("sam", "list");
    await house.ask("sam", "severity P0 Too slow");
    expect((await house.state(one)).state).toMatchObject({
      declared: { kind: "maintenance" },
      status: "investigating",
    });
    await house.ask("alex", "abort Not today");
    expect((await house.state(one)).state.status).toBe("closed");
    house.remark("another fails, and one press makes it an incident");
    const [two, failed] = [idFor("inc", "two"), idFor("run", "two")];
    await house.ask("alex", "failover database --planned", { key: "two" });
    await house.engine(failed, { type: "run.failed", data: { problem: { code: "x", what: "The standby is gone" } } });
    expect((await house.state(two)).state.status).toBe("investigating");
    await house.press("sam", "incident.raise", two);
    await house.press("sam", "incident.raise", two);
    const { state, events } = await house.state(two);
    expect(state).toMatchObject({ declared: { kind: "real" }, severity: "P1", status: "investigating" });
    expect(events.map(({ type }) => type)).toEqual([
      "incident.declared",
      "run.requested",
      "run.failed",
      "incident.raised",
      "command.refused",
    ]);
    house.channels.set(two, "C0TWO");
    house.remark(
      "planned work for a system with an open incident joins it, and what follows a resolved one does so too",
    );
    await house.ask("alex", "runbook database-check --planned", { key: "three" });
    await house.ask("alex", "abort Seen", { channel: "C0TWO" });
    await house.ask("sam", "resolve It is back", { channel: "C0TWO" });
    await house.ask("alex", "runbook database-check --planned", { key: "four", channel: "C0TWO" });
    expect([...(await house.state(two)).state.runs.keys()]).toEqual([
      failed,
      idFor("run", "three"),
      idFor("run", "four"),
    ]);
    expect((await house.state(two)).state.status).toBe("resolved");
    expect((await house.state(one)).state.runs.has(run)).toBe(true);
    expectPage("maintenance.out", house.script());
  });

  test("with several incidents open, the channel says which is meant, and elsewhere it is asked", async () => {
    await house.ask("alex", "declare First thing", { key: "one" });
    await house.ask("alex", "declare p0: Second thing", { key: "two" });
    house.channels.set(idFor("inc", "two"), "C0SECOND");
    const asked = await house.ask("alex", "status");
    expect(asked.kind === "private" && asked.message.text).toContain("Several incidents are open");
    expect((await house.state(idFor("inc", "two"))).state).toMatchObject({
      severity: "P0",
      declared: { title: "Second thing" },
    });
    await house.ask("alex", "severity P3 Better", { channel: "C0SECOND" });
    await house.ask("alex", `severity P2 Better --incident ${idFor("inc", "one")}`);
    expect((await house.state(idFor("inc", "one"))).state.severity).toBe("P2");
    expect((await house.state(idFor("inc", "two"))).state.severity).toBe("P3");
  });
});

test("help and the README's table say the same as the command files", async () => {
  await house.ask("alex", "help");
  expectPage("help.out", house.script());
  expectPage("table.out", `${commandTable()}\n`);
});
