import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { accept } from "../../src/cli/accept-store.ts";
import { storeHealth } from "../../src/health.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { openAudit } from "../../src/timeline/audit.ts";
import { chainHash, noHash } from "../../src/timeline/chain.ts";
import type { StoredEvent } from "../../src/timeline/contract.ts";
import { differences } from "../../src/timeline/guard.ts";
import type { Store, StoreOptions } from "../../src/timeline/index.ts";
import { makeKeys, openKeyring, type RecordKeys } from "../../src/timeline/keys.ts";
import { openKnownHeads } from "../../src/timeline/known-heads.ts";
import { ownLogin } from "../../src/timeline/migrate.ts";
import { createSecondFactors } from "../../src/timeline/second-factors.ts";
import { storeInDoubt } from "../../templates/messages/incident/store-in-doubt.ts";
import { away, EngineScenario, engineOn, folder, go, incident, ledgerStep, planOf } from "../support/engine-harness.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { ledger } from "../support/ledger-actions.ts";
import { asSuperuser, event, quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { testKeyring, testKeys } from "../support/record-keys.ts";
import { openSlackHarness, said } from "../support/slack-harness.ts";
import { TestApp } from "../support/test-app.ts";

/** What the one who holds the store can do to the record, and what the record says to it. */

let server: TestServer;
let url: string;
beforeAll(async () => {
  server = await testServer();
}, 60_000);
afterAll(() => server.close());
beforeEach(async () => {
  url = await server.database();
});

/** The login the bot works with, whatever its processes may do. */
const asApplication = async (sql: string, values: unknown[] = []) =>
  asSuperuser(await ownLogin(url, testKeyring), sql, values);

/** The owner of the database, past every trigger. */
const asOwner = (sql: string) => asSuperuser(url, `set session_replication_role = replica; ${sql}`);

async function wrote(types: readonly string[], stream = incident, options: Partial<StoreOptions> = {}): Promise<void> {
  const store = await storeOn(url, options);
  try {
    await store.timeline.decide(stream, () => ({ events: types.map((type) => event(type)), value: null }));
  } finally {
    // Leaving signs the heads.
    await store.close();
  }
}

/** What `lifeboat verify` says, of a process that has seen nothing before. */
async function verified(keys: RecordKeys = testKeys, stateFolder: string | null = null) {
  const audit = await openAudit({ databaseUrl: url, dataFolder: "/nonexistent", stateFolder, keys, log: quiet });
  return audit.verify(undefined, []).finally(() => audit.close());
}

const says = ({ problems }: Awaited<ReturnType<typeof verified>>) =>
  problems.map(({ stream, version, says: what }) => `${stream} ${version}: ${what}`).join("\n");

/** An event that continues the stream as its writer would, but for the key. */
async function continued(more: Partial<StoredEvent>): Promise<StoredEvent> {
  const [head] = await asSuperuser<{ version: number; hash: string }>(
    url,
    `select version, head_hash as hash from lifeboat.stream where id = '${incident}'`,
  );
  const { version, hash: previousHash } = head ?? { version: 0, hash: noHash };
  const link = {
    ...{
      stream: incident,
      version: version + 1,
      key: `forged-${version}`,
      run: null,
      type: "forged",
      data: {},
      actor: {},
    },
    ...{ at: new Date(), previousHash, ...more },
  };
  return { ...link, hash: chainHash(link) };
}

async function forges(more: Partial<StoredEvent>, mac: string | null = "a".repeat(64)): Promise<StoredEvent> {
  const forged = await continued(more);
  const { stream, version, key, run, type, data, actor, at, previousHash, hash } = forged;
  const values = [stream, version, key, run, type, data, actor, at, previousHash, hash];
  const [own] = await asSuperuser<{ key: string }>(url, "select mac_key as key from lifeboat.event limit 1");
  await asApplication(
    `insert into lifeboat.event (stream, version, key, run, type, data, actor, at, previous_hash, hash, mac, mac_key)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [...values, mac, own?.key],
  );
  await asApplication(
    "update lifeboat.stream set version = $2, head_hash = $3, changed = pg_current_xact_id() where id = $1",
    [stream, version, hash],
  );
  return forged;
}

describe("with the application's login", () => {
  test("a forged approval opens no gate, and verify names it", async () => {
    const dir = await folder();
    const store = await storeOn(url);
    const scenario = new EngineScenario(store);
    const engine = engineOn(store);
    const alarms: string[] = [];
    store.timeline.onTampered(({ where = "" }) => alarms.push(where));
    try {
      await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "b")]]));
      engine.start();
      await scenario.untilApprovalRequested();
      const { ask } = await scenario.gate();
      const [planHash] = scenario.plans.keys();
      const data = { step: "go", ask, person: "bo", role: "lead", planHash, factsHash: null, proved: true };
      const forged = await forges({
        run: "run-1",
        type: "gate.approved",
        data,
        actor: { kind: "person", person: "bo" },
      });
      // The engine, a person's click and a reader meet it alike.
      await expect(scenario.approve()).rejects.toMatchObject({ problem: { code: "timeline-broken" } });
      await expect(store.timeline.read(incident)).rejects.toMatchObject({ problem: { code: "timeline-broken" } });
      const found = await store.timeline.verify();
      expect(says(found)).toBe(
        `${incident} ${forged.version}: no process of Lifeboat wrote it: its authentication code is wrong`,
      );
      expect(ledger(dir)).toEqual([]);
      expect(alarms).toEqual([incident]);
      // Other incidents go on.
      await wrote(["declared"], "inc-2");
    } finally {
      await engine.stop();
      await store.close();
      await away(dir);
    }
  }, 30_000);

  test("an event without an authentication code is refused by the store itself", async () => {
    await wrote(["declared"]);
    await expect(forges({}, null)).rejects.toThrow("event_authenticated");
    await expect(
      asApplication(
        "insert into lifeboat.event (stream, version, key, type, data, actor, at, previous_hash, hash) values " +
          `('${incident}', 2, 'k', 't', '{}', '{}', now(), repeat('0', 64), repeat('1', 64))`,
      ),
    ).rejects.toThrow("event_authenticated");
  });

  test.each([
    ["a head set to rubbish", "update lifeboat.stream set head_hash = repeat('a', 64)", /names no event/],
    ["a head set forward", "update lifeboat.stream set version = version + 1", /names no event/],
    [
      "a stream made with a head of its own",
      "insert into lifeboat.stream (id, version) values ('x', 4)",
      /names no event/,
    ],
    ["a signed head changed", "update lifeboat.signed_statement set signature = 'x'", /permission denied/],
    ["a signed head removed", "delete from lifeboat.signed_statement", /permission denied/],
    ["a used code forgotten", "update lifeboat.proof_entry set last_step = -1", /permission denied/],
    ["a lock lifted", "delete from lifeboat.proof_entry", /permission denied/],
    ["an age set back", "update lifeboat.proof set enrolled_at = '2020-01-01'", /permission denied/],
    ["an old proof removed", "delete from lifeboat.proof", /permission denied/],
    ["the owner's role", "set role owner", /permission denied/],
    ["the triggers switched off", "set session_replication_role = replica", /permission denied/],
  ])("%s is refused", async (_, sql, why) => {
    await wrote(["declared"]);
    await expect(asApplication(sql)).rejects.toThrow(why);
    expect(says(await verified())).toBe("");
  });

  test("a press put into the inbox is no one's, nor is one that was changed or copied; when it came in can't be set", async () => {
    const store = await storeOn(url);
    const says: unknown[] = [];
    const log = { ...quiet, error: (fields: unknown) => void says.push(fields) };
    const watched = await storeOn(url, { log: log as unknown as typeof quiet });
    const press = { user: "UVERA", verb: "gate.approve", carries: "run-1/ask-1", n: 1.5e21, at: "2026-01-01" };
    const keys = async () => (await watched.inbox.take(10, 60, "slack.")).map(({ key }) => key);
    const forged = (key: string, as = "null, null, null") =>
      asApplication(
        `insert into lifeboat.inbox (key, kind, body, receipt, sealed_at, mac, mac_key)
           values ('${key}', 'slack.action', $1, gen_random_uuid(), ${as})`,
        [JSON.stringify(press)],
      );
    try {
      await forged("forged");
      await forged("forged with a code", `now(), '${"a".repeat(64)}', '${"b".repeat(16)}'`);
      expect(await keys()).toEqual([]);
      expect(says).toMatchObject([{ event: "inbox.not_authentic", keys: ["forged with a code"] }]);
      // Without any code it may be what a bot of before received: that bot does it, or no one does.
      await asApplication("update lifeboat.inbox set received_at = now() - interval '16 minutes' where key = 'forged'");
      expect(await keys()).toEqual([]);
      expect(says.at(-1)).toMatchObject({ event: "inbox.not_authentic", keys: ["forged"] });
      await store.inbox.receive("real", "slack.action", press);
      // Copied under another key, and given other words: the code of the real one holds for neither.
      const copy =
        "(select $KEY, kind, body, gen_random_uuid(), sealed_at, mac, mac_key from lifeboat.inbox where key = 'real')";
      await asApplication(
        `insert into lifeboat.inbox (key, kind, body, receipt, sealed_at, mac, mac_key) ${copy.replace("$KEY", "'copied'")}`,
      );
      expect(await keys()).toEqual(["real"]);
      await asApplication(
        `update lifeboat.inbox set body = body || '{"user": "UOLI"}', claimed_until = null where key = 'real'`,
      );
      expect(await keys()).toEqual([]);
      await store.inbox.receive("old", "slack.action", press);
      await asApplication("update lifeboat.inbox set received_at = now() + interval '1 day' where key = 'old'");
      const [old] = await watched.inbox.take(10, 60, "slack.");
      expect(Math.abs((old?.receivedAt.getTime() ?? 0) - Date.now())).toBeLessThan(600_000);
      await asApplication(
        "update lifeboat.inbox set sealed_at = now() + interval '1 day', claimed_until = null where key = 'old'",
      );
      expect(await keys()).toEqual([]);
      const rows = await asSuperuser<{ open: number }>(
        url,
        "select count(*)::int as open from lifeboat.inbox where done_at is null",
      );
      expect(rows).toEqual([{ open: 0 }]);
    } finally {
      await store.close();
      await watched.close();
    }
  });

  test("an entry of what someone proves with, written past Lifeboat, counts for nothing", async () => {
    const store = await storeOn(url);
    const proofs = createSecondFactors(store.pool, store.keyring);
    const change = (more: object) =>
      proofs.change(["shop/vera"], (rows) => ({
        rows: new Map([...rows].map(([holder, row]) => [holder, { ...row, ...more }])),
        value: [...rows.values()][0],
      }));
    await change({ secret: Buffer.from("sealed"), lastStep: 7, lockedUntil: new Date("2030-01-01T00:00:00.000Z") });
    await asApplication(
      `insert into lifeboat.proof_entry select holder, version + 1, secret, pending, pending_at, -1, null, 0, null, '2020-01-01', 'shop/oli',
         now(), mac, mac_key from lifeboat.proof_entry`,
    );
    expect(await change({})).toMatchObject({ lastStep: 7, vouchedBy: null, lockedUntil: new Date("2030-01-01") });
    expect(says(await verified())).toBe(
      "what shop/vera proves with 2: no process of Lifeboat wrote this entry; it counts for nothing",
    );
    // And where nothing else is left, no one is free to enroll again.
    await asOwner("delete from lifeboat.proof_entry where version = 1");
    await expect(change({})).rejects.toMatchObject({ problem: { code: "proof-not-authentic" } });
    await store.close();
  });
});

/** The whole timeline written again, with hashes that hold: what someone does who has everything but the keys. */
const rewritten = async (stream: string) => {
  const rows = await asSuperuser<StoredEvent>(
    url,
    `select stream, version, key, run, type, data, actor, at from lifeboat.event where stream = '${stream}' order by version`,
  );
  let previousHash = noHash;
  for (const row of rows) {
    const link = { ...row, actor: { kind: "somebody else" }, previousHash };
    const hash = chainHash(link);
    await asOwner(
      `update lifeboat.event set actor = '{"kind": "somebody else"}', previous_hash = '${previousHash}', hash = '${hash}'
         where stream = '${stream}' and version = ${row.version}`,
    );
    previousHash = hash;
  }
  await asOwner(`update lifeboat.stream set head_hash = '${previousHash}' where id = '${stream}'`);
};

describe("as the owner of the database", () => {
  const at = (version: number) =>
    `(select hash from lifeboat.event where stream = '${incident}' and version = ${version})`;
  const cases: [string, () => Promise<unknown>, RegExp, RegExp][] = [
    [
      "a flipped byte",
      () => asOwner("update lifeboat.event set data = '{\"a\": 2}' where version = 2"),
      /^inc-1 2: it was changed after it was written$/,
      /^inc-1 2: it was changed after it was written$/,
    ],
    [
      "two events in another order",
      () =>
        asOwner(
          `update lifeboat.event set version = 100 + version where version in (2, 3);
           update lifeboat.event set version = 105 - version where version > 100`,
        ),
      /inc-1 2: it was written as event 3 and moved here/,
      /inc-1 2: it was written as event 3 and moved here/,
    ],
    [
      "a tail cut off",
      () => asOwner("delete from lifeboat.event where version > 3"),
      /ends at 3, its head says 4: its tail was cut off\n.*a head signed at .* names event 4: its tail was cut off$/,
      /its tail was cut off$/,
    ],
    [
      "a tail cut off and the head set back",
      () =>
        asOwner(
          `delete from lifeboat.event where version > 2; update lifeboat.stream set version = 2, head_hash = ${at(2)}`,
        ),
      /^inc-1 2: it ends here, and a head signed at .* names event 4: its tail was cut off and its head set back$/,
      /^inc-1 2: .*: its tail was cut off and its head set back$/,
    ],
    [
      "a head set back alone",
      () => asOwner(`update lifeboat.stream set version = 2, head_hash = ${at(2)}`),
      /^inc-1 4: the stream goes on to 4, its head says 2: its head was set back$/,
      /its head was set back$/,
    ],
    [
      "everything written anew",
      () => rewritten(incident),
      /inc-1 1: no process of Lifeboat wrote it: its authentication code is wrong[\s\S]*names: the timeline was rewritten$/,
      /^inc-1 4: it isn't the event a head signed at .* names: the timeline was rewritten$/,
    ],
    [
      "a timeline that is gone",
      () => asOwner("delete from lifeboat.event; delete from lifeboat.stream"),
      /^inc-1 0: it's gone: a head signed at .* names its event 4$/,
      /^inc-1 0: it's gone/,
    ],
  ];
  test.each(cases)(
    "%s is told apart, with every key and with the public one alone",
    async (_, tamper, whole, apart) => {
      await wrote(["declared", "noted", "noted", "resolved"]);
      const auditor = { events: [], signing: null, verifying: [...testKeyring.publicKeys.values()] };
      expect(await verified()).toMatchObject({ ok: true, authenticated: 4, sealed: 0, signedHeads: 1 });
      expect(await verified(auditor)).toMatchObject({ ok: true, authenticated: null, signedHeads: 1 });
      await tamper();
      expect(says(await verified())).toMatch(whole);
      expect(says(await verified(auditor))).toMatch(apart);
      const fresh = await storeOn(url);
      const asked = fresh.timeline.decide(incident, () => ({ events: [event("noted")], value: null }));
      // What no one here has seen before can be cut where it was whole: the signed head says it, and no decision can.
      if (/tail cut off and|gone/.test(_)) await asked;
      else await expect(asked).rejects.toMatchObject({ problem: { code: "timeline-broken" } });
      await fresh.close();
    },
  );

  test("a signed head that was changed, and one whose key no one gave, are told", async () => {
    await wrote(["declared"]);
    await asOwner(
      "update lifeboat.signed_statement set statement = replace(statement, 'inc-1', 'inc-2') where kind = 'head'",
    );
    expect(says(await verified())).toMatch(/a signed statement was changed after it was signed/);
    expect(says(await verified({ ...makeKeys(), events: testKeys.events }))).toMatch(/which isn't given here/);
    await asOwner("delete from lifeboat.signed_statement");
    expect(says(await verified())).toMatch(/the seal of the migration is gone/);
  });

  test("heads kept elsewhere tell what the store no longer does", async () => {
    await wrote(["declared", "noted"]);
    const open = () =>
      openAudit({ databaseUrl: url, dataFolder: "/nonexistent", stateFolder: null, keys: testKeys, log: quiet });
    const audit = await open();
    const kept = await audit.heads();
    await asOwner(
      `delete from lifeboat.signed_statement where kind = 'head'; delete from lifeboat.event where version = 2;
       update lifeboat.stream set version = 1, head_hash = ${at(1)}`,
    );
    expect((await audit.verify(undefined, [])).ok).toBe(true);
    expect(says(await audit.verify(undefined, kept))).toMatch(/its tail was cut off and its head set back/);
    const other = kept.map((head) => ({ ...head, text: head.text.replace("inc-1", "inc-2") }));
    await expect(audit.verify(undefined, other)).rejects.toMatchObject({ problem: { code: "head-not-signed" } });
    await audit.close();
  });
});

describe("a store that came back older", () => {
  /** Everything of the incident that lies in the store now, to be put back later: what a standby that lagged has. */
  async function copied(): Promise<() => Promise<unknown>> {
    const [stream] = await asSuperuser<{ version: number; hash: string }>(
      url,
      `select version, head_hash as hash from lifeboat.stream where id = '${incident}'`,
    );
    const resources = await asSuperuser<{ resource: string }>(url, "select resource from lifeboat.run_resource");
    const held = resources.map(
      ({ resource }) => `insert into lifeboat.run_resource values ('${resource}', 'run-1') on conflict do nothing;`,
    );
    return () =>
      asOwner(
        `delete from lifeboat.event where stream = '${incident}' and version > ${stream?.version};
         update lifeboat.stream set version = ${stream?.version}, head_hash = '${stream?.hash}', changed = pg_current_xact_id();
         update lifeboat.run set done = false, owner = null, beat_at = null, wake_at = now(); ${held.join(" ")}`,
      );
  }

  test("under a live bot: no second effect, an alarm, and an operator's acceptance pauses the run", async () => {
    const dir = await folder();
    const state = await mkdtemp(join(tmpdir(), "lifeboat-state-"));
    const store: Store = await storeOn(url, { stateFolder: state });
    const scenario = new EngineScenario(store);
    const engine = engineOn(store);
    const states = incidentsOn(store);
    const alarms: (string | null)[] = [];
    store.timeline.onDoubt((doubt) => alarms.push(doubt?.code ?? null));
    try {
      await scenario.requested(planOf([[go()], [ledgerStep(dir, "flip", "b")]]));
      engine.start();
      await scenario.untilApprovalRequested();
      const restore = await copied();
      await scenario.approve();
      await scenario.until((run) => run.status === "verified");
      expect(ledger(dir)).toEqual(["flip b"]);
      expect((await states.read(incident)).runs.get("run-1")?.ending).not.toBeNull();

      await restore();
      // The same people approve the same question again: it is open once more in the store.
      await expect(scenario.approve()).rejects.toThrow();
      const declared = store.timeline.decide("inc-9", () => ({ events: [event("declared")], value: null }));
      await expect(declared).rejects.toMatchObject({
        problem: { code: "store-went-back", next: expect.stringMatching("accept-store") },
      });
      await until(() => alarms.length > 0);
      expect(await store.leases.claim(5)).toEqual([]);
      expect(ledger(dir)).toEqual(["flip b"]);

      await store.guard.known.flush();
      const found = await differences(store.pool, store.guard.known.all());
      expect(found.map(({ says: what }) => what).join()).toMatch(/inc-1 ends at event \d+, and event \d+ was seen/);
      const options = {
        databaseUrl: url,
        ownerUrl: undefined,
        dataFolder: state,
        stateFolder: state,
        keys: testKeys,
        production: false,
      };
      expect(await accept(options, found, "the standby lagged")).toBe(0);
      await until(() => store.timeline.doubt() === null);
      // The one who folded on from what is lost begins again.
      const version = (await store.timeline.read(incident)).at(-1)?.version;
      expect([await states.read(incident)].map((state) => [state.version, state.runs.get("run-1")?.ending])).toEqual([
        [version, null],
      ]);
      expect(alarms).toEqual(["store-went-back", null]);
      const run = await scenario.until(({ stuck }) => stuck !== null);
      expect(run.stuck).toMatchObject({ code: "store-went-back" });
      expect(ledger(dir)).toEqual(["flip b"]);
      // Changes go on, and the same acceptance does not excuse the same thing twice.
      await wrote(["declared"], "inc-9");
      await restore();
      await store.guard.check();
      expect(store.timeline.doubt()).toMatchObject({ code: "store-went-back" });
    } finally {
      await engine.stop();
      await store.close();
      await away(dir);
      await rm(state, { recursive: true, force: true });
    }
  }, 60_000);

  test("while no bot lived: the next one on this host knows, also of a timeline that is gone", async () => {
    const state = await mkdtemp(join(tmpdir(), "lifeboat-state-"));
    await wrote(["declared", "noted"], "inc-1", { stateFolder: state });
    await wrote(["declared"], "inc-2", { stateFolder: state });
    await asOwner("delete from lifeboat.event where stream = 'inc-2'; delete from lifeboat.stream where id = 'inc-2'");
    const store = await storeOn(url, { stateFolder: state });
    expect(store.timeline.doubt()?.what).toMatch(/inc-2 is gone/);
    const asked = store.timeline.decide("inc-1", () => ({ events: [event("noted")], value: null }));
    await expect(asked).rejects.toMatchObject({ problem: { code: "store-went-back" } });
    // What is there can be read.
    expect(await store.timeline.read("inc-1")).toHaveLength(2);
    expect(says(await verified(testKeys, state))).toMatch(/inc-2 0: it's gone: a head signed at .* names its event 1/);
    await store.close();
    await rm(state, { recursive: true, force: true });
  });
});

test("people are told of a store that came back older: by every command, and where incidents are announced", async () => {
  const harness = await openSlackHarness(server, { config: { announceIn: "incident-response" } });
  const { store, workspace, slack } = harness;
  try {
    const app = new TestApp(store);
    const healthy = await app.ask("sam", "list");
    expect(healthy).not.toMatchObject({ message: { text: expect.stringMatching(/isn't the one Lifeboat knew/) } });
    store.guard.known.note("inc-9", { version: 3, hash: "a".repeat(64) });
    await store.guard.check();
    const read = await app.ask("sam", "list");
    expect(read).toMatchObject({
      message: { text: expect.stringMatching(/inc-9 is gone \(event 3 was seen\).*accept-store/) },
    });
    const declared = await app.ask("sam", "declare P1 It is down --system practice");
    expect(declared).toMatchObject({ refused: true, message: { text: expect.stringMatching(/accept-store/) } });
    expect(await store.timeline.streams("inc-")).toEqual([]);

    const doubt = store.timeline.doubt();
    if (doubt !== null) await slack.announce(storeInDoubt(doubt));
    expect(said(workspace, "CINCIDENT").join()).toMatch(/stopped every change[\s\S]*inc-9 is gone[\s\S]*accept-store/);
  } finally {
    await harness.close();
  }
}, 60_000);

test("what a host has seen is kept short, and lines a crash cut say nothing", async () => {
  const state = await mkdtemp(join(tmpdir(), "lifeboat-state-"));
  const file = join(state, "known-heads.jsonl");
  const line = (version: number) => `${JSON.stringify({ stream: "inc-1", version, hash: "a".repeat(64) })}\n`;
  await writeFile(
    file,
    `${Array.from({ length: 12_000 }, (_, i) => line(i + 1)).join("")}{"past":"acc-1"}\n{"stream":"inc-1","ver`,
  );
  const known = await openKnownHeads(state, quiet);
  expect([known.get("inc-1")?.version, known.isPast("acc-1")]).toEqual([12_000, true]);
  expect((await readFile(file, "utf8")).split("\n")).toHaveLength(3);
  known.note("inc-2", { version: 1, hash: "b" });
  await known.flush();
  expect([...(await openKnownHeads(state, quiet)).all().keys()].sort()).toEqual(["inc-1", "inc-2"]);
  await rm(state, { recursive: true, force: true });
});

describe("keys", () => {
  const keys = [1, 2].map((byte) => Buffer.alloc(32, byte).toString("base64"));
  const [old = "", next = ""] = keys;
  const given = (...events: string[]): RecordKeys => ({ ...testKeys, events });

  test("are rotated: the newest writes, those before it are accepted as long as they are listed", async () => {
    await wrote(["declared"], incident, { keys: given(old) });
    await wrote(["noted"], incident, { keys: given(next, old) });
    const written = await asSuperuser<{ key: string }>(
      url,
      "select mac_key as key from lifeboat.event order by version",
    );
    expect(new Set(written.map(({ key }) => key)).size).toBe(2);
    expect(says(await verified(given(next, old)))).toBe("");
    expect(says(await verified(given(next)))).toMatch(/event|authenticated with a key that isn't given here/);
    await expect(wrote(["noted"], incident, { keys: given(next) })).rejects.toMatchObject({
      problem: { code: "timeline-broken" },
    });
  });

  test("are rotated while bots take from each other what came in: first behind the old key everywhere, then in front", async () => {
    const open = (...events: string[]) => storeOn(url, { keys: given(...events) });
    const stores = await Promise.all([open(old), open(old, next), open(next, old)]);
    const [before, between, after] = stores as [Store, Store, Store];
    const heard = async (by: Store, taken: Store, key: string) => {
      await by.inbox.receive(key, "slack.action", { verb: "approve" });
      return (await taken.inbox.take(10, 60, "slack.")).map((item) => item.key);
    };
    try {
      expect(await heard(before, between, "old, by the second")).toEqual(["old, by the second"]);
      expect(await heard(between, before, "still old, by the first")).toEqual(["still old, by the first"]);
      expect(await heard(between, after, "old, by the third")).toEqual(["old, by the third"]);
      expect(await heard(after, between, "new, by the second")).toEqual(["new, by the second"]);
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  });

  test("of signatures are rotated with the old public key", async () => {
    await wrote(["declared"]);
    const fresh = makeKeys();
    const rotated = { ...fresh, events: testKeys.events, verifying: [...testKeyring.publicKeys.values()] };
    await wrote(["noted"], incident, { keys: rotated });
    expect(await verified(rotated)).toMatchObject({ ok: true, signedHeads: 2 });
  });

  test("are requested in production, and made beside the data in practice", async () => {
    const folder = await mkdtemp(join(tmpdir(), "lifeboat-keys-"));
    const asked = storeOn(url, { keys: undefined, production: true, dataFolder: folder });
    await expect(asked).rejects.toMatchObject({
      problem: { code: "record-key-missing", next: expect.stringMatching("lifeboat keys") },
    });
    const stores = await Promise.all([1, 2, 3].map(() => storeOn(url, { keys: undefined, dataFolder: folder })));
    expect(new Set(stores.map(({ keyring }) => keyring.signs)).size).toBe(1);
    await Promise.all(stores.map((store) => store.close()));
    expect(await readdir(folder)).toEqual(["record-keys.json"]);
    await rm(folder, { recursive: true, force: true });
  });

  test("stand nowhere in the store", async () => {
    await wrote(["declared"]);
    const keyring = openKeyring(testKeys);
    const [dump] = await asSuperuser<{ all: string }>(
      url,
      "select (select string_agg(e::text, '') from lifeboat.event e) || (select string_agg(s::text, '') from lifeboat.signed_statement s) as all",
    );
    for (const secret of [...testKeys.events, testKeys.signing ?? "", keyring.password("login") ?? ""])
      expect(dump?.all).not.toContain(secret);
  });
});

describe("a store of 0.1", () => {
  const folderOf = join(projectRoot(), "src/timeline/migrations");

  /** As version 0.1 made and filled it: its migrations, and a timeline it wrote in practice. */
  async function old(): Promise<number> {
    const files = (await readdir(folderOf)).filter((name) => name < "0070").sort();
    const { sha256 } = await import("../../src/lib/canonical.ts");
    await asSuperuser(
      url,
      "create schema lifeboat; create table lifeboat.migration (name text primary key, checksum text not null, applied_at timestamptz(3) not null default now())",
    );
    for (const name of files) {
      const sql = await readFile(join(folderOf, name), "utf8");
      await asSuperuser(url, sql);
      await asSuperuser(url, "insert into lifeboat.migration (name, checksum) values ($1, $2)", [name, sha256(sql)]);
    }
    const fixtures = JSON.parse(
      await readFile(join(projectRoot(), "test/incident/fixtures/timelines-0.1.json"), "utf8"),
    );
    let count = 0;
    for (const { stream, events } of fixtures as { stream: string; events: (StoredEvent & { at: string })[] }[]) {
      let head = noHash;
      await asSuperuser(url, "insert into lifeboat.stream (id) values ($1)", [stream]);
      for (const kept of events) {
        const link = { ...kept, stream, at: new Date(kept.at), previousHash: head };
        head = chainHash(link);
        await asSuperuser(url, OLD_APPEND, oldValues({ ...link, hash: head }));
        count += 1;
      }
    }
    await asSuperuser(
      url,
      "insert into lifeboat.proof (holder, secret, last_step, enrolled_at) values ('shop/vera', 'x', 5, now())",
    );
    await asSuperuser(
      url,
      "insert into lifeboat.inbox (key, kind, body, receipt) values ('waits', 'slack.command', '{\"verb\": \"status\"}', gen_random_uuid())",
    );
    return count;
  }

  const OLD_APPEND = `with e as (insert into lifeboat.event (stream, version, key, run, type, data, actor, at, previous_hash, hash)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10))
    update lifeboat.stream set version = $2, head_hash = $10 where id = $1`;
  const oldValues = ({ stream, version, key, run, type, data, actor, at, previousHash, hash }: StoredEvent) => [
    ...[stream, version, key, run, type, JSON.stringify(data), JSON.stringify(actor), at, previousHash, hash],
  ];

  test("is sealed by the migration, goes on, and what was written before is covered", async () => {
    const count = await old();
    const store = await storeOn(url);
    const [stream = ""] = (await store.timeline.streams("inc-")).map(({ id }) => id);
    await store.timeline.decide(stream, () => ({ events: [event("incident.noted")], value: null }));
    expect(await store.timeline.verify()).toMatchObject({
      ok: true,
      sealed: count,
      authenticated: 1,
      events: count + 1,
    });
    // What someone proved with before stands as it stood.
    const proofs = createSecondFactors(store.pool, store.keyring);
    expect([...(await proofs.confirmed(["shop/vera"]))]).toEqual(["shop/vera"]);
    // And what it had received and not handled is handled.
    expect(await store.inbox.take(10, 60)).toMatchObject([{ key: "waits", body: { verb: "status" } }]);
    await store.close();
    const second = `stream = '${stream}' and version = 2`;
    await asOwner("alter table lifeboat.event drop constraint event_authenticated");
    const [{ actor } = { actor: {} }] = await asSuperuser<{ actor: object }>(
      url,
      `select actor from lifeboat.event where ${second}`,
    );
    await asOwner(`update lifeboat.event set actor = '{"kind": "bot", "x": 1}' where ${second}`);
    expect(says(await verified())).toContain(`${stream} 2: it was changed after it was written`);
    await asOwner(`update lifeboat.event set actor = '${JSON.stringify(actor)}' where ${second}`);
    expect(says(await verified())).toBe("");
    // Written again with hashes that hold, it's the seal that tells.
    await rewritten(stream);
    expect(says(await verified())).toMatch(
      /it isn't what stood here when the timeline was sealed: the timeline was rewritten/,
    );
    const fresh = await storeOn(url);
    await expect(fresh.timeline.read(stream)).rejects.toMatchObject({ problem: { code: "timeline-broken" } });
    await fresh.close();
  });

  test("under a process of 0.1 that goes on: what it wrote before counts, and from then on it is refused", async () => {
    await old();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("set role lifeboat_app");
    const [stream] = await asSuperuser<{ id: string; version: number; hash: string }>(
      url,
      "select id, version, head_hash as hash from lifeboat.stream order by id limit 1",
    );
    const next = (version: number, previousHash: string) => {
      const link = {
        ...{ stream: stream?.id ?? "", version, key: `old-${version}`, run: null, type: "incident.noted" },
        ...{ data: {}, actor: {}, at: new Date(), previousHash },
      };
      return { ...link, hash: chainHash(link) };
    };
    // It is in the middle of an append when the new version starts.
    const one = next((stream?.version ?? 0) + 1, stream?.hash ?? "");
    await client.query("begin");
    await client.query(OLD_APPEND, oldValues(one));
    const opening = storeOn(url);
    await until(async () => {
      const [waiting] = await asSuperuser(
        url,
        "select from pg_stat_activity where application_name = 'lifeboat-migrate' and wait_event_type = 'Lock'",
      );
      return waiting !== undefined;
    });
    await client.query("commit");
    const store = await opening;
    const two = next(one.version + 1, one.hash);
    await expect(client.query(OLD_APPEND, oldValues(two))).rejects.toThrow("event_authenticated");
    await client.end();
    expect((await store.timeline.read(one.stream)).at(-1)).toMatchObject({ key: one.key });
    await store.timeline.decide(one.stream, () => ({ events: [event("incident.noted")], value: null }));
    expect(await store.timeline.verify()).toMatchObject({ ok: true, authenticated: 1 });
    await store.close();
  });
});

test("a store that takes no writes is not live", async () => {
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  expect(await storeHealth(pool)).toEqual({ ok: true, says: "The store is there." });
  await asSuperuser(url, `alter database ${new URL(url).pathname.slice(1)} set default_transaction_read_only = on`);
  const fresh = new pg.Pool({ connectionString: url });
  expect(await storeHealth(fresh)).toEqual({ ok: false, says: "The store takes no writes: it is read-only." });
  await fresh.end();
  expect((await storeHealth(fresh)).ok).toBe(false);
  await pool.end();
});
