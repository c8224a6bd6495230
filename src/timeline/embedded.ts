import { randomBytes } from "node:crypto";
import { access, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { initCluster } from "../embedded-postgres/cluster.ts";
import { adoptServer, type PgServer, startServer } from "../embedded-postgres/server.ts";
import { LifeboatError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { freePort } from "../lib/port.ts";
import { asOwner } from "./database.ts";
import { patiently } from "./transient-errors.ts";

/** The store of a bot that was given no `DATABASE_URL`: a real PostgreSQL in its data folder. */
export interface EmbeddedStore {
  /** The owner's URL. It stays the same when the server has to be started again. */
  readonly url: string;
  /** Stops the server unless another process works with it; `name` is what this one's own connections are called. */
  leave(name: string): Promise<void>;
}

const database = "lifeboat";
const leaving = "lifeboat-leaving";
const SETUP_SECONDS = 60;

const settings = {
  max_connections: 60,
  shared_buffers: "32MB",
  // No one replicates from here, so nothing needs to be kept for a standby.
  max_wal_senders: 0,
  wal_level: "minimal",
  max_wal_size: "128MB",
  // After a crash one call instead of one for each of a thousand files: seconds sooner back.
  ...(process.platform === "linux" ? { recovery_init_sync_method: "syncfs" } : {}),
};

/**
 * Starts the server of a data folder, or joins the one that runs there: started by another process, or left behind by one
 * that was killed. As long as this store is open a server that dies is started again.
 */
export async function openEmbedded(dataFolder: string, log: Logger): Promise<EmbeddedStore> {
  const folder = resolve(dataFolder);
  const dir = join(folder, "postgres");
  await mkdir(folder, { recursive: true });
  await ensureCluster(dir);
  let server = await raise(folder, dir, log);
  let left = false;
  void keep();

  async function keep(): Promise<void> {
    for (;;) {
      await server.exited;
      if (left) return;
      log.warn({ event: "store.embedded_gone", dir }, "embedded postgresql is gone; starting it again");
      await pause(200);
      // On the port that everyone who works with it knows: the one who has it for a moment is waited for.
      server = await raiseOn(dir, server.port, log).catch((error) => {
        log.error({ event: "store.embedded_failed", err: error }, "embedded postgresql could not be started again");
        return server;
      });
      if (left) await stopUnlessUsed(server, "", log);
    }
  }

  const url = server.url(undefined, database);
  // It runs: on a machine that is busy it may take its time to answer.
  const patience = { what: "setting up the store", seconds: SETUP_SECONDS, closed: new AbortController().signal, log };
  await patiently(patience, () => ensureDatabase(server));
  return {
    url,
    async leave(name) {
      left = true;
      await stopUnlessUsed(server, name, log);
    },
  };
}

/** Made beside its place and moved there when it is whole, so that a half-made cluster is never started. */
async function ensureCluster(dir: string): Promise<void> {
  if (await exists(join(dir, "PG_VERSION"))) return;
  const fresh = `${dir}.new-${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    await initCluster(fresh, { user: database, password: randomBytes(18).toString("base64url") });
    await rename(fresh, dir).catch(async (error) => {
      // Another process was first; or what is there is not whole, and may still be all that is left of a timeline.
      if (!(await exists(join(dir, "PG_VERSION")))) throw damaged(dir, error);
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

function damaged(dir: string, cause: unknown): LifeboatError {
  return new LifeboatError(
    {
      code: "store-damaged",
      where: dir,
      what: "The folder is not empty, and not a PostgreSQL that can be started",
      stateNow: "Nothing in it was changed",
      next: "Restore it from a backup, or move it away to start fresh",
    },
    { cause },
  );
}

async function raise(folder: string, dir: string, log: Logger): Promise<PgServer> {
  const noted = Number(await readFile(join(folder, "postgres.port"), "utf8").catch(() => "0"));
  for (const port of [noted > 0 ? noted : await freePort(), await freePort()]) {
    const started = await raiseOn(dir, port, log).catch((error) => {
      log.debug({ event: "store.embedded_failed", err: error }, "embedded postgresql did not start");
      return null;
    });
    if (started === null) continue;
    await writeFile(join(folder, "postgres.port"), String(started.port));
    return started;
  }
  return startServer({ dir, port: await freePort(), settings, log });
}

/** The one that runs there, or else one on this port. */
async function raiseOn(dir: string, port: number, log: Logger): Promise<PgServer> {
  const running = await adoptServer(dir);
  if (running) return running;
  return await startServer({ dir, port, settings, log }).catch(async (error) => {
    // Another process was first, or something else listens on our port.
    const winner = await adoptServer(dir);
    if (winner === null) throw error;
    return winner;
  });
}

async function ensureDatabase(server: PgServer): Promise<void> {
  await asOwner(server.url(), "lifeboat-setup", async (client) => {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [database]);
    if (rowCount === 1) return;
    await client.query(`create database ${database}`).catch((error) => {
      if (error.code !== "42P04" && error.code !== "23505") throw error;
    });
  });
}

/** The last one out stops it. Two that leave at once both see no one else, and both may stop it. */
async function stopUnlessUsed(server: PgServer, name: string, log: Logger): Promise<void> {
  try {
    const others = await asOwner(server.url(), leaving, async (client) => {
      const { rows } = await client.query<{ others: number }>(
        `select count(*)::int as others from pg_stat_activity
          where backend_type = 'client backend' and application_name not in ($1, $2)`,
        [name, leaving],
      );
      return rows[0]?.others ?? 0;
    });
    if (others > 0)
      return log.info({ event: "store.embedded_stays", others }, "embedded postgresql stays: others work with it");
    await server.stop("fast");
    log.info({ event: "store.embedded_stopped" }, "embedded postgresql stopped");
  } catch (error) {
    log.debug({ event: "store.embedded_not_stopped", err: error }, "embedded postgresql could not be asked to stop");
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
