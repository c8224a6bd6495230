import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { FaultKind } from "../../../practice/targets/kubernetes/index.ts";
import { type Conductor, conduct } from "../conductor.ts";
import { type NodeInput, openShop, type Shop } from "../shop.ts";
import { asked, type Proof, type Scene, struck, type Trial, told, until } from "../trial.ts";
import { openFront, openWire, pgComplete, pgError } from "../wire.ts";

let shop: Shop;

async function sql(node: NodeInput, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: shop.superuser(node) });
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}
const READ_ONLY = "default_transaction_read_only";
const isFenced = async () => (await sql(shop.a, `show ${READ_ONLY}`))[0]?.[READ_ONLY] === "on";
const isStandby = async (node: NodeInput) => (await sql(node, "select pg_is_in_recovery() as on"))[0]?.on === true;

async function settle(): Promise<void> {
  if (!(await isStandby(shop.b))) await shop.whole();
  await sql(shop.a, `alter system reset ${READ_ONLY}`);
  await sql(shop.a, "select pg_reload_conf()");
}

/** One of the real servers behind a wire that knows the words of the one statement. */
async function behind(node: NodeInput, words: string) {
  const wire = await openWire(shop.host(node).port, {
    changes: (text) => text.includes(words),
    no: pgError("53300", "sorry, too many clients already"),
    yes: pgComplete("DONE"),
  });
  return { wire, node: { ...node, port: wire.port } };
}

const NAMELESS =
  "a server of PostgreSQL is named by its address and a login; one of somebody else's does not know the password (the wrong state)";

const fence: Trial = {
  action: "postgres.fence",
  seconds: { usual: 15, hanging: 1.5, lie: 7 },
  absolute: "telling a server twice that new transactions are read-only is telling it once",
  async begin() {
    await settle();
    const { wire, node } = await behind(shop.a, "alter system set");
    const input = { node, app: shop.app };
    return {
      input,
      calls: [{ action: "postgres.fence", input: { ...input, peer: shop.b } }],
      secrets: shop.environment.environment(),
      ...struck(wire),
      holds: isFenced,
      byHand: () => shop.conductor().perform("by-hand", "postgres.fence", { node: shop.a, app: shop.app }),
      wrong: () => asked({ ...input, node: { ...node, passwordFrom: "ORDERS_APP_PASSWORD" } }),
      blocks: "node.answers",
      close: () => wire.close(),
    };
  },
  instead: { "another target": NAMELESS },
};

const unfence: Trial = {
  action: "postgres.unfence",
  seconds: { usual: 15, hanging: 1.5, lie: 3 },
  async begin() {
    await settle();
    const shut = () => shop.conductor().perform("fence", "postgres.fence", { node: shop.a, app: shop.app });
    await shut();
    const { wire, node } = await behind(shop.a, "alter system reset");
    const input = { node, other: shop.b, app: shop.app };
    return {
      input,
      secrets: shop.environment.environment(),
      ...struck(wire),
      holds: async () => !(await isFenced()),
      byHand: () => shop.conductor().perform("by-hand", "postgres.unfence", { ...input, node: shop.a }),
      wrong: () => sql(shop.b, "select pg_promote(true, 30)"),
      blocks: "splitBrain",
      close: () => wire.close(),
    };
  },
  absolute: "telling a server twice that new transactions may write is telling it once",
  instead: { "another target": told("postgres/survives.test.ts", "a server of another cluster is not the other one") },
};

const promote: Trial = {
  action: "postgres.promote",
  seconds: { usual: 25, hanging: 2, lie: 4 },
  async begin() {
    await shop.whole();
    const conductor: Conductor = conduct(shop.environment.environment());
    const { evidence } = await conductor.perform("fence", "postgres.fence", { node: shop.a, app: shop.app });
    const { wire, node } = await behind(shop.b, "select pg_promote(true");
    const input = { from: shop.a, to: node, fenceStep: "fence" };
    return {
      input,
      secrets: shop.environment.environment(),
      evidence: { fence: evidence },
      ...struck(wire),
      holds: async () => !(await isStandby(shop.b)),
      byHand: () => sql(shop.b, "select pg_promote(true, 30)"),
      wrong: () => asked({ ...input, fenceStep: "nobody-fenced" }),
      blocks: "evidence.fence",
      close: () => wire.close(),
    };
  },
  instead: { "another target": told("failover.test.ts", "a standby of another cluster") },
};

const rejoin: Trial = {
  action: "postgres.rejoin",
  seconds: { usual: 25, hanging: 2, lie: 4 },
  async begin(): Promise<Scene> {
    await shop.whole();
    await shop.conductor().perform("fence", "postgres.fence", { node: shop.a, app: shop.app });
    await sql(shop.b, "select pg_promote(true, 30)");
    await shop.environment.application.repoint({ name: shop.b.name, host: shop.b.host, port: shop.b.port });
    // What needs the host is asked of its agent, over HTTP.
    const way = await openFront(shop.environment.url.replace(/\/$/, ""), (method) => method === "POST");
    const { a, b } = shop;
    const input = {
      node: a,
      primary: b,
      slot: a.name.replace("-", "_"),
      script: await shop.script("rejoin.mjs", ["PRACTICE_HOSTS_TOKEN"]),
      arguments: [`http://127.0.0.1:${way.port}`, a.name],
      timeoutSeconds: 30,
    };
    return {
      input,
      secrets: shop.environment.environment(),
      ...struck(way),
      holds: () => isStandby(a),
      byHand: () => shop.environment.rebuild(a.name),
      async wrong() {
        await sql(a, `alter system reset ${READ_ONLY}`);
        await sql(a, "select pg_reload_conf()");
      },
      blocks: "evidence.oldPrimary",
      async close() {
        // Whoever gave up on a rebuild did not end it: two at once would start the server twice.
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
  instead: { "another target": told("postgres/survives.test.ts", "a server of another cluster is not rebuilt") },
};

let exports = 0;
/** It reads on both servers; what counts is the file. On a pair that is well the standby holds nothing of its own. */
const exportDivergence: Trial = {
  action: "postgres.export_divergence",
  seconds: { usual: 15, hanging: 2, lie: 5 },
  absolute: "another export is another file, and changes nothing on either server",
  async begin(): Promise<Scene> {
    await settle();
    const { wire, node } = await behind(shop.b, "declare divergence");
    const folder = await mkdtemp(join(tmpdir(), "lifeboat-divergence-"));
    const label = `trial-${++exports}`;
    const tables = [{ table: "public.orders", key: ["id"] }];
    const input = { node, primary: shop.a, tables, folder, label };
    const whole = async () => (await readdir(folder)).filter((file) => file.endsWith(".jsonl")).length;
    return {
      input,
      secrets: shop.environment.environment(),
      ...struck(wire),
      sent: whole,
      accepted: whole,
      holds: async () => (await whole()) > 0,
      wrong: () => asked({ ...input, folder: "/nonexistent" }),
      blocks: "folder.writable",
      other: () => asked({ ...input, node: { ...node, systemIdentifier: "1" } }),
      async close() {
        await wire.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
  instead: {
    "killed during": told("postgres/survives.test.ts", "a killed export leaves no file behind that counts"),
    "done by hand": "a file somebody else made is of another moment",
  },
};

export const opened = () => shop;
export const proof: Proof = {
  async open() {
    shop = await openShop();
  },
  close: () => shop?.environment.stop(),
  trials: [fence, unfence, exportDivergence, promote, rejoin],
};
