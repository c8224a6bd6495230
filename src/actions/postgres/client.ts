import { isIP, Socket } from "node:net";
import { allowedAddresses, kindOfAddress } from "../../lib/address.ts";
import { withDeadline } from "../../lib/deadline.ts";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";
import { addressOf, type Node } from "./node.ts";

/** What the actions need of a connection, and no more. */
export interface Database {
  query<Row>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/** How our own sessions are told from the application's. */
export const OUR_SESSIONS = "lifeboat";

const CONNECT_SECONDS = 2.5;
const END_SECONDS = 0.5;

/**
 * One short-lived session. Connecting, every statement and the whole have a deadline, and the socket is ours to cut: a
 * server that accepts and says nothing costs `CONNECT_SECONDS` and no more.
 *
 * @param seconds how long each statement may take, and (with connecting) the whole of `work`
 */
export async function withNode<T>(
  ctx: ReadContext,
  node: Node,
  work: (db: Database) => Promise<T>,
  seconds = 5,
): Promise<T> {
  const password = ctx.secret(node.passwordFrom);
  const { default: pg } = await import("pg");
  return await withDeadline(
    `${node.name} (${addressOf(node)})`,
    seconds + CONNECT_SECONDS,
    async (signal) => {
      const address = await addressToConnect(ctx, node, signal);
      const socket = new Socket();
      const client = new pg.Client({
        host: address,
        port: node.port,
        database: node.database,
        user: node.user,
        password,
        application_name: OUR_SESSIONS,
        connectionTimeoutMillis: CONNECT_SECONDS * 1000,
        statement_timeout: seconds * 1000,
        query_timeout: seconds * 1000 + 250,
        stream: () => socket,
        ssl: tlsOf(node, address),
      });
      client.on("error", (error) =>
        ctx.log.debug(
          { event: "action.session_ended", node: node.name, error: messageOf(error) },
          "a session with a target ended",
        ),
      );
      const cut = () => socket.destroy();
      signal.addEventListener("abort", cut, { once: true });
      try {
        await client.connect();
        const db: Database = {
          query: async <Row>(sql: string, values: readonly unknown[] = []) =>
            (await client.query(sql, [...values])).rows as Row[],
        };
        await refuseOther(db, node);
        return await work(db);
      } finally {
        signal.removeEventListener("abort", cut);
        const hardEnd = setTimeout(cut, END_SECONDS * 1000);
        await client.end().catch(() => {});
        clearTimeout(hardEnd);
        cut();
      }
    },
    ctx.signal,
  );
}

/** The address is the plan's and the server behind it is not: nothing it says or takes is meant for this plan. */
class OtherCluster extends LifeboatError {
  readonly found: string;
  constructor(node: Node, found: string) {
    const what = `Another cluster answers at ${addressOf(node)}: its system identifier is ${found}, and the plan is for ${node.systemIdentifier}`;
    super({
      code: "other-cluster",
      where: node.name,
      what,
      stateNow: "Nothing was read or changed there",
      next: `Correct the address or the system identifier of ${node.name}`,
    });
    this.found = found;
  }
}

async function refuseOther(db: Database, node: Node): Promise<void> {
  if (node.systemIdentifier === undefined) return;
  const [row] = await db.query<{ id: string }>("select system_identifier::text as id from pg_control_system()");
  if (row?.id !== node.systemIdentifier) throw new OtherCluster(node, row?.id ?? "unknown");
}

async function addressToConnect(ctx: ReadContext, node: Node, signal: AbortSignal): Promise<string> {
  const [first] = await allowedAddresses(node.host, { practice: ctx.practice, signal, seconds: CONNECT_SECONDS });
  if (first === undefined) {
    throw new LifeboatError({ code: "host-unknown", where: node.name, what: `${node.host} has no address` });
  }
  return first;
}

function tlsOf(node: Node, address: string): false | { rejectUnauthorized: boolean; servername?: string } {
  const wanted = node.tls ?? (kindOfAddress(address) === "loopback" ? "off" : "verify");
  if (wanted === "off") return false;
  return { rejectUnauthorized: wanted === "verify", ...(isIP(node.host) ? {} : { servername: node.host }) };
}

/** Why a node could not be asked: no one there (or silent), or someone there who would not let us in. */
export interface NoAnswer {
  readonly kind: "unreachable" | "refused";
  readonly why: string;
  /** Someone answers, and is of another cluster than the plan's: its system identifier. */
  readonly otherCluster?: string;
}

// 57P03: starting up or shutting down; 57P01/57P02: the session was ended by a shutdown or a crash; 08*: connection lost.
const GONE_STATES = /^(57P0[1-3]|08)/;
const GONE_ERRORS = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
]);

/** Tells "it does not answer" from "it answers and refuses"; anything else is no observation and is thrown. */
export function asNoAnswer(error: unknown): NoAnswer {
  if (error instanceof OtherCluster) return { kind: "refused", why: error.problem.what, otherCluster: error.found };
  if (error instanceof LifeboatError) {
    if (error.problem.code === "deadline") return { kind: "unreachable", why: error.problem.what };
    throw error;
  }
  const code = String((error as { code?: unknown }).code ?? "");
  const why = whyOf(error, code);
  if (GONE_ERRORS.has(code) || GONE_STATES.test(code) || GONE_MESSAGES.test(messageOf(error))) {
    return { kind: "unreachable", why };
  }
  if (/^[0-9A-Z]{5}$/.test(code) || /SCRAM|SASL|password|SSL|certificate/i.test(messageOf(error))) {
    return { kind: "refused", why };
  }
  throw error;
}

/** Node's "connect ECONNREFUSED 10.0.0.1:5432" in words; anything else as it was said, with its code for looking it up. */
function whyOf(error: unknown, code: string): string {
  const said = messageOf(error);
  const refused = /^connect ECONNREFUSED (\S+)$/.exec(said);
  if (refused) return `nothing listens at ${refused[1]}`;
  return code === "" || said.includes(code) ? said : `${said} [${code}]`;
}

// What pg says without a code.
const GONE_MESSAGES = /timeout|Connection terminated|connection (was )?(ended|closed)|Query read timeout/i;

export function sqlStateOf(error: unknown): string | null {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" ? code : null;
}
