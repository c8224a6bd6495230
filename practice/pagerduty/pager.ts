import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../../src/lib/log.ts";
import { listening } from "../kit/listening.ts";
import { type Company, practiceCompany } from "./company.ts";
import { FaultInjection, type PagerFault } from "./faults.ts";
import { handlePager } from "./handle.ts";
import { answerApi } from "./http.ts";
import { type Change, type Incident, PagerState, type UserAction } from "./state.ts";
import { Webhooks } from "./webhooks.ts";

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
  readonly ledger: readonly UserAction[];
  /** Changes of incidents, in their order: what phones and dashboards saw. */
  happened(): readonly Change[];
  /** A person answers their phone, or a monitor raises the alarm. */
  acknowledge(incident: string, user: string): void;
  resolve(incident: string, user: string): void;
  alarm(title: string): Incident;
  note(incident: string, user: string, content: string): void;
  /** Who is on call for a policy now, level by level. */
  onCall(policy: string, levels: readonly (readonly string[])[]): void;
  injectFault(what: PagerFault | "calm", on?: boolean): void;
  close(): Promise<void>;
}

export async function createPager({ log, company = practiceCompany }: PagerOptions): Promise<Pager> {
  const state = new PagerState(company);
  const faults = new FaultInjection();
  const webhooks = new Webhooks(state, faults, log);
  const server = await listening((request, response) => answerApi(state, faults, request, response));
  const { url } = server;
  const incident = (id: string): Incident => {
    const found = state.find(id);
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
    handle: (request, response) => handlePager({ pager, state, faults }, request, response),
    incidents: state.incidents,
    ledger: state.ledger,
    happened: () => state.happened.map(({ change }) => change),
    acknowledge: (id, user) => state.acknowledge(incident(id), user),
    resolve: (id, user) => state.resolve(incident(id), user),
    alarm: (title) => state.trigger({ title, by: null }),
    note: (id, user, content) => state.annotate(incident(id), content, user),
    onCall: (policy, levels) => state.roster(policy, levels),
    injectFault(what, on = true) {
      if (what === "calm") faults.calm();
      else faults.set(what, on);
      state.touched();
    },
    async close() {
      webhooks.close();
      await server.close();
    },
  };
  return pager;
}
