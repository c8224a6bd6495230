import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../../src/lib/errors.ts";

export interface Listening {
  readonly url: string;
  isOpen(): boolean;
  /** Also when it is closed already. */
  close(): Promise<void>;
}

export interface BalancerOptions {
  /** Addresses of the pods that are ready now. */
  pods(): readonly string[];
  /** While it is gone it answers no one. */
  isGone(): boolean;
  /** How long a pod is waited for. */
  readonly milliseconds: number;
}

/** What stands in front of a cluster: sends each request to a pod that is ready. */
export async function balancer({ pods, isGone, milliseconds }: BalancerOptions): Promise<Listening> {
  let turn = 0;
  return await listening(async (request, response) => {
    if (isGone()) return void request.socket.destroy();
    const ready = pods();
    const pod = ready[turn++ % Math.max(1, ready.length)];
    if (pod === undefined) return say(response, 503, { status: "unhealthy", why: "no pod is ready" });
    await forward(`${pod}${request.url}`, request, response, milliseconds);
  });
}

/** Passes a request on and its answer back; what does not answer in time is a 502. */
export async function forward(
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
  milliseconds: number,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    const answer = await fetch(url, {
      method: request.method ?? "GET",
      headers: passedOn(request),
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks).toString("utf8") } : {}),
      signal: AbortSignal.timeout(milliseconds),
    });
    response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
  } catch (error) {
    say(response, 502, { status: "unhealthy", why: messageOf(error) });
  }
}

const PASSED_ON = ["content-type", "authorization", "idempotency-key", "lifeboat-contract"];

function passedOn({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => (typeof headers[name] === "string" ? [[name, headers[name]]] : [])),
  );
}

/** Where it listens; left out, the system chooses a free port of loopback. */
export interface Place {
  readonly port?: number;
  /** Another address of loopback. */
  readonly host?: string;
  /** A socket of this machine instead of a port. */
  readonly socket?: string;
}

/** An HTTP server of practice on loopback. What an answer throws, or rejects with, cuts the connection. Rejects where it can't listen. */
export async function listening(
  answer: (...given: Parameters<RequestListener>) => void | Promise<void>,
  { port = 0, host = "127.0.0.1", socket }: Place = {},
): Promise<Listening> {
  const server: Server = createServer((request, response) => {
    void (async () => answer(request, response))().catch(() => response.destroy());
  });
  await new Promise<void>((open, failed) => {
    server.once("error", failed);
    if (socket === undefined) server.listen(port, host, open);
    else server.listen(socket, open);
  });
  return {
    url: socket === undefined ? `http://${host}:${(server.address() as AddressInfo).port}` : `unix://${socket}`,
    isOpen: () => server.listening,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export function say(response: ServerResponse, status: number, body: unknown): void {
  if (!response.headersSent) response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
