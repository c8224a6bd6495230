import { isIP, Socket } from "node:net";
import { z } from "zod";
import { allowedAddresses } from "../../lib/address.ts";
import { withDeadline } from "../../lib/deadline.ts";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";

/** One PgBouncer and one of the databases it serves. The login is one of its `admin_users`. */
export const poolInput = z.strictObject({
  name: z.string().min(1).max(63),
  host: z.string().min(1),
  port: z.number().int().min(1).max(65535).default(6432),
  user: z.string().min(1),
  passwordFrom: z.string().min(1),
  /** The name clients connect to, as in `[databases]`. It is part of a command, so it is a plain word. */
  database: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/),
  tls: z.enum(["verify", "encrypt", "off"]).default("off"),
});
export type Pool = z.infer<typeof poolInput>;

/** How a database of a PgBouncer is now. Plain JSON. */
export type PoolView =
  | { readonly answers: false; readonly why: string }
  | {
      readonly answers: true;
      readonly known: boolean;
      readonly target: string | null;
      readonly paused: boolean;
      /** Server connections in the middle of a transaction. */
      readonly busy: number;
      readonly waiting: number;
      readonly clients: number;
      /** Seconds a client waits while paused before it is sent away with an error; 0: for ever. */
      readonly waitSecondsMax: number;
    };

export interface Admin {
  /** Simple protocol, no parameters: with parameters PgBouncer's admin console breaks the connection. */
  run(command: string): Promise<readonly Record<string, unknown>[]>;
}

const CONNECT_SECONDS = 2;

export async function withAdmin<T>(
  ctx: ReadContext,
  pool: Pool,
  work: (admin: Admin) => Promise<T>,
  seconds = 3,
): Promise<T> {
  const password = ctx.secret(pool.passwordFrom);
  const { default: pg } = await import("pg");
  return await withDeadline(
    `${pool.name} (${pool.host}:${pool.port})`,
    seconds + CONNECT_SECONDS,
    async (signal) => {
      const [host] = await allowedAddresses(pool.host, { practice: ctx.practice, signal });
      const socket = new Socket();
      const client = new pg.Client({
        host: host as string,
        port: pool.port,
        user: pool.user,
        password,
        database: "pgbouncer",
        connectionTimeoutMillis: CONNECT_SECONDS * 1000,
        query_timeout: seconds * 1000,
        stream: () => socket,
        ssl:
          pool.tls === "off"
            ? false
            : { rejectUnauthorized: pool.tls === "verify", ...(isIP(pool.host) ? {} : { servername: pool.host }) },
      });
      client.on("error", (error) =>
        ctx.log.debug(
          { event: "action.session_ended", pool: pool.name, error: messageOf(error) },
          "a session with a target ended",
        ),
      );
      const cut = () => socket.destroy();
      signal.addEventListener("abort", cut, { once: true });
      try {
        await client.connect();
        return await work({ run: async (command) => (await client.query(command)).rows as Record<string, unknown>[] });
      } finally {
        signal.removeEventListener("abort", cut);
        cut();
      }
    },
    ctx.signal,
  );
}

/** That it does not answer, or refuses, is an observation. A forbidden address is thrown. */
export async function lookAtPool(ctx: ReadContext, pool: Pool): Promise<PoolView> {
  try {
    return await withAdmin(ctx, pool, (admin) => lookThrough(admin, pool));
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (error instanceof LifeboatError && error.problem.code !== "deadline") throw error;
    return { answers: false, why: messageOf(error) || String((error as { code?: unknown }).code) };
  }
}

async function lookThrough(admin: Admin, { database }: Pool): Promise<PoolView> {
  const databases = await admin.run("SHOW DATABASES");
  const pools = (await admin.run("SHOW POOLS")).filter((row) => row.database === database);
  const settings = await admin.run("SHOW CONFIG");
  const row = databases.find((one) => one.name === database);
  const sum = (column: string) => pools.reduce((total, one) => total + Number(one[column] ?? 0), 0);
  return {
    answers: true,
    known: row !== undefined,
    target: row ? `${row.host}:${row.port}` : null,
    paused: Number(row?.paused) === 1,
    busy: sum("sv_active"),
    waiting: sum("cl_waiting"),
    clients: sum("cl_active") + sum("cl_waiting"),
    waitSecondsMax: Number(settings.find((one) => one.key === "query_wait_timeout")?.value ?? 0),
  };
}

export function resourceOf({ host, port, database }: Pool): string {
  return `pgbouncer:${host.toLowerCase()}:${port}/${database}`;
}

export function answers(seen: PoolView, pool: Pool): Check {
  const ok = seen.answers && seen.known;
  return {
    id: "pool.answers",
    level: "block",
    ok,
    says: ok
      ? `${pool.name} answers and serves ${pool.database}.`
      : seen.answers
        ? `${pool.name} serves no database ${pool.database}.`
        : `${pool.name} does not answer: ${seen.why}.`,
  };
}

export function factsOf(seen: PoolView): Fact[] {
  return [
    { id: "poolReachable", label: "PgBouncer answers", value: seen.answers, material: true },
    { id: "target", label: "Leads to", value: seen.answers ? seen.target : null, material: false },
    { id: "paused", label: "Paused", value: seen.answers ? seen.paused : null, material: false },
    { id: "clients", label: "Clients", value: seen.answers ? seen.clients : null, material: false },
  ];
}

export function sayPool(seen: PoolView | null): string {
  if (seen === null) return "It was not looked at";
  if (!seen.answers) return `It does not answer (${seen.why})`;
  return `It leads to ${seen.target}, is ${seen.paused ? "paused" : "not paused"}, ${seen.busy} transactions are open and ${seen.waiting} clients wait`;
}
