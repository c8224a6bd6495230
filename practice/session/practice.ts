import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { loadCatalog } from "../../src/catalog/load.ts";
import { LifeboatError } from "../../src/lib/errors.ts";
import type { Logger } from "../../src/lib/log.ts";
import type { SystemEnvironment } from "../environment/system-environment.ts";
import { createReaders } from "../mail/index.ts";
import { createPager } from "../pagerduty/index.ts";
import { createWorkspace } from "../slack/index.ts";
import { environmentKindOf, orders } from "../systems/index.ts";
import type { PracticeEnvironment } from "../systems/practice/index.ts";
import { createAuthenticators } from "./authenticators.ts";
import { createControlApi, hintFor } from "./control-api.ts";
import { clearFolder, HOST_PID } from "./leftovers.ts";
import { noteProcess } from "./pidfile.ts";
import { folderOf, openSession, type PracticeSession, type SharedServices } from "./session.ts";

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
  /** Told what has been reached while it starts, a sentence each time. */
  readonly progress?: (says: string) => void;
}

/** A local Slack, an environment to fail over, and the real bot between them. What belongs to the system is of the one practised now. */
export interface Practice<E extends SystemEnvironment = PracticeEnvironment> extends SharedServices, PracticeSession {
  readonly url: string;
  readonly environment: E;
  /** Ends the environment and the bot and begins again with another system, or the same one; the workspace stays as it is. */
  practise(system: string): Promise<void>;
}

export function startPractice(options: PracticeOptions & { readonly system?: typeof orders.system }): Promise<Practice>;
export function startPractice(options: PracticeOptions): Promise<Practice<SystemEnvironment>>;
export async function startPractice(options: PracticeOptions): Promise<Practice<SystemEnvironment>> {
  const { log, folder, progress = () => {} } = options;
  const first = environmentKindOf(options.system ?? orders.system).system;
  await clearFolder(folder);
  await newFolder(folder);
  await noteProcess(join(folder, HOST_PID), process.pid);
  let session: PracticeSession | null = null;
  let stages = 0;
  let changing = false;

  const open = async (system: string): Promise<void> => {
    stages += 1;
    const own = stages === 1 ? folder : join(folder, `${system}-${stages}`);
    if (stages > 1) await newFolder(own);
    const environment = { ...commandLine(folder, system), ...options.environment };
    session = await openSession(services, { system, folder: own, log, bot: options.bot, environment, progress });
  };
  const practise = async (system: string): Promise<void> => {
    const { system: asked } = environmentKindOf(system);
    if (changing)
      throw new LifeboatError({
        code: "practice-changing",
        what: "Another system is just being set up",
        next: "Wait for it",
      });
    changing = true;
    try {
      const before = session;
      session = null;
      await before?.stop();
      authenticators.clear();
      await open(asked);
    } finally {
      changing = false;
    }
  };
  const controlApi = createControlApi({ now: () => session, practise, log });
  const authenticators = createAuthenticators(async () => (await services).workspace);
  const services: ReturnType<typeof openServices> = openServices(options, () => hintFor(session?.system ?? first), [
    { prefix: "/systems", handle: controlApi.handle, panel: "/systems/panel.js", title: "Practice environment" },
    { prefix: "/environment", handle: (request, response) => session?.environment.handle(request, response) ?? false },
    {
      prefix: "/authenticators",
      handle: authenticators.handle,
      panel: "/authenticators/panel.js",
      title: "Authenticators",
    },
  ]);
  const current = (): PracticeSession => {
    if (session !== null) return session;
    throw new LifeboatError({ code: "practice-changing", what: "No system is set up at this moment" });
  };
  const stop = async () => {
    await session?.stop();
    await services.then((opened) => opened.close()).catch(() => {});
    await rm(join(folder, HOST_PID), { force: true });
  };
  try {
    await open(first);
    const { workspace, pager, readers } = await services;
    return {
      url: workspace.url,
      ...{ workspace, pager, readers, practise, stop },
      get system() {
        return current().system;
      },
      get systemFolder() {
        return current().systemFolder;
      },
      get environment() {
        return current().environment;
      },
      get bot() {
        return current().bot;
      },
      get dataFolder() {
        return current().dataFolder;
      },
      get clock() {
        return current().clock;
      },
      botCommand: (extra) => current().botCommand(extra),
      sendAlert: (name, status) => current().sendAlert(name, status),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `lifeboat dr` reaches the practice bot, as the first person of its roster: the one who started practice plays all of them. */
function commandLine(folder: string, system: string): Record<string, string> {
  const [first] = loadCatalog(folderOf(system)).catalog.systems[0]?.people ?? [];
  const user = process.getuid?.();
  return {
    LIFEBOAT_CLI_SOCKET: join(folder, "run", "bot.sock"),
    ...(first && user !== undefined && { LIFEBOAT_CLI_USERS: `${user}=${first.id}` }),
  };
}

type Mounts = NonNullable<Parameters<typeof createWorkspace>[0]>["mounts"];

async function openServices(
  options: PracticeOptions,
  hint: () => string,
  mounts: NonNullable<Mounts>,
): Promise<SharedServices & { close(): Promise<void> }> {
  const { log, port, manifestFile } = options;
  const [pager, readers] = await Promise.all([createPager({ log }), createReaders()]);
  const close = async () => {
    await readers.close();
    await pager.close();
  };
  try {
    const workspace = await createWorkspace({
      ...{ port, log, manifestFile, hint },
      mounts: [
        ...mounts,
        { prefix: "/pager", handle: pager.handle, panel: "/pager/panel.js", title: "Phones" },
        { prefix: "/comms", handle: readers.handle, panel: "/comms/panel.js", title: "Readers" },
      ],
    });
    return { workspace, pager, readers, close: () => workspace.close().finally(close) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function newFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  // PostgreSQL runs as another user when this is root, and has to be able to reach its own folders.
  await chmod(folder, 0o755);
}
