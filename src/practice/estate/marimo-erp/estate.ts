import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { LifeboatError } from "../../../lib/errors.ts";
import { freePort } from "../../../lib/pgserver.ts";
import { createAws } from "../aws/index.ts";
import { createConsul } from "../consul/index.ts";
import { type Fleet, type Member, openFleet, soon } from "../fleet.ts";
import { openHostsAgent } from "../hosts-agent.ts";
import { kubeconfigOf } from "../kubernetes/index.ts";
import { startRabbit } from "../rabbitmq/index.ts";
import { type DatabaseServer, watchServers } from "../servers.ts";
import type { Row, SystemEstate, SystemEstateOptions } from "../system-estate.ts";
import { createBackups } from "./backups.ts";
import { createDatabases } from "./databases.ts";
import { ACCOUNT, ADDRESS, APP, CONSUL_SERVICES, DATABASE, PUBLIC_NAME, QUEUES, ZONE } from "./names.ts";
import { createSites } from "./sites.ts";
import { inputsOf, type Parts, valuesOf } from "./values.ts";

/** Marimo ERP: two datacentres with a database that streams, a cluster each, and what services lean on. */
export interface MarimoEstate extends SystemEstate, Parts {}

interface All extends Parts {
  readonly redis: Redis;
}

export async function createMarimo(options: SystemEstateOptions): Promise<MarimoEstate> {
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
    const redis = await createRedis(fleet);
    const [rabbit, aws, consul] = await Promise.all([
      startRabbit().then((one) => closing(one, () => one.stop())),
      createAws({ scale: 0.01, account: ACCOUNT }).then((one) => closing(one, () => one.close())),
      createConsul().then((one) => closing(one, () => one.close())),
      databases.create(),
      redis.start(),
    ]);
    await furnish({ rabbit, consul });
    const sites = closing(
      await createSites({
        databases,
        resolverPort: aws.resolver.port,
        cache: () => redis.says(),
        startCache: () => redis.start(),
      }),
      (one) => one.close(),
    );
    const backups = await createBackups(folder, databases, { rabbit, consul });
    await backups.dump();
    const token = randomBytes(12).toString("hex");
    const agent = closing(await openHostsAgent(token, [databases.a, databases.b]), (one) => one.close());
    const parts: All = { databases, sites, aws, rabbit, consul, backups, redis, redisPort: redis.port, agent };
    const valuesFile = join(folder, "values.yml");
    await writeFile(valuesFile, JSON.stringify({ "marimo-erp": valuesOf(parts) }, null, 2));
    const { clusters } = sites;
    const watch = closing(watchServers(), (one) => one.close());
    const estate: MarimoEstate = {
      ...parts,
      parts: [
        { title: "PostgreSQL 15, primary, standby and an empty one", kind: "real" },
        { title: "Redis", kind: "real" },
        { title: "RabbitMQ", kind: "real" },
        { title: "Name server and caching resolver", kind: "real" },
        { title: "Kubernetes, three clusters", kind: "stand-in" },
        { title: "Consul", kind: "stand-in" },
        { title: "Route 53", kind: "stand-in" },
      ],
      handle: () => false,
      environment: () => ({
        LIFEBOAT_VALUES: valuesFile,
        AWS_ENDPOINT_URL: aws.url,
        MARIMO_DB_PASSWORD: databases.passwords.admin,
        MARIMO_APP_PASSWORD: databases.passwords.app,
        MARIMO_KUBECONFIG: kubeconfigOf([clusters.primary, clusters.secondary, clusters.rebuilt]),
        MARIMO_RABBITMQ_PASSWORD: rabbit.password,
        MARIMO_CONSUL_TOKEN: consul.token,
        MARIMO_HOSTS_TOKEN: token,
      }),
      reset: () => reset(parts),
      writers: () => watch.writers(serversOf(parts)),
      healthy: () => isServed(sites.publicUrl),
      // Nobody here keeps a list of what was acknowledged.
      ledger: async () => null,
      writeOff: async () => {},
      prepare: (runbook, mode) => prepare(parts, runbook, mode),
      inputs: (runbook) => inputsOf(sites)[runbook] ?? {},
      async byHand(runbook, step) {
        if (runbook === "restore-test" && step === "dropped") await databases.clear();
      },
      strikes: [
        { id: "lose-datacentre", title: "Make the primary datacentre unreachable" },
        { id: "return-datacentre", title: "Bring the primary datacentre back", returns: true },
        { id: "corrupt-database", title: "Delete users in the database" },
        { id: "kill-redis", title: "Kill Redis" },
      ],
      async strike(id) {
        if (id === "lose-datacentre") return await loseDatacentre(parts);
        if (id === "return-datacentre") return await returnDatacentre(parts);
        if (id === "corrupt-database") return await databases.corrupt();
        if (id === "kill-redis") return await redis.kill();
        throw new LifeboatError({ code: "strike-unknown", what: `Nothing here is called "${id}"` });
      },
      look: () => look(parts),
      stop,
    };
    await reset(parts);
    return estate;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function reset({ databases, sites, aws, backups, redis }: All): Promise<void> {
  aws.weather.clear();
  aws.ledger.clear();
  lead(aws, ADDRESS.primary);
  await Promise.all([databases.reset(), redis.start(), backups.tidy()]);
  await sites.reset();
}

async function prepare(parts: All, runbook: string, mode: "planned" | "unplanned"): Promise<void> {
  const { databases, sites, aws, rabbit, consul, redis } = parts;
  await reset(parts);
  if (["cluster-rebuild", "restore-test"].includes(runbook)) await databases.clear();
  switch (runbook) {
    case "db-restore":
      return await databases.corrupt();
    case "service-rollback":
      return await sites.releaseBadly();
    case "cluster-rebuild":
      await loseDatacentre(parts);
      await rabbit.forget();
      return empty(consul);
    case "dc-failover":
      return mode === "unplanned" ? await loseDatacentre(parts) : undefined;
    case "db-rejoin":
    case "dc-failback":
      await (runbook === "db-rejoin" ? databases.left() : databases.moved());
      lead(aws, ADDRESS.secondary);
      return await sites.moved();
    case "redis-recover":
      return mode === "unplanned" ? await redis.kill() : undefined;
    case "rabbitmq-recover":
      return await rabbit.forget();
    case "consul-recover":
      return empty(consul);
  }
}

async function loseDatacentre({ databases, sites }: All): Promise<void> {
  sites.cut("primary", true);
  await databases.a.kill();
}

/** It comes back as it was when it went: its database a primary, its pods running at their old counts. */
async function returnDatacentre({ databases, sites }: All): Promise<void> {
  await databases.a.start();
  sites.cut("primary", false);
}

/** The pair, and the third server once people are led to the cluster it belongs to. */
function serversOf({ databases, aws }: All): readonly DatabaseServer[] {
  const { a, b, scratch } = databases;
  const led = aws.world.zones.get(ZONE)?.records.flatMap(({ values }) => values) ?? [];
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

function lead({ world }: Parts["aws"], address: string): void {
  const records = [{ name: PUBLIC_NAME, type: "A", ttl: 60, values: [address] }];
  world.zones.set(ZONE, { id: ZONE, records, served: records, protections: [], busyUntil: 0 });
}

async function furnish({ rabbit, consul }: Pick<Parts, "rabbit" | "consul">): Promise<void> {
  const { world } = consul;
  for (const name of CONSUL_SERVICES) world.services.set(name, []);
  world.kv.set("erp/currency", "EUR");
  for (const name of QUEUES) {
    await rabbit.api("PUT", `/api/queues/%2f/${name}`, { durable: true });
    await rabbit.api("PUT", "/api/exchanges/%2f/erp", { type: "topic", durable: true });
    await rabbit.api("POST", `/api/bindings/%2f/e/erp/q/${name}`, { routing_key: `${name}.*` });
  }
}

/** Set up afresh: the servers are there and know nothing. */
function empty({ world }: Parts["consul"]): void {
  world.kv.clear();
  for (const name of [...world.services.keys()]) if (name !== "consul") world.services.delete(name);
}

interface Redis {
  readonly port: number;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** `ok`, or `none` while nobody answers. */
  says(): Promise<string>;
}

async function createRedis(fleet: Fleet): Promise<Redis> {
  const port = await freePort();
  let member: Member | null = null;
  let starting: Promise<void> | null = null;
  const ping = () =>
    new Promise<string>((done) => {
      const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
      socket.setTimeout(500, () => socket.destroy());
      socket.on("data", (said) => {
        socket.destroy();
        done(said.toString("latin1").startsWith("+PONG") ? "ok" : "none");
      });
      socket.on("error", () => done("none"));
      socket.on("close", () => done("none"));
    });
  const start = async () => {
    if (member?.running) return;
    const given = ["--port", String(port), "--bind", "127.0.0.1", "--dir", fleet.folder, "--save", ""];
    member = await fleet.start("redis-server", given);
    await soon("Redis answering", 10, async () => (await ping()) === "ok");
  };
  return {
    port,
    start() {
      starting ??= start().finally(() => {
        starting = null;
      });
      return starting;
    },
    async kill() {
      await member?.kill();
      member = null;
    },
    says: ping,
  };
}

async function look({ databases, sites, redis }: All): Promise<readonly Row[]> {
  const names = sites.replicas("primary");
  const running = Object.entries(names).map(([name, count]) => `${name} ${count}`);
  const { a, b } = databases;
  const cache = await redis.says();
  return [
    { title: a.name, state: a.running ? "runs" : "off", tone: a.running ? "well" : "broken" },
    { title: b.name, state: b.running ? "runs" : "off", tone: b.running ? "well" : "broken" },
    { title: "Primary datacentre", state: running.join(", ") },
    { title: "Redis", state: cache === "ok" ? "answers" : "does not answer", tone: cache === "ok" ? "well" : "broken" },
  ];
}
