import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { freePort } from "../../../src/lib/port.ts";
import { type Fleet, type Member, openFleet } from "../../environment/fleet.ts";
import { endServerOf } from "../../environment/leftovers.ts";
import { soon } from "../../environment/patience.ts";

export const PATRONI_PROGRAMS = ["patroni", "etcd"] as const;
export const PATRONI_PACKAGES = ["patroni", "etcd-server", "postgresql", "python3-etcd"] as const;

/** One etcd and some Patroni members, three if left out, with a PostgreSQL each, on loopback and free ports. */
export interface PatroniCluster {
  readonly scope: string;
  readonly nodes: readonly PatroniNode[];
  /** Of the REST API, for what changes something. */
  readonly login: { readonly user: string; readonly password: string };
  readonly superuser: { readonly user: string; readonly password: string };
  readonly replication: { readonly user: string; readonly password: string };
  /** Waits until one leads and all others stream from it, and says who leads. */
  settled(): Promise<PatroniNode>;
  /** Everything it is made of runs from here; more may be started in it, and ends with it. */
  readonly fleet: Fleet;
  /** Where Debian keeps the programs of this PostgreSQL. */
  readonly programs: string;
  /** Patroni and PostgreSQL of a member at once: a power cut of its host. */
  lose(node: PatroniNode): Promise<void>;
  /** The host is back, and Patroni with it. */
  restart(node: PatroniNode): Promise<void>;
  /**
   * Takes what a lost member still has in the store, its leader's key too: what the passing of `ttl` does (20 s at least, by
   * Patroni's own rule), without the waiting.
   */
  expire(node: PatroniNode): Promise<void>;
  /** Throws all data and what the store knows away, and makes the cluster as it was made at first, or as a standby cluster of another. */
  rebuild(standbyOf?: Readonly<Record<string, unknown>>): Promise<void>;
  /** The configuration all members share; what is given is changed before, null takes a key out. */
  configure(change?: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
  stop(): Promise<void>;
}

export interface PatroniNode {
  readonly name: string;
  readonly api: string;
  readonly port: number;
  /** Its data folder. */
  readonly folder: string;
  /** The Patroni that runs now, or ran last. */
  readonly member: Member;
}

export interface PatroniOptions {
  readonly ttlSeconds?: number;
  readonly loopSeconds?: number;
  readonly scope?: string;
  readonly names?: readonly [string, ...string[]];
  /** Further settings of PostgreSQL on every member; `%folder` is the fleet's. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** A standby cluster of this one: its data, its accounts, and its fleet, with a store of its own. */
  readonly standbyOf?: {
    readonly cluster: Pick<PatroniCluster, "fleet" | "login" | "superuser" | "replication">;
    /** Where its leader is reached, and what fetches archived log: `standby_cluster` in the configuration. */
    readonly source: { readonly host: string; readonly port: number; readonly restore_command?: string };
  };
}

/** @throws LifeboatError `not-ready` */
export async function startPatroni(options: PatroniOptions = {}): Promise<PatroniCluster> {
  const shared = options.standbyOf?.cluster.fleet;
  const fleet = shared ?? (await openFleet("patroni"));
  try {
    return await build(fleet, options);
  } catch (error) {
    if (!shared) await fleet.stop();
    throw error;
  }
}

async function build(fleet: Fleet, options: PatroniOptions): Promise<PatroniCluster> {
  const { ttlSeconds = 20, loopSeconds = 2, scope = "practice", parameters = {} } = options;
  const secret = () => randomBytes(12).toString("hex");
  const { cluster: like, source } = options.standbyOf ?? {};
  const login = like?.login ?? { user: "operator", password: secret() };
  const superuser = like?.superuser ?? { user: "postgres", password: secret() };
  const replication = like?.replication ?? { user: "replicator", password: secret() };
  const store = await startEtcd(fleet, scope);
  const nodes: (PatroniNode & { member: Member; readonly file: string })[] = [];
  const programs = newestPostgres();
  const further = Object.entries(parameters).map(([name, value]) => [name, value.replaceAll("%folder", fleet.folder)]);
  for (const name of options.names ?? ["node1", "node2", "node3"]) {
    const [api, port] = [await freePort(), await freePort()];
    const folder = join(fleet.folder, name);
    const account = ({ user, password }: typeof login) => ({ username: user, password });
    const file = await fleet.write(
      `${name}.json`,
      // Patroni reads YAML, and JSON is YAML.
      JSON.stringify({
        scope,
        namespace: "/practice/",
        name,
        restapi: {
          listen: `127.0.0.1:${api}`,
          connect_address: `127.0.0.1:${api}`,
          authentication: account(login),
        },
        etcd3: { hosts: store },
        bootstrap: {
          dcs: {
            ttl: ttlSeconds,
            loop_wait: loopSeconds,
            retry_timeout: 5,
            maximum_lag_on_failover: 1_048_576,
            ...(source ? { standby_cluster: source } : {}),
            postgresql: {
              use_pg_rewind: true,
              use_slots: true,
              parameters: {
                wal_log_hints: "on",
                max_connections: 50,
                shared_buffers: "16MB",
                fsync: "off",
                ...Object.fromEntries(further),
              },
            },
          },
          initdb: [{ encoding: "UTF8" }, "data-checksums", "no-sync"],
          pg_hba: ["host replication all 127.0.0.1/32 scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256"],
        },
        postgresql: {
          listen: `127.0.0.1:${port}`,
          connect_address: `127.0.0.1:${port}`,
          data_dir: folder,
          bin_dir: programs,
          pgpass: join(fleet.folder, `${name}.pgpass`),
          authentication: { replication: account(replication), superuser: account(superuser) },
          parameters: { unix_socket_directories: fleet.folder, wal_retrieve_retry_interval: "200ms" },
        },
        watchdog: { mode: "off" },
      }),
    );
    const member = await fleet.start("patroni", [file]);
    const node = { name, api: `http://127.0.0.1:${api}`, port, folder, member, file };
    nodes.push(node);
    // The first one makes the cluster; the others copy it.
    if (nodes.length === 1) await soon("The first member leading", () => leads(node));
  }
  const environment: PatroniCluster = {
    scope,
    nodes,
    login,
    superuser,
    replication,
    settled: () => settled(nodes),
    fleet,
    programs,
    async lose(node) {
      await node.member.kill();
      // Patroni gives PostgreSQL a session of its own, and it outlives it.
      await endServerOf(node.folder);
    },
    async restart(lost) {
      const node = nodes.find((one) => one.name === lost.name);
      if (!node || node.member.running) return;
      node.member = await fleet.start("patroni", [node.file]);
    },
    async expire(node) {
      for (const key of ["leader", `members/${node.name}`]) await forget(store, `/practice/${scope}/${key}`);
    },
    async rebuild(standbyOf) {
      for (const node of nodes) await environment.lose(node);
      for (const node of nodes) await rm(node.folder, { recursive: true, force: true });
      if (standbyOf !== undefined) {
        for (const node of nodes) {
          const written = JSON.parse(await readFile(node.file, "utf8")) as { bootstrap: { dcs: object } };
          Object.assign(written.bootstrap.dcs, { standby_cluster: standbyOf });
          await fleet.write(basename(node.file), JSON.stringify(written));
        }
      }
      await forget(store, `/practice/${scope}/`, `/practice/${scope}0`);
      for (const [i, node] of nodes.entries()) {
        await environment.restart(node);
        // As systemd does: a member that ended at its start, because its port was still taken, is started again.
        const leading = async () => {
          await environment.restart(node);
          return await leads(node);
        };
        if (i === 0) await soon("The first member leading", leading);
      }
      await environment.settled();
    },
    async configure(change) {
      const authorization = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`;
      const headers = { authorization, "content-type": "application/json" };
      const init = change === undefined ? {} : { method: "PATCH", headers, body: JSON.stringify(change) };
      return (await (await fetch(`${nodes[0]?.api}/config`, { ...init, ...limits() })).json()) as Record<
        string,
        unknown
      >;
    },
    stop: () => fleet.stop(),
  };
  await environment.settled();
  return environment;
}

async function startEtcd(fleet: Fleet, name: string): Promise<string> {
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  const peers = `http://127.0.0.1:${peer}`;
  await fleet.start("etcd", [
    ...["--name", "practice", "--data-dir", join(fleet.folder, `etcd-${name}`), "--log-level", "warn"],
    "--unsafe-no-fsync",
    ...["--listen-client-urls", url, "--advertise-client-urls", url],
    ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", `practice=${peers}`],
  ]);
  await soon("etcd answering", async () => (await get(`${url}/health`)).includes("true"));
  return `127.0.0.1:${client}`;
}

/** One key; with an end, all from it up to that. */
async function forget(store: string, key: string, end?: string): Promise<void> {
  const coded = (text: string) => Buffer.from(text).toString("base64");
  const body = JSON.stringify({ key: coded(key), ...(end === undefined ? {} : { range_end: coded(end) }) });
  await fetch(`http://${store}/v3/kv/deleterange`, { method: "POST", body, ...limits() });
}

const leads = async (node: PatroniNode) => (await fetch(`${node.api}/leader`, limits())).status === 200;
const get = async (url: string) => await (await fetch(url, limits())).text();
const limits = () => ({ signal: AbortSignal.timeout(2000) });

async function settled(nodes: readonly PatroniNode[]): Promise<PatroniNode> {
  return await soon("One leading and the others streaming from it", async () => {
    const told = await Promise.all(nodes.map(async (node) => JSON.parse(await get(`${node.api}/patroni`)) as Told));
    const [leader, ...others] = nodes.filter((_, i) => LEADERS.includes(told[i]?.role ?? ""));
    if (!leader || others.length > 0) return null;
    const streaming = told[nodes.indexOf(leader)]?.replication?.filter((one) => one.state === "streaming") ?? [];
    const timelines = new Set(told.map((one) => one.timeline));
    const follow = nodes.every((one) => one === leader || streaming.some((it) => it.application_name === one.name));
    if (!follow || timelines.size > 1) return null;
    // What the cluster says of its members is some seconds old, and is what others go by.
    const { members } = JSON.parse(await get(`${leader.api}/cluster`)) as { members: readonly Listed[] };
    const calm = members.every(({ state }) => state === "running" || state === "streaming");
    return calm && new Set(members.map(({ timeline }) => timeline)).size === 1 ? leader : null;
  });
}

const LEADERS = ["master", "primary", "standby_leader"];

interface Listed {
  readonly state: string;
  readonly timeline?: number;
}

interface Told {
  readonly role?: string;
  readonly timeline?: number;
  /** Others than members may follow too. */
  readonly replication?: readonly { readonly state: string; readonly application_name: string }[];
}

/** Debian keeps each version's programs apart. */
function newestPostgres(): string {
  const home = "/usr/lib/postgresql";
  const versions = readdirSync(home).sort((a, b) => Number(b) - Number(a));
  return join(home, String(versions[0]), "bin");
}
