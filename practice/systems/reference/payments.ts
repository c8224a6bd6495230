import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { soon, within } from "../../environment/patience.ts";
import { type ServerWatch, watchServers } from "../../environment/servers.ts";
import { SYNTHETIC_TABLE } from "../../environment/synthetic.ts";
import { admit, leaveBehind } from "../../targets/patroni/behind.ts";
import { type PatroniCluster, type PatroniNode, startPatroni } from "../../targets/patroni/index.ts";
import { archiveCommand, type Backups, createBackups, PLACES } from "./backups.ts";
import { type Balancer, openBalancer } from "./balancer.ts";
import { createServer } from "./server.ts";
import { type Login, sql } from "./sql.ts";

export const DATABASE = "payments";
export type Region = "us-east-1" | "us-west-2";

/** One region's part of the database: a Patroni cluster with a store of its own, behind its balancer. */
export interface Side {
  readonly region: Region;
  readonly patroni: PatroniCluster;
  readonly balancer: Balancer;
}

/** The payments database: a Patroni cluster in us-east-1, its standby cluster in us-west-2, and its backups. */
export interface Payments {
  /** The cluster in us-east-1. */
  readonly patroni: PatroniCluster;
  readonly sides: Readonly<Record<Region, Side>>;
  readonly backups: Backups;
  readonly scratchPort: number;
  readonly passwords: { readonly lifeboat: string; readonly app: string };
  /**
   * Where pods of a region write: `host=own,other target_session_attrs=read-write`, as libpq takes the first that takes writes.
   * Null: none does.
   */
  writable(from: Region): Promise<number | null>;
  /** us-east-1 leads, everything follows it, nothing is fenced or paused. Says who leads. */
  whole(): Promise<PatroniNode>;
  /** Every replica is further behind than Patroni lets one lead, and then the leader's host is gone. */
  loseLeaderAndLeaveOthersBehind(): Promise<void>;
  /** Nothing of the region answers any more. */
  loseRegion(region: Region): Promise<void>;
  /** What `loseRegion` took is back, and the one who led leads again: a primary is out of recovery. */
  regainRegion(region: Region): Promise<void>;
  /** The standby cluster there leads by itself from now on, as an operator would make it. */
  promote(region: Region): Promise<void>;
  /** Thrown away and made again as a standby cluster of the other region, as an operator would on its hosts. */
  rebuild(region: Region): Promise<void>;
  asOwner<Row>(port: number, statements: readonly string[], values?: readonly unknown[]): Promise<readonly Row[]>;
  stop(): Promise<void>;
}

const PARAMETERS = {
  archive_mode: "on",
  archive_command: archiveCommand(),
  // Without it a quiet server archives nothing, and the archive promises no RPO.
  archive_timeout: "60s",
  wal_keep_size: "128MB",
  max_wal_senders: "12",
};

export async function createPayments(): Promise<Payments> {
  const patroni = await startPatroni({
    scope: "postgres-cluster",
    names: ["postgres01", "postgres02", "postgres03"],
    loopSeconds: 1,
    parameters: PARAMETERS,
  });
  try {
    return await build(patroni);
  } catch (error) {
    await patroni.stop();
    throw error;
  }
}

async function build(patroni: PatroniCluster): Promise<Payments> {
  const { nodes, superuser, fleet } = patroni;
  const passwords = { lifeboat: word(), app: word() };
  const leader = await patroni.settled();
  await setUp(leader.port, superuser, passwords);
  const asOwner: Payments["asOwner"] = (port, statements, values) => sql(port, superuser, DATABASE, statements, values);
  const answers = (balancer: Balancer) =>
    soon("the balancer leading to the leader", async () => (await asOwner(balancer.port, ["select 1"])).length === 1);
  const balancer = await openBalancer(nodes);
  await answers(balancer);
  const scratch = await createServer(patroni, "scratch");
  let last: Region = "us-east-1";
  const ports: { [region in Region]?: Balancer } = {};
  const source = { port: () => (ports[last] ?? balancer).port, replication: patroni.replication };
  const backups = await createBackups(patroni, scratch, source);
  const sourceOf = ({ port }: Balancer) => ({
    host: "127.0.0.1",
    port,
  });
  const [west] = await Promise.all([
    startPatroni({
      scope: "postgres-cluster-west",
      names: ["postgres11"],
      loopSeconds: 1,
      parameters: { ...PARAMETERS, archive_command: PARAMETERS.archive_command.replaceAll("%folder", fleet.folder) },
      standbyOf: { cluster: patroni, source: sourceOf(balancer) },
    }),
    backups.make(),
  ]);
  const westBalancer = await openBalancer(west.nodes);
  await answers(westBalancer);
  const sides: Payments["sides"] = {
    "us-east-1": { region: "us-east-1", patroni, balancer },
    "us-west-2": { region: "us-west-2", patroni: west, balancer: westBalancer },
  };
  ports["us-west-2"] = westBalancer;
  const other = (region: Region) => sides[region === "us-east-1" ? "us-west-2" : "us-east-1"];

  const watch: ServerWatch = watchServers();
  const takes = async ({ region, balancer: { port } }: Side): Promise<boolean> => {
    const { user, password } = superuser;
    const url = `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
    const writers = await watch.writers([{ name: region, database: DATABASE, port, role: "app", url }]);
    return writers.length === 1;
  };
  const isStandbyOf = async (of: Side): Promise<boolean> => {
    const mine = other(of.region);
    const { standby_cluster: follows, pause } = await mine.patroni.configure();
    if (!follows || pause === true || mine.balancer.leadsTo !== "cluster") return false;
    const [row] = await asOwner<{ follows: boolean }>(mine.balancer.port, [
      "select exists (select from pg_stat_wal_receiver where status = 'streaming') as follows",
    ]).catch(() => []);
    return row?.follows === true;
  };
  const resume = (one: PatroniCluster) =>
    soon("Patroni acting again", async () => {
      if ((await one.configure()).pause !== true) return true;
      await one.configure({ pause: null });
      return false;
    });

  const payments: Payments = {
    patroni,
    sides,
    backups,
    scratchPort: scratch.port,
    passwords,
    asOwner,
    async writable(from) {
      for (const side of [sides[from], other(from)]) {
        if (!(await takes(side))) continue;
        last = side.region;
        return side.balancer.port;
      }
      return null;
    },
    async whole() {
      const east = sides["us-east-1"];
      await Promise.all([patroni, west].flatMap((one) => one.nodes.map((node) => one.restart(node))));
      for (const side of Object.values(sides)) side.balancer.route("cluster");
      await resume(patroni);
      if ((await patroni.configure()).standby_cluster) await patroni.configure({ standby_cluster: null });
      for (const node of nodes) await admit(patroni, node);
      const leads = await soon("us-east-1 leading", async () => {
        const one = await patroni.settled();
        const [row] = await asOwner<{ standby: boolean }>(one.port, ["select pg_is_in_recovery() as standby"]);
        return row?.standby === false ? one : null;
      });
      last = "us-east-1";
      await asOwner(leads.port, ["alter system reset default_transaction_read_only"]);
      await Promise.all(nodes.map((node) => asOwner(node.port, ["select pg_reload_conf()"])));
      await backups.clear();
      await forgetOthers(leads);
      await answers(east.balancer);
      const follows = await isStandbyOf(east).catch(() => false);
      // What follows by an archive may say that it streams and be turned away: asked again a moment later.
      if (!follows || !(await within(3, "us-west-2 following", () => followsNow(leads)).catch(() => false)))
        await payments.rebuild("us-west-2");
      await answers(sides["us-west-2"].balancer);
      return leads;
    },
    async loseLeaderAndLeaveOthersBehind() {
      await leaveBehind(patroni, DATABASE);
    },
    async loseRegion(region) {
      const { balancer, patroni: lost } = sides[region];
      balancer.route("nowhere");
      await Promise.all(lost.nodes.map((node) => lost.lose(node)));
    },
    async regainRegion(region) {
      const { balancer, patroni: back } = sides[region];
      await Promise.all(back.nodes.map((node) => back.restart(node)));
      balancer.route("cluster");
      await soon("Patroni answering", async () => {
        const told = await Promise.all(back.nodes.map(({ api }) => fetch(`${api}/patroni`, limits())));
        return told.every(({ ok }) => ok);
      });
      await answers(balancer);
      // Patroni says that a member leads before its PostgreSQL has left recovery: what led takes writes a moment later.
      if (!(await back.configure()).standby_cluster)
        await soon(`${region} taking writes again`, async () => {
          const [row] = await asOwner<{ leads: boolean }>(balancer.port, ["select not pg_is_in_recovery() as leads"]);
          return row?.leads === true;
        });
    },
    async promote(region) {
      await sides[region].patroni.configure({ standby_cluster: null });
      await soon(`${region} leading`, () => takes(sides[region]));
      last = region;
      await asOwner(sides[region].balancer.port, ["checkpoint"]);
    },
    async rebuild(region) {
      const mine = sides[region];
      await soon("the other region leading", () => takes(other(region)));
      await mine.patroni.rebuild(sourceOf(other(region).balancer));
      await answers(mine.balancer);
    },
    async stop() {
      await watch.close();
      await Promise.all([balancer.close(), westBalancer.close()]);
      await patroni.stop();
    },
  };
  return payments;

  /** Log of histories that were given up: who restores would follow the newest of them. */
  async function forgetOthers({ port }: PatroniNode): Promise<void> {
    const [row] = await asOwner<{ timeline: number }>(port, [
      "select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int as timeline",
    ]);
    for (const place of [PLACES.log, PLACES.offsiteLog]) {
      const folder = join(fleet.folder, place);
      const names = (await readdir(folder)).filter(
        (name) => Number.parseInt(name.slice(0, 8), 16) > Number(row?.timeline),
      );
      for (const name of names) await rm(join(folder, name), { force: true });
    }
  }

  async function followsNow({ port }: PatroniNode): Promise<boolean> {
    const [row] = await asOwner<{ follows: boolean }>(port, [
      `select exists (select from pg_stat_replication where application_name = '${west.nodes[0]?.name}' and state = 'streaming'
        and pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) < 1048576) as follows`,
    ]);
    return row?.follows === true;
  }
}

const limits = () => ({ signal: AbortSignal.timeout(2000) });

async function setUp(port: number, owner: Login, passwords: Payments["passwords"]) {
  await sql(port, owner, "postgres", [
    `create role lifeboat login replication password '${passwords.lifeboat}' in role pg_monitor, pg_signal_backend, pg_checkpoint`,
    `create role app login password '${passwords.app}'`,
    "grant alter system on parameter default_transaction_read_only to lifeboat",
  ]);
  await sql(port, owner, "postgres", [`create database ${DATABASE}`]);
  await sql(port, owner, DATABASE, [
    `grant connect, temporary on database ${DATABASE} to lifeboat, app`,
    "grant execute on function pg_reload_conf() to lifeboat",
    "create table orders (id bigint primary key, placed_at timestamptz not null, cents int not null)",
    "grant select, insert on orders to app",
    "grant select on orders to lifeboat",
    ...SYNTHETIC_TABLE,
  ]);
}

function word(): string {
  return randomBytes(12).toString("hex");
}
