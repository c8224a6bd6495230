import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, rename, stat, unlink } from "node:fs/promises";
import type { RequestListener, Server } from "node:http";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import { type Bounds, listenOn, makeServer } from "../http/server.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { shortest } from "./socket-path.ts";

export interface Listening {
  /** This process answers at the path now; another may. */
  readonly answers: boolean;
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;
const CONNECT_MS = 2_000;

/** Bounds of one connection. What a command itself takes is bounded by the one who answers it. */
export const SERVER_BOUNDS: Bounds = {
  headersTimeout: 2_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 1_000,
  connectionsCheckingInterval: 500,
  maxConnections: 64,
};

/**
 * Listens on a Unix socket that every user of the machine may connect to. Where another bot answers there already, this one waits
 * and takes over once that one is gone. The path is taken by a rename: there is no moment at which no one answers, and a socket
 * left by a process that was killed is replaced.
 */
export async function listenOnSocket(path: string, listener: RequestListener, log: Logger): Promise<Listening> {
  let own: { server: Server; inode: number } | null = null;
  let closed = false;
  let looking: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    if (closed) return;
    if (own !== null && (await inodeOf(path)) === own.inode) return;
    if (own !== null) {
      log.warn({ event: "cli.socket_lost", path }, "another process has taken the command line's socket");
      await shut(own.server);
      own = null;
    }
    if (await isAnswered(path)) return;
    own = await takePath(path, listener);
    log.info({ event: "cli.listening", path }, "the command line is served");
  }

  await look();
  if (own === null) log.info({ event: "cli.standby", path }, "another bot serves the command line on this machine");
  const timer = setInterval(() => {
    looking = looking.then(look).catch((error) => {
      log.warn(
        { event: "cli.socket_failed", path, says: messageOf(error) },
        "the command line's socket can't be served",
      );
    });
  }, LOOK_EVERY_MS);
  timer.unref();
  return {
    get answers() {
      return own !== null;
    },
    async close() {
      closed = true;
      clearInterval(timer);
      await looking;
      if (own === null) return;
      if ((await inodeOf(path)) === own.inode) await unlink(path).catch(() => {});
      await shut(own.server);
    },
  };
}

async function takePath(path: string, listener: RequestListener): Promise<{ server: Server; inode: number }> {
  const making = `${path}.${randomBytes(3).toString("hex")}`;
  const server = makeServer(listener, SERVER_BOUNDS);
  await listenOn(server, { path: shortest(making), readableAll: true, writableAll: true });
  const inode = await inodeOf(making);
  await rename(making, path);
  if (inode === null) throw new Error(`${making} is gone.`);
  return { server, inode };
}

/**
 * Makes the folder of the socket. The one who may write to it could put a socket of their own there, and be told people's codes.
 * @throws LifeboatError when others may.
 */
export async function makeSocketFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const made = await mkdir(folder, { recursive: true });
  // Whatever this process's umask is: others have to get to the socket, and only to it.
  if (made !== undefined) await chmod(folder, 0o755);
  const { mode, uid } = await stat(folder);
  const isOurs = uid === 0 || uid === process.getuid?.();
  if (isOurs && (mode & 0o022) === 0) return;
  throw new LifeboatError({
    code: "socket-folder-open",
    where: folder,
    what: "Others may write to this folder, so they could answer in the bot's place",
    allowed: "A folder that only its owner may write to: systemd's RuntimeDirectory=lifeboat makes one",
    next: "Set LIFEBOAT_CLI_SOCKET",
  });
}

async function isAnswered(path: string): Promise<boolean> {
  if ((await inodeOf(path)) === null) return false;
  return await new Promise<boolean>((resolve) => {
    const connection = createConnection({ path: shortest(path) });
    const end = (answered: boolean) => {
      connection.destroy();
      resolve(answered);
    };
    connection.setTimeout(CONNECT_MS, () => end(true));
    connection.once("connect", () => end(true));
    connection.once("error", (error) => end((error as NodeJS.ErrnoException).code !== "ECONNREFUSED"));
  });
}

async function inodeOf(path: string): Promise<number | null> {
  return await lstat(path).then(
    ({ ino }) => ino,
    () => null,
  );
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 1_000).unref();
  });
}
