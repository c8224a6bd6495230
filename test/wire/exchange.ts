import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";

/** One request as it came over the wire, and what was answered. */
export interface Exchange {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether `body` is all of it: of a long one only the beginning is kept. */
  readonly whole: boolean;
  /** Null: the connection was cut, or nothing was ever said. */
  readonly answer: Answer | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What is kept of a body. Longer ones are contents of objects, which no one decodes. */
const KEPT = 1024 * 1024;
const STARTED = "http.server.request.start";

/**
 * Notes every request that any server of this process gets, without a word to that server: Node itself tells of them.
 *
 * @returns ends it
 */
export function record(note: (exchange: Exchange) => void): () => void {
  const heard = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const [sent, answered] = [kept(request, "push"), written(response)];
    response.once("close", () => {
      const { method = "", url = "" } = request;
      // A request that was cut is no request.
      if (!request.complete) return;
      const answer = response.writableFinished
        ? { status: response.statusCode, headers: texts(response.getHeaders(), response), body: answered.bytes() }
        : null;
      note({ method, url, headers: texts(request.headers), body: sent.bytes(), whole: sent.whole(), answer });
    });
  };
  subscribe(STARTED, heard);
  return () => void unsubscribe(STARTED, heard);
}

function kept(request: IncomingMessage, name: "push"): Recorder {
  const keep = recorder();
  const push = request[name].bind(request);
  request[name] = (chunk: unknown, ...more: never[]) => {
    keep.add(chunk);
    return push(chunk, ...more);
  };
  return keep;
}

/** `writeHead` with an object of headers sets none that `getHeaders` would tell of: they are kept here. */
function written(response: ServerResponse): Recorder {
  const keep = recorder();
  const { write, end, writeHead } = response;
  const own = response as unknown as Record<string, unknown>;
  own.writeHead = (status: number, ...more: unknown[]) => {
    const given = more.find((one) => typeof one === "object" && one !== null);
    Object.assign(response, { [HEADERS]: given ?? {} });
    return (writeHead as (...all: unknown[]) => unknown).call(response, status, ...more);
  };
  own.write = (chunk: unknown, ...more: unknown[]) => {
    keep.add(chunk);
    return (write as (...all: unknown[]) => unknown).call(response, chunk, ...more);
  };
  // Node's own `end` writes past `write`, so nothing is kept twice.
  own.end = (chunk: unknown, ...more: unknown[]) => {
    if (typeof chunk !== "function") keep.add(chunk);
    return (end as (...all: unknown[]) => unknown).call(response, chunk, ...more);
  };
  return keep;
}

const HEADERS = Symbol("headers");

interface Recorder {
  add(chunk: unknown): void;
  bytes(): Buffer;
  whole(): boolean;
}

function recorder(): Recorder {
  const chunks: Buffer[] = [];
  let size = 0;
  let all = true;
  return {
    add(chunk) {
      if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) return;
      all &&= size <= KEPT;
      if (!all) return;
      const bytes = Buffer.from(chunk as string);
      chunks.push(bytes);
      size += bytes.length;
    },
    bytes: () => Buffer.concat(chunks),
    whole: () => all,
  };
}

function texts(given: object, response?: ServerResponse): Record<string, string> {
  const more = (response as unknown as { [HEADERS]?: object } | undefined)?.[HEADERS] ?? {};
  return Object.fromEntries(
    Object.entries({ ...given, ...more }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(", ") : String(value)]],
    ),
  );
}
