import { versionNumber } from "../cli/version.ts";
import { storeHealth } from "../health.ts";
import type { Logger } from "../lib/log.ts";
import { createMetrics, type Metrics } from "../metrics/index.ts";
import { readOutboxNow } from "../projection/outbox-now.ts";
import type { Base } from "./base.ts";

/** @param base known by the time anyone asks for figures */
export function metricsOf(base: () => Base, log: Logger): Metrics {
  return createMetrics({
    version: versionNumber(),
    read: (incident) => base().incidents.read(incident),
    now: {
      current: () => base().incidents.current(),
      store: async () => {
        const { ok, says } = await storeHealth(base().store.pool);
        if (!ok) throw new Error(says);
      },
      inbox: () => base().store.inbox.now(),
      outbox: () => readOutboxNow(base().store.pool),
      doubt: () => base().store.timeline.doubt() !== null,
      slack: () => {
        const { slack } = base();
        return (
          slack && {
            connected: slack.ready(),
            silentSince: slack.silentSince(),
            sockets: slack.sockets(),
            calls: slack.calls,
          }
        );
      },
      catalogue: () => ({ systems: base().catalog.systems.length }),
      readiness: () => base().context.readiness.of(base().catalog.systems),
    },
    log,
  });
}
