import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Door, openDoor } from "../door.ts";
import { type Configuration, readConfiguration } from "./configuration.ts";
import { createRouting, type Routing } from "./routing.ts";

/** A reverse proxy of this machine that follows one file, as Traefik's file provider does. */
export interface PracticeTraefik {
  /** Where requests come in. */
  readonly url: string;
  /** `/ping` and `/api`. */
  readonly api: string;
  readonly door: Door;
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
    // A file it can not read changes nothing, as with Traefik.
    readConfiguration(file).then(
      (next) => {
        if (next.sha256 === configuration.sha256) return;
        configuration = next;
        routing.use(next);
      },
      () => {},
    );
  }, LOOK_MS);
  const server = createServer((incoming, response) => pass(routing, incoming, response));
  await new Promise<void>((listening, failed) => {
    server.once("error", failed).listen(port, "127.0.0.1", () => listening());
  });
  const door = await openDoor({
    isWrite: ({ method }) => method !== "GET",
    answer: ({ path }) => answer(routing, path),
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    api: door.url,
    door,
    watch(on) {
      watching = on;
    },
    async close() {
      clearInterval(look);
      routing.close();
      server.closeAllConnections();
      await Promise.all([door.close(), new Promise((closed) => server.close(closed))]);
    },
  };
}

function answer(routing: Routing, path: string) {
  if (path === "/ping") return { status: 200, body: "OK" };
  const [, kind, name] = /^\/api\/http\/(services|routers)(?:\/(.+))?$/.exec(path) ?? [];
  if (kind === undefined) return { status: 404, body: "404 page not found\n" };
  const all = kind === "services" ? routing.services() : routing.routers();
  if (name === undefined) return { status: 200, body: all };
  const found = all.find((one) => one.name === name);
  return found
    ? { status: 200, body: found }
    : { status: 404, body: { message: `${kind.slice(0, -1)} not found: ${name}` } };
}

function pass(routing: Routing, incoming: IncomingMessage, response: ServerResponse): void {
  const to = routing.serverFor(incoming.headers.host ?? "", incoming.url ?? "/");
  if (to === "no-router") return void response.writeHead(404).end("404 page not found\n");
  if (to === "no-server") return void response.writeHead(503).end("no available server");
  const outgoing = request(new URL(incoming.url ?? "/", to), {
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
