import type { DatabaseHost } from "../../environment/database.ts";
import type { Application } from "./application.ts";
import { ENVIRONMENT_FAULTS } from "./faults.ts";
import { bytesBetween, lookAtHost, type NodeState } from "./look.ts";
import { countLosses, type Losses } from "./losses.ts";
import type { OrdersState } from "./orders/api.ts";

/** Everything the panel shows: `GET /environment/state`. */
export interface EnvironmentState {
  readonly at: string;
  readonly nodes: readonly NodeState[];
  readonly application: (OrdersState & { readonly url: string }) | null;
  /** Acknowledged orders that are not on the server the application writes to; null while that one can't be asked. */
  readonly lostRows: number | null;
  readonly lostSeconds: number | null;
  readonly splitBrain: boolean;
  /** What was done to it lately, newest first. */
  readonly happened: readonly { readonly at: string; readonly says: string }[];
}

export interface EnvironmentObserver {
  /** As it is now; a look younger than 300 ms is shared. */
  look(): Promise<EnvironmentState>;
  /** Calls back with a look every half second until the returned function is called. */
  follow(seen: (state: EnvironmentState) => void): () => void;
  note(what: string): void;
  close(): void;
}

const FRESH = 300;
const PERIOD = 500;
const LOSS_PERIOD = 5000;

export function createEnvironmentObserver(
  nodes: readonly DatabaseHost[],
  application: Application,
  password: string,
): EnvironmentObserver {
  const followers = new Set<(state: EnvironmentState) => void>();
  let timer: NodeJS.Timeout | undefined;
  let shared: { at: number; state: Promise<EnvironmentState> } | null = null;
  let losses: { at: number; target: string; found: Losses | null } | null = null;
  let happened: EnvironmentState["happened"] = [];

  async function fresh(): Promise<EnvironmentState> {
    const [orders, ...looked] = await Promise.all([
      application.state(),
      ...nodes.map((node) => lookAtHost(node, password)),
    ]);
    const primary = looked.find((node) => node.role === "primary");
    const states = looked.map((node) => ({
      ...node,
      lagBytes: node.role === "standby" && primary ? bytesBetween(primary.position, node.position) : null,
      takesTraffic: orders?.target.name === node.name,
    }));
    const found = orders === null ? null : await lossesOn(orders);
    return {
      at: new Date().toISOString(),
      nodes: states,
      application: orders === null ? null : { ...orders, url: application.url },
      lostRows: found?.lost ?? null,
      lostSeconds: found?.lostSeconds ?? null,
      splitBrain: states.filter((node) => node.role === "primary" && node.readOnly === false).length > 1,
      happened,
    };
  }

  /** Counting reads the whole ledger, so it is done now and then, and at once when the application has moved. */
  async function lossesOn(orders: OrdersState): Promise<Losses | null> {
    const now = performance.now();
    const target = orders.target.name;
    const stale = losses === null || losses.target !== target || losses.found === null || now - losses.at > LOSS_PERIOD;
    if (stale && orders.healthy) {
      const host = nodes.find((node) => node.name === target);
      const found = host ? await countLosses(application, host).catch(() => null) : null;
      losses = { at: now, target, found };
    }
    return losses?.target === target ? losses.found : null;
  }

  const snapshot: EnvironmentObserver = {
    look() {
      if (shared === null || performance.now() - shared.at > FRESH) shared = { at: performance.now(), state: fresh() };
      return shared.state;
    },
    follow(seen) {
      followers.add(seen);
      timer ??= setInterval(async () => {
        const state = await snapshot.look().catch(() => null);
        if (state) for (const each of followers) each(state);
      }, PERIOD);
      return () => {
        followers.delete(seen);
        if (followers.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
      };
    },
    note(what) {
      const says = ENVIRONMENT_FAULTS.find((one) => one.what === what)?.says ?? what;
      happened = [{ at: new Date().toISOString(), says }, ...happened].slice(0, 12);
      shared = null;
      losses = null;
    },
    close() {
      clearInterval(timer);
      followers.clear();
    },
  };
  return snapshot;
}
