import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "../lib/log.ts";
import { requestUrl } from "../lib/request-url.ts";
import { listenOn, makeServer, NETWORK_BOUNDS, shut } from "./server.ts";

/** Where something is served. Port 0: any free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Site {
  readonly address: Address;
  /** Exact paths that belong to it, `/slack/events`. */
  readonly paths: readonly string[];
  /** What it throws or rejects with is logged, and answered 500. */
  readonly listener: (request: IncomingMessage, response: ServerResponse) => unknown;
}

/** Something that is served. */
export interface Served {
  readonly port: number;
  readonly listening: boolean;
  /** Takes no new request, waits so long for those in progress, and ends them. */
  close(drainMs?: number): Promise<void>;
}

/** What this process serves over HTTP: what has the same address shares one server, by path. */
export interface HttpAddresses {
  serve(site: Site): Promise<Served>;
}

interface Open {
  readonly server: Server;
  readonly sites: Set<Site>;
  /** Paths without their site, before it is served and after: their senders try again, elsewhere or later. */
  readonly left: Set<string>;
}

/** @param expected paths that will be served: until they are, and once they aren't, their senders are told to try again. */
export function createHttpAddresses(log: Logger, expected: readonly string[] = []): HttpAddresses {
  const opened = new Map<string, Promise<Open>>();

  function open(address: Address): Promise<Open> {
    const key = `${address.host} ${address.port}`;
    const known = address.port === 0 ? undefined : opened.get(key);
    if (known) return known;
    const opening = openAt(address, log, expected);
    if (address.port !== 0) {
      opened.set(key, opening);
      // An address that can't be listened on is requested again by the next.
      opening.catch(() => opened.delete(key));
      opening.then(({ server }) => server.once("close", () => opened.delete(key))).catch(() => {});
    }
    return opening;
  }

  return {
    async serve(site) {
      const at = await open(site.address);
      const underWay = new Set<ServerResponse>();
      const tracked: Site = {
        ...site,
        listener(request, response) {
          underWay.add(response);
          response.once("close", () => underWay.delete(response));
          return site.listener(request, response);
        },
      };
      at.sites.add(tracked);
      for (const path of site.paths) at.left.delete(path);
      const port = (at.server.address() as AddressInfo).port;
      let closing: Promise<void> | undefined;
      return {
        port,
        get listening() {
          return at.server.listening && at.sites.has(tracked);
        },
        close(drainMs = 0) {
          closing ??= leave(at, tracked, underWay, drainMs);
          return closing;
        },
      };
    },
  };
}

async function openAt({ host, port }: Address, log: Logger, expected: readonly string[]): Promise<Open> {
  const sites = new Set<Site>();
  const left = new Set<string>(expected);
  const listener: RequestListener = (request, response) => {
    const { pathname } = requestUrl(request);
    const all = [...sites];
    const own = all.find(({ paths }) => paths.includes(pathname));
    const again = own === undefined && left.has(pathname);
    // Where there is only one, it says itself what it doesn't know.
    const site = again ? undefined : (own ?? (all.length === 1 ? all[0] : undefined));
    if (site === undefined) {
      response.writeHead(again ? 503 : 404, again ? { "retry-after": "5" } : {}).end();
      return;
    }
    Promise.resolve()
      .then(() => site.listener(request, response))
      .catch((error) => {
        log.error({ event: "http.failed", path: pathname, err: error }, "a request could not be answered");
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end();
      });
  };
  const server = makeServer(listener, NETWORK_BOUNDS);
  await listenOn(server, { host, port });
  return { server, sites, left };
}

async function leave(at: Open, site: Site, underWay: Set<ServerResponse>, drainMs: number): Promise<void> {
  at.sites.delete(site);
  for (const path of site.paths) at.left.add(path);
  const isLast = at.sites.size === 0;
  if (isLast) {
    at.server.close();
    at.server.closeIdleConnections();
  }
  if (underWay.size > 0 && drainMs > 0) await drained(underWay, drainMs);
  for (const response of underWay) response.destroy();
  if (isLast) await shut(at.server);
}

/** Resolves when all are over, or after so long. */
function drained(underWay: ReadonlySet<ServerResponse>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    for (const response of underWay)
      response.once("close", () => {
        if (underWay.size > 0) return;
        clearTimeout(timer);
        resolve();
      });
  });
}
