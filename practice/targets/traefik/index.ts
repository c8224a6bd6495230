import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { requestUrl } from "../../../src/lib/request-url.ts";
import { listening } from "../../kit/listening.ts";
import { openServer, type ServerReply, type StandInServer } from "../../kit/server.ts";
import { type Configuration, readConfiguration } from "./configuration.ts";
import { createRouting, type Routing, routingCovered } from "./routing.ts";

/** A reverse proxy of this machine that follows one file, as Traefik's file provider does. */
export interface PracticeTraefik {
  /** Where requests come in. */
  readonly url: string;
  /** `/ping` and `/api`. */
  readonly api: string;
  readonly server: StandInServer;
  /** False: it goes on with what it knows and does not see the file any more. */
  watch(on: boolean): void;
  close(): Promise<void>;
}

export interface TraefikOptions {
  readonly file: string;
  /** Where requests come in; left out: a free port. */
  readonly port?: number;
}

const LOOK_MS = 50;

export async function createTraefik({ file, port = 0 }: TraefikOptions): Promise<PracticeTraefik> {
  let configuration: Configuration = await readConfiguration(file);
  let watching = true;
  const routing = createRouting();
  routing.use(configuration);
  const look = setInterval(() => {
    if (!watching) return;
    // A file it can't read changes nothing, as with Traefik.
    readConfiguration(file).then(
      (next) => {
        if (next.sha256 === configuration.sha256) return;
        configuration = next;
        routing.use(next);
      },
      () => {},
    );
  }, LOOK_MS);
  const server = await listening((incoming, response) => pass(routing, incoming, response), { port });
  const standIn = await openServer({
    isWrite: ({ method }) => method !== "GET",
    answer: ({ path }) => answer(routing, path),
  });
  return {
    url: server.url,
    api: standIn.url,
    server: standIn,
    watch(on) {
      watching = on;
    },
    async close() {
      clearInterval(look);
      routing.close();
      await Promise.all([standIn.close(), server.close()]);
    },
  };
}

/** The paths of its API, and what of a file it follows: read from the tables that do it. */
export function traefikCovered(): readonly string[] {
  return [...API.map(({ path }) => path), ...routingCovered()];
}

type Described = ReturnType<Routing["services"]>;
const API: readonly { readonly path: string; answer(routing: Routing, name: string): ServerReply }[] = [
  { path: "/ping", answer: () => ({ status: 200, body: "OK" }) },
  { path: "/api/http/services", answer: (routing) => ({ status: 200, body: routing.services() }) },
  { path: "/api/http/services/{name}", answer: (routing, name) => named("service", routing.services(), name) },
  { path: "/api/http/routers", answer: (routing) => ({ status: 200, body: routing.routers() }) },
  { path: "/api/http/routers/{name}", answer: (routing, name) => named("router", routing.routers(), name) },
];

function answer(routing: Routing, path: string): ServerReply {
  for (const one of API) {
    const match = new RegExp(`^${one.path.replace("{name}", "(.+)")}$`).exec(path);
    if (match) return one.answer(routing, match[1] ?? "");
  }
  return { status: 404, body: "404 page not found\n" };
}

function named(kind: string, all: Described, name: string): ServerReply {
  const found = all.find((one) => one.name === name);
  return found ? { status: 200, body: found } : { status: 404, body: { message: `${kind} not found: ${name}` } };
}

function pass(routing: Routing, incoming: IncomingMessage, response: ServerResponse): void {
  const to = routing.serverFor(incoming.headers.host ?? "", incoming.url ?? "/");
  if (to === "no-router") return void response.writeHead(404).end("404 page not found\n");
  if (to === "no-server") return void response.writeHead(503).end("no available server");
  const asked = requestUrl(incoming);
  // `//host/` after a base is another host: the path is set, never resolved.
  const target = Object.assign(new URL(to), { pathname: asked.pathname, search: asked.search });
  const outgoing = request(target, {
    method: incoming.method,
    headers: incoming.headers,
    agent: false,
  });
  outgoing.on("error", () => {
    if (!response.headersSent) response.writeHead(502);
    response.end("Bad Gateway");
  });
  outgoing.on("response", (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
  });
  incoming.pipe(outgoing);
}
