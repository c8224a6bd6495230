import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";

/** What one connection may take, in milliseconds, and how many there may be at once. */
export interface Bounds {
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly connectionsCheckingInterval: number;
  readonly maxConnections: number;
}

/** For what is sent over a network. Slow senders and idle connections are closed, so that the next one is answered. */
export const NETWORK_BOUNDS: Bounds = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxConnections: 500,
};

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The one HTTP server of this program, not listening yet: bounded, and with TLS 1.3 where it is given a certificate. */
export function makeServer(listener: RequestListener, bounds: Bounds, tls?: TlsFiles): Server {
  const { maxConnections, ...timeouts } = bounds;
  const server = tls
    ? createTlsServer({ ...timeouts, ...tls, minVersion: "TLSv1.3", handshakeTimeout: 5_000 }, listener)
    : createServer(timeouts, listener);
  server.maxConnections = maxConnections;
  return server;
}

/** @throws what `listen` fails with: the address is taken, or isn't this machine's. */
export async function listenOn(server: Server, where: Parameters<Server["listen"]>[0]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Stops listening and ends every connection. */
export function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
