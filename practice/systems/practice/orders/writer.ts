import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { messageOf } from "../../../../src/lib/errors.ts";
import type { Target } from "../../../environment/database.ts";
import type { Ledger } from "./ledger.ts";
import type { Meter } from "./meter.ts";

export interface WriterOptions {
  readonly target: Target;
  readonly password: string;
  readonly perSecond: number;
  readonly database: string;
  readonly ledger: Ledger;
  readonly meter: Meter;
}

export interface Writer {
  start(): void;
  /** Sessions to the old target are closed; orders that are not acknowledged yet go to the new one. */
  repoint(target: Target): void;
  readonly target: Target;
}

const SESSIONS = 2;
const RETRY_MILLISECONDS = 40;

/** Writes orders at a steady pace. An order keeps its id until it is acknowledged, as a shop that must not lose one does. */
export function createWriter(options: WriterOptions): Writer {
  let target = options.target;
  let lastId = Date.now() * 1000;
  const pace = (SESSIONS * 1000) / options.perSecond;

  async function session(): Promise<void> {
    let client: pg.Client | null = null;
    let connectedTo: Target | null = null;
    const hangUp = () => {
      client?.end().catch(() => {});
      client = null;
    };
    for (;;) {
      const id = String(++lastId);
      const started = performance.now();
      for (let written = false; !written; ) {
        try {
          if (connectedTo !== target) hangUp();
          if (client === null) {
            connectedTo = target;
            client = await connect(target, options);
          }
          await client.query(
            "insert into orders (id, placed_at, cents) values ($1, now(), $2) on conflict (id) do nothing",
            [id, 100 + Math.floor(Math.random() * 9900)],
          );
          options.ledger.add(id, Date.now());
          options.meter.acknowledged();
          written = true;
        } catch (error) {
          options.meter.failed(sayFailure(error));
          hangUp();
          await sleep(RETRY_MILLISECONDS);
        }
      }
      await sleep(Math.max(0, pace - (performance.now() - started)));
    }
  }

  return {
    start() {
      for (let i = 0; i < SESSIONS; i++) setTimeout(session, (i * pace) / SESSIONS);
    },
    repoint(next) {
      target = next;
    },
    get target() {
      return target;
    },
  };
}

async function connect(target: Target, { password, database }: WriterOptions): Promise<pg.Client> {
  const client = new pg.Client({
    host: target.host,
    port: target.port,
    database,
    user: "app",
    password,
    application_name: "orders",
    connectionTimeoutMillis: 500,
    query_timeout: 1000,
    statement_timeout: 1000,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.end().catch(() => {});
    throw error;
  }
}

function sayFailure(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" ? `${messageOf(error)} [${code}]` : messageOf(error);
}
