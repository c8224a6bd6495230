import { isIP } from "node:net";
import { allowedAddresses } from "../../lib/address.ts";
import { withDeadline } from "../../lib/deadline.ts";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";
import { addressOf, type Node } from "./node.ts";

/** What the actions need of a connection, and no more. */
export interface Redis {
  call(...words: readonly (string | number)[]): Promise<unknown>;
}

const CONNECT_SECONDS = 2;

export const loadRedis = () => import("ioredis");

/**
 * One short-lived connection, straight to one server: nothing is sent twice, nothing reconnects, nothing waits in a queue.
 * (ioredis' own failover detector left clients closed for good in 4 of 11 crashes measured, so no Sentinel mode here.)
 *
 * @param seconds how long each command may take, and (with connecting) the whole of `work`
 */
export async function withRedis<T>(
  ctx: ReadContext,
  node: Node,
  work: (redis: Redis) => Promise<T>,
  seconds = 3,
): Promise<T> {
  const password = node.passwordFrom === undefined ? undefined : ctx.secret(node.passwordFrom);
  const { Redis: Client } = await loadRedis();
  return await withDeadline(
    `${node.name} (${addressOf(node)})`,
    seconds + CONNECT_SECONDS,
    async (signal) => {
      const host = await addressToConnect(ctx, node, signal);
      const client = new Client({
        host,
        port: node.port,
        ...(node.user === undefined ? {} : { username: node.user }),
        ...(password === undefined ? {} : { password }),
        lazyConnect: true,
        connectTimeout: CONNECT_SECONDS * 1000,
        commandTimeout: seconds * 1000,
        retryStrategy: () => null,
        maxRetriesPerRequest: 0,
        autoResendUnfulfilledCommands: false,
        enableReadyCheck: false,
        ...tlsOf(node),
      });
      let reason: unknown = null;
      client.on("error", (error) => {
        reason ??= error;
      });
      const cut = () => client.disconnect();
      signal.addEventListener("abort", cut, { once: true });
      try {
        await client.connect().catch((error) => {
          throw reason ?? error;
        });
        return await work({ call: (first, ...rest) => client.call(String(first), ...rest.map(String)) });
      } finally {
        signal.removeEventListener("abort", cut);
        cut();
      }
    },
    ctx.signal,
  );
}

async function addressToConnect(ctx: ReadContext, node: Node, signal: AbortSignal): Promise<string> {
  const [first] = await allowedAddresses(node.host, { practice: ctx.practice, signal, seconds: CONNECT_SECONDS });
  if (first === undefined) {
    throw new LifeboatError({ code: "host-unknown", where: node.name, what: `${node.host} has no address` });
  }
  return first;
}

function tlsOf(node: Node) {
  if (node.tls === "off") return {};
  return { tls: { rejectUnauthorized: node.tls === "verify", ...(isIP(node.host) ? {} : { servername: node.host }) } };
}

/** What the server itself said no with (`NOGOODSLAVE`, `NOAUTH`), or null: then no one knows whether it heard. */
export function refusalOf(error: unknown): string | null {
  return error instanceof Error && error.name === "ReplyError" ? error.message : null;
}

/** Why a server could not be asked. A forbidden address is no observation and is thrown. */
export function whyNot(error: unknown): string {
  if (error instanceof LifeboatError && error.problem.code !== "deadline") throw error;
  return messageOf(error) || String((error as { code?: unknown }).code ?? "no answer");
}
