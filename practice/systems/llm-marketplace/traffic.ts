import { Resolver } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../../src/lib/errors.ts";
import { forget } from "../../environment/servers.ts";
import { balancer, forward, listening, say } from "../../kit/listening.ts";
import type { PracticeCluster } from "../../targets/kubernetes/index.ts";
import type { Cloud } from "./cloud.ts";
import type { Clusters } from "./clusters.ts";
import { ADDRESS, NAMESPACE, PUBLIC_NAME, type Side } from "./names.ts";

interface Acknowledged {
  readonly id: string;
  readonly at: string;
}

/** Publishers out there: they look the public name up, and go where it leads. */
export interface Traffic {
  /** The load balancers in front of each cluster, by fixed address. */
  readonly urls: Readonly<Record<Side, string>>;
  /** The public name, for the one who has no practice resolver: each request looks it up again. */
  readonly publicUrl: string;
  /** `{ acknowledged: [{ id, at }] }`: what publishers were told is stored. */
  readonly ledgerUrl: string;
  readonly acknowledged: readonly Acknowledged[];
  /** A region that is gone answers no one. */
  cut(side: Side, gone: boolean): void;
  /** Forgets what was acknowledged so far. */
  forget(): void;
  /** Takes these out of what was acknowledged: people know that they are lost. */
  writeOff(ids: readonly string[]): void;
  /** How many were acknowledged by way of which cluster in the last second. */
  recent(): Readonly<Record<Side, number>>;
  close(): Promise<void>;
}

const PAUSE_MS = 200;
const ANSWER_MS = 4000;

export async function createTraffic(cloud: Cloud, clusters: Clusters): Promise<Traffic> {
  const gone = new Set<Side>();
  const front = (cluster: PracticeCluster, side: Side) => ({
    pods: () => cluster.listeners(NAMESPACE, ["app", "publishing-service"]),
    isGone: () => gone.has(side),
    milliseconds: ANSWER_MS,
  });
  const east = await balancer(front(clusters.east, "east"));
  const west = await balancer(front(clusters.west, "west"));
  const ways = new Map<string, { side: Side; url: string }>([
    [ADDRESS.east, { side: "east", url: east.url }],
    [ADDRESS.west, { side: "west", url: west.url }],
  ]);
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([`127.0.0.1:${cloud.aws.resolver.port}`]);
  const wayIn = async () => {
    const [address = ""] = await resolver.resolve4(PUBLIC_NAME);
    const way = ways.get(address);
    if (!way) throw new Error(`${PUBLIC_NAME} is ${address}, where nothing listens`);
    return way;
  };
  let acknowledged: (Acknowledged & { side: Side })[] = [];
  const edge = await listening(async (request, response) => {
    try {
      const { url } = await wayIn();
      await forward(`${url}${request.url}`, request, response, ANSWER_MS);
    } catch (error) {
      say(response, 502, { error: messageOf(error) });
    }
  });
  const ledger = await listening((_request, response) =>
    say(response, 200, { contract: "lifeboat.ledger/1", acknowledged: acknowledged.map(({ id, at }) => ({ id, at })) }),
  );
  let closed = false;
  let lastId = Date.now() * 1000;
  const publishing = (async () => {
    while (!closed) {
      const id = String(++lastId);
      for (let stored = false; !stored && !closed; ) {
        // An answer to what was sent before the list was begun again is of a world that is gone.
        const into = acknowledged;
        try {
          const { side, url } = await wayIn();
          const answer = await fetch(`${url}/models`, {
            method: "POST",
            body: JSON.stringify({ id }),
            signal: AbortSignal.timeout(4000),
          });
          stored = answer.ok;
          await answer.arrayBuffer();
          if (stored) into.push({ id, at: new Date().toISOString(), side });
        } catch {
          // Publishers try again until they are told that it is stored.
        }
        await sleep(PAUSE_MS);
      }
    }
  })();
  return {
    urls: { east: east.url, west: west.url },
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
      const last = acknowledged.filter(({ at }) => Date.parse(at) > since);
      const count = (side: Side) => last.filter((one) => one.side === side).length;
      return { east: count("east"), west: count("west") };
    },
    async close() {
      closed = true;
      resolver.cancel();
      await publishing;
      await Promise.all([east, west, edge, ledger].map((one) => one.close()));
    },
  };
}
