import { createFaultInjection, type FaultInjection } from "../../kit/fault-injection.ts";
import { createLedger, type Ledger } from "../../kit/ledger.ts";
import { servePlain } from "../../kit/plain.ts";
import { Refusal } from "../../kit/refusal.ts";
import { createClock } from "../aws/clock.ts";
import { searchRoutes } from "./routes.ts";
import {
  addIndex,
  createRepository,
  createSearchClusterState,
  type Index,
  type Repository,
  type SearchClusterState,
} from "./state.ts";

export type { Index, Repository, SearchClusterState, Snapshot, SnapshotState } from "./state.ts";

export interface SearchOptions {
  /** Seconds of a cluster per second of the wall, inverted. A snapshot takes 60 s of it, a restore 120 s. */
  readonly scale?: number;
  readonly distribution?: "elasticsearch" | "opensearch";
  /** Names of clusters; `faults.down` takes one away. */
  readonly clusters?: readonly string[];
}

/** Search clusters on loopback, for plain HTTP, with a repository of snapshots they all know as `backups`. */
export interface Search {
  readonly clusters: ReadonlyMap<string, SearchCluster>;
  /** What lies in the repository. All but the first cluster know it read-only. */
  readonly repository: Repository;
  readonly faults: FaultInjection;
  /** The cluster's name is the `region` of an entry. */
  readonly ledger: Ledger;
  cluster(name: string): SearchCluster;
  close(): Promise<void>;
}

export interface SearchCluster {
  readonly url: string;
  readonly state: SearchClusterState;
  /** `{"user":…,"password":…}` of the one login, and an API key as Elasticsearch wants it in `Authorization: ApiKey …`. */
  readonly login: { readonly user: string; readonly password: string };
  readonly apiKey: string;
  addIndex(name: string, docs?: readonly unknown[]): Index;
}

export async function createSearch(options: SearchOptions = {}): Promise<Search> {
  const { scale = 0.002, distribution = "elasticsearch", clusters: names = ["east", "west"] } = options;
  const clock = createClock(scale);
  const faults = createFaultInjection();
  const ledger = createLedger();
  const repository = createRepository();
  const clusters = new Map<string, SearchCluster>();
  const closers: (() => Promise<void>)[] = [];
  for (const [i, name] of names.entries()) {
    const state = createSearchClusterState(name, clock, distribution);
    state.repositories.set("backups", { repository, readonly: i > 0 });
    const login = { user: "lifeboat", password: `practice-${name}` };
    const apiKey = Buffer.from(`lifeboat:${name}`).toString("base64");
    const allowed = [`Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`, `ApiKey ${apiKey}`];
    const server = await servePlain({
      service: "search",
      place: name,
      faults,
      ledger,
      routes: searchRoutes(state),
      admit({ authorization = "" }) {
        if (!allowed.includes(authorization)) {
          throw new Refusal("security_exception", "missing or wrong authentication credentials", 401);
        }
      },
      refusal: ({ code, message, status }) => ({
        error: { root_cause: [{ type: code, reason: message }], type: code, reason: message },
        status,
      }),
      tooMany: "es_rejected_execution_exception",
    });
    closers.push(() => server.close());
    clusters.set(name, {
      url: server.url,
      state,
      login,
      apiKey,
      addIndex: (index, docs = []) =>
        addIndex(state, index, { docs: new Map(docs.map((doc, n) => [String(n + 1), doc])) }),
    });
  }
  return {
    clusters,
    repository,
    faults,
    ledger,
    cluster(name) {
      const found = clusters.get(name);
      if (!found) throw new Error(`There is no cluster ${name}`);
      return found;
    },
    async close() {
      clock.stop();
      await Promise.all(closers.map((close) => close()));
    },
  };
}

/** The operations, read from the very table that answers. */
export function searchCovered(): readonly string[] {
  const clock = { scale: 1, after: () => {}, stop: () => {} };
  const routes = searchRoutes(createSearchClusterState("nothing", clock, "elasticsearch"));
  return [...new Set(routes.map((route) => route.operation))].sort();
}
