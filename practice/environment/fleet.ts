import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, open, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { promisify } from "node:util";
import { unprivilegedUser } from "../../src/embedded-postgres/binaries.ts";
import { startOwn } from "./child.ts";
import { PATIENCE_SECONDS } from "./patience.ts";

/** Programs of the system's packages, run from one temporary folder; none outlives this process. */
export interface Fleet {
  readonly folder: string;
  /** Writes a file the programs may read and change. */
  write(name: string, text: string): Promise<string>;
  start(program: string, given: readonly string[]): Promise<Member>;
  /** Runs a program to its end and gives what it printed; rejects when it ends with anything but 0. */
  run(program: string, given: readonly string[], more?: Readonly<Record<string, string>>): Promise<string>;
  /** Ends everything and removes the folder. */
  stop(): Promise<void>;
}

export interface Member {
  readonly pid: number;
  readonly running: boolean;
  /** A power cut of this program. Resolves when it is gone. */
  kill(): Promise<void>;
  /** It accepts connections and says nothing. */
  freeze(): void;
  thaw(): void;
}

// Debian keeps servers where ordinary users do not look, and PostgreSQL's in a folder for each version.
const PATH = [process.env.PATH ?? "", "/usr/sbin", "/usr/local/sbin", ...postgresFolders()].join(delimiter);
const run = promisify(execFile);

function postgresFolders(): readonly string[] {
  const parent = "/usr/lib/postgresql";
  if (!existsSync(parent)) return [];
  const versions = readdirSync(parent).filter((name) => /^\d+$/.test(name));
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(parent, version, "bin"));
}

/** Those of the named programs that are not on this machine. */
export async function absent(programs: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    programs.map((program) =>
      run("which", [program], { env: { PATH } }).then(
        () => true,
        () => false,
      ),
    ),
  );
  return programs.filter((_, i) => !found[i]);
}

/** @param name what the folder is called for people who look into the temporary folder: `redis` */
export async function openFleet(name: string): Promise<Fleet> {
  const owner = await unprivilegedUser();
  const folder = await realpath(await mkdtemp(join(tmpdir(), `lifeboat-${name}-`)));
  const give = async (path: string) => {
    if (owner.uid !== undefined && owner.gid !== undefined) await chown(path, owner.uid, owner.gid);
  };
  await give(folder);
  const supervisor = startOwn("environment/fleet-supervisor", [folder], {});
  if (supervisor.stdout) await once(supervisor.stdout, "data");
  return {
    folder,
    async write(file, text) {
      const path = join(folder, file);
      await writeFile(path, text, { mode: 0o600 });
      await give(path);
      return path;
    },
    async start(program, given) {
      const log = await open(join(folder, `${basename(program)}.log`), "a", 0o600);
      try {
        const child = spawn(program, [...given], {
          ...owner,
          cwd: folder,
          env: { PATH, LC_ALL: "C.UTF-8", HOME: folder },
          stdio: ["ignore", log.fd, log.fd],
          detached: true,
        });
        const exited = new Promise<void>((gone) => child.once("exit", () => gone()).once("error", () => gone()));
        await once(child, "spawn");
        supervisor.stdin?.write(`${child.pid}\n`);
        return member(child, exited);
      } finally {
        await log.close();
      }
    },
    async run(program, given, more = {}) {
      const env = { PATH, LC_ALL: "C.UTF-8", HOME: folder, ...more };
      return (await run(program, [...given], { ...owner, cwd: folder, env, timeout: PATIENCE_SECONDS * 1000 })).stdout;
    },
    async stop() {
      const gone = once(supervisor, "exit");
      supervisor.stdin?.end();
      await gone;
    },
  };
}

function member(child: ChildProcess, exited: Promise<void>): Member {
  const pid = child.pid as number;
  const running = () => child.exitCode === null && child.signalCode === null;
  const signal = (name: NodeJS.Signals) => {
    if (running()) process.kill(-pid, name);
  };
  child.unref();
  return {
    pid,
    get running() {
      return running();
    },
    async kill() {
      signal("SIGKILL");
      await exited;
    },
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
  };
}
