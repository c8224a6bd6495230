import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { asSuperuser, type TestServer, testServer, until } from "../support/postgres.ts";
import { type CommsHarness, openCommsHarness } from "./harness.ts";

let server: TestServer;
let harness: CommsHarness;
const N = "inc-night";

beforeAll(async () => {
  server = await testServer();
}, 60_000);
afterAll(() => server.close());
afterEach(() => harness.close());

const about = async (type: string) => (await harness.delivered(N)).filter((one) => one.startsWith(type));

describe("what was said is brought outside once", () => {
  test("by mail and on both pages, and the timeline says so", async () => {
    harness = await openCommsHarness(server);
    await harness.clerk();
    await harness.declare(N);
    await harness.say(N, "customers-initial", "You cannot order");
    await harness.say(N, "status-page-initial", "You cannot order");
    await until(async () => (await about("update.delivered")).length === 3, 10);
    expect((await about("update.delivered")).sort()).toEqual([
      "update.delivered email",
      "update.delivered page",
      "update.delivered statuspage",
    ]);
    expect(harness.readers.mails).toHaveLength(1);
    expect(harness.readers.notices).toHaveLength(1);
    const events = await harness.store.timeline.read(N);
    expect(events.find(({ data }) => (data as { via?: string }).via === "email")?.data).toMatchObject({
      to: "2 addresses",
      says: null,
    });
    // Addresses are on no timeline, and in the table no longer than they are needed.
    expect(JSON.stringify(events)).not.toContain("@orders.example");
    const [kept] = await asSuperuser<{ all: string }>(
      harness.store.url,
      "select string_agg(desired::text, '') as all from lifeboat.outbox",
    );
    expect(kept?.all).not.toContain("@orders.example");
  }, 30_000);

  test("while the mail server is down it is queued and visible; back, it goes out once, with two processes and a restart between", async () => {
    harness = await openCommsHarness(server);
    const first = await harness.clerk();
    await harness.readers.injectFault("smtp-down");
    await harness.declare(N);
    await harness.say(N, "customers-initial", "You cannot order");
    await harness.say(N, "customers-progress", "Still");
    await until(async () => (await about("update.delayed")).length === 1, 10);
    expect(await about("update.delivered")).toEqual([]);
    await first.stop();
    await Promise.all([harness.clerk(), harness.clerk()]);
    await harness.readers.injectFault("calm");
    await until(async () => (await about("update.delivered")).length === 2, 30);
    // In the order it was said.
    expect(harness.readers.mails.map(({ subject }) => subject)).toEqual(["You cannot order", "Still: update"]);
    expect(await about("update.delayed")).toHaveLength(1);
  }, 60_000);

  test("a mail whose arrival no one confirmed comes again under the same Message-ID, and that is said", async () => {
    harness = await openCommsHarness(server);
    await harness.readers.injectFault("smtp-cut");
    await harness.clerk();
    await harness.declare(N);
    await harness.say(N, "customers-initial", "You cannot order");
    await until(async () => (await about("update.delivered")).length === 1, 20);
    expect(new Set(harness.readers.mails.map(({ messageId }) => messageId)).size).toBe(1);
    expect(harness.readers.mails).toHaveLength(2);
    const events = await harness.store.timeline.read(N);
    expect(events.find(({ type }) => type === "update.delivered")?.data).toMatchObject({
      says: "it may have arrived twice, under one Message-ID",
    });
  }, 30_000);

  test("what the mail server will never take is told, and the next one goes out", async () => {
    harness = await openCommsHarness(server);
    await harness.readers.injectFault("smtp-refuse");
    await harness.clerk();
    await harness.declare(N);
    await harness.say(N, "customers-initial", "You cannot order");
    await until(async () => (await about("update.undelivered")).length === 1, 10);
    await harness.readers.injectFault("calm");
    await harness.say(N, "customers-progress", "Still");
    await until(async () => (await about("update.delivered")).length === 1, 10);
    expect(harness.readers.mails.map(({ subject }) => subject)).toEqual(["Still: update"]);
  }, 30_000);

  test.each(["statuspage-500", "statuspage-hang", "statuspage-limit"] as const)(
    "Statuspage with %s: queued, and there once when it is well",
    async (fault) => {
      harness = await openCommsHarness(server);
      await harness.readers.injectFault(fault);
      await harness.clerk();
      await harness.declare(N);
      await harness.say(N, "status-page-initial", "You cannot order");
      await until(async () => (await about("update.delayed")).length === 1, 10);
      await harness.readers.injectFault("calm");
      await until(async () => (await about("update.delivered statuspage")).length === 1, 20);
      expect(harness.readers.notices.map(({ incident_updates }) => incident_updates.length)).toEqual([1]);
    },
    60_000,
  );

  test("Statuspage does it and the answer is lost: it is looked for, and not said twice", async () => {
    harness = await openCommsHarness(server);
    await harness.clerk();
    await harness.declare(N);
    for (const [template, words] of [
      ["status-page-initial", "You cannot order"],
      ["status-page-progress", "Still"],
    ] as const) {
      await harness.readers.injectFault("statuspage-cut");
      await harness.say(N, template, words);
      await until(
        async () => (await about("update.delivered statuspage")).length === (words === "Still" ? 2 : 1),
        20_000,
      );
    }
    await harness.resolve(N);
    await harness.say(N, "status-page-resolution", "It is over");
    await until(async () => (await about("update.delivered statuspage")).length === 3, 20);
    expect(harness.readers.notices).toHaveLength(1);
    expect(harness.readers.notices[0]?.incident_updates.map(({ status }) => status)).toEqual([
      "resolved",
      "investigating",
      "investigating",
    ]);
    const writes = harness.readers.ledger.filter((call) => !call.startsWith("GET"));
    expect(writes.map((call) => call.split(" ")[0])).toEqual(["POST", "PATCH", "PATCH"]);
  }, 60_000);
});

describe("the built-in page", () => {
  test("is there when the store and everything else is not", async () => {
    harness = await openCommsHarness(server);
    const clerk = await harness.clerk();
    await harness.declare(N);
    await harness.say(N, "status-page-initial", "You can <b>not</b> order <script>alert(1)</script>");
    await until(async () => (await about("update.delivered page")).length === 1, 10);
    const url = `http://127.0.0.1:${clerk.page.port}/`;
    await server.server.stop("immediate");
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
      const html = await answer.text();
      expect(answer.status).toBe(200);
      expect(html).toContain("We are investigating a problem");
      expect(html).not.toMatch(/<script|<b>not/);
      expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(await readFile(join(harness.folder, "index.html"), "utf8")).toBe(html);
    } finally {
      await server.restart();
    }
  }, 60_000);

  test("says what it said before until it knows better, and shows no one anything that was not written for it", async () => {
    harness = await openCommsHarness(server);
    const clerk = await harness.clerk();
    await harness.declare(N);
    await harness.say(N, "executives-initial", "Confidential");
    await harness.say(N, "status-page-initial", "You cannot order");
    await until(async () => (await about("update.delivered page")).length === 1, 10);
    await clerk.stop();
    const next = await harness.clerk();
    const html = await (await fetch(`http://127.0.0.1:${next.page.port}/`)).text();
    expect(html).toContain("You cannot order");
    expect(html).not.toMatch(/Confidential|Orders cannot be placed|P1/);
    expect((await fetch(`http://127.0.0.1:${next.page.port}/../etc/passwd`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${next.page.port}/`, { method: "POST" })).status).toBe(405);
  }, 60_000);
});

describe("what is due", () => {
  test("is reminded of and told late once each, by however many processes", async () => {
    harness = await openCommsHarness(server, { firstNoticeSeconds: 3, remindSeconds: 1.5 });
    await Promise.all([harness.clerk(), harness.clerk(), harness.clerk()]);
    await harness.declare(N);
    await until(async () => (await about("comms.late")).length === 1, 15);
    expect(await harness.delivered(N)).toEqual(["comms.reminded firstNotice@1", "comms.late firstNotice@1"]);
    const events = await harness.store.timeline.read(N);
    const [declared, reminded, late] = events.map(({ at }) => at.getTime());
    // By the store's clock, neither early nor by more than a look late.
    expect((reminded ?? 0) - (declared ?? 0)).toBeGreaterThanOrEqual(1500);
    expect((late ?? 0) - (declared ?? 0)).toBeGreaterThanOrEqual(3000);
    expect((late ?? 0) - (declared ?? 0)).toBeLessThan(12_000);
  }, 30_000);

  test("survives that no one was there when it fell due", async () => {
    harness = await openCommsHarness(server, { firstNoticeSeconds: 2, remindSeconds: 1 });
    const first = await harness.clerk();
    await harness.declare(N);
    await until(async () => (await harness.delivered(N)).length === 0 && (await scheduled()) !== null, 10);
    await first.stop();
    await until(
      async () =>
        (await asSuperuser(harness.store.url, "select from lifeboat.schedule where next_at < now() - interval '2s'"))
          .length === 1,
      10_000,
    );
    await harness.clerk();
    await until(async () => (await harness.delivered(N)).length > 0, 10);
    // What was missed collapses into what is true now.
    expect(await harness.delivered(N)).toEqual(["comms.late firstNotice@1"]);
  }, 30_000);

  test("snoozed, it is late all the same; said, it is due no more", async () => {
    harness = await openCommsHarness(server, { firstNoticeSeconds: 4, remindSeconds: 2, updatesSeconds: 3600 });
    await harness.clerk();
    await harness.declare(N);
    await until(async () => (await about("comms.reminded")).length === 1);
    await harness.snooze(N, "firstNotice@1", 1);
    await until(async () => (await about("comms.late")).length === 1);
    await harness.say(N, "executives-initial", "We are looking");
    await expect(harness.snooze(N, "firstNotice@1", 1)).rejects.toThrow("due-unknown");
    const soon = Date.now() + 3_600_000 - 600_000;
    await until(async () => new Date((await scheduled()) ?? 0).getTime() > soon);
    expect((await harness.delivered(N)).filter((one) => one.startsWith("comms."))).toEqual([
      "comms.reminded firstNotice@1",
      "comms.snoozed firstNotice@1",
      "comms.late firstNotice@1",
    ]);
  }, 30_000);
});

async function scheduled(): Promise<string | null> {
  const [row] = await asSuperuser<{ next: string | null }>(
    harness.store.url,
    `select to_json(next_at)#>>'{}' as next from lifeboat.schedule where stream = '${N}'`,
  );
  return row?.next ?? null;
}
