import { createHash } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type App, HTTPReceiver, type Receiver, type ReceiverEvent } from "@slack/bolt";
import type { Logger } from "../lib/log.ts";
import { sdkLog } from "./sdk-log.ts";

/** Slack's own window, applied to both sides: Bolt refuses the old and takes the future. */
const WINDOW_SECONDS = 300;
/** A view is at most 250 kB; an interaction carries a message or a view and little else. */
const BODY_BYTES = 1024 * 1024;
const HEADERS_SECONDS = 5;
const REQUEST_SECONDS = 10;
/** Signatures remembered at once: the window holds far fewer deliveries than this. */
const REMEMBERED = 100_000;

export interface HttpOptions {
  readonly signingSecret: string;
  /** 0: any free one; `port` says which. */
  readonly port: number;
  readonly log: Logger;
  readonly drainSeconds?: number;
}

/**
 * Deliveries over HTTP, `POST /slack/events`. Bolt checks the signature; this adds what it leaves open: a timestamp from
 * the future, the same signed bytes a second time, bodies that are large or slow. Another process, or this one after a
 * restart, takes a repeat for what it is by its inbox key: it has no effect there either.
 */
export class HttpReceiver implements Receiver {
  readonly #options: HttpOptions;
  readonly #bolt: HTTPReceiver;
  readonly #seen = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();
  #server: Server | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#bolt = new HTTPReceiver({
      signingSecret: options.signingSecret,
      bodyLimit: BODY_BYTES,
      logger: sdkLog(options.log),
      customPropertiesExtractor: (request) => ({
        signature: String(request.headers["x-slack-signature"] ?? ""),
        timestamp: Number(request.headers["x-slack-request-timestamp"]),
      }),
      dispatchErrorHandler: async ({ response }) => answer(response, 404),
      processEventErrorHandler: async ({ error, response }) => {
        if (!(error instanceof RefusedDelivery))
          options.log.error({ err: error }, "A delivery from Slack was not handled.");
        answer(response, error instanceof RefusedDelivery ? 401 : 500);
        // It is answered: otherwise Bolt waits three seconds for that, and logs that nobody did.
        return true;
      },
    });
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo | null)?.port ?? this.#options.port;
  }

  get listening(): boolean {
    return this.#server?.listening ?? false;
  }

  init(app: App): void {
    const guarded = { processEvent: (event: ReceiverEvent) => this.#receive(app, event) };
    this.#bolt.init(guarded as unknown as App);
  }

  async start(): Promise<void> {
    const started = await this.#bolt.start(this.#options.port, {
      headersTimeout: HEADERS_SECONDS * 1000,
      requestTimeout: REQUEST_SECONDS * 1000,
      connectionsCheckingInterval: 1000,
    });
    this.#server = started as Server;
  }

  async stop(): Promise<void> {
    if (this.#server === undefined) return;
    const stopped = this.#bolt.stop();
    this.#server.closeIdleConnections();
    const limit = new Promise((resolve) => setTimeout(resolve, (this.#options.drainSeconds ?? 10) * 1000).unref());
    await Promise.race([Promise.allSettled([stopped, ...this.#underWay]), limit]);
    this.#server.closeAllConnections();
  }

  async #receive(app: App, event: ReceiverEvent): Promise<void> {
    this.#refuse(event);
    const handled = app.processEvent(event);
    this.#underWay.add(handled);
    return handled.finally(() => this.#underWay.delete(handled));
  }

  #refuse(event: ReceiverEvent): void {
    const { signature, timestamp } = event.customProperties as { signature: string; timestamp: number };
    const now = Date.now() / 1000;
    if (!(Math.abs(now - timestamp) <= WINDOW_SECONDS)) throw new RefusedDelivery("its timestamp is not of this time");
    this.#forget(now);
    const print = createHash("sha256").update(signature).digest("base64");
    if (this.#seen.has(print)) throw new RefusedDelivery("the same signed bytes came before");
    this.#seen.set(print, now);
  }

  #forget(now: number): void {
    for (const [print, at] of this.#seen) {
      if (now - at <= 2 * WINDOW_SECONDS && this.#seen.size < REMEMBERED) return;
      this.#seen.delete(print);
    }
  }
}

class RefusedDelivery extends Error {}

function answer(response: ServerResponse<IncomingMessage>, status: number): void {
  if (response.headersSent) return;
  response.writeHead(status).end();
}
