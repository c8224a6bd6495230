import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import type { ReadContext } from "../../../src/actions/contract.ts";
import { actions } from "../../../src/actions/index.ts";
import { blockedBy } from "../../support/action-harness.ts";
import { type DatabaseFixture, type NodeInput, openDatabaseFixture, soon } from "../../support/database-fixture.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { opened, suite } from "./failure-cases.ts";

await runFailureSuite(suite);

describe("where a server of someone else's answers", () => {
  let other: DatabaseFixture;
  let stranger: NodeInput;
  beforeAll(async () => {
    other = await openDatabaseFixture();
    await opened().whole();
    stranger = { ...other.a, name: "stranger", passwordFrom: "OTHER_PASSWORD" };
  }, 90_000);
  afterAll(() => other?.environment.stop(), 30_000);

  /** With the passwords of both. */
  const blocks = async (id: string, given: object) => {
    const harness = opened().harness();
    const own = opened().environment.environment();
    const password = other.environment.environment().ORDERS_DB_PASSWORD ?? "";
    const secret = (name: string) => (name === "OTHER_PASSWORD" ? password : (own[name] ?? ""));
    const context: ReadContext = { ...harness.context, secret };
    const action = harness.action(id);
    const input = action.input.parse(given);
    return blockedBy(action.ready(await action.observe(context, input), input, context));
  };

  test("a server of another cluster is not the other one", async () => {
    const { a, app } = opened();
    expect(await blocks("postgres.unfence", { node: a, other: stranger, app })).toContain("other.sameCluster");
  });

  test("a server of another cluster is not rebuilt", async () => {
    const { a } = opened();
    const script = await opened().script("rejoin.mjs", ["PRACTICE_HOSTS_TOKEN"]);
    const given = { node: stranger, primary: a, slot: "stranger", script };
    expect(await blocks("postgres.rejoin", given)).toContain("node.sameCluster");
  });
});

test("servers are lost only where nothing answers: one that is up, whatever it is or says, holds the newer data", async () => {
  const { a, b, ...shop } = opened();
  await shop.whole();
  const harness = opened().harness();
  const gone = { ...a, name: "orders-gone", port: 1 };
  const refusing = { ...a, name: "orders-refusing", user: "nobody-here" };
  const lost = async (...nodes: NodeInput[]) => {
    const { facts, checks } = await harness.look("postgres.check_lost", { nodes });
    return [blockedBy(checks), ...Object.values(facts).map((value) => String(value).replace(/ \(.*/, ""))];
  };
  expect(await lost(gone)).toEqual([[], "not answering"]);
  expect(await lost(gone, b)).toEqual([["server2.gone"], "not answering", "a standby"]);
  expect(await lost(a, refusing)).toEqual([
    ["server1.gone", "server2.gone"],
    "a primary that takes writes",
    "up, and refuses connections",
  ]);
});

describe("who a server is", () => {
  test("a plan's system identifier is asked in every session: where another cluster answers, nothing goes on", async () => {
    const { a, b, app, ...shop } = opened();
    await shop.whole();
    const harness = opened().harness();
    const script = await opened().script("rejoin.mjs", ["PRACTICE_HOSTS_TOKEN"]);
    const wrong = { ...a, systemIdentifier: "7000000000000000000" };
    const given: Record<string, object> = {
      "postgres.check": { nodes: [wrong, b], mode: "unplanned" },
      // What does not answer may be accepted; a stranger may not.
      "postgres.fence": { node: wrong, app, acceptUnreachable: true },
      "postgres.unfence": { node: b, other: wrong, app },
      "postgres.drain": { from: wrong, to: b, fenceStep: "fence", allowDataLoss: true },
      "postgres.promote": { from: wrong, to: b, fenceStep: "fence", allowDataLoss: true },
      "postgres.verify": { node: wrong },
      "postgres.verify_data": { node: wrong, counts: [{ table: "orders" }] },
      "postgres.check_takeover": { old: wrong, successor: b },
      "postgres.check_lost": { nodes: [b, wrong] },
      "postgres.unlisted": { node: wrong, known: [] },
      "postgres.restore_dump": { node: wrong, from: { file: "/none.dump" }, replaces: false },
      "postgres.rejoin": { node: wrong, primary: b, slot: "orders", script },
      "postgres.dump": { node: wrong, folder: "/tmp" },
      "postgres.export_divergence": {
        node: wrong,
        primary: b,
        tables: [{ table: "public.orders", key: ["id"] }],
        folder: "/tmp",
        acceptUnreachable: true,
      },
    };
    // A dump has no server to be another one; the others are all asked.
    const every = [...actions.keys()].filter((id) => id.startsWith("postgres.") && id !== "postgres.check_dump");
    expect(Object.keys(given).sort()).toEqual(every.sort());
    for (const [id, input] of Object.entries(given)) {
      const { checks } = await harness.look(id, input);
      expect([id, blockedBy(checks)]).toEqual([id, expect.arrayContaining(["node.identity"])]);
    }
    const write = harness.action("postgres.fence");
    const input = write.input.parse(given["postgres.fence"]);
    const apply = write.apply?.(
      { ...harness.context, budget: write.budget, progress: () => {}, launched: async () => {} },
      input,
      null,
    );
    await expect(apply).rejects.toMatchObject({ problem: { code: "other-cluster" } });

    const { seen } = await harness.look("postgres.verify", { node: a });
    const right = { ...a, systemIdentifier: (seen as { systemId: string }).systemId };
    // The application's login is asked too, and may say who its server is.
    const { evidence } = await harness.perform("verify", "postgres.verify", { node: right, writesAs: app });
    expect(evidence.says).toContain("takes writes by app");
  });
});

describe("whom a fence leaves the writes to", () => {
  const look = async (more: object) => {
    const { a, app } = opened();
    return blockedBy(
      (
        await opened()
          .harness()
          .look("postgres.fence", { node: a, app, ...more })
      ).checks,
    );
  };

  test("a standby that follows may be promoted after it; a writer has to be one", async () => {
    await opened().whole();
    const { b } = opened();
    expect(await look({ peer: b })).toEqual([]);
    // The rejoin of a healthy day: the "new primary" takes no writes, and the old one takes them all.
    expect(await look({ peer: b, peerIs: "writer" })).toEqual(["fence.peer"]);
  });

  test("no one at the other address, or a standby that does not follow", async () => {
    const { b } = opened();
    expect(await look({ peer: { ...b, port: 1 } })).toEqual(["fence.peer"]);
    await superuser(b, "select pg_wal_replay_pause()");
    expect(await look({ peer: b })).toEqual(["fence.peer"]);
    await superuser(b, "select pg_wal_replay_resume()");
    await soon("replay", async () => (await look({ peer: b })).length === 0);
  });

  test("a writer takes what the old primary is kept from; a fenced one does not", async () => {
    const { a, b, app } = opened();
    await superuser(b, "select pg_promote(true, 30)");
    expect(await look({ peer: b, peerIs: "writer" })).toEqual([]);
    await opened().harness().perform("fence", "postgres.fence", { node: b, app });
    expect(await look({ peer: b })).toEqual(["fence.peer"]);
    expect(await isReadOnly(a)).toBe(false);
    await opened().whole();
  }, 60_000);
});

describe("rows that only the old primary holds", () => {
  test("are in a file before it is rebuilt, with newer versions of others; what is equal is not", async () => {
    await opened().whole();
    const { a, b, app } = opened();
    const folder = await mkdtemp(join(tmpdir(), "lifeboat-export-"));
    await superuser(
      a,
      `create table notes (shop int, id uuid, note text, written timestamptz not null default now(), primary key (shop, id));
      grant select on notes to admin`,
    );
    const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
    const put = (node: NodeInput, n: number, note: string) =>
      superuser(
        node,
        `insert into notes values (1, '${id(n)}', '${note}') on conflict (shop, id) do update set note = excluded.note, written = now()`,
      );
    for (const n of [1, 2, 3]) await put(a, n, "both");
    await opened()
      .harness()
      .perform("settled", "postgres.check", { nodes: [a, b] });
    await superuser(b, "select pg_promote(true, 30)");
    await put(b, 1, "newer there");
    await put(a, 2, "newer here");
    await put(a, 4, "only here");
    const harness = opened().harness();
    const input = {
      node: a,
      primary: b,
      tables: [{ table: "public.notes", key: ["shop", "id"], changed: "written" }],
      folder,
    };
    const { checks: early } = await harness.look("postgres.export_divergence", input);
    expect(early.filter(({ ok }) => !ok).map(({ says }) => says)).toEqual([`${a.name} still takes writes.`]);
    await harness.perform("fence", "postgres.fence", { node: a, app, peer: b, peerIs: "writer" });
    const { facts } = await harness.perform("export", "postgres.export_divergence", input);
    expect(facts).toMatchObject({ exported: true, comparedRows: 4, absentRows: 1, newerRows: 1 });
    const lines = (await readFile(String(facts.exportFile), "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => [line.kind, line.row?.note, line.there?.note])).toEqual([
      [undefined, undefined, undefined],
      ["newer", "newer here", "both"],
      ["absent", "only here", undefined],
      [undefined, undefined, undefined],
    ]);
    const look = async (table: object) =>
      blockedBy((await harness.look("postgres.export_divergence", { ...input, tables: [table] })).checks);
    expect(await look({ table: "public.notes", key: ["shop"] })).toEqual(["tables.comparable"]);
    expect(await look({ table: "public.gone", key: ["id"] })).toEqual(["tables.comparable"]);

    // A rebuild that is told of the export begins only over its evidence.
    const script = await opened().script("rejoin.mjs", ["PRACTICE_HOSTS_TOKEN"]);
    const rebuild = { node: a, primary: b, slot: "orders", script, exportStep: "not-run" };
    expect(blockedBy((await harness.look("postgres.rejoin", rebuild)).checks)).toEqual(["evidence.export"]);
    const { checks, facts: told } = await harness.look("postgres.rejoin", { ...rebuild, exportStep: "export" });
    expect([blockedBy(checks), told.loss]).toEqual([[], expect.stringContaining("2 rows")]);
    await rm(folder, { recursive: true });
    await opened().whole();
  }, 90_000);
});

test("a killed export leaves no file behind that counts", async () => {
  await opened().whole();
  const { a, b } = opened();
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-export-"));
  const harness = opened().harness();
  const input = { node: b, primary: a, tables: [{ table: "public.orders", key: ["id"] }], folder };
  await writeFile(join(folder, "divergence-orders-b-1.jsonl.partial"), "{}\n");
  expect((await harness.look("postgres.export_divergence", input)).facts.newestExport).toBe("none");
  await harness.perform("export", "postgres.export_divergence", input);
  expect((await readdir(folder)).filter((file) => file.endsWith(".jsonl"))).toHaveLength(1);
  const cut = join(folder, "divergence-orders-b-2.jsonl");
  await writeFile(cut, '{"format":"lifeboat.divergence/1"}\n{"table":"public.orders"}\n');
  const action = harness.action("postgres.export_divergence");
  const context = { ...harness.context, budget: action.budget, progress: () => {}, launched: async () => {} };
  await expect(action.verify(context, action.input.parse(input), null, { file: cut })).rejects.toThrow();
  await rm(folder, { recursive: true });
});

async function superuser(node: NodeInput, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: opened().host(node).url("orders") });
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

async function isReadOnly(node: NodeInput): Promise<boolean> {
  const [row] = await superuser(node, "select current_setting('default_transaction_read_only') = 'on' as on");
  return row?.on === true;
}
