import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type Fleet, openFleet } from "../../../practice/environment/fleet.ts";
import { createDebianHost, type DebianHost } from "../../../practice/targets/pgbackrest/debian-host.ts";
import { dumpsIn } from "../../../src/actions/postgres/dump-file.ts";
import { actionHarness } from "../../support/action-harness.ts";
import {
  asked,
  type CaseFixture,
  type FailureCase,
  type FailureSuite,
  shownBy,
  struck,
} from "../../support/failure-case.ts";
import { openFaultProxy, pgComplete, pgError } from "../fault-proxy.ts";

export const needs = { programs: ["postgres", "pg_dump", "pg_restore"], packages: ["postgresql"] };
export const secrets = { OWNER_PASSWORD: "owner-secret" };
const FILE = "postgres/dump.test.ts";

/** A real server with a shop's stock, and one good dump of it. */
export interface Stock {
  readonly host: DebianHost;
  readonly folder: string;
  readonly file: string;
  node(database?: string, port?: number): object;
  connect(database?: string): Promise<pg.Client>;
  sql(text: string, database?: string): Promise<Record<string, unknown>[]>;
  rows(): Promise<unknown>;
  refill(): Promise<unknown>;
  spoil(): Promise<unknown>;
}

let fleet: Fleet;
let stock: Stock;
/** For the tests beside these. */
export const opened = () => stock;
const harness = actionHarness(secrets);

async function open(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-dump-"));
  fleet = await openFleet("dump");
  const passwords = { owner: secrets.OWNER_PASSWORD, replicator: "unused" };
  const host = await createDebianHost(fleet, { name: "shop-a", passwords, settings: {} });
  await host.create();
  await host.start();
  const node: Stock["node"] = (database = "shop", port = host.port) => ({
    name: "shop-a",
    host: "127.0.0.1",
    port,
    user: "postgres",
    passwordFrom: "OWNER_PASSWORD",
    database,
  });
  const connect: Stock["connect"] = async (database = "shop") => {
    const client = new pg.Client(host.url(database));
    client.on("error", () => {});
    await client.connect();
    return client;
  };
  const sql: Stock["sql"] = async (text, database) => {
    const client = await connect(database);
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  await sql("create database shop", "postgres");
  await sql("create database empty", "postgres");
  await sql("create table stock (id int primary key, left_over int not null)");
  const refill = () => sql("truncate stock; insert into stock select n, n from generate_series(1, 20000) n");
  await refill();
  const { facts } = await harness.perform("good", "postgres.dump", { node: node(), folder, label: "good" });
  stock = {
    host,
    folder,
    file: String(facts.dumpFile),
    node,
    connect,
    sql,
    rows: async () => (await sql("select count(*)::int as n, min(left_over)::int as least from stock"))[0],
    refill,
    spoil: () => sql("update stock set left_over = -1; delete from stock where id > 100"),
  };
}

let dumps = 0;
/** A dump reads; what counts is the file, which has its manifest when it is whole. The rows come by COPY. */
const dump: FailureCase = {
  action: "postgres.dump",
  seconds: { usual: 15, hanging: 2, lie: 5 },
  absolute: "another dump is another file, and changes nothing in the database",
  async begin(): Promise<CaseFixture> {
    const proxy = await openFaultProxy(stock.host.port, {
      changes: (text) => text.includes("COPY public.stock"),
      no: pgError("53300", "sorry, too many clients already"),
      yes: pgComplete("COPY 0"),
    });
    const label = `trial-${++dumps}`;
    const input = { node: stock.node("shop", proxy.port), folder: stock.folder, label };
    const whole = async () => (await dumpsIn(stock.folder, label)).length;
    return {
      input,
      secrets,
      ...struck(proxy),
      sent: whole,
      accepted: whole,
      holds: async () => (await whole()) > 0,
      wrong: () => asked({ ...input, folder: "/dev/null/nowhere" }),
      blocks: "folder.writable",
      other: () => asked({ ...input, node: stock.node("nowhere", proxy.port) }),
      close: () => proxy.close(),
    };
  },
  instead: {
    "killed during": shownBy(
      FILE,
      "a dump has its checksum and its counts beside it, and a killed one leaves none behind that counts",
    ),
    "done by hand": "a file somebody else made is of another moment, and has no counts beside it",
  },
};

/** All of it is one transaction, so what changes something is its COMMIT. */
const restore: FailureCase = {
  action: "postgres.restore_dump",
  intentFirst: true,
  seconds: { usual: 15, hanging: 2, lie: 5 },
  async begin(): Promise<CaseFixture> {
    await stock.spoil();
    const { evidence } = await harness.perform("safety", "postgres.dump", {
      node: stock.node(),
      folder: stock.folder,
      label: "before-trial",
    });
    const proxy = await openFaultProxy(stock.host.port, {
      changes: (text) => text.includes("COMMIT"),
      no: pgError("53300", "sorry, too many clients already"),
      yes: pgComplete("COMMIT"),
    });
    const input = { node: stock.node("shop", proxy.port), from: { file: stock.file }, safetyStep: "safety" };
    const direct = { ...input, node: stock.node() };
    return {
      input,
      secrets,
      evidence: { safety: evidence },
      ...struck(proxy),
      holds: async () => JSON.stringify(await stock.rows()) === JSON.stringify({ n: 20_000, least: 1 }),
      async byHand() {
        const person = actionHarness(secrets);
        person.remember("safety", evidence);
        await person.perform("by-hand", "postgres.restore_dump", direct);
      },
      wrong: () => asked({ ...input, safetyStep: "nobody-dumped" }),
      blocks: "evidence.safety",
      other: () => asked({ ...input, node: stock.node("nowhere", proxy.port) }),
      close: () => proxy.close(),
    };
  },
};

export const suite: FailureSuite = {
  needs,
  open,
  async close() {
    await stock?.host.kill();
    await fleet?.stop();
    if (stock) await rm(stock.folder, { recursive: true, force: true });
  },
  cases: [dump, restore],
};
