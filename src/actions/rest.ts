import { type ClientRequest, type IncomingMessage, request as plain, type RequestOptions } from "node:http";
import { request as secure } from "node:https";
import { allowedAddresses, kindOfAddress, refusePort } from "../lib/address.ts";
import { withDeadline } from "../lib/deadline.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { ReadContext } from "./contract.ts";

/** An HTTP API an action speaks to without an SDK: over a socket of this machine, or over the network. */
export interface RestTarget {
  /** `http://127.0.0.1:15672`, or anything with a `socket`. */
  readonly url: string;
  readonly socket?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM texts. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

export interface RestCall {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly json?: unknown;
  readonly bytes?: Buffer;
  readonly seconds?: number;
}

export interface RestAnswer {
  readonly status: number;
  readonly bytes: Buffer;
  /** What it says of itself in `Lifeboat-Contract`; null: nothing. */
  readonly contract: string | null;
}

const BYTES_MAX = 64 * 1024 * 1024;
const SECONDS = 5;

/**
 * One request, sent once: the name is resolved first and only an allowed address is connected to, nothing is followed or
 * repeated, and everything together has one deadline. Rejects when nothing answers; a refusal is an answer.
 */
export async function ask(ctx: ReadContext, target: RestTarget, call: RestCall): Promise<RestAnswer> {
  const method = call.method ?? "GET";
  return await withDeadline(
    `${method} ${call.path.split("?")[0]}`,
    call.seconds ?? SECONDS,
    async (signal) => {
      const base = new URL(target.url);
      const [address] = target.socket
        ? [undefined]
        : await allowedAddresses(base.hostname, { practice: ctx.practice, signal });
      refuseOpen(base, address);
      if (address !== undefined) refusePort(base.host, address, portOf(base));
      const bytes = call.bytes ?? (call.json === undefined ? undefined : Buffer.from(JSON.stringify(call.json)));
      const type = call.bytes ? "application/octet-stream" : "application/json";
      return await send(
        base,
        {
          method,
          path: base.pathname.replace(/\/$/, "") + call.path,
          headers: {
            host: target.socket ? "localhost" : base.host,
            accept: "application/json",
            "user-agent": "lifeboat",
            connection: "close",
            ...(bytes ? { "content-type": type, "content-length": String(bytes.length) } : {}),
            ...target.headers,
          },
          agent: false,
          signal,
          ...(target.socket ? { socketPath: target.socket } : { host: address, port: portOf(base) }),
          ...tlsOf(base, target),
        },
        bytes,
      );
    },
    ctx.signal,
  );
}

/** The body of an answer as JSON; anything that is none rejects with what it began with. */
export function jsonOf<T>({ status, bytes }: RestAnswer): T {
  try {
    return JSON.parse(bytes.toString("utf8")) as T;
  } catch {
    throw new LifeboatError({
      code: "not-json",
      what: `What was answered (${status}) is no JSON: ${bytes.toString("utf8").slice(0, 200)}`,
    });
  }
}

/** `Authorization: Basic` for a login whose password is a secret of this name. */
export function basicLogin(ctx: ReadContext, login: { readonly user: string; readonly passwordFrom: string }) {
  const pair = `${login.user}:${ctx.secret(login.passwordFrom)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** Passwords and commands do not cross a network in the open. */
function refuseOpen({ protocol }: URL, address: string | undefined): void {
  if (protocol === "https:" || address === undefined || kindOfAddress(address) === "loopback") return;
  throw new LifeboatError({
    code: "url-not-encrypted",
    what: `${protocol}// is spoken to this machine only`,
    allowed: "https://, or a tunnel that ends on this machine",
    stateNow: "Nothing was sent",
  });
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

function tlsOf({ protocol, hostname }: URL, { tls }: RestTarget): RequestOptions & { servername?: string } {
  if (protocol !== "https:") return {};
  const name = hostname.replace(/^\[|\]$/g, "");
  return { ...tls, ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }) } as RequestOptions;
}

function send({ protocol }: URL, options: RequestOptions, bytes: Buffer | undefined): Promise<RestAnswer> {
  return new Promise((resolve, reject) => {
    const request: ClientRequest = (protocol === "https:" ? secure : plain)(options);
    request.on("error", reject);
    request.on("response", (response) => void bodyOf(response).then(resolve, reject));
    request.end(bytes);
  });
}

async function bodyOf(response: IncomingMessage): Promise<RestAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > BYTES_MAX) throw new LifeboatError({ code: "answer-too-long", what: "The answer is too long to read" });
  }
  const said = response.headers["lifeboat-contract"];
  const contract = typeof said === "string" ? said : null;
  return { status: response.statusCode ?? 0, bytes: Buffer.concat(chunks), contract };
}

/** Whether an error means that no one answered, so that no one can tell what became of a request. */
export function isSilence(error: unknown): boolean {
  if (error instanceof LifeboatError) return error.problem.code === "deadline";
  const code = String((error as { code?: unknown } | null)?.code ?? "");
  return /^(E[A-Z_]{4,}|ERR_TLS|CERT_|DEPTH_|UNABLE_)/.test(code) || /socket hang up/.test(messageOf(error));
}
