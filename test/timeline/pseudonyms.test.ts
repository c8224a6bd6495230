import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { peopleInEvents, textsOf } from "../../src/people-in-events.ts";
import { asOwner } from "../../src/timeline/database.ts";
import type { Store } from "../../src/timeline/index.ts";
import { forget } from "../../src/timeline/pseudonyms.ts";
import { complaints } from "../support/independent-verifier.ts";
import { orders } from "../support/orders-system.ts";
import { asSuperuser, event, storeOn, type TestServer, testServer } from "../support/postgres.ts";

const people = [
  { id: "dana-kim", name: "Dana Kim", slack: ["UDANA"], roles: ["dba"] },
  { id: "bo-berg", name: "Bo Berg", slack: ["UBO"], roles: ["dba", "incident-commander"] },
  // Someone whose id is a role's too: forgetting them must not take the word from everything.
  { id: "dba", name: "Dee Bea", slack: ["UDEE"], roles: ["dba"] },
];
const catalog = { systems: [{ ...orders, people }], runbooks: [] };
const dana = { kind: "person", person: "dana-kim", slackUser: "UDANA", name: "Dana Kim", door: "slack" };
const outsider = { kind: "person", person: null, slackUser: "U0OUTSIDE", name: "P1", door: "slack" };

describe("people in events", () => {
  let server: TestServer;
  let url: string;
  beforeAll(async () => {
    server = await testServer();
  }, 60_000);
  afterAll(() => server.close());
  beforeEach(async () => {
    url = await server.database();
  });

  const open = () => storeOn(url, { people: peopleInEvents(() => catalog) });
  const raw = async () => {
    const [found] = await asSuperuser<{ all: string }>(
      url,
      "select string_agg(e.key || e.actor::text || e.data::text, ' ' order by stream, version) as all from lifeboat.event e",
    );
    return found?.all ?? "";
  };
  const approves = (store: Store, more = {}) =>
    store.timeline.decide("inc-1", () => ({
      events: [
        event("gate.approved", {
          key: "ask-1/dana-kim",
          actor: dana,
          data: { person: "dana-kim", role: "dba", people: { UBO: 1 }, note: "Dana Kim said so", ...more },
        }),
      ],
      value: null,
    }));
  const erase = (...texts: string[]) => asOwner(url, "erase", (client) => forget(client, texts));

  test("stand there under opaque ids, and are read as they were written, also by another process", async () => {
    const store = await open();
    const decided = await approves(store);
    const stored = await raw();
    expect(stored).not.toMatch(/"dana-kim"|\/dana-kim|"UDANA"|"Dana Kim"|"UBO"/);
    // Free text is not looked into; a role stays a role, though someone is called so.
    expect(stored).toMatch(/"Dana Kim said so"/);
    expect(stored).toMatch(/"role": "dba"/);
    const [read] = await store.timeline.read("inc-1");
    expect(read).toMatchObject({
      key: "ask-1/dana-kim",
      actor: dana,
      data: { person: "dana-kim", people: { UBO: 1 }, note: "Dana Kim said so" },
    });
    expect(decided).toMatchObject({ events: [read] });
    const other = await open();
    expect(await other.timeline.read("inc-1")).toEqual([read]);
    // The same request again is still the same.
    expect(await approves(other)).toMatchObject({ kind: "written", events: [] });
    // And one id means one person, whichever process wrote it.
    await other.timeline.decide("inc-2", () => ({
      events: [event("x", { data: ["dana-kim"], actor: dana })],
      value: null,
    }));
    const ids = await asSuperuser<{ id: string }>(url, "select id from lifeboat.person where identity = 'dana-kim'");
    expect(ids).toHaveLength(1);
    expect(await raw()).toContain(`["${ids[0]?.id}"]`);
    await Promise.all([store.close(), other.close()]);
  });

  test("can be forgotten: the chain verifies, everyone reads an opaque id, and what follows is someone new", async () => {
    const [store, other] = [await open(), await open()];
    await approves(store);
    await other.timeline.read("inc-1");
    expect(await erase(...textsOf(catalog, "dana-kim"))).toBe(3);
    for (const one of [store, other]) {
      await one.guard.check();
      const [read] = await one.timeline.read("inc-1");
      expect(JSON.stringify(read)).not.toMatch(/"dana-kim"|UDANA|"Dana Kim"/);
      expect(read).toMatchObject({
        data: { person: expect.stringMatching(/^person-[0-9a-z]{12}$/), people: { UBO: 1 } },
      });
      expect(await one.timeline.verify()).toMatchObject({ ok: true, problems: [] });
    }
    expect(await complaints(url)).toEqual([]);
    expect(JSON.stringify(await asSuperuser(url, "select * from lifeboat.person"))).not.toMatch(/dana|UDANA|Dana/);
    await store.timeline.decide("inc-1", () => ({ events: [event("noted", { actor: dana })], value: null }));
    const [first, second] = await store.timeline.read("inc-1");
    expect(second?.actor).toEqual(dana);
    expect(first?.actor).not.toEqual(dana);
    await Promise.all([store.close(), other.close()]);
  });

  test("who is on no roster is one too, within the actor and nowhere else, whatever they call themselves", async () => {
    const store = await open();
    const declared = event("declared", { actor: outsider, data: { severity: "P1", by: "U0OUTSIDE" } });
    await store.timeline.decide("inc-1", () => ({ events: [declared], value: null }));
    expect(await raw()).toMatch(/"severity": "P1"/);
    expect(await raw()).not.toMatch(/U0OUTSIDE/);
    expect(await erase("P1", "U0OUTSIDE")).toBe(2);
    await store.guard.check();
    const [read] = await store.timeline.read("inc-1");
    expect(read).toMatchObject({ data: { severity: "P1", by: expect.stringMatching(/^person-/) } });
    await store.close();
  });

  test("another name can't be put on what someone did, nor someone's name be taken", async () => {
    const store = await open();
    await store.pool.query(
      "insert into lifeboat.person (id, identity, mac, mac_key) values ('person-000000000000', 'dana-kim', $1, $2)",
      ["a".repeat(64), "b".repeat(16)],
    );
    await approves(store);
    expect(await raw()).not.toContain("person-000000000000");
    expect((await store.timeline.read("inc-1"))[0]?.actor).toEqual(dana);
    await expect(store.pool.query("update lifeboat.person set identity = 'bo-berg'")).rejects.toThrow(
      /permission denied/,
    );
    await expect(store.pool.query("delete from lifeboat.person")).rejects.toThrow(/permission denied/);
    await asSuperuser(
      url,
      "set session_replication_role = replica; update lifeboat.person set identity = 'bo-berg' where identity = 'UDANA'",
    );
    expect((await store.timeline.verify()).problems.map(({ says }) => says)).toEqual(
      Array(2).fill("no process of Lifeboat said who this is; it shows no one"),
    );
    const other = await open();
    expect((await other.timeline.read("inc-1"))[0]?.actor).toMatchObject({
      slackUser: expect.stringMatching(/^person-/),
    });
    await Promise.all([store.close(), other.close()]);
  });

  test("of a timeline from before stay as they stand", async () => {
    const before = await storeOn(url);
    await before.timeline.decide("inc-1", () => ({ events: [event("declared", { actor: dana })], value: null }));
    await before.close();
    const store = await open();
    await approves(store);
    expect((await store.timeline.read("inc-1")).map(({ actor }) => actor)).toEqual([dana, dana]);
    expect(await store.timeline.verify()).toMatchObject({ ok: true });
    await store.close();
  });
});
