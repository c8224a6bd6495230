import { pageWords } from "../../templates/messages/comms/page-text.ts";
import { type Alerts, startAlerts } from "../alerts/index.ts";
import { lookByPlanning } from "../alerts/look.ts";
import { systemsById } from "../catalog/live.ts";
import { serveWebhooks } from "../http/webhooks.ts";
import { type Paging, startPaging } from "../paging/index.ts";
import type { Base } from "./base.ts";

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
