import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LifeboatError } from "../../../src/lib/errors.ts";
import type { DatabaseHost } from "../../environment/database.ts";
import { openFleet } from "../../environment/fleet.ts";
import { openHostsAgent } from "../../environment/hosts-agent.ts";
import { type DatabaseServer, watchServers } from "../../environment/servers.ts";
import type { Row, SystemEnvironment, SystemEnvironmentOptions } from "../../environment/system-environment.ts";
import { createAws } from "../../targets/aws/index.ts";
import { type Consul, createConsul } from "../../targets/consul/index.ts";
import { kubeconfigOf } from "../../targets/kubernetes/index.ts";
import { type PracticeRabbit, startRabbit } from "../../targets/rabbitmq/index.ts";
import { createBackups } from "./backups.ts";
import { createDatabases } from "./databases.ts";
import {
  ACCOUNT,
  ADDRESS,
  APP,
  CONSUL_SERVICES,
  CURRENCY,
  DATABASE,
  type Datacentre,
  PUBLIC_NAME,
  QUEUES,
  STALE_KEY,
  ZONE,
} from "./names.ts";
import { createRedis } from "./redis.ts";
import { createSites } from "./sites.ts";
import { inputsOf, type Parts, valuesOf } from "./values.ts";

/** Marimo ERP: two datacentres with a database that streams, a cluster each, and what services lean on. */
export interface MarimoEnvironment extends SystemEnvironment, Parts {}

export async function createMarimo(options: SystemEnvironmentOptions): Promise<MarimoEnvironment> {
  const folder = resolve(options.folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711);
  const closers: (() => Promise<unknown>)[] = [];
  const closing = <T>(thing: T, close: (thing: T) => Promise<unknown>): T => {
    closers.push(() => close(thing));
    return thing;
  };
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close().catch(() => {});
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const fleet = closing(await openFleet("marimo"), (one) => one.stop());
    const databases = await createDatabases(fleet);
    const redis = { primary: await createRedis(fleet), secondary: await createRedis(fleet) };
    const broker = () => startRabbit().then((one) => closing(one, () => one.stop()));
    const discovery = () => createConsul().then((one) => closing(one, () => one.close()));
    const [aws, primaryRabbit, secondaryRabbit, primaryConsul, secondaryConsul] = await Promise.all([
      createAws({ scale: 0.01, account: ACCOUNT }).then((one) => closing(one, () => one.close())),
      broker(),
      broker(),
      discovery(),
      discovery(),
      databases.create(),
      redis.primary.start(),
      redis.secondary.start(),
    ]);
    const rabbit = { primary: primaryRabbit, secondary: secondaryRabbit };
    const consul = { primary: primaryConsul, secondary: secondaryConsul };
    const sites = closing(
      await createSites({
        databases,
        resolverPort: aws.resolver.port,
        cache: (site) => redis[site === "secondary" ? "secondary" : "primary"].says(),
        startCache: (site) => redis[site === "secondary" ? "secondary" : "primary"].start(),
      }),
      (one) => one.close(),
    );
    const backups = await createBackups(folder, databases, { rabbit: rabbit.primary, consul: consul.primary });
    await backups.dump();
    const token = randomBytes(12).toString("hex");
    const agent = closing(
      await openHostsAgent(token, [databases.a, databases.b], undefined, [databases.restored]),
      (one) => one.close(),
    );
    const parts: Parts = { databases, sites, aws, rabbit, consul, backups, redis, agent };
    const valuesFile = join(folder, "values.yml");
    await writeFile(valuesFile, JSON.stringify({ "marimo-erp": valuesOf(parts, await databases.identity()) }, null, 2));
    const { clusters } = sites;
    let lastGood = new Date().toISOString();
    const watch = closing(watchServers(), (one) => one.close());
    const practiceEnvironment: MarimoEnvironment = {
      ...parts,
      parts: [
        { title: "PostgreSQL 15, primary, standby, an empty one and one to restore to", kind: "real" },
        { title: "pgBackRest repository", kind: "real" },
        { title: "Redis, one in each datacentre", kind: "real" },
        { title: "RabbitMQ, one in each datacentre", kind: "real" },
        { title: "Name server and caching resolver", kind: "real" },
        { title: "Kubernetes, three clusters", kind: "stand-in" },
        { title: "Consul, one in each datacentre", kind: "stand-in" },
        { title: "Route 53", kind: "stand-in" },
      ],
      handle: () => false,
      environment: () => ({
        LIFEBOAT_VALUES: valuesFile,
        AWS_ENDPOINT_URL: aws.url,
        MARIMO_DB_PASSWORD: databases.passwords.admin,
        MARIMO_APP_PASSWORD: databases.passwords.app,
        MARIMO_KUBECONFIG: kubeconfigOf([clusters.primary, clusters.secondary, clusters.rebuilt]),
        MARIMO_RABBITMQ_PRIMARY_PASSWORD: rabbit.primary.password,
        MARIMO_RABBITMQ_SECONDARY_PASSWORD: rabbit.secondary.password,
        MARIMO_CONSUL_PRIMARY_TOKEN: consul.primary.token,
        MARIMO_CONSUL_SECONDARY_TOKEN: consul.secondary.token,
        MARIMO_HOSTS_TOKEN: token,
      }),
      reset: () => reset(parts),
      writers: () => watch.writers(serversOf(parts)),
      healthy: () => isServed(sites.publicUrl),
      // No one here keeps a list of what was acknowledged.
      ledger: async () => null,
      writeOff: async () => {},
      async prepare(runbook, mode) {
        await prepare(parts, runbook, mode);
        if (runbook === "db-restore-moment") lastGood = await damage(parts);
      },
      inputs: (runbook) => ({ ...inputsOf(sites), "db-restore-moment": { to: lastGood } })[runbook] ?? {},
      async byHand(runbook, step) {
        if (runbook === "restore-test" && step === "dropped") await databases.clear();
      },
      injectable: [
        { id: "lose-datacentre", title: "Make the primary datacentre unreachable" },
        { id: "return-datacentre", title: "Bring the primary datacentre back", returns: true },
        { id: "lose-secondary", title: "Make the secondary datacentre unreachable" },
        { id: "return-secondary", title: "Bring the secondary datacentre back", returns: true },
        { id: "corrupt-database", title: "Delete users in the database" },
        { id: "kill-redis", title: "Kill Redis" },
      ],
      async inject(id) {
        if (id === "lose-datacentre") return await lose(parts, "primary");
        if (id === "return-datacentre") return await bringBack(parts, "primary");
        if (id === "lose-secondary") return await lose(parts, "secondary");
        if (id === "return-secondary") return await bringBack(parts, "secondary");
        if (id === "corrupt-database") {
          lastGood = await damage(parts);
          return;
        }
        if (id === "kill-redis") return await redis.primary.kill();
        throw new LifeboatError({ code: "fault-unknown", what: `Nothing here is called "${id}"` });
      },
      look: () => look(parts),
      stop,
    };
    await reset(parts);
    return practiceEnvironment;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function reset(parts: Parts): Promise<void> {
  const { databases, sites, aws, rabbit, consul, backups, redis } = parts;
  aws.faults.clear();
  aws.ledger.clear();
  for (const { faults } of Object.values(consul)) faults.clear();
  lead(aws, ADDRESS.primary);
  await Promise.all([databases.reset(), redis.primary.start(), redis.secondary.start(), backups.tidy()]);
  // The other datacentre's Redis and Consul hold what they held when it served last.
  await redis.secondary.tell(`SET ${STALE_KEY} yesterday`);
  await rabbit.secondary.forget();
  know(consul.secondary, { [CURRENCY]: "DEM" });
  await rabbit.primary.forget();
  await declare(rabbit.primary);
  know(consul.primary, { [CURRENCY]: "EUR" });
  await backups.keepState();
  await sites.reset();
}

async function prepare(parts: Parts, runbook: string, mode: "planned" | "unplanned"): Promise<void> {
  const { databases, sites, aws, rabbit, consul, redis } = parts;
  await reset(parts);
  if (["cluster-rebuild", "restore-test"].includes(runbook)) await databases.clear();
  switch (runbook) {
    case "db-restore":
      return void (await databases.corrupt());
    case "service-rollback":
      return await sites.releaseBadly();
    case "cluster-rebuild":
      await lose(parts, "primary");
      await databases.b.kill();
      // The new cluster's own ones, at the names the old ones had.
      await Promise.all([rabbit.primary.forget(), redis.primary.start()]);
      consul.primary.faults.clear();
      return empty(consul.primary);
    case "dc-failover":
      return mode === "unplanned" ? await lose(parts, "primary") : undefined;
    case "db-rejoin":
      await databases.left();
      lead(aws, ADDRESS.secondary);
      return await sites.moved();
    case "redis-recover":
      return mode === "unplanned" ? await redis.primary.kill() : undefined;
    case "rabbitmq-recover":
      return await rabbit.primary.forget();
    case "consul-recover":
      return empty(consul.primary);
  }
}

/** People book for a while after it. @returns the moment right before, and the log that far can be restored */
async function damage({ databases }: Parts): Promise<string> {
  const before = await databases.corrupt();
  await databases.bookAfterwards();
  await databases.archived();
  return before;
}

/** Nothing of it answers any more. */
async function lose({ databases, sites, consul, redis }: Parts, site: Datacentre): Promise<void> {
  sites.cut(site, true);
  consul[site].faults.down(consul[site].state.datacenter);
  await Promise.all([hostIn(databases, site).kill(), redis[site].kill()]);
}

/** It comes back as it was when it went: its database a primary, its pods running at their old counts. */
async function bringBack({ databases, sites, consul, redis }: Parts, site: Datacentre): Promise<void> {
  await Promise.all([hostIn(databases, site).start(), redis[site].start()]);
  consul[site].faults.clear();
  sites.cut(site, false);
}

function hostIn({ a, b }: Parts["databases"], site: Datacentre): DatabaseHost {
  return site === "primary" ? a : b;
}

/** The pair, and the third server once people are led to the cluster it belongs to. */
function serversOf({ databases, aws }: Parts): readonly DatabaseServer[] {
  const { a, b, scratch } = databases;
  const led = aws.state.zones.get(ZONE)?.records.flatMap(({ values }) => values) ?? [];
  return [a, b, ...(led.includes(ADDRESS.rebuilt) ? [scratch] : [])]
    .filter(({ running }) => running)
    .map((host) => ({ name: host.name, database: DATABASE, port: host.port, url: host.url(), role: APP }));
}

const SERVED_MS = 4000;

/** A request by the public name ends in a pod, and that one writes to its database. */
async function isServed(publicUrl: string): Promise<boolean> {
  const answer = await fetch(`${publicUrl}/health`, { signal: AbortSignal.timeout(SERVED_MS) }).catch(() => null);
  return answer?.status === 200;
}

function lead({ state }: Parts["aws"], address: string): void {
  const records = [{ name: PUBLIC_NAME, type: "A", ttl: 60, values: [address] }];
  state.zones.set(ZONE, { id: ZONE, records, served: records, protections: [], busyUntil: 0 });
}

async function declare(rabbit: PracticeRabbit): Promise<void> {
  for (const name of QUEUES) {
    await rabbit.api("PUT", `/api/queues/%2f/${name}`, { durable: true });
    await rabbit.api("PUT", "/api/exchanges/%2f/erp", { type: "topic", durable: true });
    await rabbit.api("POST", `/api/bindings/%2f/e/erp/q/${name}`, { routing_key: `${name}.*` });
  }
}

function know(consul: Consul, keys: Readonly<Record<string, string>>): void {
  empty(consul);
  for (const name of CONSUL_SERVICES) consul.state.services.set(name, []);
  for (const [key, value] of Object.entries(keys)) consul.state.kv.set(key, value);
}

/** Set up afresh: the servers are there and know nothing. */
function empty({ state }: Consul): void {
  state.kv.clear();
  for (const name of [...state.services.keys()]) if (name !== "consul") state.services.delete(name);
}

async function look({ databases, sites, redis }: Parts): Promise<readonly Row[]> {
  const running = (site: Datacentre) =>
    Object.entries(sites.replicas(site))
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  const { a, b } = databases;
  const cache = await redis.primary.says();
  return [
    { title: a.name, state: a.running ? "runs" : "off", tone: a.running ? "well" : "broken" },
    { title: b.name, state: b.running ? "runs" : "off", tone: b.running ? "well" : "broken" },
    { title: "Primary datacentre", state: running("primary") },
    { title: "Secondary datacentre", state: running("secondary") },
    { title: "Redis", state: cache === "ok" ? "answers" : "does not answer", tone: cache === "ok" ? "well" : "broken" },
  ];
}
