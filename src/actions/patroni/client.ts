import { request as plain } from "node:http";
import { request as secure } from "node:https";
import { isIP, Socket } from "node:net";
import { z } from "zod";
import { allowedAddresses } from "../../lib/address.ts";
import { withDeadline } from "../../lib/deadline.ts";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";

const apiUrl = z.url({ protocol: /^https?$/ });

/** A Patroni cluster as a runbook names it: the REST API of every member, and a login on its PostgreSQL to look with. */
export const clusterInput = z
  .strictObject({
    /** `scope` in Patroni's configuration. */
    name: z.string().min(1).max(63),
    /** REST API of each member by the name Patroni gives it: `node1: http://10.0.0.5:8008`. */
    api: z.record(z.string().min(1), apiUrl).optional(),
    /** The same as a list, for names that are variables. */
    members: z.array(z.strictObject({ name: z.string().min(1), url: apiUrl })).optional(),
    /** Patroni's `restapi.authentication`, for what changes something. */
    login: z.strictObject({ user: z.string().min(1), passwordFrom: z.string().min(1) }).optional(),
    /** A PostgreSQL login with `pg_monitor`; addresses come from Patroni. */
    database: z.strictObject({
      user: z.string().min(1),
      passwordFrom: z.string().min(1),
      name: z.string().min(1).default("postgres"),
      tls: z.enum(["verify", "encrypt", "off"]).default("off"),
    }),
  })
  .refine(({ api, members }) => (api === undefined) !== (members === undefined), "needs either api or members")
  .transform(({ api, members = [], ...rest }) => ({
    ...rest,
    api: api ?? Object.fromEntries(members.map(({ name, url }) => [name, url])),
  }));
export type Cluster = z.infer<typeof clusterInput>;

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const LOOK_SECONDS = 3;
const CONNECT_SECONDS = 2;
const BYTES_MAX = 1024 * 1024;

export async function ask(ctx: ReadContext, base: string, path: string): Promise<Answer> {
  return await send(ctx, { base, path, method: "GET", seconds: LOOK_SECONDS });
}

/**
 * One request that changes something, with the cluster's own login. An answer other than 200 rejects with what Patroni
 * said; "status unknown" is treated as no answer at all.
 */
export async function command(
  ctx: ReadContext,
  cluster: Cluster,
  request: { readonly base: string; readonly method: "POST" | "PATCH"; readonly path: string; readonly body: object },
  seconds: number,
): Promise<Answer> {
  const { login } = cluster;
  const token = login && Buffer.from(`${login.user}:${ctx.secret(login.passwordFrom)}`).toString("base64");
  const answer = await send(ctx, { ...request, seconds, ...(token ? { authorization: `Basic ${token}` } : {}) });
  if (answer.status === 200) return answer;
  throw new LifeboatError({
    code: /status unknown/i.test(answer.text) ? "deadline" : "patroni-refused",
    where: cluster.name,
    what: `Patroni answered ${answer.status}: ${answer.text.trim().slice(0, 300) || "nothing"}`,
  });
}

interface Sending {
  readonly base: string;
  readonly path: string;
  readonly method: string;
  readonly body?: object;
  readonly authorization?: string;
  readonly seconds: number;
}

/** The name is resolved first, only an allowed address is connected to, and nothing is sent twice. */
async function send(ctx: ReadContext, { base, path, method, body, authorization, seconds }: Sending): Promise<Answer> {
  const target = new URL(path, base);
  return await withDeadline(
    `${method} ${target.origin}${target.pathname}`,
    seconds,
    async (signal) => {
      const [address] = await allowedAddresses(target.hostname, { practice: ctx.practice, signal });
      const name = target.hostname.replace(/^\[|\]$/g, "");
      const https = target.protocol === "https:";
      const text = body === undefined ? "" : JSON.stringify(body);
      return await new Promise<Answer>((resolve, reject) => {
        const request = (https ? secure : plain)({
          host: address,
          port: target.port === "" ? (https ? 443 : 80) : Number(target.port),
          path: target.pathname,
          method,
          headers: {
            host: target.host,
            "user-agent": "lifeboat",
            connection: "close",
            ...(body === undefined
              ? {}
              : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
            ...(authorization ? { authorization } : {}),
          },
          agent: false,
          signal,
          ...(https && !isIP(name) ? { servername: name } : {}),
        });
        request.on("error", reject);
        request.on("response", (response) => {
          let said = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            said += chunk;
            if (said.length > BYTES_MAX) request.destroy(new Error("Patroni said more than 1 MiB"));
          });
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text: said }));
          response.on("error", reject);
        });
        request.end(text);
      });
    },
    ctx.signal,
  );
}

export interface Place {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** One short-lived session on a member's PostgreSQL. */
export async function query<Row>(
  ctx: ReadContext,
  { database }: Cluster,
  place: Place,
  statements: readonly string[],
): Promise<readonly Row[]> {
  const password = ctx.secret(database.passwordFrom);
  const { default: pg } = await import("pg");
  return await withDeadline(
    `${place.name} (${place.host}:${place.port})`,
    LOOK_SECONDS + CONNECT_SECONDS,
    async (signal) => {
      const [host] = await allowedAddresses(place.host, { practice: ctx.practice, signal });
      const socket = new Socket();
      const client = new pg.Client({
        host: host as string,
        port: place.port,
        user: database.user,
        password,
        database: database.name,
        application_name: "lifeboat",
        connectionTimeoutMillis: CONNECT_SECONDS * 1000,
        statement_timeout: LOOK_SECONDS * 1000,
        query_timeout: LOOK_SECONDS * 1000 + 250,
        stream: () => socket,
        ssl:
          database.tls === "off"
            ? false
            : {
                rejectUnauthorized: database.tls === "verify",
                ...(isIP(place.host) ? {} : { servername: place.host }),
              },
      });
      client.on("error", (error) =>
        ctx.log.debug({ event: "action.session_ended", error: messageOf(error) }, "a session with a target ended"),
      );
      const cut = () => socket.destroy();
      signal.addEventListener("abort", cut, { once: true });
      try {
        await client.connect();
        let rows: Row[] = [];
        for (const statement of statements) rows = (await client.query(statement)).rows as Row[];
        return rows;
      } finally {
        signal.removeEventListener("abort", cut);
        cut();
      }
    },
    ctx.signal,
  );
}

/** A forbidden address is no observation and is thrown; everything else is why there was no answer. */
export function whyNot(error: unknown): string {
  if (error instanceof LifeboatError && error.problem.code !== "deadline") throw error;
  return messageOf(error) || String((error as { code?: unknown }).code ?? "no answer");
}

export function resourceOf({ api }: Cluster): readonly string[] {
  return Object.values(api)
    .map((base) => `patroni:${new URL(base).host.toLowerCase()}`)
    .sort();
}
