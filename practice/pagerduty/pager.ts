import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../../src/lib/log.ts";
import { listening } from "../kit/listening.ts";
import { type Trouble, Weather } from "./chaos.ts";
import { type Company, practiceCompany } from "./company.ts";
import { handlePager } from "./handle.ts";
import { answerApi } from "./http.ts";
import { Webhooks } from "./webhooks.ts";
import { type Change, type Deed, type Incident, World } from "./world.ts";

export interface PagerOptions {
  readonly log: Logger;
  readonly company?: Company;
}

/** A PagerDuty of one's own: its REST API, its Events API, its webhooks, and people's phones. */
export interface Pager {
  readonly url: string;
  /** What a bot needs in its environment to page here instead of at PagerDuty. */
  environment(): Record<
    "PAGERDUTY_API_URL" | "PAGERDUTY_TOKEN" | "PAGERDUTY_ROUTING_KEY" | "PAGERDUTY_WEBHOOK_SECRETS",
    string
  >;
  /** From now on every change is told to this address too. */
  subscribe(url: string): void;
  /** Pages under `/pager/`: for the practice workspace. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  readonly incidents: readonly Incident[];
  /** Every request and what came of it, oldest first. */
  readonly ledger: readonly Deed[];
  /** Changes of incidents, in their order: what phones and dashboards saw. */
  happened(): readonly Change[];
  /** A person answers their phone, or a monitor raises the alarm. */
  acknowledge(incident: string, user: string): void;
  resolve(incident: string, user: string): void;
  alarm(title: string): Incident;
  note(incident: string, user: string, content: string): void;
  /** Who is on call for a policy now, level by level. */
  onCall(policy: string, levels: readonly (readonly string[])[]): void;
  chaos(what: Trouble | "calm", on?: boolean): void;
  close(): Promise<void>;
}

export async function createPager({ log, company = practiceCompany }: PagerOptions): Promise<Pager> {
  const world = new World(company);
  const weather = new Weather();
  const webhooks = new Webhooks(world, weather, log);
  const server = await listening((request, response) => answerApi(world, weather, request, response));
  const { url } = server;
  const incident = (id: string): Incident => {
    const found = world.find(id);
    if (found === undefined) throw new Error(`There is no incident ${id}.`);
    return found;
  };

  const pager: Pager = {
    url,
    environment: () => ({
      PAGERDUTY_API_URL: url,
      PAGERDUTY_TOKEN: company.token,
      PAGERDUTY_ROUTING_KEY: company.routingKey,
      PAGERDUTY_WEBHOOK_SECRETS: webhooks.secret,
    }),
    subscribe: (to) => webhooks.subscribe(to),
    handle: (request, response) => handlePager({ pager, world, weather }, request, response),
    incidents: world.incidents,
    ledger: world.ledger,
    happened: () => world.happened.map(({ change }) => change),
    acknowledge: (id, user) => world.acknowledge(incident(id), user),
    resolve: (id, user) => world.resolve(incident(id), user),
    alarm: (title) => world.trigger({ title, by: null }),
    note: (id, user, content) => world.annotate(incident(id), content, user),
    onCall: (policy, levels) => world.roster(policy, levels),
    chaos(what, on = true) {
      if (what === "calm") weather.calm();
      else weather.set(what, on);
      world.touched();
    },
    async close() {
      webhooks.close();
      await server.close();
    },
  };
  return pager;
}
