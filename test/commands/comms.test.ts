import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { idFor } from "../../src/lib/id-for.ts";
import type { Store } from "../../src/timeline/index.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import { keepPages, printView } from "../support/printed-page.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const IN = { channel: "C0INCTOLD" };
const incident = idFor("inc", "declare-key");

let store: Store;
let app: TestApp;

storeForEach(async (fresh) => {
  store = fresh;
  app = new TestApp(store);
  await app.ask("alex", "declare Orders cannot be placed --severity P1", { key: "declare-key" });
  app.channels.set(incident, IN.channel);
});

const fields = (template: string, given: Record<string, string>) => ({
  template,
  ...Object.fromEntries(Object.entries(given).map(([name, text]) => [`field-${name}`, text])),
});

/** Minutes and seconds that pass while a test runs. */
const still = (page: string) =>
  page
    .replace(/<!date\^\d+\^[^|]*\|[^>]*>(?: \([^)]*\))?/g, "<now>")
    .replace(/(?:\b\d{1,2} [A-Z][a-z]+ \d{4}, )?\b\d\d:\d\d UTC/g, "<then>")
    .replace(/• \d\d:\d\d /g, "• <then> ")
    .replace(/\d+(\.\d+)? s since/g, "<moments> since")
    .replace(/redraw .*/g, "redraw  <then>");

async function shown(): Promise<string> {
  const { state } = await app.state(incident);
  const system = app.context.catalog.systems.find(({ id }) => id === "practice");
  if (system === undefined) throw new Error("There is no practice system.");
  const names = (who: string) => `@${who}`;
  const view = renderIncident(state, { system, now: store.timeline.now(), practice: true, names, channel: IN.channel });
  const told = view.messages.filter(({ key }) => /^(card|update:|owed:)/.test(key));
  return printView({ ...view, messages: told })
    .replace(/<!date\^\d+\^[^|]*\|[^>]*>(?: \([^)]*\))?/g, "<now>")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "<now>")
    .replace(/\d\d:\d\d:\d\d UTC/g, "<now>");
}

describe("telling people", () => {
  test("from the form to the channel", async () => {
    await app.ask("alex", "update", IN);
    await app.ask("cass", "update", { ...IN, canAskForm: true });
    await app.ask("cass", "update", {
      ...{ ...IN, canAskForm: true, verb: "update.preview", actionValue: incident },
      form: fields("executives-initial", {
        business: "No orders since 02:41.",
        doing: "Alex looks",
        nextUpdate: "soon",
      }),
    });
    app.remark("what is missing is said, and nothing is sent");
    await app.press("cass", "update", incident, { ...IN, form: fields("customers-initial", { impact: "" }) });
    app.remark("what is sent");
    const given = {
      headline: "Orders",
      impact: "No <!channel> orders, see https://evil.example",
      nextUpdate: "03:15 UTC",
    };
    await app.press("cass", "update", incident, { ...IN, form: fields("customers-initial", given), key: "sent" });
    await app.press("cass", "update", incident, { ...IN, form: fields("customers-initial", given), key: "sent" });
    await app.press("sam", "update", incident, {
      ...IN,
      form: fields("executives-progress", { ...given, news: "It is worse", business: "No orders", need: "Nothing" }),
    });
    app.remark("what would be untrue");
    await app.press("cass", "update", incident, {
      ...IN,
      form: fields("customers-resolution", { headline: "Orders", cause: "Rain", followUp: "A roof" }),
    });
    app.remark("where no form can be opened");
    await app.ask("cass", "update --template responders-progress The standby is well", IN);
    await app.ask("cass", "update --template responders-progres", IN);
    expectPage("update-sent.out", still(app.script()));
    expectPage("update-sent-view.out", still(await shown()));
    const { events } = await app.state(incident);
    expect(events.filter(({ type }) => type === "update.posted")).toHaveLength(2);
  });

  test("what was said last is offered again, but not what responders were told to customers", async () => {
    const secret = fields("responders-initial", {
      known: "x",
      users: "The pg primary is gone",
      doing: "y",
      nextUpdate: "z",
    });
    await app.press("cass", "update", incident, { ...IN, form: secret });
    const first = await app.ask("cass", "update --template customers-initial", { ...IN, canAskForm: true });
    expect(JSON.stringify(first)).not.toContain("pg primary");
    const given = { headline: "Orders fail", impact: "You cannot order", nextUpdate: "soon" };
    await app.press("cass", "update", incident, { ...IN, form: fields("customers-initial", given) });
    const next = await app.ask("cass", "update --template customers-progress", { ...IN, canAskForm: true });
    const forms = JSON.stringify(next);
    expect(forms).toContain('"initial_value":"You cannot order"');
    expect(forms).toContain('"initial_value":"Orders fail"');
    const page = await app.ask("cass", "update --template status-page-progress", { ...IN, canAskForm: true });
    expect(JSON.stringify(page)).toContain('"initial_value":"You cannot order"');
  });

  test("a reminder, a snooze, and what is late", async () => {
    const due = `firstNotice@1`;
    const at = new Date(Date.now() + 300_000).toISOString();
    const remember = (type: string, key: string) =>
      store.timeline.decide(incident, () => ({
        events: [{ type, data: { due, kind: "firstNotice", dueAt: at }, actor: { kind: "bot" }, key }],
        value: null,
      }));
    await remember("comms.reminded", "comms.reminded/1");
    await app.press("alex", "snooze", `${incident}/${due}`, IN);
    await app.press("cass", "snooze", `${incident}/${due}`, IN);
    await app.ask("cass", "snooze 300", IN);
    await app.ask("cass", "snooze soon", IN);
    app.remark("reminded, and put off");
    expectPage("update-due-reminded.out", still(await shown()));
    await remember("comms.late", "comms.late/1");
    expectPage("update-due-late.out", still(await shown()));
    const given = { headline: "Orders", impact: "No orders", nextUpdate: "soon" };
    await app.press("cass", "update", incident, { ...IN, form: fields("customers-initial", given) });
    await app.press("cass", "snooze", `${incident}/${due}`, IN);
    expectPage("update-due-sent.out", still(await shown()));
    expectPage("update-due.out", still(app.script()));
  });

  test("catching up fits a phone, for who asks and for who comes late, and says nothing to who was there", async () => {
    await app.ask("sam", "role take commander", IN);
    await app.ask("alex", "note The provider confirms <!here> an outage", IN);
    await app.ask("alex", "failover database", { ...IN, key: "run-key" });
    const run = idFor("run", "run-key");
    await app.engine(run, {
      type: "run.preflighted",
      data: { ready: true, factsHash: "f", facts: [], checks: [], loss: "nothing" },
    });
    await app.open(run, "approve", "ask-first");
    await app.ask("vera", "catchup", IN);
    await app.ask("somebody", "catchup", IN);
    await app.press("vera", "catchup", "joined", IN);
    expectPage("catchup.out", still(app.script()));
  });
});
