import { describe, expect, test } from "@jest/globals";
import type { RoleObservation } from "../../src/catalog/roles.ts";
import type { Runbook } from "../../src/catalog/types.ts";
import { idFor } from "../../src/lib/id-for.ts";
import type { Store } from "../../src/timeline/index.ts";
import { seen } from "../support/orders-system.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

/** What follows a move: on which side of the line between production and drills, and which move is meant. */
const values = { aPort: 5501, bPort: 5502, appUrl: "http://127.0.0.1:5503", hostsUrl: "http://127.0.0.1:5504" };
const drillValues = { aPort: 6501, bPort: 6502, appUrl: "http://127.0.0.1:6503", hostsUrl: "http://127.0.0.1:6504" };
const takesWrites = (id: string): RoleObservation => ({ state: "active", cluster: "7", says: `${id} takes writes` });
const silent = (id: string): RoleObservation => ({ state: "silent", says: `${id} doesn't answer` });
const follows = (id: string): RoleObservation => ({
  ...{ state: "standby", cluster: "7", streaming: true, says: `${id} is a standby` },
});

let store: Store;
let app: TestApp;

storeForEach((fresh) => {
  store = fresh;
  app = new TestApp(store, "practice", values);
  const { catalog } = app.context;
  const systems = catalog.systems.map((system) => ({ ...system, environment: "production" as const }));
  const drill = new Map([["practice", new Map(Object.entries(drillValues))]]);
  Object.assign(app.context, { practice: false, catalog: { ...catalog, systems }, drillVariables: drill });
});

/** The runbook that moves says that it is an exercise of production. */
function asExercise(): void {
  const { catalog } = app.context;
  const exercise = (book: Runbook): Runbook => ({
    ...{ ...book, exercise: true },
    stages: book.stages.map((stage) => ({
      ...stage,
      steps: stage.steps.map((step) =>
        step.does.kind === "gate"
          ? { ...step, does: { ...step.does, gate: { ...step.does.gate, exercise: true } } }
          : step,
      ),
    })),
  });
  const runbooks = catalog.runbooks.map((one) => (one.id === "database-failover" ? exercise(one) : one));
  Object.assign(app.context, { catalog: { ...catalog, runbooks } });
}

/** Each of its resources is then a server's, by its address. */
function withoutScripts(): void {
  const { catalog } = app.context;
  const runbooks = catalog.runbooks.map((book) => ({
    ...book,
    stages: book.stages.map((stage) => ({
      ...stage,
      steps: stage.steps.filter(({ does }) => does.kind !== "action" || does.action !== "script.run"),
    })),
  }));
  Object.assign(app.context, { catalog: { ...catalog, runbooks } });
}

/** A failover that ended verified and left nothing that follows. Its incident's channel is `C0<key>`. */
async function moved(key: string, line = "failover database --planned", channel = "C0INCIDENTS"): Promise<string> {
  app.seen = new Map([
    ["orders-a", takesWrites("orders-a")],
    ["orders-b", follows("orders-b")],
  ]);
  await app.ask("alex", line, { key, channel });
  const run = idFor("run", key);
  app.channels.set((await store.timeline.streamOfRun(run)) ?? "", `C0${key.toUpperCase()}`);
  await app.engine(run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
  await app.engine(run, { type: "run.verified", data: { dryRun: false } });
  await app.engine(run, { type: "standby.missing", data: { says: "nothing follows orders-b" } });
  app.seen = new Map([
    ["orders-a", silent("orders-a")],
    ["orders-b", takesWrites("orders-b")],
  ]);
  return run;
}

async function requested(key: string) {
  const incident = await store.timeline.streamOfRun(idFor("run", key));
  if (incident === null) return null;
  const { state } = await app.state(incident);
  return { incident: state, run: state.runs.get(idFor("run", key)), plan: state.runs.get(idFor("run", key))?.plan };
}

async function over(key: string): Promise<void> {
  const incident = (await store.timeline.streamOfRun(idFor("run", key))) ?? "";
  await app.ask("alex", `resolve ${incident} It is over --anyway`);
  await app.ask("alex", `close ${incident} --no-postmortem Nothing`);
  expect((await app.state(incident)).state.status).toBe("closed");
}

const production = ["postgres:127.0.0.1:5501", "postgres:127.0.0.1:5502"];
const environment = production.map((one) => `drill/${one.replace("550", "650")}`);

describe("reprotect", () => {
  test("of a drill stays in the drill environment, wherever it is requested, in its drill or in a new one", async () => {
    const run = await moved("drill", "failover database --planned --drill");
    const drill = (await requested("drill"))?.incident.id;
    await app.press("alex", "run.reprotect", run, { key: "again", channel: "C0ELSEWHERE" });
    expect(await requested("again")).toMatchObject({
      incident: { id: drill },
      plan: { runbook: "database-rejoin", kind: "drill", drill: { on: "environment" }, resources: environment },
    });
    await app.ask("alex", `abort ${idFor("run", "again")} Later`);
    await over("drill");
    await app.press("alex", "run.reprotect", run, { key: "later", channel: "C0ELSEWHERE" });
    expect(await requested("later")).toMatchObject({
      incident: { declared: { kind: "drill" } },
      plan: { kind: "drill", drill: { on: "environment" }, resources: environment },
    });
    expect((await requested("later"))?.incident.id).not.toBe(drill);
  });

  test("of what moved production is for real, even from a drill's channel", async () => {
    asExercise();
    const run = await moved("exercise", "failover database --planned --drill");
    expect((await requested("exercise"))?.plan?.drill?.on).toBe("exercise");
    await app.press("alex", "run.reprotect", run, { key: "again", channel: "C0EXERCISE" });
    const found = await requested("again");
    expect(found).toMatchObject({
      incident: { declared: { kind: "maintenance" } },
      plan: { kind: "real", resources: production },
    });
    expect(found?.plan?.drill).toBeUndefined();
  });

  test("of a real move stays in its incident, and for real from a drill's channel once that is closed", async () => {
    const run = await moved("real", "failover database --planned --severity P1");
    await app.press("alex", "run.reprotect", run, { key: "again" });
    expect(await requested("again")).toMatchObject({
      incident: { id: (await requested("real"))?.incident.id },
      plan: { kind: "real", resources: production },
    });
    await app.ask("alex", `abort ${idFor("run", "again")} Later`);
    await over("real");
    await app.ask("alex", "failover database --planned --drill --tabletop", { key: "table" });
    app.channels.set((await requested("table"))?.incident.id ?? "", "C0TABLE");
    await app.press("alex", "run.reprotect", run, { key: "later", channel: "C0TABLE" });
    expect(await requested("later")).toMatchObject({
      incident: { declared: { kind: "maintenance" } },
      plan: { kind: "real", resources: production },
    });
  });
});

describe("which move is meant", () => {
  const committed = async (key: string) => (await requested(key))?.run?.committed !== undefined;
  const said = (reply: unknown) => JSON.stringify(reply);

  /** Of two incidents, and of other servers each: neither takes the other's place. */
  async function two(): Promise<readonly [string, string]> {
    withoutScripts();
    const first = await moved("one", "failover database --planned --severity P1");
    await over("one");
    const urls = { appUrl: "http://127.0.0.1:7503", hostsUrl: "http://127.0.0.1:7504" };
    const elsewhere = { aPort: 7501, bPort: 7502, ...urls };
    Object.assign(app.context, { variables: new Map([["practice", new Map(Object.entries(elsewhere))]]) });
    const second = await moved("two", "failover database --planned --severity P1");
    return [first, second];
  }

  test("without a run, the one of the channel, else the one of the named incident; of several, none", async () => {
    const [first, second] = await two();
    const number = (await requested("one"))?.incident.number;
    const several = await app.ask("alex", "commit Frankfurt is lost");
    expect(several).toMatchObject({ refused: true });
    for (const run of [first, second]) expect(said(several)).toContain(run);
    for (const verb of ["failback", "reprotect"]) expect(said(await app.ask("alex", verb))).toContain(second);
    expect([await committed("one"), await committed("two")]).toEqual([false, false]);
    await app.ask("alex", "commit Frankfurt is lost", { channel: "C0TWO" });
    expect([await committed("one"), await committed("two")]).toEqual([false, true]);
    expect(number).toBeGreaterThan(0);
    const named = await app.ask("alex", `reprotect --incident INC-${number}`, { channel: "C0TWO", key: "named" });
    expect(said(named)).not.toMatch(/Several|No recent move/);
    expect((await requested("named"))?.plan?.runbook).toBe("database-rejoin");
    const unknown = await app.ask("alex", "commit Frankfurt is lost --incident INC-77");
    expect(said(unknown)).toMatch(/INC-77/);
  });

  test("a drill's only where it is typed or named, and nothing else there", async () => {
    await moved("drill", "failover database --planned --drill");
    expect(said(await app.ask("alex", "commit We stay"))).toContain("No move is on probation");
    expect(await committed("drill")).toBe(false);
    await moved("real", "failover database --planned --severity P1");
    await app.ask("alex", "commit We stay", { channel: "C0DRILL" });
    expect([await committed("drill"), await committed("real")]).toEqual([true, false]);
    expect(said(await app.ask("alex", "commit We stay", { channel: "C0DRILL" }))).toContain("No move is on probation");
    expect(await committed("real")).toBe(false);
    await app.ask("alex", "commit We stay");
    expect(await committed("real")).toBe(true);
  });
});

describe("a later move of the same", () => {
  test("leaves nothing of an earlier one to commit or to reprotect, also after its window", async () => {
    const first = await moved("one", "failover database --planned --severity P1");
    await over("one");
    const again = '--again "It is lost, too"';
    const second = await moved("two", `failover database --planned --severity P1 ${again}`);
    expect(JSON.stringify(await app.ask("alex", `commit ${first} We stay`))).toContain(
      "A later move replaced this one",
    );
    expect((await requested("one"))?.run?.committed).toBeUndefined();
    await app.press("alex", "run.reprotect", first, { key: "rebuild" });
    expect(await requested("rebuild")).toBeNull();
    await app.ask("alex", "commit We stay");
    expect((await requested("two"))?.run?.committed).toBeDefined();
    expect(JSON.stringify(await app.ask("alex", "reprotect", { key: "newest" }))).not.toContain(first);
    expect(await requested("newest")).toMatchObject({ plan: { runbook: "database-rejoin" } });
    expect(second).not.toBe(first);
  });
});

test("fail back of a closed real incident is requested in a new one, for real", async () => {
  const run = await moved("real", "failover database --planned --severity P1");
  app.seen = new Map([
    ["orders-a", follows("orders-a")],
    ["orders-b", takesWrites("orders-b")],
  ]);
  await over("real");
  await app.ask("alex", `failback ${run} --again "Region A is back"`, { key: "back" });
  const found = await requested("back");
  expect(found).toMatchObject({
    plan: { kind: "real", direction: { to: { id: (await requested("real"))?.plan?.direction?.from.id } } },
  });
  expect(found?.incident.id).not.toBe((await requested("real"))?.incident.id);
});
