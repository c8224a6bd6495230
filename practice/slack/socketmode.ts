import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as after } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { requestUrl } from "../../src/lib/request-url.ts";
import { type Answer, type Delivery, type Envelope, nameOf } from "./delivery.ts";
import type { FaultInjection } from "./fault-injection.ts";
import type { Inspector } from "./inspector.ts";
import { limits } from "./limits.ts";
import type { Json } from "./objects.ts";
import { APP } from "./people.ts";

const PING_MS = 5_000;
const CLOSE_MS = 300;

interface Connection {
  readonly name: string;
  readonly ws: WebSocket;
  readonly socket: Socket;
  /** Half open: nothing comes in or goes out, and neither side has noticed. */
  frozen: boolean;
  seen: number;
}

/** Socket Mode: up to ten connections; each envelope goes to exactly one of them, in turn. */
export class SocketMode implements Delivery {
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: limits.bodyBytes });
  private readonly tickets = new Map<string, number>();
  private readonly connections: Connection[] = [];
  private readonly waiting = new Map<string, { from: Connection; answer: (payload: Json) => void }>();
  private readonly inspector: Inspector;
  private readonly faults: FaultInjection;
  private turn = 0;
  private made = 0;
  private closed = false;

  constructor(inspector: Inspector, faults: FaultInjection) {
    this.inspector = inspector;
    this.faults = faults;
  }

  /** The address of apps.connections.open: good once, for thirty seconds. */
  ticket(origin: string): string {
    const ticket = randomBytes(16).toString("hex");
    this.tickets.set(ticket, this.faults.now());
    return `${origin.replace("http", "ws")}/link/?ticket=${ticket}&app_id=${APP}`;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const ticket = requestUrl(request).searchParams.get("ticket") ?? "";
    const given = this.tickets.get(ticket);
    this.tickets.delete(ticket);
    const good = given !== undefined && this.faults.now() - given < limits.ticketSeconds * 1000;
    if (!good || this.closed || this.faults.unavailable()) refuse(socket, good ? 503 : 401);
    else this.server.handleUpgrade(request, socket, head, (ws) => this.welcome(ws, request.socket));
  }

  async send(envelope: Envelope): Promise<Answer> {
    const to = this.next();
    const entry = this.inspector.note({
      kind: "envelope",
      name: nameOf(envelope),
      connection: to?.name ?? null,
      error: to ? undefined : "dispatch_failed",
      sent: envelope.payload,
    });
    if (!to) return { ok: false, error: "dispatch_failed", connection: null };

    const id = randomUUID();
    const started = performance.now();
    const acked = new Promise<Json>((resolve) => this.waiting.set(id, { from: to, answer: resolve }));
    const late = new AbortController();
    const arrived = this.deliver(to, id, envelope);
    try {
      const payload = await Promise.race([
        acked,
        after(limits.ackSeconds * 1000, undefined, { signal: late.signal, ref: false }),
      ]);
      const milliseconds = Math.round(performance.now() - started);
      if (payload === undefined) {
        this.inspector.complete(entry, { error: "operation_timeout", milliseconds });
        return { ok: false, error: "operation_timeout", connection: to.name };
      }
      this.inspector.complete(entry, { error: null, milliseconds, answered: payload });
      return { ok: true, payload, milliseconds, connection: to.name };
    } finally {
      this.waiting.delete(id);
      late.abort();
      await arrived;
    }
  }

  /** Names of the open connections, and how many envelopes each was given. */
  report(): { name: string; frozen: boolean; seen: number }[] {
    return this.connections.map(({ name, frozen, seen }) => ({ name, frozen, seen }));
  }

  /** What Slack does every few hours: says it will close, and does. The app is to connect again. */
  refresh(reason: "refresh_requested" | "warning" | "link_disabled" = "refresh_requested", which?: string): void {
    for (const connection of this.picked(which)) {
      this.inspector.note({ kind: "socket", name: `disconnect: ${reason}`, connection: connection.name });
      this.write(connection, { type: "disconnect", reason, debug_info: { host: "practice" } });
      if (reason !== "warning") setTimeout(() => connection.ws.close(1000), 250).unref();
    }
  }

  /** The cable is pulled: TCP ends without a word. */
  drop(which?: string): void {
    for (const connection of this.picked(which)) {
      this.inspector.note({ kind: "socket", name: "TCP dropped", connection: connection.name, error: "dropped" });
      connection.ws.terminate();
    }
  }

  /** The network goes silent and no one is told; envelopes still go to the dead connections and are lost. */
  freeze(seconds: number, which?: string): void {
    for (const connection of this.picked(which)) {
      this.inspector.note({
        kind: "socket",
        name: `frozen for ${seconds} s`,
        connection: connection.name,
        error: "frozen",
      });
      connection.frozen = true;
      connection.socket.pause();
      setTimeout(() => {
        connection.frozen = false;
        connection.socket.resume();
      }, seconds * 1000).unref();
    }
  }

  /** Ends every connection properly; who has not answered after a moment is cut off. */
  async close(): Promise<void> {
    this.closed = true;
    const open = [...this.connections];
    const gone = open.map(({ ws }) => new Promise((resolve) => ws.once("close", resolve)));
    for (const { ws } of open) ws.close(1001);
    await Promise.race([Promise.all(gone), after(CLOSE_MS)]);
    for (const { ws } of open) ws.terminate();
    this.server.close();
  }

  private welcome(ws: WebSocket, socket: Socket): void {
    const connection: Connection = { name: `socket ${++this.made}`, ws, socket, frozen: false, seen: 0 };
    ws.on("error", () => ws.terminate());
    if (this.connections.length >= limits.connections) {
      this.write(connection, { type: "disconnect", reason: "too_many_websockets", debug_info: { host: "practice" } });
      ws.close(1000);
      return;
    }
    this.connections.push(connection);
    this.inspector.note({ kind: "socket", name: "connected", connection: connection.name });
    const beat = setInterval(() => connection.frozen || ws.ping("Ping from practice"), PING_MS);
    ws.on("message", (data) => this.hear(connection, String(data)));
    ws.on("close", () => {
      clearInterval(beat);
      this.connections.splice(this.connections.indexOf(connection), 1);
      if (!this.closed) this.inspector.note({ kind: "socket", name: "closed", connection: connection.name });
    });
    this.write(connection, {
      type: "hello",
      num_connections: this.connections.length,
      debug_info: { host: "practice", build_number: 1, approximate_connection_time: 18_060 },
      connection_info: { app_id: APP },
    });
  }

  /** An acknowledgement counts only from the connection that was given the envelope. */
  private hear(connection: Connection, text: string): void {
    let said: { envelope_id?: string; payload?: Json };
    try {
      said = JSON.parse(text);
    } catch {
      return;
    }
    const waiting = this.waiting.get(said.envelope_id ?? "");
    if (waiting?.from === connection) waiting.answer(said.payload ?? {});
  }

  private async deliver(to: Connection, id: string, envelope: Envelope): Promise<void> {
    if (this.faults.delayEnvelopesSeconds > 0) await after(this.faults.delayEnvelopesSeconds * 1000);
    const { retry } = envelope;
    const frame = {
      envelope_id: id,
      type: envelope.type,
      accepts_response_payload: envelope.accepts,
      payload: envelope.payload,
      ...(envelope.type === "events_api"
        ? { retry_attempt: retry?.attempt ?? 0, retry_reason: retry?.reason ?? "" }
        : {}),
    };
    to.seen++;
    this.write(to, frame);
    if (this.faults.take("duplicates")) {
      this.inspector.note({ kind: "envelope", name: `duplicate of ${nameOf(envelope)}`, connection: to.name });
      this.write(to, frame);
    }
  }

  private next(): Connection | undefined {
    const open = this.connections.filter(({ ws }) => ws.readyState === ws.OPEN);
    return open[this.turn++ % Math.max(1, open.length)];
  }

  private picked(which: string | undefined): Connection[] {
    return this.connections.filter((connection) => which === undefined || connection.name === which);
  }

  private write(connection: Connection, frame: Json): void {
    if (connection.frozen || connection.ws.readyState !== connection.ws.OPEN) return;
    connection.ws.send(JSON.stringify(frame));
  }
}

function refuse(socket: Duplex, status: number): void {
  socket.end(
    `HTTP/1.1 ${status} ${status === 503 ? "Service Unavailable" : "Unauthorized"}\r\nConnection: close\r\n\r\n`,
  );
}
