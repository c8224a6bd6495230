import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BotProcess } from "../../practice/session/bot-process.ts";
import { createPracticeClock, type PracticeClock } from "../../practice/session/clock.ts";
import { type Practice, startPractice } from "../../practice/session/practice.ts";
import { initCluster } from "../../src/embedded-postgres/cluster.ts";
import { type PgServer, startServer } from "../../src/embedded-postgres/server.ts";
import { createLog } from "../../src/lib/log.ts";
import { freePort } from "../../src/lib/port.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { openStore, type Store } from "../../src/timeline/index.ts";
import { type Net, openNet } from "../support/network.ts";
import { asSuperuser, tempFolder } from "../support/postgres.ts";
import { type SupervisedBot, supervise } from "./bots.ts";
import { logStatements, type StatementLog } from "./statement-log.ts";

/** Everything a soak plays with, all of it real processes on this machine, but for Slack. */
export interface SoakEnvironment {
  /** Everything that is written is in here; what the bots write for a moment is in `temporary`. */
  readonly folder: string;
  readonly temporary: string;
  readonly practice: Practice;
  readonly bots: readonly SupervisedBot[];
  readonly postgres: StoreServer;
  /** Between the bots and their store. */
  readonly net: Net;
  /** A look into the store past the network that is cut, for whoever checks. */
  readonly store: Store;
  readonly clock: PracticeClock;
  /** What the servers of the orders database were told that changes them. */
  readonly told: StatementLog;
  /** Ends every process; the folder is left to the one who looks for what was left in it. */
  stop(): Promise<void>;
}

/** The server of the store, which keeps its port whatever is done to it. */
export interface StoreServer {
  readonly url: string;
  /** Of the process that runs now. */
  readonly pid: number;
  readonly running: boolean;
  /** Does nothing where it runs. */
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export interface EnvironmentOptions {
  /** How a bot is started: program and arguments. */
  readonly bot: { readonly program: string; readonly arguments: readonly string[] };
}

const DATABASE = "lifeboat";
/** A bot that is started while its store is away waits for it. */
const READY_SECONDS = 90;

export async function openEnvironment({ bot }: EnvironmentOptions): Promise<SoakEnvironment> {
  const folder = await tempFolder();
  const temporary = join(folder, "temporary");
  await mkdir(temporary, { mode: 0o777 });
  const log = createLog("error", "soak");
  const postgres = await startStoreServer(join(folder, "store"));
  const net = await openNet(Number(new URL(postgres.url).port));
  const practice = await startPractice({
    folder: join(folder, "practice"),
    port: 0,
    log,
    bot,
    manifestFile: join(projectRoot(), "manifest.yml"),
    environment: { DATABASE_URL: net.url(postgres.url), LIFEBOAT_READINESS_MINUTES: "0", TMPDIR: temporary },
  });
  const { dataFolder } = practice;
  const other = new BotProcess({ ...(await practice.botCommand()), logFile: join(folder, "practice", "other.log") });
  await other.start(READY_SECONDS);
  const store = await openStore({ databaseUrl: postgres.url, dataFolder, stateFolder: null, log, openSeconds: 30 });
  let stopped = false;
  const told = await logStatements(practice.environment);
  const bots = [supervise("first", practice.bot, READY_SECONDS), supervise("second", other, READY_SECONDS)];
  return {
    ...{ folder, temporary, practice, bots, postgres, net, store, told },
    clock: createPracticeClock(postgres.url),
    async stop() {
      if (stopped) return;
      stopped = true;
      await Promise.all(bots.map((one) => one.stop()));
      await told.stop();
      await store.close();
      await practice.stop();
      await net.close();
      await postgres.stop();
    },
  };
}

export async function startStoreServer(dir: string): Promise<StoreServer> {
  const port = await freePort();
  await initCluster(dir, { user: "owner", password: "owner", sync: false });
  const settings = { shared_buffers: "32MB", max_connections: 80, fsync: "off" };
  const start = () => startServer({ dir, port, settings });
  let server: PgServer = await start();
  let running = true;
  const watch = (one: PgServer) => {
    running = true;
    void one.exited.then(() => {
      if (one === server) running = false;
    });
  };
  watch(server);
  await asSuperuser(server.url(), `create database ${DATABASE}`);
  return {
    url: server.url(undefined, DATABASE),
    get pid() {
      return server.pid;
    },
    get running() {
      return running;
    },
    async start() {
      if (running) return;
      server = await start();
      watch(server);
    },
    stop: () => server.stop("fast"),
    kill: () => server.kill(),
  };
}
