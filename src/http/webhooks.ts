import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../lib/log.ts";
import { bodyOf } from "../lib/request-body.ts";
import { createHttpAddresses, type HttpAddresses, type Served } from "./addresses.ts";

/** What one sender posts to, and what happens with it. */
export interface WebhookRoute {
  /** `/pagerduty/webhook`, compared as it is. */
  readonly path: string;
  /** Longer bodies are refused and not read to their end. */
  readonly bodyBytes: number;
  /** What can be refused by its headers alone: a status. Null: the body is read. */
  readonly refuse?: (delivery: Omit<Delivery, "raw">) => number | null;
  /** Answered with this status once it resolves, so whatever has to be durable is so by then. A rejection is answered with 503. */
  readonly receive: (delivery: Delivery) => Promise<number>;
}

export interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
  readonly from: string | undefined;
}

export interface WebhooksOptions {
  readonly port: number;
  readonly host: string;
  readonly routes: readonly WebhookRoute[];
  readonly log: Logger;
  /** Absent: they are served by themselves. */
  readonly http?: HttpAddresses;
}

/** What is being received is written down within moments; what was not answered is sent again. */
const DRAIN_MS = 500;

/** What monitoring and PagerDuty post to, at one address. Knows no sender: each route does. */
export async function serveWebhooks(options: WebhooksOptions): Promise<Pick<Served, "port" | "close">> {
  const { log, routes, host, port, http = createHttpAddresses(log) } = options;
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const status = await take(request, routes).catch((error) => {
      log.warn({ event: "webhook.not_received", err: error }, "a webhook was not received; its sender tries again");
      return 503;
    });
    if (response.destroyed) return;
    // What was not read to its end is not read on.
    const unread = status === 413 || !request.complete;
    response.writeHead(status, unread ? { connection: "close" } : {}).end();
    if (unread) request.destroy();
  };
  const served = await http.serve({ address: { host, port }, paths: routes.map(({ path }) => path), listener });
  return { port: served.port, close: () => served.close(DRAIN_MS) };
}

async function take(request: IncomingMessage, routes: readonly WebhookRoute[]): Promise<number> {
  const path = (request.url ?? "").split("?")[0];
  const route = routes.find((one) => one.path === path);
  if (route === undefined) return 404;
  if (request.method !== "POST") return 405;
  const { headers } = request;
  const from = request.socket.remoteAddress;
  const refused = route.refuse?.({ headers, from }) ?? null;
  if (refused !== null) return refused;
  const raw = await bodyOf(request, route.bodyBytes);
  return raw === null ? 413 : await route.receive({ headers, raw, from });
}
