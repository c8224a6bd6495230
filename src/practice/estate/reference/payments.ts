import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { soon } from "../fleet.ts";
import { admit, leaveBehind } from "../patroni/behind.ts";
import { type PatroniEstate, type PatroniNode, startPatroni } from "../patroni/index.ts";
import { archiveCommand, type Backups, createBackups, PLACES } from "./backups.ts";
import { type Balancer, openBalancer } from "./balancer.ts";
import { createReplica, type Replica } from "./replica.ts";
import { createServer } from "./server.ts";
import { type Login, sql } from "./sql.ts";

export const DATABASE = "payments";

/** The payments database: a Patroni cluster in us-east-1 behind its balancer, a replica in us-west-2, and its backups. */
export interface Payments {
  readonly patroni: PatroniEstate;
  readonly balancer: Balancer;
  readonly replica: Replica;
  readonly backups: Backups;
  readonly scratchPort: number;
  readonly passwords: { readonly lifeboat: string; readonly app: string };
  /** One leads, two stream from it and a replica in us-west-2 does; nothing is fenced or paused. Says who leads. */
  whole(): Promise<PatroniNode>;
  /** Every replica is further behind than Patroni lets one lead, and then the leader's host is gone. */
  loseLeaderAndLeaveOthersBehind(): Promise<void>;
  /** Nothing of us-east-1 answers any more. */
  loseRegion(): Promise<void>;
  /** What `loseRegion` took is back, and whoever led may lead again. */
  regainRegion(): Promise<void>;
  asOwner<Row>(port: number, statements: readonly string[], values?: readonly unknown[]): Promise<readonly Row[]>;
  stop(): Promise<void>;
}

export async function createPayments(): Promise<Payments> {
  const patroni = await startPatroni({
    scope: "postgres-cluster",
    names: ["postgres01", "postgres02", "postgres03"],
    loopSeconds: 1,
    parameters: {
      archive_mode: "on",
      archive_command: archiveCommand(),
      // Without it a quiet server archives nothing, and the archive promises no RPO.
      archive_timeout: "60s",
      wal_keep_size: "128MB",
      max_wal_senders: "12",
    },
  });
  try {
    return await build(patroni);
  } catch (error) {
    await patroni.stop();
    throw error;
  }
}

async function build(patroni: PatroniEstate): Promise<Payments> {
  const { nodes, superuser, fleet } = patroni;
  const passwords = { lifeboat: word(), app: word() };
  const leader = await patroni.settled();
  await setUp(leader.port, superuser, passwords);
  const balancer = await openBalancer(nodes);
  await soon(
    "the balancer leading somewhere",
    10,
    async () => (await sql(balancer.port, superuser, DATABASE, ["select 1"])).length === 1,
  );
  const scratch = await createServer(patroni, "scratch");
  const source = { port: balancer.port, replication: patroni.replication };
  const backups = await createBackups(patroni, scratch, source);
  const replica = await createReplica(patroni, balancer.port, join(fleet.folder, PLACES.log));
  await Promise.all([replica.follow(), backups.make()]);
  const asOwner: Payments["asOwner"] = (port, statements, values) => sql(port, superuser, DATABASE, statements, values);

  return {
    patroni,
    balancer,
    replica,
    backups,
    scratchPort: scratch.port,
    passwords,
    asOwner,
    async whole() {
      await Promise.all(nodes.map((node) => patroni.restart(node)));
      await resume(patroni);
      for (const node of nodes) await admit(patroni, node);
      const leads = await patroni.settled();
      await asOwner(leads.port, ["alter system reset default_transaction_read_only"]);
      await Promise.all(nodes.map((node) => asOwner(node.port, ["select pg_reload_conf()"])));
      balancer.route("cluster");
      await backups.clear();
      await soon(
        "the balancer leading to the leader",
        10,
        async () => (await asOwner(balancer.port, ["select 1"])).length === 1,
      );
      await replica.follow();
      return leads;
    },
    async loseLeaderAndLeaveOthersBehind() {
      await leaveBehind(patroni, DATABASE);
    },
    async loseRegion() {
      balancer.route("nowhere");
      await Promise.all(nodes.map((node) => patroni.lose(node)));
    },
    async regainRegion() {
      await Promise.all(nodes.map((node) => patroni.restart(node)));
      balancer.route("cluster");
      await soon("Patroni answering", 60, async () => {
        const told = await Promise.all(nodes.map(({ api }) => fetch(`${api}/patroni`, limits())));
        return told.every(({ ok }) => ok);
      });
    },
    async stop() {
      await balancer.close();
      await patroni.stop();
    },
  };
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
    "grant execute on function pg_promote(boolean, integer), pg_reload_conf() to lifeboat",
    "create table orders (id bigint primary key, placed_at timestamptz not null, cents int not null)",
    "grant select, insert on orders to app",
    "grant select on orders to lifeboat",
  ]);
}

async function resume({ nodes, login }: PatroniEstate): Promise<void> {
  await soon("Patroni acting again", 30, async () => {
    const told = (await (await fetch(`${nodes[0]?.api}/config`, limits())).json()) as { pause?: boolean };
    if (told.pause !== true) return true;
    const authorization = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`;
    await fetch(`${nodes[0]?.api}/config`, {
      method: "PATCH",
      headers: { authorization, "content-type": "application/json" },
      body: '{"pause":null}',
      ...limits(),
    });
    return false;
  });
}

function word(): string {
  return randomBytes(12).toString("hex");
}
