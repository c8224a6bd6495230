import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../lib/log.ts";
import { freePort } from "../lib/pgserver.ts";
import { projectRoot } from "../lib/root.ts";
import { type BotCommand, BotProcess } from "./bot-process.ts";
import { createReaders, type Readers } from "./comms/index.ts";
import type { Estate } from "./estate/index.ts";
import type { SystemEstate } from "./estate/system-estate.ts";
import { estateKindOf, orders } from "./estate/systems.ts";
import { createPager, type Pager } from "./pager/index.ts";
import { createWorkspace, type Workspace } from "./workspace/index.ts";

export interface PracticeOptions {
  /** The system that is practised, a folder of `templates/systems`; `practice` if left out. */
  readonly system?: string;
  /** Everything practice writes is here; it is emptied first. */
  readonly folder: string;
  /** Port of the page; 0 picks a free one. */
  readonly port: number;
  readonly log: Logger;
  /** How the bot is started: program and arguments. */
  readonly bot: { readonly program: string; readonly arguments: readonly string[] };
  readonly manifestFile: string;
  /** Further environment for the bot, such as kill points. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A local Slack, an estate to fail over, and the real bot between them. */
export interface Practice<E extends SystemEstate = Estate> {
  readonly url: string;
  readonly system: string;
  /** Where the system and its runbooks are written. */
  readonly systemFolder: string;
  readonly workspace: Workspace;
  readonly estate: E;
  readonly pager: Pager;
  /** Those who are told by mail and on a status page. */
  readonly readers: Readers;
  readonly bot: BotProcess;
  /** The data folder of the bot's own store. */
  readonly dataFolder: string;
  /** How another bot on the same store and the same Slack is started; its health is served on a port of its own. */
  botCommand(extra?: Readonly<Record<string, string>>): Promise<Omit<BotCommand, "logFile">>;
  stop(): Promise<void>;
}

export function startPractice(options: PracticeOptions & { readonly system?: typeof orders.system }): Promise<Practice>;
export function startPractice(options: PracticeOptions): Promise<Practice<SystemEstate>>;
export async function startPractice(options: PracticeOptions): Promise<Practice<SystemEstate>> {
  const kind = estateKindOf(options.system ?? orders.system);
  const systemFolder = join(projectRoot(), "templates", "systems", kind.system);
  await freshFolder(options.folder);
  const dataFolder = join(options.folder, "bot");
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const undo of stops.splice(0).reverse()) await undo();
  };
  try {
    const estate = await kind.create({ folder: join(options.folder, "estate"), log: options.log });
    stops.push(() => estate.stop());
    const pager = await createPager({ log: options.log });
    stops.push(() => pager.close());
    const readers = await createReaders();
    stops.push(() => readers.close());
    const workspace = await createWorkspace({
      port: options.port,
      log: options.log,
      manifestFile: options.manifestFile,
      mounts: [
        { prefix: "/estate", handle: estate.handle, panel: "/estate/panel.js", title: "Practice estate" },
        { prefix: "/pager", handle: pager.handle, panel: "/pager/panel.js", title: "Phones" },
        { prefix: "/comms", handle: readers.handle, panel: "/comms/panel.js", title: "Readers" },
      ],
    });
    stops.push(() => workspace.close());
    const secretKey = randomBytes(32).toString("base64");
    const botCommand: Practice["botCommand"] = async (extra = {}) => {
      const webhookPort = String(await freePort());
      // Each bot is told of everything; hearing it from two is harmless.
      pager.subscribe(`http://127.0.0.1:${webhookPort}/pagerduty/webhook`);
      const pagePort = String(await freePort());
      readers.pageAt(`http://127.0.0.1:${pagePort}/`);
      return {
        ...options.bot,
        environment: {
          ...inherited(),
          ...workspace.environment(),
          ...estate.environment(),
          ...pager.environment(),
          ...readers.environment(),
          LIFEBOAT_SYSTEMS: systemFolder,
          STATUS_PAGE_PORT: pagePort,
          STATUS_PAGE_LINK: `http://127.0.0.1:${pagePort}/`,
          PAGERDUTY_WEBHOOK_PORT: webhookPort,
          LIFEBOAT_SECRET_KEY: secretKey,
          ...options.environment,
          ...extra,
          LIFEBOAT_DATA: dataFolder,
          HEALTH_PORT: String(await freePort()),
        },
      };
    };
    const bot = new BotProcess({ ...(await botCommand()), logFile: join(options.folder, "bot.log") });
    stops.push(async () => {
      await bot.stop();
      bot.close();
    });
    await bot.start();
    const { url } = workspace;
    const { system } = kind;
    return { url, system, systemFolder, workspace, estate, pager, readers, bot, dataFolder, botCommand, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a process needs to run at all, and nothing of the reader's secrets. */
function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "LANG", "NODE_OPTIONS", "LOG_LEVEL", "SystemRoot"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name] as string]] : [])));
}

async function freshFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // PostgreSQL runs as another user when this is root, and has to be able to reach its own folders.
  await chmod(folder, 0o755);
}
