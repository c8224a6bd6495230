import { createLedger, type Ledger } from "../../kit/ledger.ts";
import { servePlain } from "../../kit/plain.ts";
import { Refusal } from "../../kit/refusal.ts";
import { createWeather, type Weather } from "../../kit/weather.ts";
import { createClock } from "../aws/clock.ts";
import { consulRoutes } from "./routes.ts";
import { type ConsulWorld, createConsulWorld } from "./world.ts";

export type { ConsulWorld } from "./world.ts";

export interface ConsulOptions {
  readonly scale?: number;
  readonly datacenter?: string;
  readonly version?: string;
}

/** The HTTP API of one Consul datacenter on loopback. */
export interface Consul {
  readonly url: string;
  /** A management token, for `X-Consul-Token`. */
  readonly token: string;
  readonly world: ConsulWorld;
  /** `weather.down(datacenter)` takes it away. */
  readonly weather: Weather;
  readonly ledger: Ledger;
  close(): Promise<void>;
}

export async function createConsul(options: ConsulOptions = {}): Promise<Consul> {
  const { scale = 0.02, datacenter = "dc1", version = "1.19.2" } = options;
  const clock = createClock(scale);
  const weather = createWeather();
  const ledger = createLedger();
  const world = createConsulWorld(datacenter, version, clock);
  const token = `practice-${world.nodeId}`;
  const server = await servePlain({
    service: "consul",
    place: datacenter,
    weather,
    ledger,
    routes: consulRoutes(world),
    admit(headers) {
      if (headers["x-consul-token"] !== token)
        throw new Refusal("acl", "Permission denied: token lacks permission", 403);
    },
    refusal: ({ message }) => message,
    tooMany: "rate_limit",
  });
  return {
    url: server.url,
    token,
    world,
    weather,
    ledger,
    async close() {
      clock.stop();
      await server.close();
    },
  };
}

/** The operations, read from the very table that answers. */
export function consulCovered(): readonly string[] {
  const clock = { scale: 1, after: () => {}, stop: () => {} };
  return consulRoutes(createConsulWorld("dc", "0", clock))
    .map((route) => route.operation)
    .sort();
}
