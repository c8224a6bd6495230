import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFile, chmod, chown, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { LifeboatError } from "../lib/errors.ts";
import { identity, postgresBinaries, stderrOf } from "./binaries.ts";

/** The files of a server: its data directory, what it is set to, and who owns it. */
export interface ClusterOptions {
  readonly user: string;
  readonly password: string;
  /** False skips fsync while the files are made (tests). Servers themselves run with fsync on unless told otherwise. */
  readonly sync?: boolean;
}

export interface ServerSettings {
  readonly port: number;
  readonly host?: "127.0.0.1";
  /** Written to `lifeboat.conf` in the data directory, so `ALTER SYSTEM` still wins over them. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

export interface Owner {
  readonly user: string;
  readonly password: string;
}

const run = promisify(execFile);
const initSeconds = 60;
const ownerFile = "lifeboat.owner";
const settingsFile = "lifeboat.conf";

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
      timeout: initSeconds * 1000,
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

/** Makes the server listen on this port, with these settings, from its next start. */
export async function writeSettings(dir: string, options: ServerSettings): Promise<void> {
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

/** @throws LifeboatError `cluster-owner` where Lifeboat did not make the cluster */
export async function ownerOf(dir: string): Promise<Owner> {
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
