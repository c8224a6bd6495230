import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { type App, HTTPReceiver, type Receiver, type ReceiverEvent } from "@slack/bolt";
import { createHttpAddresses, type HttpAddresses, type Served } from "../http/addresses.ts";
import { SLACK_EVENTS } from "../http/paths.ts";
import type { Logger } from "../lib/log.ts";
import { bodyOf } from "../lib/request-body.ts";
import { requestUrl } from "../lib/request-url.ts";
import { sdkLog } from "./sdk-log.ts";

/** Slack's own window, applied to both sides: Bolt refuses the old and takes the future. */
const WINDOW_SECONDS = 300;
/** A view is at most 250 kB; an interaction carries a message or a view and little else. */
const BODY_BYTES = 1024 * 1024;
/** Signatures remembered at once: the window holds far fewer deliveries than this. */
const REMEMBERED = 100_000;

export interface HttpOptions {
  /** What Slack signs with; more than one while a secret is changed. None of them is blank. */
  readonly signingSecrets: readonly string[];
  /** 0: any free one; `port` says which. */
  readonly port: number;
  readonly host: string;
  readonly log: Logger;
  readonly drainSeconds?: number;
  /** Absent: it is served by itself. */
  readonly http?: HttpAddresses;
  /** Slack holds back events of this workspace: more than 30 000 came in an hour. */
  readonly onRateLimited?: () => void;
}

/**
 * Deliveries over HTTP, `POST /slack/events`. What comes is bounded, checked and read here, before Bolt sees it: the signature by
 * any of the secrets, a timestamp of this time (Bolt takes the future), the same signed bytes only once, and a body that is an object,
 * because Bolt reads `null` in a promise no one waits for and ends the process. Another process, or this one after a restart, takes a
 * repeat for what it is by its inbox key: it has no effect there either.
 */
export class HttpReceiver implements Receiver {
  readonly #options: HttpOptions;
  readonly #bolt: HTTPReceiver;
  readonly #seen = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();
  #served: Served | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#bolt = new HTTPReceiver({
      signingSecret: "",
      // It is checked before Bolt is given anything.
      signatureVerification: false,
      bodyLimit: BODY_BYTES,
      logger: sdkLog(options.log),
      customPropertiesExtractor: (request) => ({
        signature: String(request.headers["x-slack-signature"] ?? ""),
        timestamp: Number(request.headers["x-slack-request-timestamp"]),
      }),
      dispatchErrorHandler: async ({ response }) => answer(response, 404),
      processEventErrorHandler: async ({ error, response }) => {
        if (!(error instanceof RefusedDelivery))
          options.log.error({ event: "slack.delivery_failed", err: error }, "a delivery from slack was not handled");
        answer(response, error instanceof RefusedDelivery ? 401 : 500);
        // It is answered: otherwise Bolt waits three seconds for that, and logs that no one did.
        return true;
      },
    });
  }

  get port(): number {
    return this.#served?.port ?? this.#options.port;
  }

  get listening(): boolean {
    return this.#served?.listening ?? false;
  }

  init(app: App): void {
    const guarded = { processEvent: (event: ReceiverEvent) => this.#receive(app, event) };
    this.#bolt.init(guarded as unknown as App);
  }

  async start(): Promise<void> {
    const { host, port, log, http = createHttpAddresses(log) } = this.#options;
    const listener = async (request: IncomingMessage, response: ServerResponse) => {
      await this.#admit(request, response).catch((error) => {
        log.warn({ event: "slack.delivery_unreadable", err: error }, "a delivery from slack could not be read");
        answer(response, 400);
      });
    };
    this.#served = await http.serve({ address: { host, port }, paths: [SLACK_EVENTS], listener });
  }

  async stop(): Promise<void> {
    if (this.#served === undefined) return;
    const drainMs = (this.#options.drainSeconds ?? 10) * 1000;
    const stopped = this.#served.close(drainMs);
    const limit = new Promise((resolve) => setTimeout(resolve, drainMs).unref());
    await Promise.race([Promise.allSettled([stopped, ...this.#underWay]), limit]);
    await stopped;
  }

  async #admit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (requestUrl(request).pathname !== SLACK_EVENTS) return answer(response, 404);
    if (request.method !== "POST") return answer(response, 405);
    const raw = await bodyOf(request, BODY_BYTES);
    if (raw === null) {
      answer(response, 413);
      request.destroy();
      return;
    }
    // Slack's look whether TLS works is not signed. It is answered, and whatever else stands in it goes no further.
    if (asksForTls(raw, request.headers["content-type"])) return answer(response, 200);
    if (!isSigned(raw, request.headers, this.#options.signingSecrets)) return answer(response, 401);
    if (!isReadable(raw, request.headers["content-type"])) return answer(response, 400);
    // Bolt takes a body that is read already under this name.
    this.#bolt.requestListener(Object.assign(request, { rawBody: raw }), response);
  }

  async #receive(app: App, event: ReceiverEvent): Promise<void> {
    this.#refuse(event);
    if (event.body.type === "app_rate_limited") this.#options.onRateLimited?.();
    // What Bolt has no listeners for it leaves unanswered: Slack would wait three seconds, and send some of it again.
    if (!isRouted(event.body)) return event.ack();
    const handled = this.#process(app, event);
    this.#underWay.add(handled);
    return handled.finally(() => this.#underWay.delete(handled));
  }

  /** Throws when no one acknowledged it, so that Slack is answered at once. */
  async #process(app: App, event: ReceiverEvent): Promise<void> {
    let acknowledged = false;
    const ack: ReceiverEvent["ack"] = (said) => {
      acknowledged = true;
      return event.ack(said);
    };
    await app.processEvent({ ...event, ack });
    if (!acknowledged)
      throw new Error(`no listener acknowledged it (${String(event.body.type ?? event.body.command)})`);
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

/** Bodies Bolt finds listeners for: `getTypeAndConversation` in its helpers. */
function isRouted(body: Record<string, unknown>): boolean {
  const types = [
    "block_suggestion",
    "dialog_submission",
    "shortcut",
    "message_action",
    "view_submission",
    "view_closed",
  ];
  const marks = [body.event, body.command, body.actions, body.name];
  return marks.some((mark) => mark !== undefined) || types.includes(String(body.type));
}

class RefusedDelivery extends Error {}

/** @see https://docs.slack.dev/authentication/verifying-requests-from-slack/ */
function isSigned(raw: Buffer, headers: IncomingHttpHeaders, secrets: readonly string[]): boolean {
  const { "x-slack-signature": signature, "x-slack-request-timestamp": timestamp } = headers;
  if (typeof signature !== "string" || typeof timestamp !== "string" || !/^\d{1,12}$/.test(timestamp)) return false;
  const given = Buffer.from(signature);
  const hits = secrets.map((secret) => {
    const digest = createHmac("sha256", secret).update(`v0:${timestamp}:`).update(raw).digest("hex");
    const expected = Buffer.from(`v0=${digest}`);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return hits.includes(true);
}

function asksForTls(raw: Buffer, type = ""): boolean {
  const isForm = type.startsWith("application/x-www-form-urlencoded");
  return isForm && new URLSearchParams(raw.toString("utf8")).get("ssl_check") === "1";
}

/** An object, as JSON or in the field `payload` of a form; or a form by itself, which a slash command is. */
function isReadable(raw: Buffer, type = ""): boolean {
  try {
    const text = raw.toString("utf8");
    if (!type.startsWith("application/x-www-form-urlencoded")) return isObject(JSON.parse(text));
    const payloads = new URLSearchParams(text).getAll("payload");
    return payloads.length === 0 || (payloads.length === 1 && isObject(JSON.parse(payloads[0] as string)));
  } catch {
    return false;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function answer(response: ServerResponse<IncomingMessage>, status: number): void {
  if (response.headersSent) return;
  response.writeHead(status).end();
}
