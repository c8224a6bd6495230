import { cards } from "../actions/index.ts";
import { alertPaths } from "../alerts/config.ts";
import { type LiveCatalog, liveCatalog } from "../catalog/live.ts";
import { loadCatalog } from "../catalog/load.ts";
import type { System } from "../catalog/types.ts";
import { commandContextOf, readCatalog, refuseDrillsOnProduction, secretsOf } from "../command-context.ts";
import { openPage, type StatusPage } from "../comms/page/serve.ts";
import type { Config } from "../config.ts";
import { rosterAccountStatus } from "../control/account-status.ts";
import type { AccountStatus } from "../engine/ports.ts";
import { createHttpAddresses, type HttpAddresses, type Served } from "../http/addresses.ts";
import { PAGERDUTY_WEBHOOK, SLACK_EVENTS } from "../http/paths.ts";
import { createIncidents, type Incidents } from "../incidents/index.ts";
import type { Logger } from "../lib/log.ts";
import type { SecretBook } from "../lib/redact.ts";
import type { Metrics } from "../metrics/index.ts";
import { peopleInEvents } from "../people-in-events.ts";
import { createDeliveries, type Deliveries } from "../projection/deliveries.ts";
import { createOutbox, type Outbox } from "../projection/outbox.ts";
import { createReloader, printsOf, type Reloader } from "../reload.ts";
import type { Secrets } from "../secrets.ts";
import { createSlack, type Slack } from "../slack/index.ts";
import { openStore, type Store } from "../timeline/index.ts";
import { redacted } from "../timeline/redacted.ts";
import { openHealth } from "./health.ts";
import { metricsOf } from "./metrics.ts";

/** What all the rest of a bot stands on: nothing here does anything by itself, but for what is served. */
export interface Base {
  readonly config: Config;
  readonly log: Logger;
  readonly book: SecretBook;
  readonly catalog: LiveCatalog;
  readonly reloader: Reloader;
  readonly secrets: Secrets;
  readonly http: HttpAddresses;
  readonly page: StatusPage;
  /** Null: it isn't served. */
  readonly health: Served | null;
  /** Its timeline is counted and redacted. */
  readonly store: Store;
  readonly incidents: Incidents;
  readonly outbox: Outbox;
  readonly deliveries: Deliveries;
  readonly context: ReturnType<typeof commandContextOf>;
  readonly metrics: Metrics;
  /** Null: this bot was configured without one. */
  readonly slack: Slack | null;
  readonly accountStatus: AccountStatus;
  /** What is known of someone's account that keeps them from acting; null: nothing is. */
  readonly gone: (system: System, person: string) => Promise<string | null>;
}

/** Waits for the store, never for Slack. @throws LifeboatError where nothing could be run, or a drill would reach production */
export async function openBase(config: Config, log: Logger, book: SecretBook): Promise<Base> {
  const prints = await printsOf(config.catalog.systemsFolder);
  const catalog = liveCatalog(readCatalog(config, log));
  // Before anything else, and with what it last said: it is read when everything else is down.
  const http = createHttpAddresses(log, pathsOf(config));
  const page = await openPage({ ...config.comms.page, http, log });
  // The parts below know each other: what is called later finds the whole base.
  let base: Base | null = null;
  const made = () => base;
  const metrics = metricsOf(made, log);
  const health = await openHealth({ config, http, metrics, base: made });
  const opened = await openStore({
    ...config.store,
    people: peopleInEvents(() => ({ systems: catalog.ever, runbooks: [] })),
    signsAfter: ["incident.resolved", "incident.closed"],
    log,
  });
  const store = { ...opened, timeline: metrics.counted(redacted(opened.timeline, book.redact)) };
  const { timeline, inbox, pool } = store;
  const outbox = createOutbox(pool);
  const incidents = createIncidents({
    timeline,
    channels: {
      channelsOf: (ids) => outbox.placesOf(ids),
      incidentAt: async (channel) => (await outbox.streamAt(channel))?.stream ?? null,
    },
    log,
  });
  const reloader = createReloader({
    folder: config.catalog.systemsFolder,
    live: catalog,
    prints,
    read: (home) => loadCatalog(home, cards),
    mayUse: ({ environment }) => (environment === "practice") === config.practice,
    check: (next) => refuseDrillsOnProduction({ ...context, catalog: next }),
    timeline,
    log,
  });
  const gone = async (system: System, person: string) => (await accountStatus.gone?.(system, person)) ?? null;
  const context = commandContextOf(
    config,
    catalog,
    store,
    outbox,
    incidents,
    log,
    book,
    (actor) => reloader.now("command", actor),
    () => slack?.blocked() ?? new Set(),
    gone,
  );
  refuseDrillsOnProduction(context);
  const slack =
    config.slack &&
    createSlack({ config: config.slack, context, timeline, inbox, outbox, http, redact: book.redact, log });
  const accountStatus = slack?.accountStatus ?? rosterAccountStatus(config.slackUnavailable);
  base = {
    ...{ config, log, book, catalog, reloader, http, page, health, store, incidents, outbox, context, metrics },
    ...{ slack, accountStatus, gone },
    secrets: secretsOf(config, catalog, book),
    deliveries: createDeliveries(pool),
  };
  return base;
}

/** What others may send to this bot, by its configuration: each is answered from the start. */
function pathsOf({ slack, paging, alerts }: Config): readonly string[] {
  const senders = Object.entries(alerts).filter(([, accepted]) => accepted.length > 0);
  return [
    ...(slack?.transport.kind === "http" ? [SLACK_EVENTS] : []),
    ...(paging?.webhook ? [PAGERDUTY_WEBHOOK] : []),
    ...senders.map(([sender]) => `/alerts/${sender}`),
    ...alertPaths(alerts),
  ];
}
