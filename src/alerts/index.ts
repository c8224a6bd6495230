import type { WebhookRoute } from "../http/webhooks.ts";
import type { Incidents } from "../incidents/index.ts";
import type { Logger } from "../lib/log.ts";
import type { Inbox, Tally, Timeline } from "../timeline/contract.ts";
import type { AlertsConfig } from "./config.ts";
import type { Hearing } from "./hear.ts";
import { createProposals, type LookAtProposal } from "./proposals.ts";
import { alertRoutes } from "./routes.ts";
import { createCertificates, type FetchCertificate } from "./sns/certificate.ts";
import { confirmSubscription } from "./sns/confirm.ts";
import { createAlertWorker, type WorkerSettings } from "./worker.ts";

export type { AlertsConfig } from "./config.ts";

export interface AlertsOptions extends Pick<Hearing, "systems" | "books"> {
  readonly config: AlertsConfig;
  readonly timeline: Pick<Timeline, "decide" | "read" | "now" | "realNow" | "follow">;
  readonly incidents: Pick<Incidents, "read" | "decide" | "open" | "toCatchUp">;
  readonly inbox: Inbox;
  readonly tally: Tally;
  /** Looks at what a proposed runbook would act on, read-only. */
  readonly look: LookAtProposal;
  readonly log: Logger;
  readonly certificate?: FetchCertificate;
  readonly settings?: Partial<WorkerSettings>;
}

export interface Alerts {
  /** What the senders that are configured post to; none: none is. */
  readonly routes: readonly WebhookRoute[];
  stop(): Promise<void>;
}

/**
 * Begins to hear alerts. Whatever this process is configured for, it hears what another one received, and looks at what an alert proposes.
 */
export function startAlerts(options: AlertsOptions): Alerts {
  const { config, timeline, incidents, inbox, tally, systems, books, log } = options;
  const worker = createAlertWorker({
    inbox,
    hearing: { timeline, incidents, inbox, tally, systems, books },
    confirm: async ({ topic, token }) => {
      await confirmSubscription(topic, token);
      log.info({ event: "alerts.subscribed", topic }, "the subscription to an SNS topic is confirmed");
    },
    log,
    ...(options.settings && { settings: options.settings }),
  });
  const proposals = createProposals(options);
  const routes = alertRoutes({
    ...{ config, inbox, tally, log },
    certificate: createCertificates(options.certificate),
    now: () => timeline.now(),
    realNow: () => timeline.realNow(),
    received: worker.now,
  });
  worker.start();
  proposals.start();
  return {
    routes,
    async stop() {
      await worker.stop();
      await proposals.stop();
    },
  };
}
