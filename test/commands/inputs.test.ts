import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { Reply } from "../../src/command/command.ts";
import { isLive } from "../../src/incident/status.ts";
import { idFor } from "../../src/lib/id-for.ts";
import { keepPages } from "../support/printed-page.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const values = {
  primaryClusterUid: "5b1f9c52-0c7e-4a53-9b63-2f6d7e0c8a11",
  secondaryClusterUid: "0e0f4f5a-2f3b-4f0c-8d53-6d1c3a8f4b22",
  primaryAddress: "203.0.113.1",
  secondaryAddress: "203.0.113.2",
  nameServerHost: "203.0.113.53",
  publicUrl: "http://127.0.0.1:1",
};

let app: TestApp;

afterEach(() => {
  if (process.env.SAY) console.log(app.script());
});
storeForEach((fresh) => {
  app = new TestApp(fresh, "marimo-erp", values);
  app.seen = new Map([
    ["primary", { state: "active", says: "marimo-erp.com leads to primary" }],
    ["secondary", { state: "standby", says: "marimo-erp.com does not lead to secondary" }],
  ]);
});

/** What the button under an answer carries. */
function carriedBy(reply: Reply): string {
  const blocks = reply.kind === "private" ? reply.message.blocks : [];
  const elements = blocks.flatMap((block) => (block.elements ?? []) as { action_id?: string; value?: string }[]);
  return elements.find(({ action_id: id }) => id?.startsWith("runbook.inputs"))?.value ?? "";
}

const planned = async (key: string, incident = key) => {
  const { state } = await app.state(idFor("inc", incident));
  const plan = state.runs.get(idFor("run", key))?.plan;
  return plan && { inputs: plan.inputs, target: plan.target, resources: plan.resources };
};

describe("a runbook that has to be told which one", () => {
  test("is told on one line", async () => {
    await app.ask("alex", "help node-drain");
    await app.ask("alex", "help service-rollback");
    await app.ask("alex", "runbook node-drain node=worker-3", { key: "first" });
    expect(await planned("first")).toEqual({
      inputs: [{ name: "node", value: "worker-3" }],
      target: "primary: pods leave worker-3 until it is repaired",
      resources: ["kubernetes:5b1f9c52-0c7e-4a53-9b63-2f6d7e0c8a11/node/worker-3"],
    });
    app.remark("another node is another run; the same one is held");
    await app.ask("alex", "runbook node-drain Node=worker-4", { key: "second" });
    await app.ask("alex", 'runbook node-drain node="worker-3"', { key: "third" });
    await app.ask("alex", "list");
    expectPage("inputs-given.out", app.script());
    const all = await app.ask("alex", "runbook");
    expect(all).toMatchObject({
      message: {
        text: expect.stringContaining("Drain a failing node (unplanned): `/dr runbook node-drain node=…`"),
      },
    });
  });

  test("says what is missing and what is wrong, with the line to type next; nothing typed is lost", async () => {
    await app.ask("alex", "runbook node-drain");
    await app.ask("alex", "runbook node-drain --dry-run nod=worker-3");
    await app.ask("alex", "runbook node-drain node=Worker_3 colour=red");
    await app.ask("alex", "runbook service-rollback service=api-gatway revision=seven --severity P2");
    await app.ask("alex", "runbook service-rollback service=AUTH-service revision=0");
    await app.ask("alex", "runbook node-drain 'node=-rf'");
    await app.ask("alex", "runbook node-drain node=…");
    await app.ask("alex", "runbook node-drain worker-3 --dry-run");
    await app.ask("alex", "runbook node-drain worker-3 node=worker-4");
    await app.ask("alex", "restore kubernetes 203.0.113.9");
    expectPage("inputs-wrong.out", app.script());
    expect(await app.state(idFor("inc", "key-1"))).toMatchObject({ state: { declared: null } });
  });

  test("is told in a form, which holds what was typed, right or wrong", async () => {
    const reply = await app.ask("alex", "runbook service-rollback service=auth-service revision=seven --dry-run");
    const actionValue = carriedBy(reply);
    await app.press("alex", "runbook.inputs", actionValue);
    await app.press("alex", "runbook.inputs", actionValue, { canAskForm: true });
    const wrong = { "input.service": "auth-service", "input.revision": "-1" };
    await app.press("alex", "runbook.inputs", actionValue, { form: wrong });
    const form = { "input.service": "billing-service", "input.revision": "7" };
    await app.press("alex", "runbook.inputs", actionValue, { form, key: "sent" });
    expect(await planned("sent")).toMatchObject({
      inputs: [
        { name: "service", value: "billing-service" },
        { name: "revision", value: 7 },
      ],
    });
    const { state } = await app.state(idFor("inc", "sent"));
    expect(state.runs.get(idFor("run", "sent"))).toMatchObject({ dryRun: true });
    app.remark("the button below a dry run asks for the same, for real");
    await app.press("alex", "run.real", idFor("run", "sent"), { key: "real" });
    const dry = state.runs.get(idFor("run", "sent"));
    const where = (await app.context.timeline.streamOfRun(idFor("run", "real"))) ?? "";
    const real = (await app.state(where)).state.runs.get(idFor("run", "real"));
    expect(real).toMatchObject({ dryRun: false, mode: dry?.mode, runbook: dry?.runbook, status: "preflight" });
    expect(real?.plan.inputs).toEqual(dry?.plan.inputs);
    app.remark("what is emptied in the form is not what was typed");
    await app.press("alex", "runbook.inputs", actionValue, { form: { "input.service": "", "input.revision": "7" } });
    expectPage("inputs-form.out", app.script());
    expect(await app.press("alex", "runbook.inputs", "runbook.inputs x")).toMatchObject({ kind: "private" });
  });

  test("keeps what it was told when it is requested again, unless something else is said", async () => {
    await app.ask("alex", "runbook node-drain node=worker-3", { key: "first" });
    const first = idFor("run", "first");
    await app.ask("alex", `replan ${first} The node is back`, { key: "again" });
    expect(await planned("again", "first")).toMatchObject({ inputs: [{ name: "node", value: "worker-3" }] });
    const again = idFor("run", "again");
    await app.ask("alex", `replan ${again} node=Worker! It was the other one`, { key: "wrong" });
    await app.ask("alex", `replan ${again}`, { canAskForm: true });
    await app.press("alex", "run.replan", again, {
      form: { "input.node": "worker-4", mode: "unplanned", reason: "It was the other one" },
      key: "other",
    });
    expect(await planned("other", "first")).toMatchObject({ inputs: [{ name: "node", value: "worker-4" }] });
    const { state } = await app.state(idFor("inc", "first"));
    expect([...state.runs.values()].map(isLive)).toEqual([false, false, true]);
    expectPage("inputs-again.out", app.script());
  });

  test("is told after the triage has proposed it", async () => {
    await app.ask("alex", "declare Pods fail", { key: "declare" });
    const incident = idFor("inc", "declare");
    await app.ask("alex", `triage --incident ${incident}`, { key: "walk" });
    const walk = `${incident}/${idFor("tri", "walk")}`;
    for (const answer of ["serves/primary", "cluster-primary/yes", "pods/several", "node/yes"])
      await app.press("alex", "triage.answer", `${walk}/${answer}`);
    await app.press("alex", "triage.start", `${walk}/unplanned`);
    const reply = await app.press("alex", "triage.start", `${walk}/unplanned`, { canAskForm: true });
    const actionValue = reply.kind === "form" ? reply.form.actionValue : "";
    await app.press("alex", "runbook.inputs", actionValue, { form: { "input.node": "worker-3" }, key: "start" });
    expect(await planned("start", "declare")).toMatchObject({ inputs: [{ name: "node", value: "worker-3" }] });
    expectPage("inputs-triage.out", app.script());
  });
});
