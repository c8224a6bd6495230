import type { App, Receiver, ReceiverEvent } from "@slack/bolt";
import { SocketModeClient } from "@slack/socket-mode";
import type { Logger } from "../lib/log.ts";
import { type CallFailure, callFailureOf } from "../sinks/slack/call-failure.ts";
import { whereTo } from "./clients.ts";
import { sdkLog } from "./sdk-log.ts";

/** Two of Slack's ten per app: a refresh of one leaves the other, and two replicas in a rolling deploy stay below ten. */
const CONNECTIONS = 2;
const HELLO_SECONDS = 15;
const CLOSE_SECONDS = 1;
/** Slack announces the end of a connection and goes on using it for a while; by then it has ended it. */
const LINGER_SECONDS = 15;
/** How long what has come in may still be acknowledged while stopping: Slack stops waiting after 3 s. */
const ACK_SECONDS = 2;
const FIRST_RETRY_MS = 50;
const RETRY_CAP_MS = 10_000;
const KNOWN = new Set(["hello", "disconnect", "events_api", "slash_commands", "interactive", "options"]);
/** Names the SDK uses for its own life on the same emitter, where it also emits the type of every event. */
const RESERVED = new Set([
  "close",
  "error",
  "connected",
  "connecting",
  "disconnected",
  "disconnecting",
  "reconnecting",
  "authenticated",
  "ws_message",
  "slack_event",
  "outgoing_message",
]);

export interface SocketOptions {
  readonly appToken: string;
  readonly apiUrl: string | null;
  readonly log: Logger;
  /** Slack will not let us in; said once per spell. The receiver keeps asking, every `lockedOutSeconds`. */
  readonly onFatal: (failure: CallFailure) => void;
  readonly onState: (up: number, wanted: number) => void;
  /** The count of connections Slack believes this app has, and the app's id. */
  readonly onHello?: (connections: number | null, appId: string | null) => void;
  /** Slack holds back events of this workspace: more than 30 000 came in an hour. */
  readonly onRateLimited?: () => void;
  readonly connections?: number;
  /** How long listeners may take to finish when stopping. */
  readonly drainSeconds?: number;
  readonly lockedOutSeconds?: number;
}

/** The sockets as they are now. */
export interface SocketsNow {
  readonly open: number;
  /** Since when the oldest of them is open, seconds; 0: none is. */
  readonly ageSeconds: number;
  /** Since the last hello or pong on any of them, seconds; 0: none is open. */
  readonly pongSeconds: number;
  /** How often one did not open, or broke, since the start. A refresh by Slack is none. */
  readonly failures: number;
}

/**
 * Socket Mode that stays up: several connections, each reopened by its own loop (never later than 10 s after Slack is
 * back), and nothing Slack sends can end the process.
 *
 * It stands on three facts of @slack/socket-mode 3.1.0 that its types do not promise: the client handles frames in its one
 * `ws_message` listener, `send` acknowledges an envelope, and its socket remembers when it last heard a pong. `test/slack/receiver.test.ts` holds them; the version is
 * pinned exactly.
 */
export class SocketReceiver implements Receiver {
  readonly #options: SocketOptions;
  readonly #live = new Map<number, SocketModeClient>();
  readonly #openedAt = new WeakMap<SocketModeClient, number>();
  #failures = 0;
  /** Announced to end, replaced already, and still listened to. */
  readonly #retired = new Map<SocketModeClient, NodeJS.Timeout>();
  readonly #retire = new Map<SocketModeClient, () => void>();
  readonly #underWay = new Set<Promise<void>>();
  #unacknowledged = 0;
  #app: App | undefined;
  #stop = new AbortController();
  #loops: Promise<void>[] = [];
  #lockedOut = false;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  get connected(): number {
    return this.#live.size;
  }

  sockets(now = Date.now()): SocketsNow {
    const live = [...this.#live.values()];
    const opened = live.map((client) => this.#openedAt.get(client) ?? now);
    const heard = live.map((client, index) => Math.max(opened[index] ?? 0, lastPongOf(client) ?? 0));
    const secondsSince = (at: number) => (live.length === 0 ? 0 : Math.max(0, (now - at) / 1000));
    return {
      open: live.length,
      ageSeconds: secondsSince(Math.min(...opened)),
      pongSeconds: secondsSince(Math.max(...heard)),
      failures: this.#failures,
    };
  }

  init(app: App): void {
    this.#app = app;
  }

  /** Resolves at once: connecting goes on behind it for as long as it takes. */
  async start(): Promise<void> {
    this.#stop = new AbortController();
    this.#loops = Array.from({ length: this.#wanted }, (_, slot) => this.#keepOpen(slot));
  }

  /** Acknowledges what has come in, closes, and waits for what is still being handled. */
  async stop(): Promise<void> {
    const acknowledgedBy = Date.now() + ACK_SECONDS * 1000;
    this.#stop.abort();
    while (this.#unacknowledged > 0 && Date.now() < acknowledgedBy) await pause(10);
    for (const timer of this.#retired.values()) clearTimeout(timer);
    await Promise.all([...this.#live.values(), ...this.#retired.keys()].map(close));
    await Promise.all(this.#loops);
    await Promise.race([
      Promise.allSettled([...this.#underWay]),
      pause((this.#options.drainSeconds ?? 10) * 1000, undefined, true),
    ]);
  }

  get #wanted(): number {
    return this.#options.connections ?? CONNECTIONS;
  }

  async #keepOpen(slot: number): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      const client = this.#client();
      const gone = new Promise<void>((resolve) => {
        client.once("disconnected", () => resolve());
        this.#retire.set(client, resolve);
      });
      try {
        await hello(client, signal);
        failures = 0;
        this.#lockedOut = false;
        this.#live.set(slot, client);
        this.#openedAt.set(client, Date.now());
        this.#tellState();
        await gone;
        if (!signal.aborted && !this.#retired.has(client)) this.#failures++;
      } catch (error) {
        failures++;
        if (!signal.aborted) {
          this.#failures++;
          this.#failed(error, failures);
        }
      }
      if (this.#live.delete(slot)) this.#tellState();
      this.#retire.delete(client);
      if (!this.#retired.has(client)) await close(client);
      await pause(this.#waitMs(failures), signal);
    }
  }

  #failed(error: unknown, failures: number): void {
    const failure = callFailureOf(error);
    if (failure.kind === "locked out" || (failure.kind === "refused" && failure.error === "missing_scope")) {
      if (!this.#lockedOut) this.#options.onFatal(failure);
      this.#lockedOut = true;
    } else if (failures === 1)
      this.#options.log.warn({ event: "slack.socket_failed", says: failure.says }, "slack opens no socket; retrying");
  }

  #waitMs(failures: number): number {
    if (this.#lockedOut) return (this.#options.lockedOutSeconds ?? 60) * 1000;
    const ceiling = failures === 0 ? FIRST_RETRY_MS : Math.min(RETRY_CAP_MS, 250 * 2 ** Math.min(failures, 10));
    return ceiling * (0.5 + Math.random() / 2);
  }

  #tellState(): void {
    this.#options.onState(this.#live.size, this.#wanted);
  }

  /** A new client for every attempt: nothing of the last one can linger in it. */
  #client(): SocketModeClient {
    const client = new SocketModeClient({
      appToken: this.#options.appToken,
      autoReconnectEnabled: false,
      logger: sdkLog(this.#options.log),
      clientOptions: {
        ...whereTo(this.#options.apiUrl),
        timeout: 5000,
        retryConfig: { retries: 0 },
        rejectRateLimitedCalls: true,
      },
    });
    this.#guard(client);
    client.on("slack_event", (arrived: Arrived) => this.#deliver(client, arrived));
    return client;
  }

  /** Stands before the SDK's own reading of frames and keeps from it what it can't take. */
  #guard(client: SocketModeClient): void {
    const [read] = client.listeners("ws_message");
    if (read === undefined)
      throw new Error("This version of @slack/socket-mode reads frames in another way; see the contract test.");
    client.removeAllListeners("ws_message");
    client.on("ws_message", (data: unknown, binary: boolean) => {
      const frame = frameOf(data, binary);
      if (frame === null || !KNOWN.has(frame.type)) return;
      if (frame.type === "hello")
        this.#options.onHello?.(frame.num_connections ?? null, frame.connection_info?.app_id ?? null);
      if (frame.type === "disconnect" && this.#linger(client, frame.reason)) return;
      if (frame.type === "events_api" && !readable(frame)) {
        if (frame.payload?.type === "app_rate_limited") this.#options.onRateLimited?.();
        void send(client, frame.envelope_id).catch(() => {});
        return;
      }
      Promise.resolve(Reflect.apply(read, client, [data, binary])).catch((error) =>
        this.#options.log.error(
          { event: "slack.frame_unreadable", err: error },
          "a frame from slack could not be read",
        ),
      );
    });
  }

  /** A refresh: another connection is opened at once, and this one is heard out until Slack ends it. */
  #linger(client: SocketModeClient, reason: unknown): boolean {
    if (this.#stop.signal.aborted || (reason !== "warning" && reason !== "refresh_requested")) return false;
    const forget = () => {
      clearTimeout(this.#retired.get(client));
      this.#retired.delete(client);
    };
    const timer = setTimeout(() => void close(client), LINGER_SECONDS * 1000).unref();
    this.#retired.set(client, timer);
    client.once("disconnected", forget);
    this.#retire.get(client)?.();
    return true;
  }

  #deliver(client: SocketModeClient, arrived: Arrived): void {
    const app = this.#app;
    if (app === undefined) return;
    const ack = this.#ackOnce(client, arrived);
    const event: ReceiverEvent = {
      body: arrived.body,
      ack: ack.give,
      customProperties: { envelope: arrived.envelope_id },
      ...(arrived.retry_num !== undefined && { retryNum: arrived.retry_num }),
      ...(arrived.retry_reason !== undefined && { retryReason: arrived.retry_reason }),
    };
    const handled = app
      .processEvent(event)
      .catch((error) =>
        this.#options.log.error(
          { event: "slack.delivery_failed", err: error },
          "a delivery from slack was not handled; it may come again",
        ),
      )
      .finally(() => {
        ack.settle();
        this.#underWay.delete(handled);
      });
    this.#underWay.add(handled);
  }

  #ackOnce(client: SocketModeClient, arrived: Arrived) {
    let given = false;
    let counted = true;
    this.#unacknowledged++;
    const settle = () => {
      if (counted) this.#unacknowledged--;
      counted = false;
    };
    const give = async (response?: unknown) => {
      if (given) return;
      given = true;
      try {
        await arrived.ack(response);
      } catch (error) {
        // Its own socket is gone. Slack may take the word of another one; if not, nothing is lost by asking.
        const other = [...this.#live.values()].find((live) => live !== client);
        if (other === undefined) throw error;
        await send(other, arrived.envelope_id, response);
      } finally {
        settle();
      }
    };
    return { give, settle };
  }
}

interface Arrived {
  readonly ack: (response?: unknown) => Promise<void>;
  readonly envelope_id: string;
  readonly body: Record<string, unknown>;
  readonly retry_num?: number;
  readonly retry_reason?: string;
}

interface Frame {
  readonly type: string;
  readonly envelope_id: string;
  readonly reason?: unknown;
  readonly num_connections?: number;
  readonly connection_info?: { readonly app_id?: string };
  readonly payload?: { readonly type?: string; readonly event?: { readonly type?: unknown } };
}

function frameOf(data: unknown, binary: boolean): Frame | null {
  if (binary || typeof data !== "string") return null;
  try {
    const frame = JSON.parse(data);
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}

function readable(frame: Frame): boolean {
  const type = frame.payload?.event?.type;
  return typeof type === "string" && !RESERVED.has(type);
}

function send(client: SocketModeClient, envelope: string, response: unknown = {}): Promise<void> {
  return (client as unknown as { send(id: string, body: unknown): Promise<void> }).send(envelope, response);
}

/** Milliseconds since 1970; null: none was heard yet. */
function lastPongOf(client: SocketModeClient): number | null {
  const { websocket } = client as unknown as { websocket?: { lastPongReceivedTimestamp?: number } | null };
  return websocket?.lastPongReceivedTimestamp ?? null;
}

async function hello(client: SocketModeClient, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let stopped: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Slack said no hello within ${HELLO_SECONDS} s.`)), HELLO_SECONDS * 1000);
    stopped = () => reject(new Error("The receiver is stopping."));
    signal.addEventListener("abort", stopped, { once: true });
  });
  const started = client.start();
  // It goes on with what it has begun, and would open a socket no one closes.
  started.then(
    () => (signal.aborted ? close(client) : undefined),
    () => {},
  );
  try {
    await Promise.race([started, late]);
  } finally {
    clearTimeout(timer);
    if (stopped) signal.removeEventListener("abort", stopped);
  }
}

/** Closes politely, and after a second without the peer. Called a second time, the SDK no longer waits for an answer. */
async function close(client: SocketModeClient): Promise<void> {
  const closed = disconnect(client);
  if ((await Promise.race([closed.then(() => true), pause(CLOSE_SECONDS * 1000, undefined, true)])) !== true)
    void disconnect(client);
}

/**
 * The SDK waits 30 s for the peer's answer. Ours is the shorter wait, and where a socket fails while it is being closed
 * the SDK sets that timer twice and clears one: the other would keep a stopped bot alive.
 */
function disconnect(client: SocketModeClient): Promise<void> {
  const clear = () =>
    clearTimeout((client as unknown as { websocket?: Partial<Handshake> }).websocket?.closeHandshakeTimeout);
  clear();
  const closed = Promise.resolve(client.disconnect()).catch(() => {});
  clear();
  return closed;
}

interface Handshake {
  readonly closeHandshakeTimeout: NodeJS.Timeout;
}

function pause(ms: number, signal?: AbortSignal, unref = false): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    if (unref) timer.unref();
    signal?.addEventListener("abort", done, { once: true });
    if (signal?.aborted) done();
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}
