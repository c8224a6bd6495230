import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Message } from "../../practice/slack/index.ts";
import { until } from "../support/postgres.ts";
import { openPracticeHarness, type PracticeHarness } from "./harness.ts";

let harness: PracticeHarness;

beforeAll(async () => {
  harness = await openPracticeHarness();
}, 120_000);
afterAll(() => harness?.stop(), 60_000);
afterEach(() => harness.readers.injectFault("calm"));

const inOwn = (channel: string) => (message: Message) => message.channel === channel;

/** Declares an incident and waits for its own channel. */
async function declare(title: string): Promise<{ id: string; channel: string }> {
  const alex = harness.workspace.as("UALEX");
  await alex.slash(`/dr declare ${title} --severity P1`);
  const named = await alex.waitForMessage(({ text }) => text.includes(title) && /Follow it in <#C/.test(text), 15_000);
  const channel = /<#(C[A-Z0-9]+)>/.exec(named.text)?.[1] ?? "";
  const [stream] = await harness.store.timeline.streams("inc-", 1);
  return { id: stream?.id ?? "", channel };
}

describe("people are told", () => {
  test("a comms lead sends customers a correct update in three interactions", async () => {
    const { id, channel } = await declare("Orders cannot be placed");
    const cass = harness.workspace.as("UCASS");
    // One: ask. Two: choose what to write; it is drawn again with what fits. Three: send.
    await cass.slash("/dr update", channel);
    const form = await cass.waitForView(({ callback_id }) => callback_id === "update");
    const shown = JSON.stringify(form.blocks);
    expect(shown).toContain("Customers: first notice");
    expect(shown).toContain("e-mail: 2 addresses");
    await cass.choose(form, "update.preview:template", "status-page-initial");
    const page = await cass.waitForView(({ blocks }) => JSON.stringify(blocks).includes("Statuspage"));
    const impact = "You can look at the shop, but not order. <!channel> https://evil.example";
    expect(await cass.submit(page, { "field-impact": impact })).toMatchObject({ ok: true });

    await until(() => harness.readers.notices.length === 1, 20);
    const [notice] = harness.readers.notices;
    expect(notice).toMatchObject({ status: "investigating", impact: "major" });
    expect(notice?.name).toBe("PRACTICE · Practice orders: some functions are not available");
    expect(notice?.incident_updates[0]?.body).toMatch(/You can look at the shop, but not order\. ‹!channel›/);
    expect(notice?.incident_updates[0]?.body).toMatch(/Next update by \d\d:\d\d UTC\.$/);

    const recorded = await cass.waitForMessage(
      (message) => inOwn(channel)(message) && /To the status page.*Statuspage: ✅ sent/s.test(message.text),
      20_000,
    );
    expect(recorded.text).not.toContain("<!channel>");
    const html = await readFile(join(harness.dataFolder, "status-page", "index.html"), "utf8");
    expect(html).toContain("We are investigating a problem");
    expect(html).not.toMatch(/<!channel>|https:\/\/evil/);
    const events = await harness.store.timeline.read(id);
    expect(events.find(({ type }) => type === "update.posted")).toMatchObject({
      actor: { person: "cass-moreau" },
      data: { template: "status-page-initial", audience: "status-page" },
    });
  }, 120_000);

  test("a person whose role sends no updates is told who does, and nothing is sent", async () => {
    const { channel } = await declare("Search is slow");
    const alex = harness.workspace.as("UALEX");
    await alex.slash("/dr update", channel);
    const said = await alex.waitForMessage(({ text }) =>
      text.includes("Only the comms lead and the incident commander send updates"),
    );
    expect(said.text).toContain("Cass Moreau");
  }, 60_000);

  test("while the mail server is down it is queued and says so, and goes out once when it is back, across a restart and with two bots", async () => {
    const { channel, id } = await declare("Carts are empty");
    const cass = harness.workspace.as("UCASS");
    await harness.readers.injectFault("smtp-down");
    const before = harness.readers.mails.length;
    await cass.slash("/dr update --template customers-initial", channel);
    const form = await cass.waitForView(({ callback_id }) => callback_id === "update");
    await cass.submit(form, { "field-impact": "Your cart looks empty. Nothing in it is lost." });
    await cass.waitForMessage(
      (message) => inOwn(channel)(message) && /E-mail: ⏳ queued since/.test(message.text),
      30_000,
    );
    await harness.bot.kill();
    await harness.bot.start();
    const other = await harness.anotherBot();
    try {
      await harness.readers.injectFault("calm");
      await until(() => harness.readers.mails.length > before, 60);
      await cass.waitForMessage(
        (message) => inOwn(channel)(message) && /E-mail: ✅ sent at .* to 2 addresses/.test(message.text),
        30_000,
      );
    } finally {
      await other.stop();
      other.close();
    }
    const mails = harness.readers.mails.slice(before);
    expect(mails).toHaveLength(1);
    expect(mails[0]).toMatchObject({
      subject: "[PRACTICE] Practice orders: some functions are not available",
      recipients: ["customers@orders.example", "partners@orders.example"],
    });
    // Readers do not see each other.
    expect(`${mails[0]?.to}${mails[0]?.headers.cc ?? ""}${mails[0]?.text}`).not.toContain("@orders.example");
    expect(mails[0]?.text).toContain("Your cart looks empty.");
    const events = await harness.store.timeline.read(id);
    const types = events.map(({ type }) => type).filter((type) => type.startsWith("update."));
    expect(types).toEqual(["update.posted", "update.delayed", "update.delivered"]);
  }, 180_000);

  test("who joins late is offered what they missed, on one screen of a phone", async () => {
    const { channel, id } = await declare("Payments time out");
    const alex = harness.workspace.as("UALEX");
    await alex.slash("/dr note The provider confirms an outage", channel);
    await alex.waitForMessage(({ text }) => text.startsWith("Noted on the timeline"));
    const vera = harness.workspace.as("UVERA");
    await vera.slash(`/dr catchup --incident ${id}`);
    const said = await vera.waitForMessage(({ text, only }) => only === "UVERA" && text.includes("Payments time out"));
    expect(said.text).toMatch(/Now: .*investigating/);
    expect(said.text).toContain("The provider confirms an outage");
    expect(said.text).toMatch(/Roles: .*open/);
    expect(said.text).toMatch(/Waited for: • first notice by/);
    expect(said.text.length).toBeLessThan(900);
  }, 60_000);
});
