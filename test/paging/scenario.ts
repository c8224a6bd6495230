import { createPager, type Pager } from "../../practice/pagerduty/index.ts";
import type { Plan, System } from "../../src/catalog/types.ts";
import { serveWebhooks } from "../../src/http/webhooks.ts";
import { fold } from "../../src/incident/evolve.ts";
import { type Paging, startPaging } from "../../src/paging/index.ts";
import type { PagerSettings } from "../../src/paging/pager.ts";
import { createDeliveries } from "../../src/projection/deliveries.ts";
import type { Store } from "../../src/timeline/index.ts";
import { pageWords } from "../../templates/messages/comms/page-text.ts";
import { SYSTEM } from "../support/incident-scenario.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { quiet } from "../support/postgres.ts";

/** The shop, with phones: Bo is on call for the database, Vera for engineering. Ana asks for runs in these tests. */
export const phones: System = {
  ...SYSTEM,
  alerts: [
    {
      ...{ id: "DatabaseDown", title: "The database is down", when: "up == 0", severity: "P2", component: "database" },
      ...{ runbook: "db-failover", mode: null, link: null },
    },
  ],
  paging: {
    service: "PSHOP",
    routingKeyFrom: "SHOP_ROUTING_KEY",
    tokenFrom: "PAGERDUTY_TOKEN",
    from: "lifeboat@example.com",
    policies: [
      { role: "database-administrator", policy: "PDBA0" },
      { role: "vp-engineering", policy: "PVPE0" },
    ],
    people: [
      { person: "ana", user: "PANA0" },
      { person: "bo", user: "PBO00" },
      { person: "cy", user: "PCY00" },
      { person: "vera", user: "PVERA" },
      { person: "oli", user: "POLI0" },
    ],
  },
};

const user = (id: string, name: string) => ({ id, name, email: `${name.toLowerCase()}@example.com` });

export function openPager(): Promise<Pager> {
  return createPager({
    log: quiet,
    company: {
      users: [
        user("PANA0", "Ana"),
        user("PBO00", "Bo"),
        user("PCY00", "Cy"),
        user("PVERA", "Vera"),
        user("POLI0", "Oli"),
        user("PNELL", "Nell"),
        user("PBOAT", "Lifeboat"),
      ],
      policies: [
        { id: "PFRONT", name: "First line", levels: [["POLI0"]] },
        { id: "PDBA0", name: "Databases", levels: [["PBO00"]] },
        { id: "PVPE0", name: "Engineering", levels: [["PVERA"]] },
      ],
      service: { id: "PSHOP", name: "Shop", policy: "PFRONT" },
      routingKey: "0123456789abcdef0123456789abcdef",
      token: "a-token",
    },
  });
}

/** A bot's paging on one store: as `bot.ts` puts it together, with quick retries. */
export async function pagingOn(
  store: Store,
  pager: Pager,
  more: { settings?: Partial<PagerSettings>; systems?: readonly System[]; secrets?: readonly string[] } = {},
): Promise<Paging & { readonly port: number }> {
  const secrets = more.secrets ?? [pager.environment().PAGERDUTY_WEBHOOK_SECRETS];
  const paging = startPaging({
    config: {
      apiUrl: pager.url,
      eventsUrl: pager.url,
      webhook: { secrets },
    },
    timeline: store.timeline,
    inbox: store.inbox,
    deliveries: createDeliveries(store.pool),
    incidents: {
      ...incidentsOn(store),
      read: async (stream) => fold(stream, await store.timeline.read(stream), plans),
    },
    systems: new Map((more.systems ?? [phones]).filter(({ paging }) => paging).map((one) => [one.id, one])),
    books: () => [{ system: "shop", id: "db-failover", title: "Fail over", modes: ["unplanned"] }],
    secret: (name) => (name === "PAGERDUTY_TOKEN" ? "a-token" : "0123456789abcdef0123456789abcdef"),
    words: pageWords(false),
    log: quiet,
    settings: { pollMs: 50, firstRetrySeconds: 0.05, lastRetrySeconds: 0.2, onCallSeconds: 0.5, ...more.settings },
  });
  const routes = paging.route === null ? [] : [paging.route];
  const webhooks = await serveWebhooks({ port: 0, host: "127.0.0.1", routes, log: quiet });
  pager.subscribe(`http://127.0.0.1:${webhooks.port}/pagerduty/webhook`);
  return {
    ...paging,
    port: webhooks.port,
    async stop() {
      await webhooks.close();
      await paging.stop();
    },
  };
}

/** Plans of every run of these tests, by hash. */
export const plans = new Map<string, Plan>();
