import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import type { RoleObservation } from "../../src/catalog/roles.ts";
import type { Runbook } from "../../src/catalog/types.ts";
import { idFor } from "../../src/lib/id-for.ts";
import type { Store } from "../../src/timeline/index.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import { seen } from "../support/orders-system.ts";
import { keepPages } from "../support/printed-page.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

/** A drill's words, values and approvals in production: none of them leads there. */
const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const given = {
  aPort: 5501,
  bPort: 5502,
  appUrl: "http://127.0.0.1:5503",
  hostsUrl: "http://127.0.0.1:5504",
};
const drilled = {
  aPort: 6501,
  bPort: 6502,
  appUrl: "http://127.0.0.1:6503",
  hostsUrl: "http://127.0.0.1:6504",
};
const ready = { ...seen, facts: [], checks: [] };
const IN = { channel: "C0INCREAL" };

let store: Store;
let app: TestApp;

storeForEach((fresh) => {
  store = fresh;
  app = new TestApp(store, "practice", given);
  const { catalog } = app.context;
  const systems = catalog.systems.map((system) => ({ ...system, environment: "production" as const }));
  Object.assign(app.context, { practice: false, catalog: { ...catalog, systems } });
});

function drillValues(values: Readonly<Record<string, string | number>>): void {
  Object.assign(app.context, { drillVariables: new Map([["practice", new Map(Object.entries(values))]]) });
}

/** The gate of a production exercise says that it is one. */
function asExercise(stages: Runbook["stages"], kind: string): Runbook["stages"] {
  if (kind !== "exercise") return stages;
  return stages.map((stage) => ({
    ...stage,
    steps: stage.steps.map((step) =>
      step.does.kind === "gate"
        ? { ...step, does: { ...step.does, gate: { ...step.does.gate, exercise: true } } }
        : step,
    ),
  }));
}

async function planOf(run: string) {
  const { state } = await app.state((await store.timeline.streamOfRun(run)) ?? "");
  return state.runs.get(run)?.plan;
}

describe("a surprise", () => {
  test("is known to who starts it and whom the calendar names, and to no one else", async () => {
    drillValues(drilled);
    const key = "surprise";
    await app.ask("toni", "runbook region-failover --drill --unplanned", { key });
    const { state } = await app.state(idFor("inc", key));
    expect(state.declared?.drill).toEqual({ occasion: "region", tells: ["cto"], audiences: [], unannounced: true });
    await app.ask("sam", "list");
    await app.ask("sam", "status");
    await app.ask("toni", "list");
    const [system] = app.context.catalog.systems;
    if (!system) throw new Error("There is no system.");
    const names = (who: string) => who;
    const view = renderIncident(state, {
      system,
      now: store.timeline.now(),
      practice: false,
      names,
      channel: "C0DRILL",
    });
    const said = view.messages.filter(({ in: place }) => place !== "incident").map((one) => JSON.stringify(one));
    expect(view.messages.filter(({ in: place }) => place === "announce")).toEqual([]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/DRILL · Practice orders drill .* begins\. Follow it in <#C0DRILL>/);
    expect(`${view.channel?.name} ${view.channel?.topic}`).not.toMatch(/surprise/i);
    expectPage("drill-surprise", app.script());
  });
});

describe("a drill in production", () => {
  test("is refused without values of its own, and with production's", async () => {
    await app.ask("alex", "failover database --drill --planned");
    app.remark("a dry run only looks");
    await app.ask("alex", "failover database --dry-run --planned");
    app.remark("LIFEBOAT_DRILL_VALUES names production's standby as the drill's primary");
    drillValues({ ...drilled, aPort: 5502 });
    await app.ask("alex", "failover database --drill --planned");
    expectPage("drill-nowhere", app.script());
  });

  test("is all that a runbook may be that is declared to be one, or a production exercise", async () => {
    drillValues(drilled);
    const { catalog } = app.context;
    for (const kind of ["drill", "exercise"]) {
      const runbooks = catalog.runbooks.map((one) =>
        one.id === "database-failover" ? { ...one, stages: asExercise(one.stages, kind), [kind]: true } : one,
      );
      Object.assign(app.context, { catalog: { ...catalog, runbooks } });
      const real = await app.ask("alex", "failover database --planned", { key: `${kind}-real` });
      expect(JSON.stringify(real)).toMatch(
        /This runbook is a (drill|production exercise), and this request is for real.*runbook database-failover --drill/,
      );
      expect(await planOf(idFor("run", `${kind}-real`))).toBeUndefined();
      await app.ask("alex", "failover database --planned --drill", { key: kind });
      expect(await planOf(idFor("run", kind))).toMatchObject({ kind: "drill" });
      await app.ask("alex", "abort Enough", { key: `${kind}-over` });
      await app.ask("alex", "failover database --planned --dry-run", { key: `${kind}-dry` });
      expect(await planOf(idFor("run", `${kind}-dry`))).toBeDefined();
    }
  });

  test("is refused where a server of the drill environment is production's under another name", async () => {
    drillValues(drilled);
    const known = (one: string, process: string): [string, RoleObservation] => [
      one,
      { ...(app.seen.get(one) as RoleObservation), process },
    ];
    app.seen = new Map([known("orders-a", "7/100.5"), known("orders-b", "7/200.5")]);
    app.seenInDrill = new Map([known("orders-a", "7/300.5"), known("orders-b", "7/200.5")]);
    const refused = await app.ask("alex", "failover database --drill --planned", { key: "led-astray" });
    expect(JSON.stringify(refused)).toContain(
      "lead to production under another name: the server that answers is the one of practice/database, orders-b",
    );
    expect(await planOf(idFor("run", "led-astray"))).toBeUndefined();
    // A copy of production's data has its identifier, and is another server.
    app.seenInDrill = new Map([known("orders-a", "7/300.5"), known("orders-b", "7/400.5")]);
    await app.ask("alex", "failover database --drill --planned", { key: "a-copy" });
    expect(await planOf(idFor("run", "a-copy"))).toMatchObject({ kind: "drill", drill: { on: "environment" } });
  });

  test("is held with its own values, and what is typed there stays there", async () => {
    drillValues(drilled);
    const [drill, run] = [idFor("inc", "drill"), idFor("run", "drill")];
    await app.ask("alex", "failover database --drill --planned", { key: "drill" });
    expect(await planOf(run)).toMatchObject({
      kind: "drill",
      drill: { on: "environment" },
      resources: expect.arrayContaining(["drill/postgres:127.0.0.1:6501", "drill/postgres:127.0.0.1:6502"]),
    });
    app.channels.set(drill, "C0DRILL");
    app.remark("in the drill's channel, without --drill, and then named by its id from elsewhere");
    await app.ask("alex", "abort Once more, unplanned", { channel: "C0DRILL" });
    await app.ask("alex", "failover database --unplanned", { channel: "C0DRILL", key: "again" });
    expect(await planOf(idFor("run", "again"))).toMatchObject({ kind: "drill", drill: { on: "environment" } });
    await app.ask("alex", "abort Once more, from elsewhere", { channel: "C0DRILL" });
    await app.ask("alex", `failover database --unplanned --incident ${drill}`, { key: "elsewhere" });
    expect(await planOf(idFor("run", "elsewhere"))).toMatchObject({ kind: "drill", drill: { on: "environment" } });
    expectPage("drill-stays", app.script());
  });

  test("gives neither its approval nor its incident to what is real", async () => {
    drillValues(drilled);
    await app.ask("alex", "failover database --drill --planned", { key: "drill" });
    await app.ask("alex", "failover database --unplanned --severity P1", { key: "real" });
    const [real, run, drillRun] = [idFor("inc", "real"), idFor("run", "real"), idFor("run", "drill")];
    app.channels.set(real, IN.channel);
    expect(await planOf(run)).toMatchObject({
      kind: "real",
      resources: expect.arrayContaining(["postgres:127.0.0.1:5501"]),
    });
    await app.engine(drillRun, { type: "run.preflighted", data: ready });
    await app.open(drillRun, "approve", "ask-drill");
    await app.engine(run, { type: "run.preflighted", data: ready });
    await app.open(run, "approve", "ask-real");
    app.remark("a drill in the real incident; then the drill's question under the real run, and the reverse");
    await app.ask("alex", `failover database --drill --planned --incident ${real}`, IN);
    await app.press("sam", "gate.approve", `${run}/ask-drill`, IN);
    await app.press("sam", "gate.approve", `${drillRun}/ask-real`, IN);
    await app.press("sam", "gate.approve", `${drillRun}/ask-drill`, IN);
    const { state } = await app.state(real);
    const gate = state.runs.get(run)?.steps.get("approve");
    expect(gate?.status === "gate" && gate.gate.approvals).toEqual([]);
    expectPage("drill-lends-nothing", app.script());
  });
});
