import { Resolver } from "node:dns/promises";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../../lib/errors.ts";
import type { PracticeCluster } from "../kubernetes/index.ts";
import type { Cache } from "./cache.ts";
import type { Cloud } from "./cloud.ts";
import type { Clusters } from "./clusters.ts";
import { ADDRESS, NAMESPACE, PUBLIC_NAME, type Side } from "./names.ts";

interface Acknowledged {
  readonly id: string;
  readonly at: string;
  readonly side: Side;
}

/** Customers out there: they look the public name up, and order where it leads. */
export interface Traffic {
  /** The entrance of each region, past DNS. */
  readonly url: Readonly<Record<Side, string>>;
  /** The public name, for whoever has no practice resolver: each request looks it up anew. */
  readonly publicUrl: string;
  /** `{ acknowledged: [{ id, at }] }`: what customers were told is stored. */
  readonly ledgerUrl: string;
  readonly acknowledged: readonly Acknowledged[];
  /** A region that is gone answers nobody. */
  cut(side: Side, gone: boolean): void;
  forget(): void;
  recent(): Readonly<Record<Side, number>>;
  close(): Promise<void>;
}

const PAUSE_MS = 100;

export async function createTraffic(cloud: Cloud, clusters: Clusters, cache: Cache): Promise<Traffic> {
  const gone = new Set<Side>();
  const entrance = {
    east: await balancer(clusters.east, () => gone.has("east")),
    west: await balancer(clusters.west, () => gone.has("west")),
  };
  const resolver = new Resolver({ timeout: 500, tries: 2 });
  resolver.setServers([`127.0.0.1:${cloud.aws.resolver.port}`]);
  const wayIn = async (): Promise<{ side: Side; url: string }> => {
    const [address = ""] = await resolver.resolve4(PUBLIC_NAME);
    for (const side of ["east", "west"] as const)
      if (ADDRESS[side] === address) return { side, url: entrance[side].url };
    throw new Error(`${PUBLIC_NAME} is ${address}, where nobody listens`);
  };
  let acknowledged: Acknowledged[] = [];
  const edge = await listening(async (request, response) => {
    try {
      const { url } = await wayIn();
      await forward(`${url}${request.url}`, request, response);
    } catch (error) {
      say(response, 502, { error: messageOf(error) });
    }
  });
  const ledger = await listening((_request, response) =>
    say(response, 200, { acknowledged: acknowledged.map(({ id, at }) => ({ id, at })) }),
  );
  let closed = false;
  let lastId = Date.now() * 1000;
  const ordering = (async () => {
    while (!closed) {
      const id = String(++lastId);
      for (let stored = false; !stored && !closed; ) {
        const into = acknowledged;
        try {
          const { side, url } = await wayIn();
          const answer = await fetch(`${url}/orders`, {
            method: "POST",
            body: JSON.stringify({ id }),
            signal: AbortSignal.timeout(1500),
          });
          stored = answer.ok;
          await answer.arrayBuffer();
          if (stored) into.push({ id, at: new Date().toISOString(), side });
          // Carts are kept where orders are taken.
          if (stored) cache.side = side;
        } catch {
          // Customers try again until they are told that it is stored.
        }
        await sleep(PAUSE_MS);
      }
    }
  })();
  return {
    url: { east: entrance.east.url, west: entrance.west.url },
    publicUrl: edge.url,
    ledgerUrl: `${ledger.url}/ledger`,
    get acknowledged() {
      return acknowledged;
    },
    cut(side, away) {
      if (away) gone.add(side);
      else gone.delete(side);
    },
    forget() {
      acknowledged = [];
    },
    recent() {
      const since = Date.now() - 1000;
      const last = acknowledged.slice(-40).filter(({ at }) => Date.parse(at) > since);
      const count = (side: Side) => last.filter((one) => one.side === side).length;
      return { east: count("east"), west: count("west") };
    },
    async close() {
      closed = true;
      resolver.cancel();
      await ordering;
      await Promise.all([entrance.east, entrance.west, edge, ledger].map((one) => one.close()));
    },
  };
}

export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** What stands in front of a cluster: sends each request to a pod that is ready. */
async function balancer(cluster: PracticeCluster, isGone: () => boolean): Promise<Listening> {
  let turn = 0;
  return await listening(async (request, response) => {
    if (isGone()) return void request.socket.destroy();
    const pods = cluster.listeners(NAMESPACE, ["app", "api"]);
    const pod = pods[turn++ % Math.max(1, pods.length)];
    if (pod === undefined) return say(response, 503, { status: "unhealthy", why: "no pod is ready" });
    await forward(`${pod}${request.url}`, request, response);
  });
}

async function forward(url: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    const answer = await fetch(url, {
      method: request.method ?? "GET",
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks).toString("utf8") } : {}),
      signal: AbortSignal.timeout(2000),
    });
    response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
  } catch (error) {
    say(response, 502, { status: "unhealthy", why: messageOf(error) });
  }
}

export async function listening(
  answer: (...given: Parameters<RequestListener>) => void | Promise<void>,
): Promise<Listening> {
  const server: Server = createServer((request, response) => {
    void Promise.resolve(answer(request, response)).catch(() => response.destroy());
  });
  await new Promise<void>((open) => server.listen(0, "127.0.0.1", open));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export function say(response: ServerResponse, status: number, body: unknown): void {
  if (!response.headersSent) response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
