import { rm } from "node:fs/promises";
import { join } from "node:path";
import { giveToServer } from "../../../src/embedded-postgres/cluster.ts";
import { LifeboatError } from "../../../src/lib/errors.ts";
import { freePort } from "../../../src/lib/port.ts";
import { cloneStandby } from "../../environment/clone.ts";
import type { DatabaseHost, Passwords } from "../../environment/database.ts";
import type { Fleet, Member } from "../../environment/fleet.ts";
import { childrenOf, endServerOf, kill } from "../../environment/leftovers.ts";
import { soon } from "../../environment/patience.ts";

/** A PostgreSQL of Debian's package, which Debian's pgBackRest knows; what npm brings is newer than it can read. */
export interface DebianHost extends DatabaseHost {
  /** An orderly stop, as a service manager does it. A file a killed server left behind is cleared away. */
  stop(): Promise<void>;
}

export interface DebianHostOptions {
  readonly name: string;
  readonly passwords: Passwords;
  readonly port?: number;
  /** Beside those every practice server has. */
  readonly settings: Readonly<Record<string, string | number>>;
}

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  fsync: "off",
  wal_level: "replica",
  hot_standby: "on",
  max_wal_senders: 8,
  max_replication_slots: 8,
  max_connections: 60,
  wal_keep_size: "64MB",
  max_slot_wal_keep_size: "512MB",
  shared_buffers: "16MB",
  wal_retrieve_retry_interval: "200ms",
  wal_log_hints: "on",
  log_min_messages: "warning",
};

export async function createDebianHost(fleet: Fleet, options: DebianHostOptions): Promise<DebianHost> {
  const { name, passwords } = options;
  const folder = join(fleet.folder, name);
  const port = options.port ?? (await freePort());
  const slot = name.replace(/\W/g, "_");
  let server: Member | null = null;

  const settings = () => ({
    ...SETTINGS,
    port,
    unix_socket_directories: fleet.folder,
    cluster_name: name,
    ...options.settings,
  });
  const ready = async () => {
    const how = await soon(`${name} accepting connections`, async () => {
      if (server?.running !== true) return "ended";
      const { default: pg } = await import("pg");
      const client = new pg.Client({ connectionString: host.url(), connectionTimeoutMillis: 1000 });
      client.on("error", () => {});
      await client.connect();
      await client.end();
      return "ready";
    });
    if (how === "ready") return;
    const what = `It ended at once; postgres.log in ${fleet.folder} says why`;
    throw new LifeboatError({ code: "server-start", where: name, what });
  };
  const finished = (program: string, member: Member) =>
    soon(`${program} of ${name} ending`, async () => !member.running);

  const host: DebianHost = {
    name,
    port,
    folder,
    slot,
    target: { name, host: "127.0.0.1", port },
    get running() {
      return server?.running === true;
    },
    url: (database = "postgres") =>
      `postgres://postgres:${encodeURIComponent(passwords.owner)}@127.0.0.1:${port}/${database}?application_name=environment`,
    async create() {
      await rm(folder, { recursive: true, force: true });
      const password = await fleet.write(`${name}.password`, passwords.owner);
      const given = ["-D", folder, "-U", "postgres", "--pwfile", password, "--auth-local=trust"];
      const more = ["--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync", "--data-checksums"];
      await finished("initdb", await fleet.start("initdb", [...given, ...more]));
    },
    async start() {
      if (server?.running) return;
      const given = Object.entries(settings()).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
      server = await fleet.start("postgres", ["-D", folder, ...given]);
      await ready();
    },
    async stop() {
      if (server?.running) {
        process.kill(server.pid, "SIGINT");
        const going = server;
        await soon(`${name} stopping`, async () => !going.running);
      }
      server = null;
      await rm(join(folder, "postmaster.pid"), { force: true });
    },
    async kill() {
      await endServerOf(folder);
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
        const what = `${primary.name} is down and can't be copied`;
        throw new LifeboatError({ code: "no-source", where: name, what });
      }
      await host.kill();
      const connection = { port: primary.port, user: "replicator", password: passwords.replicator };
      const { folder: sourceFolder } = primary;
      await cloneStandby({ source: primary.url(), sourceFolder, folder, slot, connection, name });
      await giveToServer(folder);
      await host.start();
    },
  };
  return host;
}

async function family(server: Member | null): Promise<number[]> {
  return server === null ? [] : [server.pid, ...(await childrenOf(server.pid))];
}
