import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LifeboatError } from "../../../src/lib/errors.ts";
import { soon } from "../../environment/patience.ts";
import { type DatabaseServer, isStoredAnew, watchServers } from "../../environment/servers.ts";
import { type SyntheticStore, syntheticIn } from "../../environment/synthetic.ts";
import type {
  InjectableFault,
  Row,
  SystemEnvironment,
  SystemEnvironmentKind,
  SystemEnvironmentOptions,
} from "../../environment/system-environment.ts";
import { kubeconfigOf } from "../../targets/kubernetes/index.ts";
import { PATRONI_PACKAGES, type PatroniNode } from "../../targets/patroni/index.ts";
import { type Application, createApplication } from "../practice/application.ts";
import { openAgent } from "./agent.ts";
import { type Cloud, createCloud, NAMES, REPLICAS, removeApplication } from "./cloud.ts";
import { openEntrance } from "./entrance.ts";
import { openInternet } from "./internet.ts";
import { createPayments, DATABASE, type Payments, type Region } from "./payments.ts";
import { type Login, sql } from "./sql.ts";
import { openTcpProxy } from "./tcp-proxy.ts";

export const reference = {
  system: "reference",
  needs: [
    { program: "patroni", package: "patroni" },
    { program: "etcd", package: "etcd-server" },
    { program: "pg_basebackup", package: "postgresql" },
  ],
  create: (options: SystemEnvironmentOptions): Promise<ReferenceEnvironment> => createReferenceEnvironment(options),
} as const satisfies SystemEnvironmentKind;

/** The cluster's endpoints are one address here, told apart by the region in the signature. */
const ARC_REGIONS = ["arcUsEast1", "arcUsWest2", "arcEuWest1", "arcApSoutheast2", "arcApNortheast1"];

/** The general reference on this machine: a real Patroni cluster with its replica and backups, and stand-ins for the clouds. */
export interface ReferenceEnvironment extends SystemEnvironment {
  readonly payments: Payments;
  readonly cloud: Cloud;
  readonly application: Application;
  /** Acknowledged orders that the server the application writes to does not have. */
  lost(): Promise<readonly string[]>;
}

const PER_SECOND = 25;
const FAULTS = [
  { id: "lose-leader", title: "Cut the power of the database leader" },
  { id: "leave-behind", title: "Leave every replica behind, then cut the leader's power" },
  { id: "lose-region", title: "Make us-east-1 unreachable" },
  { id: "return-region", title: "Bring us-east-1 back", returns: true },
  { id: "lose-west", title: "Make us-west-2 unreachable" },
  { id: "return-west", title: "Bring us-west-2 back", returns: true },
  { id: "stop-application", title: "Stop the application in us-east-1" },
  { id: "start-application", title: "Start the application in us-east-1 again" },
  { id: "blind-checkers", title: "Stop the application in us-east-1, unseen by health checks" },
  { id: "destroy-rows", title: "Delete half of the payments by mistake" },
  { id: "heal", title: "Put everything right" },
] as const satisfies readonly InjectableFault[];

export async function createReferenceEnvironment({
  folder,
  log,
}: SystemEnvironmentOptions): Promise<ReferenceEnvironment> {
  await mkdir(folder, { recursive: true });
  // The application's ledger is in it, beside what others may have to get through.
  await chmod(folder, 0o711);
  const ends: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const environment = await build(folder, ends, stop);
    log.info({ folder }, "the reference environment is up");
    return environment;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  folder: string,
  ends: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<ReferenceEnvironment> {
  const token = randomBytes(18).toString("base64url");
  const [payments, cloud] = await Promise.all([createPayments(), createCloud()]);
  ends.push(() => payments.stop());
  ends.push(() => cloud.close());
  const { patroni, sides, passwords } = payments;
  const balancers = { "us-east-1": sides["us-east-1"].balancer, "us-west-2": sides["us-west-2"].balancer };
  const balancer = balancers["us-east-1"];
  const storeOf = (region: Region) =>
    transactionsAt({ user: "app", password: passwords.app }, () => payments.writable(region));
  const [east, west] = await Promise.all([
    openEntrance("us-east-1", cloud.east, storeOf("us-east-1")),
    openEntrance("us-west-2", cloud.west, storeOf("us-west-2")),
  ]);
  ends.push(() => Promise.all([east.stop(), west.stop()]));
  const agent = await openAgent({ backups: payments.backups, balancers, scratchPort: payments.scratchPort, token });
  ends.push(() => agent.close());
  const way = await openTcpProxy();
  ends.push(() => way.close());
  const places = new Map([
    [NAMES.east, { entrance: east, database: () => payments.writable("us-east-1") }],
    [NAMES.west, { entrance: west, database: () => payments.writable("us-west-2") }],
  ] as const);
  const { healthCheck, publicName, balancedName } = NAMES;
  const internet = openInternet({ aws: cloud.aws, healthCheck, publicName, balancedName, places, primary: east, way });
  ends.push(() => internet.stop());
  const application = await createApplication(folder, passwords.app, PER_SECOND, DATABASE);
  ends.push(() => application.stop());
  await application.start({ name: DATABASE, host: "127.0.0.1", port: way.port });

  const watch = watchServers();
  ends.push(() => watch.close());
  const servers = (): readonly DatabaseServer[] => {
    const { user, password } = patroni.superuser;
    const all = Object.values(sides).flatMap((side) => side.patroni.nodes);
    // A restored server takes writes of the application only where it is led to.
    const led = Object.values(balancers).some(({ leadsTo }) => leadsTo === "scratch");
    return [...all, ...(led ? [{ name: "scratch", port: payments.scratchPort }] : [])].map(({ name, port }) => ({
      ...{ name, port, database: DATABASE, role: "app" },
      url: `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    }));
  };
  const valuesFile = join(folder, "values.yml");
  const exportFolder = join(folder, "exports");
  await mkdir(exportFolder, { recursive: true });
  let leads = await payments.whole();
  let lastGood = new Date().toISOString();

  await writeFile(valuesFile, JSON.stringify({ reference: values() }, null, 2));
  const flows = () =>
    soon("payments being written", async () => {
      const state = await application.state();
      return state !== null && state.gapSeconds < 0.5 && state.writesPerSecond >= 5;
    });
  const active = () => way.leads ?? balancer.port;
  const lost = async (): Promise<readonly string[]> => {
    const told = (await application.ledger()).map(({ id }) => id);
    const rows = await payments.asOwner<{ id: string }>(
      active(),
      [
        "select listed::text as id from unnest($1::bigint[]) listed where not exists (select from orders where id = listed)",
      ],
      [told],
    );
    return rows.map(({ id }) => id);
  };
  const heal = async () => {
    internet.blind(false);
    east.open();
    west.open();
    await cloud.whole();
    leads = await payments.whole();
    await soon("the application's way leading to us-east-1", async () => way.leads === balancer.port);
    await flows();
    await application.writeOff(await lost());
    await application.measure();
  };
  const stopInEast = () =>
    void cloud.east.edit("deployments", "production", "api", (one) => {
      one.spec = { ...one.spec, replicas: 0 };
    });
  const stopped = () =>
    soon("the application in us-east-1 being gone", async () => !(await fetch(`${east.url}/health`)).ok);
  const injectFault = async (id: string): Promise<void> => {
    switch (id as (typeof FAULTS)[number]["id"]) {
      case "lose-leader":
        return await payments.patroni.lose(leads);
      case "leave-behind":
        return await payments.loseLeaderAndLeaveOthersBehind();
      case "lose-region":
        east.close();
        cloud.east.faults.throw({ kind: "down" });
        // Route 53's and IAM's control planes live there too.
        cloud.aws.faults.down("us-east-1");
        return await payments.loseRegion("us-east-1");
      case "return-region":
        // As it was when it went: Patroni goes on where it stopped, and etcd remembers who led.
        east.open();
        cloud.east.faults.clear();
        cloud.aws.faults.up("us-east-1");
        return await payments.regainRegion("us-east-1");
      case "lose-west":
        west.close();
        cloud.west.faults.throw({ kind: "down" });
        return await payments.loseRegion("us-west-2");
      case "return-west":
        west.open();
        cloud.west.faults.clear();
        return await payments.regainRegion("us-west-2");
      case "start-application":
        internet.blind(false);
        return await cloud.revive();
      case "blind-checkers":
        internet.blind(true);
        stopInEast();
        return void (await stopped());
      case "stop-application":
        stopInEast();
        return void (await stopped());
      case "destroy-rows":
        lastGood = await momentBefore(payments, balancer.port);
        await payments.asOwner(balancer.port, ["delete from orders where id % 2 = 0"]);
        return;
      case "heal":
        return await heal();
      default:
        throw new LifeboatError({
          code: "fault-unknown",
          what: `There is no way to break "${id}"`,
          allowed: FAULTS.map((one) => one.id).join(", "),
        });
    }
  };

  return {
    payments,
    cloud,
    application,
    lost,
    parts: [
      {
        title: "PostgreSQL 15 with Patroni and etcd: three members, a replica, WAL archive, base backups",
        kind: "real",
      },
      { title: "Payments application with traffic", kind: "real" },
      { title: "DNS: name server, resolver, health checkers", kind: "real" },
      { title: "AWS: Route 53", kind: "stand-in" },
      { title: "Kubernetes with Velero, two clusters", kind: "stand-in" },
    ],
    injectable: FAULTS,
    inject: injectFault,
    handle: () => false,
    environment: () => ({
      LIFEBOAT_VALUES: valuesFile,
      AWS_ENDPOINT_URL: cloud.aws.url,
      KUBECONFIG_REFERENCE: kubeconfigOf([cloud.east, cloud.west]),
      REFERENCE_PATRONI_PASSWORD: patroni.login.password,
      REFERENCE_DB_PASSWORD: passwords.lifeboat,
      REFERENCE_APP_PASSWORD: passwords.app,
      REFERENCE_HOSTS_TOKEN: token,
    }),
    reset: heal,
    writers: () => watch.writers(servers()),
    healthy: () => isStoredAnew(async () => (await application.state())?.acknowledged ?? null),
    async ledger() {
      const { length } = await application.ledger();
      const lostIds = await lost();
      return { acknowledged: length, lost: lostIds.length, lostIds };
    },
    writeOff: (ids) => application.writeOff(ids),
    async prepare(runbook, mode) {
      await heal();
      const breaks = BREAKS[runbook];
      if (breaks && (mode === "unplanned" || runbook !== "region-active-passive")) await injectFault(breaks);
      if (runbook === "region-rejoin") await moved();
      if (runbook === "aa-return") await evacuated();
      if (runbook === "velero-restore") removeApplication(cloud.east, "production");
    },
    inputs: (runbook): Record<string, string> => {
      if (["pitr", "quarterly-drill-w3"].includes(runbook)) return { to: lastGood };
      return runbook === "region-rejoin" ? { from: "us-west-2" } : {};
    },
    async byHand(runbook, step) {
      if (runbook === "patroni-failover" && step === "start") {
        await Promise.all(patroni.nodes.map((node) => patroni.restart(node)));
        await soon("the lost member being back", async () => {
          const told = await Promise.all(patroni.nodes.map((node) => isUp(node)));
          return told.every(Boolean);
        });
      }
      if (runbook === "region-rejoin" && step === "rebuild") await payments.rebuild(await stale());
      if (runbook === "route53-failover" && step === "well") {
        internet.blind(false);
        await cloud.revive();
      }
    },
    async look(): Promise<readonly Row[]> {
      const rows = await Promise.all(Object.values(sides).flatMap((side) => side.patroni.nodes.map(rowOf)));
      const state = await application.state();
      return [
        ...rows,
        {
          title: "Payments application",
          state:
            state === null
              ? "does not answer"
              : `${state.writesPerSecond} writes/s, ${state.gapSeconds} s since the last`,
          tone: state?.healthy ? "well" : "broken",
        },
        { title: "Balancer", state: `leads to the ${balancer.leadsTo}`, tone: "well" },
      ];
    },
    stop,
  };

  /** As someone who lost us-east-1 and promoted us-west-2 finds it when us-east-1 is back. */
  async function moved(): Promise<void> {
    await injectFault("lose-region");
    await payments.promote("us-west-2");
    await soon("the public name leading to us-west-2", async () => way.leads === balancers["us-west-2"].port);
    await flows();
    await injectFault("return-region");
  }

  async function evacuated(): Promise<void> {
    cloud.evacuate();
  }

  /** The region whose cluster is to be made again: the one that is fenced, else the one that does not take the writes of the application. */
  async function stale(): Promise<Region> {
    const fenced = async (region: Region) => {
      const [row] = await payments.asOwner<{ fenced: boolean }>(balancers[region].port, [
        "select not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'on' as fenced",
      ]);
      return row?.fenced === true;
    };
    if (await fenced("us-east-1").catch(() => false)) return "us-east-1";
    if (await fenced("us-west-2").catch(() => false)) return "us-west-2";
    return way.leads === balancers["us-east-1"].port ? "us-west-2" : "us-east-1";
  }

  function values() {
    const [first, second, third] = patroni.nodes as [PatroniNode, PatroniNode, PatroniNode];
    const [fourth] = sides["us-west-2"].patroni.nodes as [PatroniNode];
    return {
      eastScope: patroni.scope,
      westScope: sides["us-west-2"].patroni.scope,
      patroniUser: patroni.login.user,
      member1: first.name,
      member1Api: first.api,
      member1Port: first.port,
      member2: second.name,
      member2Api: second.api,
      member2Port: second.port,
      member3: third.name,
      member3Api: third.api,
      member3Port: third.port,
      westMember: fourth.name,
      westMemberApi: fourth.api,
      eastMembersHost: "127.0.0.1",
      databaseName: DATABASE,
      eastDatabaseHost: "127.0.0.1",
      eastDatabasePort: balancers["us-east-1"].port,
      westDatabaseHost: "127.0.0.1",
      westDatabasePort: balancers["us-west-2"].port,
      walRestoreCommand: `cp ${join(patroni.fleet.folder, "backup/wal")}/%f %p`,
      appUser: "app",
      ledgerUrl: `${application.url}/ledger`,
      ledgerTable: "orders",
      exportFolder,
      backupsUrl: agent.url,
      scratchHost: "127.0.0.1",
      scratchPort: payments.scratchPort,
      eastUrl: east.url,
      westUrl: west.url,
      awsAccount: cloud.aws.state.account,
      pollSeconds: 0.1,
      hostedZone: NAMES.zone,
      publicName,
      balancedName,
      eastAddress: NAMES.east,
      westAddress: NAMES.west,
      primaryHealthCheck: healthCheck,
      primaryControl: NAMES.control,
      ...Object.fromEntries(ARC_REGIONS.map((name) => [name, cloud.aws.url])),
      nameServerHost: "127.0.0.1",
      nameServerPort: cloud.aws.nameServer.port,
      resolverHost: "127.0.0.1",
      resolverPort: cloud.aws.resolver.port,
      automaticWithin: 4,
      eastContext: cloud.east.name,
      eastClusterUid: cloud.east.uid,
      westContext: cloud.west.name,
      westClusterUid: cloud.west.uid,
      apiWorkload: "deployment/api",
      apiReplicas: REPLICAS.all,
      nodesNeeded: 2,
    };
  }
}

/** What stands at the beginning of a runbook that is for something broken. */
const BREAKS: Readonly<Record<string, (typeof FAULTS)[number]["id"]>> = {
  "patroni-failover": "leave-behind",
  "route53-failover": "stop-application",
  "region-active-passive": "lose-region",
  pitr: "destroy-rows",
};

/** By the database's own clock, with a commit on either side of it. */
async function momentBefore(payments: Payments, port: number): Promise<string> {
  const now = async () =>
    (
      await payments.asOwner<{ at: Date; n: string }>(port, [
        "select clock_timestamp() as at, count(*) as n from orders",
      ])
    )[0];
  const first = await now();
  const moment = (first?.at ?? new Date()).toISOString();
  await soon("an order after that moment", async () => Number((await now())?.n) > Number(first?.n) + 2);
  return moment;
}

async function isUp({ api }: PatroniNode): Promise<boolean> {
  const answer = await fetch(`${api}/health`, { signal: AbortSignal.timeout(1000) }).catch(() => null);
  return answer?.status === 200;
}

async function rowOf(node: PatroniNode): Promise<Row> {
  const answer = await fetch(`${node.api}/patroni`, { signal: AbortSignal.timeout(500) }).catch(() => null);
  const told = answer && ((await answer.json().catch(() => null)) as { role?: string; state?: string } | null);
  if (!told) return { title: node.name, state: "does not answer", tone: "broken" };
  return { title: node.name, state: `${told.role ?? "unknown"}, ${told.state ?? "unknown"}`, tone: "well" };
}

export const REFERENCE_PACKAGES = PATRONI_PACKAGES;

/** As pods of a region write them: to whichever server takes writes now. */
function transactionsAt(login: Login, port: () => Promise<number | null>): SyntheticStore {
  return syntheticIn(async (statement, values) => {
    const writer = await port();
    if (writer === null) throw new Error("no server takes writes");
    return await sql(writer, login, DATABASE, [statement], values);
  });
}
