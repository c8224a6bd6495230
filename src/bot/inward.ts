import { pageWords } from "../../templates/messages/comms/page-text.ts";
import { type Alerts, startAlerts } from "../alerts/index.ts";
import { lookByPlanning } from "../alerts/look.ts";
import { systemsById } from "../catalog/live.ts";
import { serveHealth, slackHealth, storeHealth } from "../health.ts";
import { serveWebhooks } from "../http/webhooks.ts";
import { sayProblem } from "../lib/errors.ts";
import { type Paging, startPaging } from "../paging/index.ts";
import type { Base } from "./base.ts";

/** `/live`, `/ready` and `/metrics` on the internal address. Null: they aren't wanted. */
export async function openHealth({ config, http, store, slack, deliveries, metrics }: Base) {
  if (config.health === null) return null;
  const checks = {
    live: () => storeHealth(store.pool),
    ready: () => {
      const doubt = store.timeline.doubt();
      if (doubt !== null) return { ok: false, says: sayProblem(doubt) };
      if (slack === null) return { ok: true, says: "This bot runs without Slack." };
      return slackHealth(slack);
    },
    undelivered: async () => {
      const found = await deliveries.undelivered();
      const sinks = [...new Set(found.map(({ sink }) => sink))];
      return found.length === 0 ? null : `Not delivered: ${found.length} (${sinks.join(", ")}).`;
    },
  };
  return serveHealth(http, config.health, checks, metrics);
}

/** Null: no pages are configured, or no system pages anyone. */
export function startPager(base: Base): Paging | null {
  const { config, catalog, incidents, deliveries, store, secrets, log } = base;
  if (config.paging === null || !catalog.systems.some((system) => system.paging)) return null;
  return startPaging({
    config: config.paging,
    timeline: store.timeline,
    inbox: store.inbox,
    deliveries,
    incidents,
    systems: systemsById(catalog, ({ paging }) => paging !== undefined),
    books: () => catalog.runbooks,
    secret: secrets.forPaging,
    words: pageWords(config.practice),
    log,
  });
}

export function startAlertIntake({ config, catalog, context, incidents, store, log }: Base): Alerts {
  return startAlerts({
    config: config.alerts,
    timeline: store.timeline,
    incidents,
    inbox: store.inbox,
    tally: context.tally,
    systems: () => catalog.systems,
    books: () => catalog.runbooks,
    look: lookByPlanning(context),
    log,
  });
}

/** What PagerDuty and alert senders post to. Null: nothing is to be received, or nowhere. */
export async function openWebhooks({ config, http, log }: Base, alerts: Alerts, paging: Paging | null) {
  const routes = [...(paging?.route ? [paging.route] : []), ...alerts.routes];
  if (config.webhooks === null || routes.length === 0) return null;
  return serveWebhooks({ ...config.webhooks, routes, http, log });
}
