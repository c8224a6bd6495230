import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { adoptServer } from "../../src/embedded-postgres/server.ts";
import type { Logger } from "../../src/lib/log.ts";
import { freePort } from "../../src/lib/port.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { openStore } from "../../src/timeline/index.ts";
import { PATIENCE_SECONDS } from "../environment/patience.ts";
import type { SystemEnvironment } from "../environment/system-environment.ts";
import type { Readers } from "../mail/index.ts";
import type { Pager } from "../pagerduty/index.ts";
import type { Workspace } from "../slack/index.ts";
import { environmentKindOf } from "../systems/index.ts";
import { BOT_PID, type BotCommand, BotProcess } from "./bot-process.ts";
import { createPracticeClock, type PracticeClock } from "./clock.ts";
import { sendAlert } from "./send-alert.ts";

/** What stays while systems come and go. */
export interface SharedServices {
  readonly workspace: Workspace;
  readonly pager: Pager;
  readonly readers: Readers;
}

export interface SessionOptions {
  readonly system: string;
  /** Emptied by the one who gives it; what an environment left in it is ended by the environment. */
  readonly folder: string;
  readonly log: Logger;
  readonly bot: { readonly program: string; readonly arguments: readonly string[] };
  readonly environment: Readonly<Record<string, string>>;
  readonly progress: (says: string) => void;
}

/** One system being practised: its environment, and the bot that works on it. */
export interface PracticeSession {
  readonly system: string;
  /** Where the system and its runbooks are written. */
  readonly systemFolder: string;
  readonly environment: SystemEnvironment;
  readonly bot: BotProcess;
  /** The data folder of the bot's own store. */
  readonly dataFolder: string;
  /** The clock of that store: practice can let time pass. */
  readonly clock: PracticeClock;
  /** Posts an alert to its bot, as monitoring would. */
  sendAlert(name: string, status: "firing" | "resolved"): Promise<void>;
  /** How another bot on the same store and the same Slack is started; its health is served on a port of its own. */
  botCommand(extra?: Readonly<Record<string, string>>): Promise<Omit<BotCommand, "logFile">>;
  stop(): Promise<void>;
}

export function folderOf(system: string): string {
  return join(projectRoot(), "templates", "systems", system);
}

/** The environment and the bot's store are made side by side: they know nothing of each other, and each takes seconds. */
export async function openSession(
  services: Promise<SharedServices>,
  options: SessionOptions,
): Promise<PracticeSession> {
  const { folder, log, progress } = options;
  const kind = environmentKindOf(options.system);
  const dataFolder = join(folder, "bot");
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const undo of stops.splice(0).reverse()) await undo();
  };
  const store = openStore({ dataFolder, log, openSeconds: PATIENCE_SECONDS });
  store.catch(() => {});
  try {
    const practiceEnvironment = await kind.create({ folder: join(folder, "environment"), log });
    stops.push(() => practiceEnvironment.stop());
    progress("The environment is up.");
    const { workspace, pager, readers } = await services;
    const secretKey = randomBytes(32).toString("base64");
    const alerts = { port: "", secret: randomBytes(32).toString("hex") };
    const botCommand: PracticeSession["botCommand"] = async (extra = {}) => {
      const publicPort = String(await freePort());
      // Each bot is told of everything; hearing it from two is harmless.
      pager.subscribe(`http://127.0.0.1:${publicPort}/pagerduty/webhook`);
      readers.pageAt(`http://127.0.0.1:${publicPort}/`);
      return {
        ...options.bot,
        environment: {
          ...inherited(),
          ...workspace.environment(),
          ...practiceEnvironment.environment(),
          ...pager.environment(),
          ...readers.environment(),
          LIFEBOAT_SYSTEMS: folderOf(kind.system),
          LIFEBOAT_PUBLIC_LISTEN: publicPort,
          LIFEBOAT_ALERT_SECRETS: alerts.secret,
          LIFEBOAT_SPLIT_BRAIN_CHECK_SECONDS: "3",
          STATUS_PAGE_LINK: `http://127.0.0.1:${publicPort}/`,
          LIFEBOAT_SECRET_KEY: secretKey,
          ...options.environment,
          ...extra,
          LIFEBOAT_DATA: dataFolder,
          LIFEBOAT_INTERNAL_LISTEN: String(await freePort()),
        },
      };
    };
    const made = await store;
    progress("The bot's store is there; the bot starts.");
    const files = { logFile: join(folder, "bot.log"), pidFile: join(folder, BOT_PID) };
    const command = await botCommand();
    alerts.port = command.environment.LIFEBOAT_PUBLIC_LISTEN ?? "";
    const bot = new BotProcess({ ...command, ...files });
    stops.push(async () => {
      await bot.stop();
      bot.close();
      await endStoreIn(dataFolder);
    });
    await bot.start();
    // Only now, so that the server stays: the bot is with it.
    await made.close();
    return {
      system: kind.system,
      systemFolder: folderOf(kind.system),
      environment: practiceEnvironment,
      bot,
      dataFolder,
      clock: createPracticeClock(made.url),
      botCommand,
      sendAlert: (name, status) => sendAlert(alerts, { name, system: kind.system, status }),
      stop,
    };
  } catch (error) {
    await store.then((made) => made.close()).catch(() => {});
    await stop();
    throw error;
  }
}

/** A bot that leaves stops the server of its store; one that was killed leaves it behind. */
async function endStoreIn(dataFolder: string): Promise<void> {
  const left = await adoptServer(join(dataFolder, "postgres"));
  await left?.stop("fast");
}

/** What a process needs to run at all, and nothing of the reader's secrets. */
function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "LANG", "NODE_OPTIONS", "LOG_LEVEL", "SystemRoot"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name] as string]] : [])));
}
