import type { System } from "../catalog/types.ts";
import type { WebhookRoute } from "../http/webhooks.ts";
import type { Book } from "../incident/alerts.ts";
import type { Incidents } from "../incidents/index.ts";
import type { Logger } from "../lib/log.ts";
import type { Deliveries } from "../projection/deliveries.ts";
import { createPagerDuty, type PagerDuty } from "../sinks/pagerduty/client.ts";
import type { Inbox, Timeline } from "../timeline/contract.ts";
import type { PagingConfig } from "./config.ts";
import type { PageWords } from "./desired-pages.ts";
import { createPager, type PagerSettings } from "./pager.ts";
import type { SeatPageWords } from "./seat-pages.ts";
import { pagerdutyRoute } from "./webhook/route.ts";
import { createWorker } from "./webhook/worker.ts";

export type { PagingConfig } from "./config.ts";

/** Systems by their id. */
export type SystemsById = Pick<ReadonlyMap<string, System>, "get" | "values">;

export interface PagingOptions {
  readonly config: PagingConfig;
  readonly timeline: Timeline;
  readonly inbox: Inbox;
  readonly deliveries: Deliveries;
  readonly incidents: Pick<Incidents, "read" | "toCatchUp">;
  /** Those that are paged, as they are now. */
  readonly systems: SystemsById;
  /** Runbooks of the catalogue: what an alert proposes. */
  readonly books: () => readonly Book[];
  /** A secret by the name of its variable; throws a `LifeboatError` that names what to set. */
  readonly secret: (name: string) => string;
  readonly words: PageWords & SeatPageWords;
  readonly log: Logger;
  readonly settings?: Partial<PagerSettings>;
}

export interface Paging {
  /** What PagerDuty posts to; null: nothing is received from it. */
  readonly route: WebhookRoute | null;
  stop(): Promise<void>;
}

/** Begins to page. Never waits for PagerDuty. */
export function startPaging(options: PagingOptions): Paging {
  const { config, timeline, inbox, log } = options;
  const { systems } = options;
  const leaving = new AbortController();
  const account = accounts(options, leaving.signal);
  const pager = createPager({ ...options, systems, account });
  const worker = createWorker(inbox, { timeline, systems, books: options.books, account, log }, log);
  const { webhook } = config;
  const route = webhook === null ? null : pagerdutyRoute({ ...webhook, inbox, log, received: worker.now });
  pager.start();
  worker.start();
  return {
    route,
    async stop() {
      pager.leave();
      leaving.abort();
      await worker.stop();
      await pager.stop();
    },
  };
}

/** One client per system, made when it is needed: a missing secret stops no bot, and is said where someone is not paged. */
function accounts({ config, secret }: PagingOptions, leaving: AbortSignal): (system: System) => PagerDuty {
  const made = new Map<string, PagerDuty>();
  return (system) => {
    const known = made.get(system.id);
    if (known !== undefined) return known;
    if (system.paging === undefined) throw new Error(`${system.title} has no paging`);
    const { tokenFrom, routingKeyFrom, from, service } = system.paging;
    const { apiUrl, eventsUrl } = config;
    const token = secret(tokenFrom);
    const pd = createPagerDuty({
      apiUrl,
      eventsUrl,
      token,
      routingKey: secret(routingKeyFrom),
      from,
      service,
      leaving,
    });
    made.set(system.id, pd);
    return pd;
  };
}
