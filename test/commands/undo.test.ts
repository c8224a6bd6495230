import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { idFor } from "../../commands/ids.ts";
import { seen } from "../messages/orders.ts";
import { keepPages } from "../messages/page.ts";
import { storeForEach } from "../timeline/store-for-each.ts";
import { TestHouse } from "./house.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const here = { channel: "C0INCNIGHT" };
const open = { answers: true, name: "orders-a", role: "primary", readOnly: false };

let house: TestHouse;

storeForEach((fresh) => {
  house = new TestHouse(fresh);
});

/** A planned failover that Sam approved, and these steps of it that were carried out. */
async function failedOver(...steps: readonly string[]): Promise<{ run: string; incident: string }> {
  const run = idFor("run", "db");
  const incident = idFor("inc", "db");
  await house.ask("alex", "failover database --planned", { key: "db", ...here });
  house.channels.set(incident, here.channel);
  await decided(run, "ask-db");
  for (const step of steps) await carriedOut(run, step, open);
  return { run, incident };
}

async function decided(run: string, ask: string): Promise<void> {
  await house.engine(run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
  await house.open(run, "approve", ask);
  await house.press("sam", "gate.approve", `${run}/${ask}`, here);
  await house.engine(run, { type: "gate.passed", data: { step: "approve", ask, people: ["sam-okafor"] } });
}

async function carriedOut(run: string, step: string, before: unknown): Promise<void> {
  await house.engine(run, { type: "step.started", data: { step, attempt: 1, epoch: "1" } });
  await house.engine(run, { type: "step.intended", data: { step, attempt: 1, before } });
  const evidence = { says: "It is so.", facts: [], rpo: null, seconds: 1 };
  await house.engine(run, { type: "step.verified", data: { step, attempt: 1, ...evidence } });
}

const runsOf = async (incident: string) => [...(await house.state(incident)).state.runs.values()];

describe("undo, as people speak of it", () => {
  test("a fence is lifted after an abort: asked by one, approved by another, and only once", async () => {
    const { run, incident } = await failedOver("fence");
    await house.ask("alex", "undo fence", here);
    await house.ask("alex", "abort The primary is healthy again", here);
    await house.ask("alex", "undo fence", { key: "undo", ...here });
    const own = idFor("run", "undo");
    await house.ask("sam", "undo fence", here);
    await house.engine(own, { type: "run.preflighted", data: { ...seen, facts: [], checks: [], loss: "nothing" } });
    await house.open(own, "approve", "ask-undo");
    await house.press("alex", "gate.approve", `${own}/ask-undo`, here);
    await house.press("sam", "gate.approve", `${own}/ask-undo`, here);
    await house.engine(own, {
      type: "gate.passed",
      data: { step: "approve", ask: "ask-undo", people: ["sam-okafor"] },
    });
    await carriedOut(own, "undo", { node: { ...open, readOnly: true }, others: [] });
    await house.engine(own, { type: "run.verified", data: { dryRun: false } });
    await house.ask("alex", `undo fence ${run}`, here);
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
    expectPage("undo-fence.out", house.script());
  });

  test("the same request, delivered again, asks once; a second request while it is open is refused", async () => {
    const { run, incident } = await failedOver("fence");
    await house.ask("alex", "abort Enough", here);
    await house.press("alex", "run.undo", `${run}/fence`, { key: "undo", ...here });
    await house.press("alex", "run.undo", `${run}/fence`, { key: "undo", ...here });
    expect(JSON.stringify(await house.press("sam", "run.undo", `${run}/fence`, here))).toContain(
      "being undone already",
    );
    expect((await runsOf(incident)).length).toBe(2);
  });

  test("nothing is undone under a step that can't be", async () => {
    const { run } = await failedOver("fence", "promote");
    await house.ask("alex", "abort Traffic is fine", here);
    await house.ask("alex", "undo fence", here);
    await house.ask("alex", `undo promote ${run}`, here);
    await house.ask("alex", `undo drain ${run}`, here);
    await house.ask("alex", "undo elsewhere", here);
    await house.ask("cass", `undo fence ${run}`, { ...here, blocked: "Guests may not" });
    expectPage("undo-refused.out", house.script());
  });

  test("a step nobody saw the end of can be undone; that another server is silent is accepted by asking so", async () => {
    const { run } = await failedOver();
    await house.engine(run, { type: "step.started", data: { step: "fence", attempt: 1, epoch: "1" } });
    await house.engine(run, { type: "step.intended", data: { step: "fence", attempt: 1, before: open } });
    const problem = { code: "step-failed", what: "It broke.", stateNow: "Not known." };
    await house.engine(run, {
      type: "step.failed",
      data: { step: "fence", attempt: 1, problem, retryable: true, seconds: 1 },
    });
    await house.ask("alex", "abort Enough", here);
    await house.ask("alex", "undo --unplanned", { key: "undo", ...here });
    const undone = (await runsOf(idFor("inc", "db"))).at(-1);
    expect(undone).toMatchObject({ mode: "unplanned", plan: { undoes: { verified: false } } });
    expect(undone?.steps.get("undo")?.step).toMatchObject({ input: { acceptUnreachable: true } });
  });
});
