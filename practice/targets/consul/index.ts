import { createFaultInjection, type FaultInjection } from "../../kit/fault-injection.ts";
import { createLedger, type Ledger } from "../../kit/ledger.ts";
import { servePlain } from "../../kit/plain.ts";
import { Refusal } from "../../kit/refusal.ts";
import { createClock } from "../aws/clock.ts";
import { consulRoutes } from "./routes.ts";
import { type ConsulState, createConsulState } from "./state.ts";

export type { ConsulState } from "./state.ts";

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
  readonly state: ConsulState;
  /** `faults.down(datacenter)` takes it away. */
  readonly faults: FaultInjection;
  readonly ledger: Ledger;
  close(): Promise<void>;
}

export async function createConsul(options: ConsulOptions = {}): Promise<Consul> {
  const { scale = 0.02, datacenter = "dc1", version = "1.19.2" } = options;
  const clock = createClock(scale);
  const faults = createFaultInjection();
  const ledger = createLedger();
  const state = createConsulState(datacenter, version, clock);
  const token = `practice-${state.nodeId}`;
  const server = await servePlain({
    service: "consul",
    place: datacenter,
    faults,
    ledger,
    routes: consulRoutes(state),
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
    state,
    faults,
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
  return consulRoutes(createConsulState("dc", "0", clock))
    .map((route) => route.operation)
    .sort();
}
