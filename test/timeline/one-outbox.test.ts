import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hashOf, sha256 } from "../../src/lib/canonical.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { createDeliveries, type DueItem, type Ended, FAILING_TRIES } from "../../src/projection/deliveries.ts";
import type { Item } from "../../src/projection/outbox/messages.ts";
import { createOutbox } from "../../src/projection/outbox.ts";
import { createDeliveryWorker, type Sink } from "../../src/projection/worker.ts";
import type { Store } from "../../src/timeline/index.ts";
import { asSuperuser, quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";

/** A store as the version before one outbox left it: what was pending, in progress and over, in its three tables. */
const OLD_ROWS = `
  insert into lifeboat.page (key, stream, version, wanted, wanted_hash, told, told_hash, tried, not_before, failures, owner, claimed_until) values
    ('lifeboat/inc-new', 'inc-new', 4, '{"n": 1}', 'w', null, null, false, '-infinity', 0, null, '-infinity'),
    ('lifeboat/inc-tried', 'inc-tried', 5, '{"n": 2}', 'w', null, null, true, '-infinity', 2, null, '-infinity'),
    ('lifeboat/inc-changed', 'inc-changed', 6, '{"n": 3}', 'w', '{"n": 0}', 'old', true, '-infinity', 0, null, '-infinity'),
    ('lifeboat/inc-told', 'inc-told', 7, '{"n": 4}', 'w', '{"n": 4}', 'w', true, '-infinity', 0, null, '-infinity'),
    ('lifeboat/inc-held', 'inc-held', 8, '{"n": 5}', 'w', null, null, true, '-infinity', 0, 'another', now() + interval '1 hour'),
    ('lifeboat/inc-later', 'inc-later', 9, '{"n": 6}', 'w', null, null, true, now() + interval '1 hour', 3, null, '-infinity');
  insert into lifeboat.delivery (key, stream, lane, via, content, sending_since, attempts, owner, claimed_until, ended_at, outcome, reference, reached, recorded_at, says) values
    ('upd-1/email', 'inc-1', 'inc-1/email/customers', 'email', '{}', null, 1, null, '-infinity', now(), 'delivered', 'ref-1', '2 addresses', now(), null),
    ('upd-2/email', 'inc-1', 'inc-1/email/customers', 'email', '{"n": 2}', now(), 1, null, '-infinity', null, null, null, null, null, null),
    ('upd-3/email', 'inc-1', 'inc-1/email/customers', 'email', '{"n": 3}', null, 0, null, '-infinity', null, null, null, null, null, null),
    ('upd-4/email', 'inc-2', 'inc-2/email/customers', 'email', '{"n": 4}', null, 1, null, '-infinity', now(), 'delivered', 'ref-4', '3 addresses', null, 'one refused'),
    ('upd-5/email', 'inc-3', 'inc-3/email/customers', 'email', '{}', null, 1, null, '-infinity', now(), 'undelivered', null, null, now(), 'no'),
    ('upd-6/statuspage', 'inc-4', 'inc-4/statuspage', 'statuspage', '{"n": 6}', null, 1, 'another', now() + interval '1 hour', null, null, null, null, null, null);
  insert into lifeboat.outbox_stream (stream, version) values ('inc-1', 3);
  insert into lifeboat.outbox_lane (lane, place, tokens, tokens_at) values
    ('CINCIDENT', 'CINCIDENT', 2, now()), ('workspace:T1:edits', null, 7, now());
  insert into lifeboat.outbox (stream, key, lane, under, priority, once, wanted, wanted_hash, shown_as, shown_hash, sent_since, failures) values
    ('inc-1', 'card', 'CINCIDENT', null, 1, false, '{"text": "b"}', 'b', '1.1', 'a', null, 0),
    ('inc-1', 'shown', 'CINCIDENT', null, 1, false, '{"text": "c"}', 'c', '1.2', 'c', null, 0),
    ('inc-1', 'said', 'CINCIDENT', null, 1, true, '{"text": "d"}', 'd', '1.3', 'x', null, 0),
    ('inc-1', 'maybe', 'CINCIDENT', 'card', 0, false, '{"text": "e"}', 'e', null, null, now(), 1);`;

let on: TestServer;
let url: string;
let store: Store;

beforeAll(async () => {
  on = await testServer();
  url = await on.database();
  const folder = join(projectRoot(), "src/timeline/migrations");
  await asSuperuser(
    url,
    "create schema lifeboat; create table lifeboat.migration (name text primary key, checksum text not null, applied_at timestamptz(3) not null default now())",
  );
  for (const name of (await readdir(folder)).filter((one) => one < "0120").sort()) {
    const sql = await readFile(join(folder, name), "utf8");
    await asSuperuser(url, sql);
    await asSuperuser(url, "insert into lifeboat.migration (name, checksum) values ($1, $2)", [name, sha256(sql)]);
  }
  await asSuperuser(url, OLD_ROWS);
  store = await storeOn(url);
}, 60_000);
afterAll(async () => {
  await store.close();
  await on.close();
}, 60_000);

/** Takes everything, and remembers what it was given. */
function taking(name: string) {
  const sent: DueItem[] = [];
  const recorded: Ended[] = [];
  const sink: Sink = {
    name,
    async send(item) {
      sent.push(item);
      return { how: "delivered", told: { to: "all" }, reference: `new-${item.key}`, says: null };
    },
    record: async (ended) => void recorded.push(ended),
  };
  return { sent, recorded, sink };
}

test("what was pending in the three tables is sent once by two workers, in order, and nothing else is", async () => {
  const sinks = ["pagerduty", "email", "statuspage"].map(taking);
  const [pages, mail, status] = sinks as [
    ReturnType<typeof taking>,
    ReturnType<typeof taking>,
    ReturnType<typeof taking>,
  ];
  const workers = [1, 2].map(() =>
    createDeliveryWorker({
      deliveries: createDeliveries(store.pool),
      sinks: sinks.map(({ sink }) => sink),
      log: quiet,
      ended: () => {},
    }),
  );
  await until(async () => {
    for (const worker of workers) await worker.round();
    await Promise.all(workers.map((worker) => worker.settled()));
    return mail.recorded.length === 3 && pages.sent.length === 3;
  });
  for (const worker of workers) await worker.round();

  expect(
    pages.sent.map(({ key, version, tried, tries, delivered }) => ({ key, version, tried, tries, delivered })),
  ).toEqual(
    expect.arrayContaining([
      { key: "lifeboat/inc-new", version: 4, tried: false, tries: 0, delivered: null },
      { key: "lifeboat/inc-tried", version: 5, tried: true, tries: 2, delivered: null },
      { key: "lifeboat/inc-changed", version: 6, tried: true, tries: 0, delivered: { n: 0 } },
    ]),
  );
  expect(pages.sent).toHaveLength(3);
  // In the order of its queue; what was under way is "no one knows", and what the outside called the last one is known.
  expect(mail.sent.map(({ key, unsure, reference, desired }) => ({ key, unsure, reference, desired }))).toEqual([
    { key: "upd-2/email", unsure: true, reference: "ref-1", desired: { n: 2 } },
    { key: "upd-3/email", unsure: false, reference: "new-upd-2/email", desired: { n: 3 } },
  ]);
  expect(status.sent).toEqual([]);
  expect(mail.recorded.map(({ key, delivered, says }) => ({ key, delivered, says }))).toEqual(
    expect.arrayContaining([{ key: "upd-4/email", delivered: { to: "3 addresses" }, says: "one refused" }]),
  );
  // Said again by the one who folds the timeline again: it was said once.
  const deliveries = createDeliveries(store.pool);
  const again = { sink: "email", queue: "inc-1/email/customers", once: true, desired: { n: 9 } };
  await deliveries.enqueue(
    "inc-1",
    99,
    ["upd-1/email", "upd-2/email"].map((key) => ({ ...again, key })),
  );
  expect(await deliveries.claim("me", ["email"], 60, 10)).toEqual([]);
  // What another process held when it was migrated is its own until its claim is over.
  await asSuperuser(url, "update lifeboat.outbox_queue set claimed_until = now() where owner = 'another'");
  expect(
    (await deliveries.claim("me", ["pagerduty", "statuspage"], 60, 10)).map(({ key, unsure }) => [key, unsure]),
  ).toEqual(
    expect.arrayContaining([
      ["lifeboat/inc-held", true],
      ["upd-6/statuspage", false],
    ]),
  );
});

test("what Slack was shown stays shown, what it should show stays due, and its shared pace is where it was", async () => {
  const outbox = createOutbox(store.pool);
  expect(await outbox.claim("me", 60, 10)).toEqual(["CINCIDENT"]);
  const due = await outbox.pending("CINCIDENT");
  expect(
    due.map(({ key, deliveredAs, sendingSince, rootAs, tries }) => [
      key,
      deliveredAs,
      sendingSince !== null,
      rootAs,
      tries,
    ]),
  ).toEqual([
    ["card", "1.1", false, null, 0],
    ["maybe", null, true, "1.1", 1],
  ]);
  const before = await outbox.tokens("workspace:T1:edits", { perSecond: 0, burst: 10 });
  expect(before).toBe(7);
  // Drawn again at the next version it changes no more than what is drawn.
  const message = { queue: "CINCIDENT", under: null, priority: 1, broadcast: false };
  await outbox.want({
    ...{ stream: "inc-1", version: 4, about: {}, redrawAt: null, queues: [] },
    messages: [
      { ...message, key: "said", once: true, desired: { text: "otherwise" } },
      { ...message, key: "card", once: false, desired: { text: "z" } },
    ],
  });
  expect((await outbox.pending("CINCIDENT")).map(({ key, desiredHash }) => [key, desiredHash])).toEqual([
    ["card", hashOf({ text: "z" })],
    ["maybe", "e"],
  ]);
});

describe("what was given up", () => {
  const deliveries = () => createDeliveries(store.pool);
  const mail = (key: string) => ({ sink: "email", queue: `${key}/queue`, key, once: true, desired: { n: 1 } });

  test("is not tried any more, is visible, and is tried again when a person asks for it", async () => {
    let refuses = true;
    let asked = 0;
    const recorded: Ended[] = [];
    const sink: Sink = {
      name: "email",
      async send() {
        asked += 1;
        return refuses
          ? { how: "never", says: "no such mailbox" }
          : { how: "delivered", told: { to: "all" }, reference: null, says: null };
      },
      record: async (ended) => void recorded.push(ended),
    };
    const worker = createDeliveryWorker({ deliveries: deliveries(), sinks: [sink], log: quiet, ended: () => {} });
    const round = async () => {
      await worker.round();
      await worker.settled();
      await worker.round();
      await worker.settled();
    };
    await deliveries().enqueue("inc-refused", 1, [mail("upd-9/email")]);
    await round();
    expect([asked, recorded.map(({ delivered, says }) => [delivered, says])]).toEqual([1, [[null, "no such mailbox"]]]);
    expect(await deliveries().undelivered("inc-refused")).toEqual([
      { sink: "email", stream: "inc-refused", key: "upd-9/email", tries: 1, says: "no such mailbox", givenUp: true },
    ]);
    refuses = false;
    expect(await deliveries().tryAgain("inc-refused")).toBe(1);
    await round();
    expect([asked, recorded.at(-1)?.delivered]).toEqual([2, { to: "all" }]);
    expect(await deliveries().undelivered("inc-refused")).toEqual([]);
    expect(await deliveries().tryAgain("inc-refused")).toBe(0);
  });

  test("is visible while it is tried on, from its fifth failure in a row", async () => {
    const worker = createDeliveryWorker({
      deliveries: deliveries(),
      sinks: [{ name: "page", send: async () => ({ how: "later", sure: true, says: "the disk is full", seconds: 0 }) }],
      log: quiet,
      ended: () => {},
    });
    await deliveries().enqueue("inc-full", 1, [{ ...mail("upd-9/page"), sink: "page" }]);
    const failing = async () =>
      (await deliveries().undelivered("inc-full")).map(({ tries, givenUp }) => [tries, givenUp]);
    for (let n = 1; n < FAILING_TRIES; n++) {
      await worker.round();
      await worker.settled();
      expect(await failing()).toEqual([]);
    }
    await worker.round();
    await worker.settled();
    expect(await failing()).toEqual([[FAILING_TRIES, false]]);
  });

  test("in Slack comes back when something else is desired", async () => {
    const outbox = createOutbox(store.pool);
    const desiredState = (version: number, text: string) => ({
      ...{ stream: "inc-odd", version, about: {}, redrawAt: null },
      queues: [{ queue: "CODD", own: false, place: "CODD", wanted: null }],
      messages: [
        { key: "card", queue: "CODD", under: null, priority: 1, broadcast: false, once: false, desired: { text } },
      ],
    });
    await outbox.want(desiredState(1, "one"));
    const [item] = await outbox.pending("CODD");
    await outbox.giveUp(item?.id ?? "", "msg_too_long");
    expect(await outbox.pending("CODD")).toEqual([]);
    expect(await outbox.claim("me", 60, 10)).not.toContain("CODD");
    expect(await deliveries().undelivered("inc-odd")).toHaveLength(1);
    await outbox.want(desiredState(2, "two"));
    expect(await outbox.pending("CODD")).toHaveLength(1);
    expect(await outbox.claim("me", 60, 10)).toContain("CODD");
  });
});

test("what is sent while something else is rendered counts as what was sent, also where its answer is lost", async () => {
  const outbox = createOutbox(store.pool);
  const desiredState = (version: number, text: string) => ({
    ...{ stream: "inc-race", version, about: {}, redrawAt: null },
    queues: [{ queue: "CRACE", own: false, place: "CRACE", wanted: null }],
    messages: [
      { key: "ask", queue: "CRACE", under: null, priority: 0, broadcast: false, once: false, desired: { text } },
    ],
  });
  await outbox.want(desiredState(1, "Approve?"));
  await outbox.claim("me", 60, 10);
  const [read] = await outbox.pending("CRACE");
  await outbox.want(desiredState(2, "Approved"));
  expect(read && (await outbox.sending(read, "me"))).toBe(true);
  const [unsure] = await outbox.pending("CRACE");
  expect(unsure).toMatchObject({ desired: { text: "Approved" }, sendingHash: hashOf({ text: "Approve?" }) });
  // Found again in Slack: what stands there is still to be edited.
  await outbox.delivered(unsure?.id ?? "", "1.1", unsure?.sendingHash ?? "");
  expect(await outbox.pending("CRACE")).toMatchObject([{ deliveredAs: "1.1", desired: { text: "Approved" } }]);
});

test("what was there before is shown again where an edit is in doubt, and who lost the queue edits nothing", async () => {
  const outbox = createOutbox(store.pool);
  const desiredState = (version: number, text: string) => ({
    ...{ stream: "inc-edit", version, about: {}, redrawAt: null },
    queues: [{ queue: "CEDIT", own: false, place: "CEDIT", wanted: null }],
    messages: [
      { key: "card", queue: "CEDIT", under: null, priority: 0, broadcast: false, once: false, desired: { text } },
    ],
  });
  await outbox.want(desiredState(1, "open"));
  await outbox.claim("me", 60, 10);
  const [posted] = await outbox.pending("CEDIT");
  await outbox.sending(posted as Item, "me");
  await outbox.delivered(posted?.id ?? "", "1.1", hashOf({ text: "open" }));
  await outbox.want(desiredState(2, "paused"));
  const [edited] = await outbox.pending("CEDIT");
  expect(await outbox.editing(edited as Item, "another")).toBe(false);
  expect(await outbox.editing(edited as Item, "me")).toBe(true);
  // Slack may show either now; what is desired is what it showed before.
  await outbox.want(desiredState(3, "open"));
  expect(await outbox.pending("CEDIT")).toMatchObject([{ deliveredAs: "1.1", desired: { text: "open" } }]);
});

test("messages that fail side by side make their channel wait as long as one", async () => {
  const outbox = createOutbox(store.pool);
  const queues = [{ queue: "CFAIL", own: false, place: "CFAIL", wanted: null }];
  const message = { queue: "CFAIL", under: null, priority: 0, broadcast: false, once: false, desired: {} };
  const messages = [{ ...message, key: "card" }];
  await outbox.want({ stream: "inc-fail", version: 1, about: {}, redrawAt: null, queues, messages });
  await outbox.claim("me", 60, 10);
  for (let n = 0; n < 4; n++) await outbox.putOff("CFAIL", "me", 60, "timeout", true);
  expect(await outbox.queue("CFAIL")).toMatchObject({ failures: 1 });
});

test("what is rendered while a place is found closed does not wait there for ever", async () => {
  const outbox = createOutbox(store.pool);
  const desiredState = (version: number) => ({
    ...{ stream: "inc-closed", version, about: {}, redrawAt: null },
    queues: [{ queue: "direct:UGONE", own: false, place: null, wanted: null }],
    messages: [
      { key: "ask", queue: "direct:UGONE", under: null, priority: 0, broadcast: false, once: false, desired: {} },
    ],
  });
  await outbox.want(desiredState(1));
  expect(await outbox.claim("me", 60, 10)).toContain("direct:UGONE");
  await outbox.closed("direct:UGONE", "me", "user_disabled", 3600);
  await outbox.want(desiredState(2));
  expect(await outbox.pending("direct:UGONE")).toEqual([]);
});
