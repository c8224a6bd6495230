import type { IncomingMessage, ServerResponse } from "node:http";
import { createHttpAddresses, type HttpAddresses, type Served } from "../../http/addresses.ts";
import { PAGERDUTY_WEBHOOK } from "../../http/paths.ts";
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
  /** Absent: it is served by itself. */
  readonly http?: HttpAddresses;
}

export const KIND = "pagerduty.event";
/** PagerDuty's own are a few kilobytes. */
const BODY_BYTES = 256 * 1024;
/** What is being received is written down within moments; what was not answered is sent again. */
const DRAIN_MS = 500;

/** `POST /pagerduty/webhook`: checked over the raw bytes, written to the inbox, and only then answered. */
export async function listen(options: ListenerOptions): Promise<Pick<Served, "port" | "close">> {
  const { log, host, port, http = createHttpAddresses(log) } = options;
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const status = await take(request, options).catch((error) => {
      log.warn({ err: error }, "A webhook could not be taken in; PagerDuty sends it again.");
      return 503;
    });
    if (response.destroyed) return;
    // What was not read to its end is not read on.
    response.writeHead(status, status === 413 ? { connection: "close" } : {}).end();
    if (status === 413) request.destroy();
  };
  const served = await http.serve({ address: { host, port }, paths: [PAGERDUTY_WEBHOOK], listener });
  return { port: served.port, close: () => served.close(DRAIN_MS) };
}

async function take(request: IncomingMessage, { secrets, inbox, log, received }: ListenerOptions): Promise<number> {
  if ((request.url ?? "").split("?")[0] !== PAGERDUTY_WEBHOOK) return 404;
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
