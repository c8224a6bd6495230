import { versionNumber } from "../cli/version.ts";
import { storeHealth } from "../health.ts";
import { LifeboatError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { createMetrics, type Metrics } from "../metrics/index.ts";
import { readOutboxNow } from "../projection/outbox-now.ts";
import type { Base } from "./base.ts";

/** @param made null while the bot is still being put together: asked then, there are no figures */
export function metricsOf(made: () => Base | null, log: Logger): Metrics {
  const base = () => {
    const found = made();
    if (found === null) throw new LifeboatError({ code: "starting", what: "It starts, and waits for the store" });
    return found;
  };
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
