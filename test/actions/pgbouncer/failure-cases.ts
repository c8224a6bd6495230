import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { createHost, type DatabaseHost } from "../../../practice/environment/database.ts";
import {
  PGBOUNCER_PACKAGES,
  PGBOUNCER_PROGRAMS,
  type PracticePgBouncer,
  startPgBouncer,
} from "../../../practice/targets/pgbouncer/index.ts";
import { sha256 } from "../../../src/lib/canonical.ts";
import { actionHarness } from "../../support/action-harness.ts";
import { asked, type CaseFixture, type FailureCase, type FailureSuite, struck } from "../../support/failure-case.ts";
import { type FaultProxy, openFaultProxy, pgComplete, pgError } from "../fault-proxy.ts";

const passwords = { owner: "owner-secret", replicator: "replicator-secret" };
export const secrets = { POOL_PASSWORD: passwords.owner };

/** Two real PostgreSQL servers behind a real PgBouncer. */
export interface Pool {
  readonly primary: DatabaseHost;
  readonly standby: DatabaseHost;
  readonly bouncer: PracticePgBouncer;
  pool(port?: number): object;
  leadTo(host: DatabaseHost, port?: number): { script: object; [key: string]: unknown };
  close(): Promise<unknown>;
}

let folder: string;
let stand: Pool;
/** For the tests beside these. */
export const opened = () => stand;

export async function run(host: DatabaseHost, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(host.url());
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

async function open(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-pool-"));
  await chmod(folder, 0o711);
  const primary = await createHost("pool-a", folder, passwords);
  const standby = await createHost("pool-b", folder, passwords);
  await primary.create();
  await primary.start();
  await run(primary, `create role replicator replication login password '${passwords.replicator}'`);
  await run(primary, "create table written (id bigint primary key)");
  await standby.follow(primary);
  const bouncer = await startPgBouncer({
    database: "app",
    target: { host: "127.0.0.1", port: primary.port, database: "postgres" },
    login: { user: "postgres", password: passwords.owner },
  });
  const path = fileURLToPath(new URL("./repoint.mjs", import.meta.url));
  const script = { name: "repoint", path, sha256: sha256(await readFile(path)), environment: [] };
  const pool = (port = bouncer.port) => ({
    name: "pool",
    host: "127.0.0.1",
    port,
    user: "postgres",
    passwordFrom: "POOL_PASSWORD",
    database: "app",
  });
  stand = {
    primary,
    standby,
    bouncer,
    pool,
    leadTo: (host, port) => ({
      pool: pool(port),
      to: { host: "127.0.0.1", port: host.port },
      script,
      arguments: [bouncer.configuration],
    }),
    async close() {
      await bouncer.stop();
      await Promise.all([primary.kill(), standby.kill()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const harness = actionHarness(secrets);
const isPaused = async () => (await harness.look("pgbouncer.resume", { pool: stand.pool() })).facts.paused as boolean;
const leadsTo = async () => (await harness.look("pgbouncer.resume", { pool: stand.pool() })).facts.target;

/** Serving, and leading to the primary. */
async function home(): Promise<void> {
  if (await isPaused()) await harness.perform("resume", "pgbouncer.resume", { pool: stand.pool() });
  await harness.perform("home", "pgbouncer.repoint", stand.leadTo(stand.primary));
}

/** Over a wire that knows the words of the command. A database that is not served is another PgBouncer's. */
function overWire(
  action: string,
  words: string,
  scene: (way: FaultProxy) => Promise<Pick<CaseFixture, "input" | "holds" | "byHand" | "wrong" | "blocks">>,
  more: Omit<FailureCase, "action" | "begin"> = {},
): FailureCase {
  return {
    action,
    seconds: { hanging: 1 },
    ...more,
    async begin() {
      await home();
      const way = await openFaultProxy(stand.bouncer.port, {
        changes: (text) => text.includes(words),
        no: pgError("08P01", "refused by the test"),
        yes: pgComplete(words.split(" ")[0] ?? ""),
      });
      const own = await scene(way);
      const input = own.input as { pool: object };
      return {
        ...own,
        secrets,
        ...struck(way),
        other: () => asked({ ...input, pool: { ...input.pool, database: "nowhere" } }),
        close: () => way.close(),
      };
    },
  };
}

const ANY = "every PgBouncer that serves the database may be told so; one that does not is another target";

const pause = overWire(
  "pgbouncer.pause",
  "PAUSE app",
  async (way) => ({
    input: { pool: stand.pool(way.port) },
    holds: isPaused,
    byHand: () => harness.perform("by-hand", "pgbouncer.pause", { pool: stand.pool() }),
  }),
  {
    absolute: "a pause whose answer did not come is taken back before it is asked for again",
    instead: { "wrong state": ANY },
  },
);

const resume = overWire(
  "pgbouncer.resume",
  "RESUME app",
  async (way) => {
    await harness.perform("pause", "pgbouncer.pause", { pool: stand.pool() });
    return {
      input: { pool: stand.pool(way.port) },
      holds: async () => !(await isPaused()),
      byHand: () => harness.perform("by-hand", "pgbouncer.resume", { pool: stand.pool() }),
    };
  },
  { instead: { "wrong state": ANY } },
);

const repoint = overWire("pgbouncer.repoint", "RELOAD", async (way) => {
  await harness.perform("pause", "pgbouncer.pause", { pool: stand.pool() });
  const input = stand.leadTo(stand.standby, way.port);
  return {
    input,
    holds: async () => (await leadsTo()) === `127.0.0.1:${stand.standby.port}`,
    byHand: () => harness.perform("by-hand", "pgbouncer.repoint", stand.leadTo(stand.standby)),
    async wrong() {
      const path = join(folder, "edited.mjs");
      await copyFile((input.script as { path: string }).path, path);
      await writeFile(path, "// edited\n", { flag: "a" });
      return asked({ ...input, script: { ...input.script, path } });
    },
    blocks: "script.unchanged",
  };
});

export const suite: FailureSuite = {
  needs: { programs: PGBOUNCER_PROGRAMS, packages: PGBOUNCER_PACKAGES },
  open,
  close: () => stand?.close(),
  cases: [pause, resume, repoint],
};
