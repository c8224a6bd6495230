import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../../lib/pgserver.ts";
import { type Fleet, type Member, openFleet, soon } from "../fleet.ts";

export const PATRONI_PROGRAMS = ["patroni", "etcd"] as const;
export const PATRONI_PACKAGES = ["patroni", "etcd-server", "postgresql", "python3-etcd"] as const;

/** One etcd and three Patroni members with a PostgreSQL each, on loopback and free ports. */
export interface PatroniEstate {
  readonly scope: string;
  readonly nodes: readonly PatroniNode[];
  /** Of the REST API, for what changes something. */
  readonly login: { readonly user: string; readonly password: string };
  readonly superuser: { readonly user: string; readonly password: string };
  /** Waits until one leads and all others stream from it, and says who leads. */
  settled(): Promise<PatroniNode>;
  stop(): Promise<void>;
}

export interface PatroniNode {
  readonly name: string;
  readonly api: string;
  readonly port: number;
  readonly member: Member;
}

export interface PatroniOptions {
  readonly ttlSeconds?: number;
  readonly loopSeconds?: number;
}

/** @throws LifeboatError `not-ready` */
export async function startPatroni(options: PatroniOptions = {}): Promise<PatroniEstate> {
  const fleet = await openFleet("patroni");
  try {
    return await build(fleet, options);
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}

async function build(fleet: Fleet, { ttlSeconds = 20, loopSeconds = 2 }: PatroniOptions): Promise<PatroniEstate> {
  const secret = () => randomBytes(12).toString("hex");
  const login = { user: "operator", password: secret() };
  const superuser = { user: "postgres", password: secret() };
  const replication = { user: "replicator", password: secret() };
  const store = await startEtcd(fleet);
  const scope = "practice";
  const nodes: PatroniNode[] = [];
  for (const name of ["node1", "node2", "node3"]) {
    const [api, port] = [await freePort(), await freePort()];
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
            postgresql: {
              use_pg_rewind: true,
              use_slots: true,
              parameters: { wal_log_hints: "on", max_connections: 50, shared_buffers: "16MB", fsync: "off" },
            },
          },
          initdb: [{ encoding: "UTF8" }, "data-checksums", "no-sync"],
          pg_hba: ["host replication all 127.0.0.1/32 scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256"],
        },
        postgresql: {
          listen: `127.0.0.1:${port}`,
          connect_address: `127.0.0.1:${port}`,
          data_dir: join(fleet.folder, name),
          bin_dir: newestPostgres(),
          pgpass: join(fleet.folder, `${name}.pgpass`),
          authentication: { replication: account(replication), superuser: account(superuser) },
          parameters: { unix_socket_directories: fleet.folder, wal_retrieve_retry_interval: "200ms" },
        },
        watchdog: { mode: "off" },
      }),
    );
    const member = await fleet.start("patroni", [file]);
    const node = { name, api: `http://127.0.0.1:${api}`, port, member };
    nodes.push(node);
    // The first one makes the cluster; the others copy it.
    if (nodes.length === 1) await soon("The first member leading", 40, () => leads(node));
  }
  const estate: PatroniEstate = {
    scope,
    nodes,
    login,
    superuser,
    settled: () => settled(nodes),
    stop: () => fleet.stop(),
  };
  await estate.settled();
  return estate;
}

async function startEtcd(fleet: Fleet): Promise<string> {
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  const peers = `http://127.0.0.1:${peer}`;
  await fleet.start("etcd", [
    ...["--name", "practice", "--data-dir", join(fleet.folder, "etcd"), "--log-level", "warn", "--unsafe-no-fsync"],
    ...["--listen-client-urls", url, "--advertise-client-urls", url],
    ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", `practice=${peers}`],
  ]);
  await soon("etcd answering", 20, async () => (await get(`${url}/health`)).includes("true"));
  return `127.0.0.1:${client}`;
}

const leads = async (node: PatroniNode) => (await fetch(`${node.api}/primary`, limits())).status === 200;
const get = async (url: string) => await (await fetch(url, limits())).text();
const limits = () => ({ signal: AbortSignal.timeout(2000) });

async function settled(nodes: readonly PatroniNode[]): Promise<PatroniNode> {
  return await soon("One leading and two streaming from it", 90, async () => {
    const told = await Promise.all(nodes.map(async (node) => JSON.parse(await get(`${node.api}/patroni`)) as Told));
    const [leader, ...others] = nodes.filter((_, i) => told[i]?.role === "master" || told[i]?.role === "primary");
    if (!leader || others.length > 0) return null;
    const streaming = told[nodes.indexOf(leader)]?.replication?.filter((one) => one.state === "streaming") ?? [];
    const timelines = new Set(told.map((one) => one.timeline));
    return streaming.length === nodes.length - 1 && timelines.size === 1 ? leader : null;
  });
}

interface Told {
  readonly role?: string;
  readonly timeline?: number;
  readonly replication?: readonly { readonly state: string }[];
}

/** Debian keeps each version's programs apart. */
function newestPostgres(): string {
  const home = "/usr/lib/postgresql";
  const versions = readdirSync(home).sort((a, b) => Number(b) - Number(a));
  return join(home, String(versions[0]), "bin");
}
