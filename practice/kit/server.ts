import type { IncomingMessage } from "node:http";
import { requestUrl } from "../../src/lib/request-url.ts";
import { bytesOf } from "./body.ts";
import { createFaults, type FaultKind, type FaultSwitches, hadEffect, meet } from "./faults.ts";
import { listening, type Place } from "./listening.ts";

/** One request to an HTTP stand-in. */
export interface ServerRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** The body as JSON; an empty object when there is none. */
  json<T>(): T;
}

export interface ServerReply {
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
export interface StandInServer {
  readonly url: string;
  readonly ledger: readonly Heard[];
  readonly faults: FaultSwitches;
  writes(): readonly Heard[];
  forget(): void;
  close(): Promise<void>;
}

export interface ServerOptions extends Place {
  /** What a lie says. Left out: 204. */
  readonly lie?: ServerReply;
  /** A request that changes something. */
  isWrite(request: ServerRequest): boolean;
  answer(request: ServerRequest): Promise<ServerReply> | ServerReply;
}

export async function openServer(options: ServerOptions): Promise<StandInServer> {
  const ledger: Heard[] = [];
  const faults = createFaults();
  /** A lie is told about what would change something, and nothing is done. */
  const done = async (lie: boolean, asked: ServerRequest): Promise<ServerReply> =>
    lie && options.isWrite(asked) ? (options.lie ?? { status: 204 }) : await options.answer(asked);
  const server = await listening(
    (request, response) =>
      (async () => {
        const asked = await read(request);
        const write = options.isWrite(asked);
        const struck = faults.take(write);
        const fault = struck?.kind ?? null;
        const heard: Heard = {
          method: asked.method,
          path: asked.path,
          query: asked.query.toString(),
          write,
          status: null,
          fault,
          done: false,
        };
        ledger.push(heard);
        const say = ({ status, body, headers }: ServerReply) => {
          heard.status = status;
          const plain = typeof body === "string" || Buffer.isBuffer(body);
          response.writeHead(status, { "content-type": plain ? "text/plain" : "application/json", ...headers });
          response.end(plain ? body : body === undefined ? undefined : JSON.stringify(body));
        };
        await meet(struck, response, {
          dropped: () => {},
          refuse: (why) =>
            say(
              why === "throttle"
                ? { status: 429, body: { message: "too many requests" } }
                : { status: 500, body: { message: "server error" } },
            ),
          async perform(happens) {
            const reply = await done(!happens, asked);
            heard.done = hadEffect(fault, reply.status);
            return () => say(reply);
          },
        });
      })().catch((error) => {
        if (!response.headersSent) response.writeHead(500, { "content-type": "application/json" });
        response.end(JSON.stringify({ message: String(error) }));
      }),
    options,
  );
  return {
    url: server.url,
    ledger,
    faults,
    writes: () => ledger.filter(({ write }) => write),
    forget: () => void ledger.splice(0),
    close: () => server.close(),
  };
}

async function read(request: IncomingMessage): Promise<ServerRequest> {
  const body = await bytesOf(request, Number.POSITIVE_INFINITY);
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
