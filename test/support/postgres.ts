import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { initCluster } from "../../src/embedded-postgres/cluster.ts";
import { type PgServer, startServer } from "../../src/embedded-postgres/server.ts";
import { createLog } from "../../src/lib/log.ts";
import { freePort } from "../../src/lib/port.ts";
import type { EventToAppend } from "../../src/timeline/contract.ts";
import { openStore, type Store, type StoreOptions } from "../../src/timeline/index.ts";
import { testKeys } from "./record-keys.ts";

export const quiet = createLog("silent");

/** A folder that the server's unprivileged user can reach even when the tests run as root. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-"));
  await chmod(folder, 0o711);
  return folder;
}

/** One real PostgreSQL for a test file; every `database()` on it is empty. */
export interface TestServer {
  server: PgServer;
  database(): Promise<string>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function testServer(): Promise<TestServer> {
  const folder = await tempFolder();
  const dir = join(folder, "pg");
  const port = await freePort();
  const start = () => startServer({ dir, port, settings: { shared_buffers: "16MB", fsync: "off" } });
  await initCluster(dir, { user: "owner", password: "owner", sync: false });
  let count = 0;
  const running: TestServer = {
    server: await start(),
    async database() {
      count += 1;
      await asSuperuser(running.server.url(), `create database test_${count}`);
      return running.server.url(undefined, `test_${count}`);
    },
    async restart() {
      if (await isUp(running.server)) await running.server.stop("fast");
      running.server = await start();
    },
    async close() {
      await running.server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return running;
}

const isUp = (server: PgServer) => Promise.race([server.exited.then(() => false), Promise.resolve(true)]);

/** Past every grant and trigger: what someone with the keys of the database could do. */
export async function asSuperuser<R>(url: string, sql: string, values: unknown[] = []): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    const result = await client.query(sql, values);
    return (Array.isArray(result) ? result.at(-1) : result).rows;
  } finally {
    await client.end();
  }
}

export function storeOn(databaseUrl: string, options: Partial<StoreOptions> = {}): Promise<Store> {
  const here = { databaseUrl, dataFolder: "/nonexistent", stateFolder: null, keys: testKeys };
  return openStore({ ...here, log: quiet, openSeconds: 20, ...options });
}

let serial = 0;
export function event(type: string, more: Partial<EventToAppend> = {}): EventToAppend {
  serial += 1;
  return { type, data: {}, actor: { kind: "bot" }, key: `key-${serial}`, ...more };
}

/** Awaits a condition, looking every few milliseconds. */
export async function until(condition: () => boolean | Promise<boolean>, seconds = 10): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not so after ${seconds} s: ${condition}`);
    await new Promise((soon) => setTimeout(soon, 10));
  }
}
