import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { requestUrl } from "../../src/lib/request-url.ts";
import { createFaults, type FaultKind, type FaultSwitches, hadEffect } from "../targets/kubernetes/faults.ts";

/** One request to an HTTP stand-in. */
export interface Knock {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** The body as JSON; an empty object when there is none. */
  json<T>(): T;
}

export interface Reply {
  readonly status: number;
  /** A string or bytes go out as they are, everything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly write: boolean;
  /** Null when nothing was answered. */
  status: number | null;
  readonly fault: FaultKind | null;
  /** It had its effect, whatever was answered. */
  done: boolean;
}

/** The front door of a stand-in: what came in, and what goes wrong on the way. */
export interface Door {
  readonly url: string;
  readonly ledger: readonly Heard[];
  readonly faults: FaultSwitches;
  writes(): readonly Heard[];
  forget(): void;
  close(): Promise<void>;
}

export interface DoorOptions {
  /** A socket of this machine; left out: a free port on loopback. */
  readonly socket?: string;
  readonly port?: number;
  /** What a lie says. Left out: 204. */
  readonly lie?: Reply;
  /** A request that changes something. */
  isWrite(knock: Knock): boolean;
  answer(knock: Knock): Promise<Reply> | Reply;
}

export async function openDoor(options: DoorOptions): Promise<Door> {
  const ledger: Heard[] = [];
  const faults = createFaults();
  const server = createServer((request, response) => {
    void (async () => {
      const knock = await read(request);
      const write = options.isWrite(knock);
      const fault = faults.strike(write)?.kind ?? null;
      const heard: Heard = {
        method: knock.method,
        path: knock.path,
        query: knock.query.toString(),
        write,
        status: null,
        fault,
        done: false,
      };
      ledger.push(heard);
      if (fault === "down") return void request.socket.destroy();
      if (fault === "hang") return;
      if (fault === "slow") await pause(500);
      const reply =
        fault === "throttle"
          ? { status: 429, body: { message: "too many requests" } }
          : await done(fault === "lie", knock);
      heard.done = fault !== "throttle" && hadEffect(fault, reply.status);
      if (fault === "dropAfter") return void request.socket.destroy();
      if (fault === "hangAfter") return;
      const { status, body, headers } =
        fault === "failAfter" ? { status: 500, body: { message: "server error" }, headers: {} } : reply;
      heard.status = status;
      const plain = typeof body === "string" || Buffer.isBuffer(body);
      response.writeHead(status, { "content-type": plain ? "text/plain" : "application/json", ...headers });
      response.end(plain ? body : body === undefined ? undefined : JSON.stringify(body));
    })().catch((error) => {
      if (!response.headersSent) response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ message: String(error) }));
    });
  });
  /** A lie is told about what would change something, and nothing is done. */
  const done = async (lie: boolean, knock: Knock): Promise<Reply> =>
    lie && options.isWrite(knock) ? (options.lie ?? { status: 204 }) : await options.answer(knock);
  await listen(server, options);
  return {
    url: options.socket ? `unix://${options.socket}` : `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ledger,
    faults,
    writes: () => ledger.filter(({ write }) => write),
    forget: () => void ledger.splice(0),
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function listen(server: Server, { socket, port }: DoorOptions): Promise<void> {
  return new Promise((listening, failed) => {
    server.once("error", failed);
    if (socket) server.listen(socket, () => listening());
    else server.listen(port ?? 0, "127.0.0.1", () => listening());
  });
}

async function read(request: IncomingMessage): Promise<Knock> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const { pathname, searchParams } = requestUrl(request);
  return {
    method: request.method ?? "GET",
    path: decodeURIComponent(pathname),
    query: searchParams,
    headers: request.headers,
    body,
    json: <T>() => (body.length === 0 ? {} : JSON.parse(body.toString("utf8"))) as T,
  };
}
