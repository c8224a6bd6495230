import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "../../lib/log.ts";
import { bodyOf } from "../../lib/request-body.ts";
import type { Inbox } from "../../timeline/contract.ts";
import { eventOf } from "./payload.ts";
import { isSigned } from "./signature.ts";

export interface ListenerOptions {
  readonly port: number;
  readonly host: string;
  readonly secrets: readonly string[];
  readonly inbox: Pick<Inbox, "receive">;
  readonly log: Logger;
  /** Something is in the inbox. */
  readonly received: () => void;
}

export const KIND = "pagerduty.event";
const PATH = "/pagerduty/webhook";
/** PagerDuty's own are a few kilobytes. */
const BODY_BYTES = 256 * 1024;
const HEADERS_MS = 5_000;
const REQUEST_MS = 10_000;

/** `POST /pagerduty/webhook`: checked over the raw bytes, written to the inbox, and only then answered. */
export async function listen(options: ListenerOptions): Promise<{ port: number; close(): Promise<void> }> {
  const { log } = options;
  const server = createServer((request, response) => {
    take(request, options)
      .catch((error) => {
        log.warn({ err: error }, "A webhook could not be taken in; PagerDuty sends it again.");
        return 503;
      })
      .then((status) => {
        if (response.destroyed) return;
        // What was not read to its end is not read on.
        response.writeHead(status, status === 413 ? { connection: "close" } : {}).end();
        if (status === 413) request.destroy();
      });
  });
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  await new Promise<void>((open, fail) => {
    server.once("error", fail);
    server.listen(options.port, options.host, open);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        // What is being received is written down within moments; what was not answered is sent again.
        setTimeout(() => server.closeAllConnections(), 500).unref();
      }),
  };
}

async function take(request: IncomingMessage, { secrets, inbox, log, received }: ListenerOptions): Promise<number> {
  if ((request.url ?? "").split("?")[0] !== PATH) return 404;
  if (request.method !== "POST") return 405;
  const raw = await bodyOf(request, BODY_BYTES);
  if (raw === null) return 413;
  const header = request.headers["x-pagerduty-signature"];
  if (!isSigned(raw, typeof header === "string" ? header : undefined, secrets)) {
    log.warn({ from: request.socket.remoteAddress }, "A webhook without a signature of ours was refused.");
    return 401;
  }
  const event = eventOf(raw);
  if (event === null) return 400;
  if (event.event_type === "pagey.ping") return 202;
  if (await inbox.receive(`pagerduty/${event.id}`, KIND, event)) received();
  return 202;
}
