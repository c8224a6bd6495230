import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { idFor } from "../../src/lib/id-for.ts";
import { seen } from "../support/orders-system.ts";
import { keepPages } from "../support/printed-page.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const here = { channel: "C0INCNIGHT" };
const open = { answers: true, name: "orders-a", role: "primary", readOnly: false };

let app: TestApp;

storeForEach((fresh) => {
  app = new TestApp(fresh);
});

/** A planned failover that Sam approved, and these steps of it that were carried out. */
async function failedOver(...steps: readonly string[]): Promise<{ run: string; incident: string }> {
  const run = idFor("run", "db");
  const incident = idFor("inc", "db");
  await app.ask("alex", "failover database --planned", { key: "db", ...here });
  app.channels.set(incident, here.channel);
  await decided(run, "ask-db");
  for (const step of steps) await carriedOut(run, step, open);
  return { run, incident };
}

async function decided(run: string, ask: string): Promise<void> {
  await app.engine(run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
  await app.open(run, "approve", ask);
  await app.press("sam", "gate.approve", `${run}/${ask}`, here);
  await app.engine(run, { type: "gate.passed", data: { step: "approve", ask, people: ["sam-okafor"] } });
}

async function carriedOut(run: string, step: string, before: unknown): Promise<void> {
  await app.engine(run, { type: "step.started", data: { step, attempt: 1, epoch: "1" } });
  await app.engine(run, { type: "step.intended", data: { step, attempt: 1, before } });
  const evidence = { says: "It is so.", facts: [], rpo: null, seconds: 1 };
  await app.engine(run, { type: "step.verified", data: { step, attempt: 1, ...evidence } });
}

const runsOf = async (incident: string) => [...(await app.state(incident)).state.runs.values()];

describe("undo, as people speak of it", () => {
  test("a fence is lifted after an abort: asked by one, approved by another, and only once", async () => {
    const { run, incident } = await failedOver("fence");
    await app.ask("alex", "undo fence", here);
    await app.ask("alex", "abort The primary is healthy again", here);
    await app.ask("alex", "undo fence", { key: "undo", ...here });
    const own = idFor("run", "undo");
    await app.ask("sam", "undo fence", here);
    await app.engine(own, { type: "run.preflighted", data: { ...seen, facts: [], checks: [], loss: "nothing" } });
    await app.open(own, "approve", "ask-undo");
    await app.press("alex", "gate.approve", `${own}/ask-undo`, here);
    await app.press("sam", "gate.approve", `${own}/ask-undo`, here);
    await app.engine(own, {
      type: "gate.passed",
      data: { step: "approve", ask: "ask-undo", people: ["sam-okafor"] },
    });
    await carriedOut(own, "undo", { node: { ...open, readOnly: true }, others: [] });
    await app.engine(own, { type: "run.verified", data: { dryRun: false } });
    await app.ask("alex", `undo fence ${run}`, here);
    const [, undone] = await runsOf(incident);
    expect(undone?.plan).toMatchObject({
      title: "Undo “Fence orders-a”",
      target: "Let orders-a take writes again",
      resources: ["postgres:127.0.0.1:5501", "postgres:127.0.0.1:5502"],
      undoes: { run, step: "fence", action: "postgres.fence", before: open, verified: true },
    });
    expect(undone?.steps.get("undo")?.step).toMatchObject({
      action: "postgres.unfence",
      input: { node: { name: "orders-a" }, other: { name: "orders-b" }, acceptUnreachable: false },
    });
    expect(undone?.steps.get("approve")?.step).toMatchObject({ gate: { role: "incident-commander" } });
    expectPage("undo-fence.out", app.script());
  });

  test("the same request, delivered again, asks once; a second request while it is open is refused", async () => {
    const { run, incident } = await failedOver("fence");
    await app.ask("alex", "abort Enough", here);
    await app.press("alex", "run.undo", `${run}/fence`, { key: "undo", ...here });
    await app.press("alex", "run.undo", `${run}/fence`, { key: "undo", ...here });
    expect(JSON.stringify(await app.press("sam", "run.undo", `${run}/fence`, here))).toContain("being undone now");
    expect((await runsOf(incident)).length).toBe(2);
  });

  test("nothing is undone once a later run has moved the same, in whichever record", async () => {
    const { run } = await failedOver("fence");
    await app.ask("alex", "abort The primary is healthy again", here);
    const later = idFor("run", "db-2");
    await app.ask("alex", "failover database --planned", { key: "db-2", channel: "C0ELSEWHERE" });
    await decided(later, "ask-db-2");
    for (const step of ["fence", "promote"]) await carriedOut(later, step, { ...open, readOnly: true });
    await app.engine(later, { type: "run.verified", data: { dryRun: false } });
    const reply = await app.press("alex", "run.undo", `${run}/fence`, { key: "late", ...here });
    expect(JSON.stringify(reply)).toContain(` was moved since (${later})`);
    expect((await app.state(idFor("inc", "db"))).state.runs.has(idFor("run", "late"))).toBe(false);
  });

  test("nothing is undone under a step that can't be", async () => {
    const { run } = await failedOver("fence", "promote");
    await app.ask("alex", "abort Traffic is fine", here);
    await app.ask("alex", "undo fence", here);
    await app.ask("alex", `undo promote ${run}`, here);
    await app.ask("alex", `undo drain ${run}`, here);
    await app.ask("alex", "undo elsewhere", here);
    await app.ask("cass", `undo fence ${run}`, { ...here, blocked: "Guests may not" });
    expectPage("undo-refused.out", app.script());
  });

  test("a step no one saw the end of can be undone; that another server is silent is accepted by asking so", async () => {
    const { run } = await failedOver();
    await app.engine(run, { type: "step.started", data: { step: "fence", attempt: 1, epoch: "1" } });
    await app.engine(run, { type: "step.intended", data: { step: "fence", attempt: 1, before: open } });
    const problem = { code: "step-failed", what: "It broke.", stateNow: "Not known." };
    await app.engine(run, {
      type: "step.failed",
      data: { step: "fence", attempt: 1, problem, retryable: true, seconds: 1 },
    });
    await app.ask("alex", "abort Enough", here);
    await app.ask("alex", "undo --unplanned", { key: "undo", ...here });
    const undone = (await runsOf(idFor("inc", "db"))).at(-1);
    expect(undone).toMatchObject({ mode: "unplanned", plan: { undoes: { verified: false } } });
    expect(undone?.steps.get("undo")?.step).toMatchObject({ input: { acceptUnreachable: true } });
  });
});
