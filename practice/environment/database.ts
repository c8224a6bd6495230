import { join } from "node:path";
import pg from "pg";
import { initCluster } from "../../src/embedded-postgres/cluster.ts";
import { type PgServer, startServer } from "../../src/embedded-postgres/server.ts";
import { LifeboatError } from "../../src/lib/errors.ts";
import { freePort } from "../../src/lib/port.ts";
import { cloneStandby } from "./clone.ts";
import { childrenOf, kill } from "./leftovers.ts";

/** Where an application writes. Practice never leaves the machine. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** One PostgreSQL server of the environment: its folder, its port, and what can be done to its machine. */
export interface DatabaseHost {
  readonly name: string;
  readonly port: number;
  readonly folder: string;
  readonly slot: string;
  /** As the application is told where to write. */
  readonly target: Target;
  readonly running: boolean;
  /** As superuser; works only while it runs. */
  url(database?: string): string;
  /** A new, empty cluster. */
  create(): Promise<void>;
  start(): Promise<void>;
  /** A power cut: every process at once. */
  kill(): Promise<void>;
  /** Stops every process in its tracks: connections are accepted by the kernel, and no one answers. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Throws away what is here and becomes a standby of `primary`. */
  follow(primary: DatabaseHost): Promise<void>;
}

export interface Passwords {
  readonly owner: string;
  readonly replicator: string;
}

// Small and quick to promote: see "Crash failover" in the README of src/actions/postgres.
const SETTINGS = {
  // A killed process loses nothing by this, and nothing here outlives the machine; recovery does not wait for the disk.
  fsync: "off",
  wal_level: "replica",
  hot_standby: "on",
  max_wal_senders: 8,
  max_replication_slots: 8,
  max_connections: 40,
  wal_keep_size: "64MB",
  max_slot_wal_keep_size: "512MB",
  shared_buffers: "16MB",
  wal_retrieve_retry_interval: "200ms",
  wal_log_hints: "on",
  log_min_messages: "warning",
};

export async function createHost(name: string, environmentFolder: string, passwords: Passwords): Promise<DatabaseHost> {
  const folder = join(environmentFolder, name);
  const port = await freePort();
  const slot = name.replace(/\W/g, "_");
  let server: PgServer | null = null;

  const host: DatabaseHost = {
    name,
    port,
    folder,
    slot,
    target: { name, host: "127.0.0.1", port },
    get running() {
      return server !== null;
    },
    url: (database = "postgres") =>
      `postgres://postgres:${encodeURIComponent(passwords.owner)}@127.0.0.1:${port}/${database}?application_name=environment`,
    create: () => initCluster(folder, { user: "postgres", password: passwords.owner, sync: false }),
    async start() {
      if (server !== null) return;
      const started = await startServer({ dir: folder, port, settings: { ...SETTINGS, cluster_name: name } });
      server = started;
      void started.exited.then(() => {
        if (server === started) server = null;
      });
    },
    async kill() {
      await server?.kill();
      server = null;
    },
    async freeze() {
      for (const pid of await family(server)) kill(pid, "SIGSTOP");
    },
    async thaw() {
      for (const pid of await family(server)) kill(pid, "SIGCONT");
    },
    async follow(primary) {
      if (!primary.running) {
        throw new LifeboatError({
          code: "no-source",
          where: name,
          what: `${primary.name} is down and can't be copied`,
        });
      }
      await host.kill();
      const connection = { port: primary.port, user: "replicator", password: passwords.replicator };
      const { folder: sourceFolder } = primary;
      await cloneStandby({ source: primary.url(), sourceFolder, folder, slot, connection, name });
      await host.start();
    },
  };
  return host;
}

async function family(server: PgServer | null): Promise<number[]> {
  return server === null ? [] : [server.pid, ...(await childrenOf(server.pid))];
}

/** Asks as superuser; within 5 s. */
export async function ask<Row extends object>(host: DatabaseHost, sql: string): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: host.url(), connectionTimeoutMillis: 1000, query_timeout: 5000 });
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query<Row>(sql)).rows;
  } finally {
    client.end().catch(() => {});
  }
}
