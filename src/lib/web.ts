import { request as plain } from "node:http";
import { request as secure } from "node:https";
import { allowedAddresses, refusePort } from "./address.ts";
import { withDeadline } from "./deadline.ts";
import { LifeboatError } from "./errors.ts";

export interface WebAnswer {
  readonly status: number;
  readonly body: string;
  /** True when there was more than `bytesMax` and the rest was not read. */
  readonly cut: boolean;
  readonly milliseconds: number;
}

export interface WebRule {
  readonly practice: boolean;
  readonly seconds: number;
  readonly bytesMax?: number;
  readonly signal?: AbortSignal;
}

/**
 * One GET, as a probe makes it: the name is resolved first and only an allowed address is connected to, redirects are
 * answers and not followed, the body is capped and everything together has one deadline. Rejects when nothing answers.
 */
export async function get(url: string, rule: WebRule): Promise<WebAnswer> {
  return await exchange(url, { method: "GET", headers: {} }, rule);
}

/** One POST, by the same rules, sent once: to one address, whatever becomes of it. */
export async function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  rule: WebRule,
): Promise<WebAnswer> {
  return await exchange(url, { method: "POST", headers, body }, rule);
}

interface Sent {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function exchange(url: string, sent: Sent, rule: WebRule): Promise<WebAnswer> {
  const target = checkedUrl(url);
  return await withDeadline(
    // Where things are posted to, the path often is the secret: only the host is said.
    sent.method === "POST" ? `POST ${target.host}` : `GET ${target.origin}${target.pathname}`,
    rule.seconds,
    async (signal) => {
      const addresses = await allowedAddresses(target.hostname, { practice: rule.practice, signal });
      for (const address of addresses) refusePort(target.host, address, portOf(target));
      let last: unknown;
      for (const address of addresses) {
        try {
          return await exchangeWith(address, target, sent, rule.bytesMax ?? 256 * 1024, signal);
        } catch (error) {
          last = error;
          // What may have arrived is not sent again.
          if (signal.aborted || (sent.method === "POST" && !isUnconnected(error))) break;
        }
      }
      throw last;
    },
    rule.signal,
  );
}

function checkedUrl(url: string): URL {
  const target = new URL(url);
  if (target.protocol !== "http:" && target.protocol !== "https:") {
    throw new LifeboatError({ code: "url-scheme", what: `${target.protocol} is not probed`, allowed: "http or https" });
  }
  if (target.username !== "" || target.password !== "") {
    throw new LifeboatError({ code: "url-credentials", what: "A probed address carries no user name and no password" });
  }
  return target;
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

/** Nothing was sent: no one is there, or there is no way to them. */
export function isUnconnected(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === "connect" || syscall === "getaddrinfo" || code === "ECONNREFUSED" || code === "ENOTFOUND";
}

function exchangeWith(
  address: string,
  target: URL,
  { method, headers, body }: Sent,
  bytesMax: number,
  signal: AbortSignal,
): Promise<WebAnswer> {
  const started = performance.now();
  const https = target.protocol === "https:";
  const name = target.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const request = (https ? secure : plain)({
      host: address,
      port: portOf(target),
      path: `${target.pathname}${target.search}`,
      method,
      headers: {
        host: target.host,
        "user-agent": "lifeboat",
        accept: "*/*",
        connection: "close",
        ...headers,
        ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
      },
      agent: false,
      signal,
      ...(https && name !== address ? { servername: name } : {}),
    });
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (cut: boolean) =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).subarray(0, bytesMax).toString("utf8"),
          cut,
          milliseconds: Math.round(performance.now() - started),
        });
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size <= bytesMax) return;
        finish(true);
        request.destroy();
      });
      response.on("end", () => finish(false));
      response.on("error", reject);
    });
    request.end(body);
  });
}
