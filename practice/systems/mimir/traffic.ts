import { Resolver } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../../src/lib/errors.ts";
import { forget } from "../../environment/servers.ts";
import { balancer, forward, listening, say } from "../../kit/listening.ts";
import type { PracticeCluster } from "../../targets/kubernetes/index.ts";
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
  /** The public name, for the one who has no practice resolver: each request looks it up again. */
  readonly publicUrl: string;
  /** `{ acknowledged: [{ id, at }] }`: what customers were told is stored. */
  readonly ledgerUrl: string;
  readonly acknowledged: readonly Acknowledged[];
  /** A region that is gone answers no one. */
  cut(side: Side, gone: boolean): void;
  forget(): void;
  /** Takes these out of what was acknowledged: people know that they are lost. */
  writeOff(ids: readonly string[]): void;
  recent(): Readonly<Record<Side, number>>;
  close(): Promise<void>;
}

const PAUSE_MS = 100;
const ANSWER_MS = 2000;

export async function createTraffic(cloud: Cloud, clusters: Clusters, cache: Cache): Promise<Traffic> {
  const gone = new Set<Side>();
  const front = (cluster: PracticeCluster, side: Side) => ({
    pods: () => cluster.listeners(NAMESPACE, ["app", "api"]),
    isGone: () => gone.has(side),
    milliseconds: ANSWER_MS,
  });
  const entrance = {
    east: await balancer(front(clusters.east, "east")),
    west: await balancer(front(clusters.west, "west")),
  };
  const resolver = new Resolver({ timeout: 500, tries: 2 });
  resolver.setServers([`127.0.0.1:${cloud.aws.resolver.port}`]);
  const wayIn = async (): Promise<{ side: Side; url: string }> => {
    const [address = ""] = await resolver.resolve4(PUBLIC_NAME);
    for (const side of ["east", "west"] as const)
      if (ADDRESS[side] === address) return { side, url: entrance[side].url };
    throw new Error(`${PUBLIC_NAME} is ${address}, where nothing listens`);
  };
  let acknowledged: Acknowledged[] = [];
  const edge = await listening(async (request, response) => {
    try {
      const { url } = await wayIn();
      await forward(`${url}${request.url}`, request, response, ANSWER_MS);
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
        // An answer to what was sent before the list was begun again is of a world that is gone.
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
    writeOff: (ids) => forget(acknowledged, ids),
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
