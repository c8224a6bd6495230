import type { IncomingMessage, ServerResponse } from "node:http";
import { requestUrl } from "../../src/lib/request-url.ts";
import { bytesOf } from "./body.ts";
import type { FaultInjection } from "./fault-injection.ts";
import { meet } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import { type Listening, listening } from "./listening.ts";
import { Refusal } from "./refusal.ts";

/** A request of a plain HTTP interface, taken apart. */
export interface PlainCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** What the pattern of the route caught. */
  readonly parts: readonly string[];
}

/** What is answered, and what changes in the world; apart, so that a fault can lose the one and keep the other. */
export interface PlainTurn {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes and text as they are, everything else as JSON. */
  readonly body?: unknown;
  readonly effect?: () => void;
}

export interface Route {
  readonly operation: string;
  readonly method: string;
  readonly path: RegExp;
  act(call: PlainCall): PlainTurn | Promise<PlainTurn>;
}

export interface PlainOptions {
  /** In the ledger. */
  readonly service: string;
  /** In the ledger, and what `faults.down` takes away. */
  readonly place: string;
  readonly faults: FaultInjection;
  readonly ledger: Ledger;
  readonly routes: readonly Route[];
  /** Throws a `Refusal` to the one who may not. */
  admit(headers: PlainCall["headers"]): void;
  /** How this interface words a refusal. */
  refusal(refusal: Refusal): unknown;
  /** The code of being asked too often. */
  readonly tooMany: string;
}

/** Serves a table of routes on loopback, as injected faults allow, and writes down what became of each request. */
export async function servePlain(options: PlainOptions): Promise<Listening> {
  const { service, place, faults, ledger, routes, refusal } = options;
  return await listening(answer);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = requestUrl(request);
    const path = decodeURIComponent(url.pathname);
    const method = request.method ?? "GET";
    const route = routes.find((one) => one.method === method && one.path.test(path));
    const operation = route?.operation ?? `${method} ${path}`;
    const body = await bytesOf(request, Number.POSITIVE_INFINITY);
    const given = {
      path,
      ...Object.fromEntries(url.searchParams),
      ...(body.length < 4096 ? { body: String(body) } : {}),
    };
    let struck: ReturnType<FaultInjection["take"]> = null;
    const note = (outcome: "accepted" | "answered" | "refused" | "dropped", code: string | null) =>
      ledger.write({ service, region: place, operation, given, outcome, code, fault: struck?.kind ?? null });
    if (faults.isDown(place)) {
      note("dropped", null);
      response.destroy();
      return;
    }
    struck = faults.take(operation);
    try {
      await meet(struck, response, {
        dropped: () => note("dropped", null),
        refuse(why) {
          if (why === "throttle") throw new Refusal(options.tooMany, "Too many requests", 429);
          if (why === "fail") throw new Refusal("internal_error", "Something went wrong inside", 500);
          write(response, 500, refusal(new Refusal("internal_error", "Lost inside", 500)));
        },
        async perform(happens) {
          const headers = Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
          );
          options.admit(headers);
          if (faults.isDenied(`${service}:${operation}`)) throw new Refusal("forbidden", `May not ${operation}`, 403);
          if (!route) throw new Refusal("no_handler", `There is no ${method} ${path}`, 404);
          const parts = (route.path.exec(path) ?? []).slice(1).map((part) => part ?? "");
          const turn = await route.act({ method, path, query: url.searchParams, headers, body, parts });
          note(turn.effect && happens ? "accepted" : "answered", null);
          if (happens) turn.effect?.();
          return () => write(response, turn.status ?? 200, turn.body ?? {}, turn.headers);
        },
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      note("refused", error.code);
      write(response, error.status, refusal(error));
    }
  }
}

function write(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  if (Buffer.isBuffer(body))
    response.writeHead(status, { "content-type": "application/octet-stream", ...headers }).end(body);
  else if (typeof body === "string") response.writeHead(status, { "content-type": "text/plain", ...headers }).end(body);
  else response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** A body as JSON; nothing is an empty object. */
export function jsonOf({ body }: PlainCall): Record<string, unknown> {
  return body.length === 0 ? {} : (JSON.parse(body.toString("utf8")) as Record<string, unknown>);
}
