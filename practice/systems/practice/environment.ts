import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { LifeboatError } from "../../../src/lib/errors.ts";
import type { Logger } from "../../../src/lib/log.ts";
import { ended, ready, startOwn } from "../../environment/child.ts";
import { ask, createHost, type DatabaseHost } from "../../environment/database.ts";
import { endServerOf } from "../../environment/leftovers.ts";
import { isStoredAnew, watchServers } from "../../environment/servers.ts";
import { type RolePasswords, setUp } from "../../environment/setup.ts";
import type { SystemEnvironment } from "../../environment/system-environment.ts";
import { type Application, createApplication } from "./application.ts";
import { ENVIRONMENT_FAULTS, type EnvironmentFault, setReplay, signalSenders, stallThenKill } from "./faults.ts";
import { handleEnvironment } from "./handle.ts";
import { heal, untilStreaming } from "./heal.ts";
import { countLosses, type Losses } from "./losses.ts";
import { createEnvironmentObserver, type EnvironmentState } from "./snapshot.ts";

export interface EnvironmentOptions {
  /** Made if it is not there; what an environment left in it is ended and removed. Removed again by `stop`. */
  readonly folder: string;
  readonly log: Logger;
  /** Orders written per second; 20 if left out. */
  readonly ordersPerSecond?: number;
}

/** A small company's production, all on this machine: a primary, its standby, and an application that writes. */
export interface PracticeEnvironment extends SystemEnvironment {
  readonly nodes: readonly [DatabaseHost, DatabaseHost];
  readonly application: Application;
  /** Where the environment answers by itself, also without the workspace: `http://127.0.0.1:…`. */
  readonly url: string;
  state(): Promise<EnvironmentState>;
  /** Acknowledged orders against the rows on the server the application writes to. */
  ledger(): Promise<Losses>;
  /** How often the server the application writes to was promoted since the first one was made, by its own count. */
  promotions(): Promise<number>;
  injectFault(what: EnvironmentFault): Promise<void>;
  /** The host's part of a rejoin: `node` is rebuilt as a standby of the other one. */
  rebuild(node: string): Promise<void>;
  /** One primary that takes the traffic and one standby that streams, whatever was before; see `heal.ts`. */
  heal(options?: { handsBack?: boolean }): Promise<void>;
}

const NAMES = ["orders-a", "orders-b"] as const;
const STALL_SECONDS = 2;

export async function createPracticeEnvironment(options: EnvironmentOptions): Promise<PracticeEnvironment> {
  const folder = resolve(options.folder);
  await clearLeftovers(folder);
  await mkdir(folder, { recursive: true });
  // PostgreSQL may run as another user, who has to get through; what is inside is closed file by file.
  await chmod(folder, 0o711);
  const secrets = { owner: word(), admin: word(), app: word(), monitor: word(), replicator: word(), hosts: word() };
  const [a, b] = (await Promise.all(NAMES.map((name) => createHost(name, folder, secrets)))) as [
    DatabaseHost,
    DatabaseHost,
  ];
  const supervisor = startOwn("environment/server-supervisor", [folder, a.folder, b.folder], {});
  const application = await createApplication(folder, secrets.app, options.ordersPerSecond ?? 20);
  const environment = build({ ...options, folder }, [a, b], application, secrets);
  try {
    await Promise.all([ready(supervisor, "The environment's keeper"), raise(a, b, application, secrets)]);
    await environment.open();
  } catch (error) {
    await environment.stop();
    await ended(supervisor);
    throw error;
  }
  options.log.info({ folder, url: environment.url }, "the practice environment is up");
  return { ...environment, url: environment.url, stop: () => environment.stop().finally(() => ended(supervisor)) };
}

async function raise(
  a: DatabaseHost,
  b: DatabaseHost,
  application: Application,
  passwords: RolePasswords,
): Promise<void> {
  await a.create();
  await a.start();
  await setUp(a, passwords);
  await Promise.all([application.start(a.target), b.follow(a).then(() => untilStreaming(a))]);
}

/** Ends the servers an environment left behind when its host was killed together with its supervisor, and removes the folder. */
export async function clearLeftovers(folder: string): Promise<void> {
  await Promise.all(NAMES.map((name) => endServerOf(join(folder, name))));
  await rm(folder, { recursive: true, force: true });
}

interface Secrets {
  readonly admin: string;
  readonly app: string;
  readonly monitor: string;
  readonly hosts: string;
}

function build(
  options: EnvironmentOptions,
  nodes: readonly [DatabaseHost, DatabaseHost],
  application: Application,
  secrets: Secrets,
): PracticeEnvironment & { open(): Promise<void> } {
  const { folder, log } = options;
  const [a, b] = nodes;
  const valuesFile = join(folder, "values.yml");
  const snapshot = createEnvironmentObserver(nodes, application, secrets.monitor);
  const watch = watchServers();
  let server: Server | null = null;
  let port = 0;

  const named = (name: string): DatabaseHost => {
    const found = nodes.find((node) => node.name === name);
    if (found) return found;
    throw new LifeboatError({ code: "node-unknown", what: `There is no server ${name}`, allowed: NAMES.join(", ") });
  };
  const otherThan = (node: DatabaseHost): DatabaseHost => (node === a ? b : a);
  /** The server the application writes to. */
  const active = async (): Promise<DatabaseHost> => named((await application.state())?.target.name ?? a.name);
  /** Once the only server that could hold them has been rebuilt, what is missing stays missing: the next run counts again. */
  const writeOffLost = async (): Promise<void> => {
    const { lostIds } = await countLosses(application, await active());
    if (lostIds.length === 0) return;
    await application.writeOff(lostIds);
    snapshot.note(`Wrote off ${lostIds.length} lost orders`);
  };

  const practiceEnvironment: PracticeEnvironment & { open(): Promise<void> } = {
    parts: [
      { title: "PostgreSQL 18, primary and standby", kind: "real" },
      { title: "Orders application with traffic", kind: "real" },
    ],
    panel: "/environment/panel.js",
    nodes,
    application,
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    handle: (request, response) =>
      handleEnvironment(practiceEnvironment, { observer: snapshot, hostsToken: secrets.hosts, log }, request, response),
    environment: () => ({
      LIFEBOAT_VALUES: valuesFile,
      ORDERS_DB_PASSWORD: secrets.admin,
      ORDERS_APP_PASSWORD: secrets.app,
      PRACTICE_HOSTS_TOKEN: secrets.hosts,
    }),
    state: () => snapshot.look(),
    ledger: async () => countLosses(application, await active()),
    async promotions() {
      const sql = "select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int - 1 as promotions";
      const [row] = await ask<{ promotions: number }>(await active(), sql);
      return row?.promotions ?? 0;
    },
    async injectFault(what) {
      log.info({ what }, "fault injected");
      const primary = await active();
      await performFault(what, primary, otherThan(primary), practiceEnvironment);
      snapshot.note(what);
    },
    async rebuild(name) {
      const node = named(name);
      await node.follow(otherThan(node));
      snapshot.note(`Rebuilt ${name} as a standby`);
      await writeOffLost();
    },
    async heal(how) {
      await heal(nodes, application, secrets.monitor, how);
      await writeOffLost();
      await application.measure();
    },
    injectable: ENVIRONMENT_FAULTS.map(({ what, says, returns }) => ({
      id: what,
      title: says,
      ...(returns && { returns }),
    })),
    async inject(id) {
      const known = ENVIRONMENT_FAULTS.find(({ what }) => what === id);
      if (known) return practiceEnvironment.injectFault(known.what);
      throw new LifeboatError({ code: "fault-unknown", what: `Nothing here is called "${id}"` });
    },
    async reset() {
      await practiceEnvironment.heal();
    },
    writers: () =>
      watch.writers(
        nodes
          .filter((node) => node.running)
          .map((node) => ({ name: node.name, database: "orders", port: node.port, url: node.url(), role: "app" })),
      ),
    healthy: () => isStoredAnew(async () => (await application.state())?.acknowledged ?? null),
    writeOff: (ids) => application.writeOff(ids),
    async prepare(runbook, mode) {
      await practiceEnvironment.reset();
      if (runbook === "database-rejoin") await failedOver(a, b, application);
      // A look is no failover: it is played on a pair that is well, and "unplanned" only says what it looks for.
      if (mode === "unplanned" && runbook !== "database-check") await a.kill();
    },
    async open() {
      server = createServer((request, response) => {
        if (!practiceEnvironment.handle(request, response)) response.writeHead(404).end();
      });
      await new Promise<void>((open) => server?.listen(0, "127.0.0.1", open));
      port = (server.address() as AddressInfo).port;
      const values = { practice: valuesOf(nodes, application.url, practiceEnvironment.url) };
      await writeFile(valuesFile, JSON.stringify(values, null, 2));
    },
    async stop() {
      snapshot.close();
      await watch.close();
      server?.closeAllConnections();
      server?.close();
      await application.stop();
      await Promise.all(nodes.map((node) => node.kill()));
      await rm(folder, { recursive: true, force: true });
    },
  };
  return practiceEnvironment;
}

/** As a failover leaves it behind: the first server is down and knows nothing of what the second has taken since. */
async function failedOver(from: DatabaseHost, to: DatabaseHost, application: Application): Promise<void> {
  await from.kill();
  await ask(to, "select pg_promote(true, 30)");
  await application.repoint(to.target);
}

/** The variables the practice system declares. JSON is YAML too. */
function valuesOf(
  [a, b]: readonly [DatabaseHost, DatabaseHost],
  appUrl: string,
  hostsUrl: string,
): Record<string, string | number> {
  const host = "127.0.0.1";
  return { aHost: host, aPort: a.port, bHost: host, bPort: b.port, appUrl, hostsUrl };
}

async function performFault(
  what: EnvironmentFault,
  primary: DatabaseHost,
  standby: DatabaseHost,
  environment: PracticeEnvironment,
): Promise<void> {
  switch (what) {
    case "kill-primary":
      return await primary.kill();
    case "stall-and-kill-primary":
      return await stallThenKill(primary, STALL_SECONDS);
    case "freeze-primary":
      return await primary.freeze();
    case "thaw-primary":
      return void (await Promise.all(environment.nodes.map((node) => node.thaw())));
    case "stall-replication":
      return void (await signalSenders(primary, "SIGSTOP"));
    case "resume-replication":
      return void (await signalSenders(primary, "SIGCONT"));
    case "pause-replay":
      return await setReplay(standby, "pause");
    case "resume-replay":
      return await setReplay(standby, "resume");
    case "restart-primary":
      return void (await Promise.all(environment.nodes.map((node) => node.start())));
    case "heal":
      return await environment.heal();
    default:
      return what satisfies never;
  }
}

/** A password no one has to type. */
function word(): string {
  return randomBytes(18).toString("base64url");
}
