import type { Config } from "../config.ts";
import { type Health, serveHealth, slackHealth, storeHealth } from "../health.ts";
import type { HttpAddresses, Served } from "../http/addresses.ts";
import { sayProblem } from "../lib/errors.ts";
import type { Metrics } from "../metrics/index.ts";
import type { Base } from "./base.ts";

export interface HealthParts {
  readonly config: Config;
  readonly http: HttpAddresses;
  readonly metrics: Metrics;
  /** Null: it is still being put together. */
  readonly base: () => Base | null;
}

/** `/live`, `/ready` and `/metrics` on the internal address, from before there is a store. Null: they aren't wanted. */
export async function openHealth({ config, http, metrics, base }: HealthParts): Promise<Served | null> {
  if (config.health === null) return null;
  const checks = {
    ready: async () => {
      const made = base();
      return made === null ? { ok: false, says: "It starts, and waits for the store." } : readiness(made);
    },
    undelivered: async () => {
      const found = (await base()?.deliveries.undelivered()) ?? [];
      const sinks = [...new Set(found.map(({ sink }) => sink))];
      return found.length === 0 ? null : `Not delivered: ${found.length} (${sinks.join(", ")}).`;
    },
  };
  return serveHealth(http, config.health, checks, metrics);
}

async function readiness({ store: { timeline, pool }, slack }: Base): Promise<Health> {
  const doubt = timeline.doubt();
  if (doubt !== null) return { ok: false, says: sayProblem(doubt) };
  const store = await storeHealth(pool);
  if (!store.ok) return store;
  return slack === null ? { ok: true, says: "This bot runs without Slack." } : slackHealth(slack);
}
