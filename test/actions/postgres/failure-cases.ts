import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { FaultKind } from "../../../practice/targets/kubernetes/index.ts";
import { type ActionHarness, actionHarness } from "../../support/action-harness.ts";
import { type DatabaseFixture, type NodeInput, openDatabaseFixture } from "../../support/database-fixture.ts";
import {
  asked,
  type CaseFixture,
  type FailureCase,
  type FailureSuite,
  shownBy,
  struck,
  until,
} from "../../support/failure-case.ts";
import { openFaultProxy, openFront, pgComplete, pgError } from "../fault-proxy.ts";

let databases: DatabaseFixture;

async function sql(node: NodeInput, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databases.superuser(node) });
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}
const READ_ONLY = "default_transaction_read_only";
const isFenced = async () => (await sql(databases.a, `show ${READ_ONLY}`))[0]?.[READ_ONLY] === "on";
const isStandby = async (node: NodeInput) => (await sql(node, "select pg_is_in_recovery() as on"))[0]?.on === true;

async function settle(): Promise<void> {
  if (!(await isStandby(databases.b))) await databases.whole();
  await sql(databases.a, `alter system reset ${READ_ONLY}`);
  await sql(databases.a, "select pg_reload_conf()");
}

/** One of the real servers behind a wire that knows the words of the one statement. */
async function behind(node: NodeInput, words: string) {
  const proxy = await openFaultProxy(databases.host(node).port, {
    changes: (text) => text.includes(words),
    no: pgError("53300", "sorry, too many clients already"),
    yes: pgComplete("DONE"),
  });
  return { proxy, node: { ...node, port: proxy.port } };
}

const NAMELESS =
  "a server of PostgreSQL is named by its address and a login; one of somebody else's does not know the password (the wrong state)";

const fence: FailureCase = {
  action: "postgres.fence",
  seconds: { usual: 15, hanging: 1.5, lie: 7 },
  absolute: "telling a server twice that new transactions are read-only is telling it once",
  async begin() {
    await settle();
    const { proxy, node } = await behind(databases.a, "alter system set");
    const input = { node, app: databases.app };
    return {
      input,
      calls: [{ action: "postgres.fence", input: { ...input, peer: databases.b } }],
      secrets: databases.environment.environment(),
      ...struck(proxy),
      holds: isFenced,
      byHand: () => databases.harness().perform("by-hand", "postgres.fence", { node: databases.a, app: databases.app }),
      wrong: () => asked({ ...input, node: { ...node, passwordFrom: "ORDERS_APP_PASSWORD" } }),
      blocks: "node.answers",
      close: () => proxy.close(),
    };
  },
  instead: { "another target": NAMELESS },
};

const unfence: FailureCase = {
  action: "postgres.unfence",
  seconds: { usual: 15, hanging: 1.5, lie: 3 },
  async begin() {
    await settle();
    const shut = () =>
      databases.harness().perform("fence", "postgres.fence", { node: databases.a, app: databases.app });
    await shut();
    const { proxy, node } = await behind(databases.a, "alter system reset");
    const input = { node, other: databases.b, app: databases.app };
    return {
      input,
      secrets: databases.environment.environment(),
      ...struck(proxy),
      holds: async () => !(await isFenced()),
      byHand: () => databases.harness().perform("by-hand", "postgres.unfence", { ...input, node: databases.a }),
      wrong: () => sql(databases.b, "select pg_promote(true, 30)"),
      blocks: "splitBrain",
      close: () => proxy.close(),
    };
  },
  absolute: "telling a server twice that new transactions may write is telling it once",
  instead: {
    "another target": shownBy("postgres/survives.test.ts", "a server of another cluster is not the other one"),
  },
};

const promote: FailureCase = {
  action: "postgres.promote",
  seconds: { usual: 25, hanging: 2, lie: 4 },
  async begin() {
    await databases.whole();
    const harness: ActionHarness = actionHarness(databases.environment.environment());
    const { evidence } = await harness.perform("fence", "postgres.fence", { node: databases.a, app: databases.app });
    const { proxy, node } = await behind(databases.b, "select pg_promote(true");
    const input = { from: databases.a, to: node, fenceStep: "fence" };
    return {
      input,
      secrets: databases.environment.environment(),
      evidence: { fence: evidence },
      ...struck(proxy),
      holds: async () => !(await isStandby(databases.b)),
      byHand: () => sql(databases.b, "select pg_promote(true, 30)"),
      wrong: () => asked({ ...input, fenceStep: "nobody-fenced" }),
      blocks: "evidence.fence",
      close: () => proxy.close(),
    };
  },
  instead: { "another target": shownBy("failover.test.ts", "a standby of another cluster") },
};

const rejoin: FailureCase = {
  action: "postgres.rejoin",
  seconds: { usual: 25, hanging: 2, lie: 4 },
  async begin(): Promise<CaseFixture> {
    await databases.whole();
    await databases.harness().perform("fence", "postgres.fence", { node: databases.a, app: databases.app });
    await sql(databases.b, "select pg_promote(true, 30)");
    await databases.environment.application.repoint({
      name: databases.b.name,
      host: databases.b.host,
      port: databases.b.port,
    });
    // What needs the host is asked of its agent, over HTTP.
    const way = await openFront(databases.environment.url.replace(/\/$/, ""), (method) => method === "POST");
    const { a, b } = databases;
    const input = {
      node: a,
      primary: b,
      slot: a.name.replace("-", "_"),
      script: await databases.script("rejoin.mjs", ["PRACTICE_HOSTS_TOKEN"]),
      arguments: [`http://127.0.0.1:${way.port}`, a.name],
      timeoutSeconds: 30,
    };
    return {
      input,
      secrets: databases.environment.environment(),
      ...struck(way),
      holds: () => isStandby(a),
      byHand: () => databases.environment.rebuild(a.name),
      async wrong() {
        await sql(a, `alter system reset ${READ_ONLY}`);
        await sql(a, "select pg_reload_conf()");
      },
      blocks: "evidence.oldPrimary",
      async close() {
        // The one who gave up on a rebuild did not end it: two at once would start the server twice.
        const idle = (fault: FaultKind | null) => fault !== null && ["down", "hang", "throttle", "lie"].includes(fault);
        await until(
          "no rebuild being under way",
          () => way.writes().every(({ fault, done }) => done || idle(fault)),
          40,
        );
        await way.close();
      },
    };
  },
  instead: { "another target": shownBy("postgres/survives.test.ts", "a server of another cluster is not rebuilt") },
};

let exports = 0;
/** It reads on both servers; what counts is the file. On a pair that is well the standby holds nothing of its own. */
const exportDivergence: FailureCase = {
  action: "postgres.export_divergence",
  seconds: { usual: 15, hanging: 2, lie: 5 },
  absolute: "another export is another file, and changes nothing on either server",
  async begin(): Promise<CaseFixture> {
    await settle();
    const { proxy, node } = await behind(databases.b, "declare divergence");
    const folder = await mkdtemp(join(tmpdir(), "lifeboat-divergence-"));
    const label = `trial-${++exports}`;
    const tables = [{ table: "public.orders", key: ["id"] }];
    const input = { node, primary: databases.a, tables, folder, label };
    const whole = async () => (await readdir(folder)).filter((file) => file.endsWith(".jsonl")).length;
    return {
      input,
      secrets: databases.environment.environment(),
      ...struck(proxy),
      sent: whole,
      accepted: whole,
      holds: async () => (await whole()) > 0,
      wrong: () => asked({ ...input, folder: "/dev/null/nowhere" }),
      blocks: "folder.writable",
      other: () => asked({ ...input, node: { ...node, systemIdentifier: "1" } }),
      async close() {
        await proxy.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
  instead: {
    "killed during": shownBy("postgres/survives.test.ts", "a killed export leaves no file behind that counts"),
    "done by hand": "a file somebody else made is of another moment",
  },
};

export const opened = () => databases;
export const suite: FailureSuite = {
  async open() {
    databases = await openDatabaseFixture();
  },
  close: () => databases?.environment.stop(),
  cases: [fence, unfence, exportDivergence, promote, rejoin],
};
