import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initCluster } from "../../src/embedded-postgres/cluster.ts";
import { startServer } from "../../src/embedded-postgres/server.ts";
import { freePort } from "../../src/lib/port.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { Store } from "../../src/timeline/index.ts";
import { asSuperuser, storeOn } from "../support/postgres.ts";

/** A process that said on its standard output that it is ready. */
export interface Ready {
  readonly child: ChildProcess;
  /** The word it was waited for with, and what stood behind it. */
  readonly said: string;
  /** From the start of the process to that word. */
  readonly milliseconds: number;
}

/** What a figure needs of this machine; everything is gone again when it is closed. */
export class Around {
  readonly #undo: (() => Promise<unknown>)[] = [];
  #closed: Promise<void> | null = null;

  later(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  /** Once, no matter who asks: a measurement that was interrupted is closed from two sides. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      for (const undo of this.#undo.splice(0).reverse()) await undo().catch(() => {});
    })();
    return this.#closed;
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "lifeboat-bench-"));
    await chmod(folder, 0o755);
    this.later(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  /** A PostgreSQL that keeps its promises (fsync and all), and a new database on it. */
  async database(): Promise<string> {
    const folder = await this.folder();
    const [dir, port] = [join(folder, "pg"), await freePort()];
    await initCluster(dir, { user: "owner", password: "owner", sync: false });
    const server = await startServer({ dir, port });
    this.later(() => server.kill());
    await asSuperuser(server.url(), "create database bench");
    return server.url(undefined, "bench");
  }

  async store(url?: string): Promise<Store> {
    const store = await storeOn(url ?? (await this.database()));
    this.later(() => store.close());
    return store;
  }

  /** Starts `node …` and waits for a line of its own that begins with `ready`. */
  async node(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ready> {
    const began = performance.now();
    const child = spawn(process.execPath, [...args], {
      cwd: projectRoot(),
      env: { ...process.env, NODE_OPTIONS: "", LOG_LEVEL: "error", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.later(() => ended(child));
    const said = await new Promise<string>((resolve, reject) => {
      let text = "";
      child.stdout?.on("data", (chunk) => {
        text += String(chunk);
        const line = text.split("\n").find((one) => one.startsWith("ready"));
        if (line !== undefined) resolve(line);
      });
      child.once("exit", (code, signal) => reject(new Error(`${args.join(" ")} ended: ${code ?? signal}`)));
    });
    return { child, said, milliseconds: performance.now() - began };
  }

  /** One of our TypeScript programs under `test/bench/processes/`. */
  program(name: string, env: Readonly<Record<string, string>> = {}): Promise<Ready> {
    return this.node(["--import", "tsx", join("test/bench/processes", `${name}.ts`)], env);
  }
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
