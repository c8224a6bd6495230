import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Plan, PlanStep } from "../../src/catalog/types.ts";
import type { Reply } from "../../src/command/command.ts";
import { ASKED_MAX } from "../../src/incident/repeated.ts";
import { hashOf } from "../../src/lib/canonical.ts";
import { idFor } from "../../src/lib/id-for.ts";
import { truncateForm } from "../../src/sinks/slack/truncate.ts";
import type { Store } from "../../src/timeline/index.ts";
import { gateCard } from "../../templates/messages/approval/gate.ts";
import type { Form } from "../../templates/messages/kit/message.ts";
import { pagesOf, type Shown, stepsForm } from "../../templates/messages/run/plan-steps.ts";
import { declared } from "../support/incident-states.ts";
import { failover, seen } from "../support/orders-system.ts";
import { storeOn, type TestServer, testServer } from "../support/postgres.ts";
import { around } from "../support/surroundings.ts";
import { TestApp } from "../support/test-app.ts";

const HASH = "0123456789abcdef".repeat(4);

/** What one page approves is 60 steps long, a script with its hash in the middle of it. */
const long: Plan = {
  ...failover,
  stages: failover.stages.map((stage) =>
    stage.id !== "check"
      ? stage
      : {
          ...stage,
          parallel: false,
          steps: Array.from({ length: 57 }, (_, n): PlanStep => {
            const step = stage.steps[0] as Extract<PlanStep, { kind: "action" }>;
            const script = { name: "wipe", path: "/srv/systems/orders/wipe.mjs", sha256: HASH, environment: ["TOKEN"] };
            const input = n === 30 ? { script, arguments: ["--all"] } : { host: `10.0.0.${n}` };
            return { ...step, id: `look-${n}`, title: `Look at node ${n}`, input };
          }),
        },
  ),
};

describe("a plan that is longer than its card", () => {
  const story = declared()
    .after(60)
    .request("ana", long)
    .after(4)
    .engine({ type: "run.preflighted", data: seen })
    .open("go", "ask-first");
  const run = [...story.state.runs.values()][0];
  const step = run?.steps.get("go");
  if (!run || step?.status !== "gate" || step.step.kind !== "gate") throw new Error("nothing is asked");
  const shown: Shown = { run, step: step.step, gate: step.gate };
  const pages = Array.from({ length: pagesOf(shown) }, (_, n) => stepsForm(shown, n + 1));

  test("is shown whole, with targets, the script's path and its full hash, and as Slack takes it", () => {
    const truncated = pages.map((page) => JSON.stringify(truncateForm(page, page.actionValue)));
    const all = truncated.join("\n");
    for (const stage of long.stages) for (const { title } of stage.steps) expect(all).toContain(title);
    expect(all).toContain("/srv/systems/orders/wipe.mjs");
    expect(all).toContain(HASH);
    expect(all).toContain(hashOf(long));
    expect(all).toContain("host = 10.0.0.56");
    expect(
      pages.map(({ blocks }, n) => truncateForm(pages[n] as Form, "").blocks.length === blocks.length),
    ).not.toContain(false);
  });

  test("can be approved on the last page and nowhere before it", () => {
    expect(pages.length).toBeGreaterThan(7);
    expect(pages.slice(0, -1).map(({ callback, submit }) => `${callback} ${submit}`)).toEqual(
      Array(pages.length - 1).fill("plan.steps "),
    );
    expect(pages.at(-1)).toMatchObject({ callback: "gate.approve", submit: "Approve" });
    const card = JSON.stringify(gateCard({ state: story.state, ...shown }, around(story)).blocks);
    expect(card).toContain("All 61 steps");
    expect(card).toContain("Approve…");
    expect(card).not.toContain('"confirm"');
  });

  test("decided while someone reads it, says so on the last page, and can't be approved there", () => {
    for (const outcome of ["passed", "denied", "expired", "voided"] as const) {
      const page = stepsForm({ ...shown, gate: { ...shown.gate, outcome } }, pages.length);
      expect(page).toMatchObject({ callback: "plan.steps", submit: "" });
      expect(JSON.stringify(page.blocks)).toMatch(/Already approved|Denied|Expired|Void/);
    }
  });
});

describe("as people press it", () => {
  let server: TestServer;
  let store: Store;
  let app: TestApp;
  const pressed = { channel: "C0INCNIGHT", canAskForm: true };
  const formOf = (reply: Reply): Form => {
    if (reply.kind === "form") return reply.form;
    throw new Error(`no form: ${JSON.stringify(reply)}`);
  };
  const textOf = (reply: Reply) => (reply.kind === "private" ? reply.message.text : reply.kind);

  beforeAll(async () => {
    server = await testServer();
    store = await storeOn(await server.database());
    app = new TestApp(store);
    lengthen(app);
  }, 60_000);
  afterAll(async () => {
    await store?.close();
    await server?.close();
  }, 60_000);

  async function asked(key: string): Promise<{ incident: string; run: string }> {
    const [incident, run] = [idFor("inc", key), idFor("run", key)];
    await app.ask("alex", "failover database --severity P1", { key, channel: pressed.channel });
    app.channels.set(incident, pressed.channel);
    await app.engine(run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
    await app.open(run, "approve", `ask-${key}`);
    return { incident, run };
  }

  test("the card's Approve lists the plan first, who looked is recorded, and the last page decides", async () => {
    const { incident, run } = await asked("long");
    const first = formOf(await app.press("sam", "gate.approve", `${run}/ask-long`, pressed));
    expect(first).toMatchObject({ callback: "plan.steps", submit: "" });
    const late = await app.press("sam", "gate.approve", `${run}/ask-long`, { ...pressed, canAskForm: false });
    expect(textOf(late)).toMatch(/longer than its card.*Nothing was approved/s);
    let page = first;
    while (page.callback === "plan.steps")
      page = formOf(await app.press("sam", "plan.next", page.actionValue, pressed));
    page = formOf(await app.press("sam", "plan.previous", page.actionValue, pressed));
    page = formOf(await app.press("sam", "plan.next", page.actionValue, pressed));
    const before = (await app.state(incident)).events;
    expect(before.filter(({ type }) => type === "gate.approved")).toEqual([]);
    expect(
      before.filter(({ type }) => type === "gate.shown").map(({ data, actor }) => ({ data, actor })),
    ).toMatchObject([
      { data: { person: "sam-okafor", complete: false }, actor: { person: "sam-okafor" } },
      { data: { person: "sam-okafor", complete: true } },
    ]);
    // The same decision, by the same rules: who asked does not approve there either.
    const own = await app.press("alex", page.callback, page.actionValue, { channel: pressed.channel, form: {} });
    expect(textOf(own)).toMatch(/asked for|requested|your own/i);
    const given = await app.press("sam", page.callback, page.actionValue, { channel: pressed.channel, form: {} });
    expect(textOf(given)).toContain("Your approval");
    const after = (await app.state(incident)).events.filter(({ type }) => type === "gate.approved");
    expect(after).toHaveLength(1);
    await app.ask("sam", `abort ${run} done`, { channel: pressed.channel });
  });

  test("the same thing is requested so often, then no more, and the card counts", async () => {
    // The one before was the first.
    for (let n = 1; n < ASKED_MAX; n++) {
      const { run } = await asked(`again-${n}`);
      const card = await app.ask("sam", `approve ${run}`, { channel: pressed.channel });
      expect(JSON.stringify(card)).toContain(`Asked ${n + 1} times within an hour`);
      await app.ask("sam", `deny ${run} no`, { channel: pressed.channel });
      await app.ask("alex", `abort ${run} again`, { channel: pressed.channel });
    }
    const more = await app.ask("alex", "failover database", { key: "again-more", channel: pressed.channel });
    expect(textOf(more)).toContain(`requested this ${ASKED_MAX} times within an hour`);
  });
});

/** The practice failover, with more looks at its end than a card names. */
function lengthen(app: TestApp): void {
  const { catalog } = app.context;
  const runbooks = catalog.runbooks.map((book) => {
    if (book.id !== "database-failover") return book;
    const stages = book.stages.map((stage, n) => {
      const last = stage.steps.at(-1);
      if (n !== book.stages.length - 1 || last === undefined) return stage;
      const more = Array.from({ length: 12 }, (_, k) => ({ ...last, id: `${last.id}-${k}` }));
      return { ...stage, steps: [...stage.steps, ...more] };
    });
    return { ...book, stages };
  });
  Object.assign(app.context, { catalog: { ...catalog, runbooks } });
}
