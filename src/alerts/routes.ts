import type { Delivery, WebhookRoute } from "../http/webhooks.ts";
import { sha256 } from "../lib/canonical.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Inbox, Tally } from "../timeline/contract.ts";
import { GENERIC_SIGNATURE, GRAFANA_SIGNATURE, hasCredentials, isSigned } from "./authenticate.ts";
import type { AlertsConfig } from "./config.ts";
import { type Notice, noticeOf, type Parsed, type Sender } from "./notice.ts";
import { parseAlertmanager, parseGrafana } from "./senders/alertmanager.ts";
import { parseCloudWatch } from "./senders/cloudwatch.ts";
import { parseGeneric } from "./senders/generic.ts";
import type { FetchCertificate } from "./sns/certificate.ts";
import { envelopeIn } from "./sns/envelope.ts";
import { refuseEnvelope } from "./sns/signature.ts";

export interface AlertRoutesOptions {
  readonly config: AlertsConfig;
  readonly inbox: Pick<Inbox, "receive">;
  readonly tally: Pick<Tally, "add">;
  readonly certificate: FetchCertificate;
  /** The store's clock. */
  readonly now: () => Date;
  /** Real time, which senders sign by. */
  readonly realNow: () => Date;
  readonly log: Logger;
  /** Something is in the inbox. */
  readonly received: () => void;
}

/** Alerts, in the inbox. */
export const ALERTS = "alert.notices";
/** A subscription SNS wants confirmed, in the inbox. */
export const SUBSCRIPTION = "alert.subscription";

export interface Subscription {
  readonly topic: string;
  readonly token: string;
}

const BODY_BYTES = 1024 * 1024;
const HOUR_SECONDS = 3600;
/** The same body within so long is a repeat: a sender whose answer was lost asks again. Later it is looked at, and changes nothing. */
const REPEAT_SECONDS = 300;

/** `POST /alerts/<sender>` for each sender that is configured: authenticated, checked, written to the inbox, and only then answered. */
export function alertRoutes(options: AlertRoutesOptions): readonly WebhookRoute[] {
  const { config } = options;
  return [
    ...(config.alertmanager.length > 0 ? [alertmanager(options)] : []),
    ...(config.grafana.length > 0 ? [grafana(options)] : []),
    ...(config.cloudwatch.length > 0 ? [cloudwatch(options)] : []),
    ...(config.generic.length > 0 ? [generic(options)] : []),
  ];
}

function alertmanager(options: AlertRoutesOptions): WebhookRoute {
  return {
    path: "/alerts/alertmanager",
    bodyBytes: BODY_BYTES,
    refuse: ({ headers, from }) =>
      hasCredentials(headers, options.config.alertmanager) ? null : unauthenticated(options, "alertmanager", from),
    receive: ({ raw }) => keep(options, "alertmanager", parseAlertmanager(raw), windowKey(raw, options.now())),
  };
}

function grafana(options: AlertRoutesOptions): WebhookRoute {
  const secrets = options.config.grafana;
  return {
    path: "/alerts/grafana",
    bodyBytes: BODY_BYTES,
    refuse: ({ headers, from }) =>
      hasCredentials(headers, secrets) || GRAFANA_SIGNATURE.header in headers
        ? null
        : unauthenticated(options, "grafana", from),
    async receive(delivery) {
      const isKnown = hasCredentials(delivery.headers, secrets);
      if (!isKnown && !isSigned(delivery, GRAFANA_SIGNATURE, secrets, options.realNow()))
        return unauthenticated(options, "grafana", delivery.from);
      return keep(options, "grafana", parseGrafana(delivery.raw), windowKey(delivery.raw, options.now()));
    },
  };
}

function generic(options: AlertRoutesOptions): WebhookRoute {
  const refuse = (from: string | undefined) => unauthenticated(options, "generic", from);
  return {
    path: "/alerts/generic",
    bodyBytes: BODY_BYTES,
    refuse: ({ headers, from }) => (GENERIC_SIGNATURE.header in headers ? null : refuse(from)),
    async receive(delivery) {
      const { headers, raw, from } = delivery;
      if (!isSigned(delivery, GENERIC_SIGNATURE, options.config.generic, options.realNow())) return refuse(from);
      // What was signed once counts once, for as long as its signature holds.
      const key = sha256(Buffer.concat([Buffer.from(`${headers[GENERIC_SIGNATURE.timestampHeader]}.`), raw]));
      return keep(options, "generic", parseGeneric(raw), key);
    },
  };
}

function cloudwatch(options: AlertRoutesOptions): WebhookRoute {
  const { config, certificate, realNow } = options;
  return { path: "/alerts/cloudwatch", bodyBytes: BODY_BYTES, receive };

  async function receive({ raw, from }: Delivery): Promise<number> {
    const envelope = envelopeIn(raw);
    if (envelope === null) return refused(options, "cloudwatch", "the body is no message of SNS");
    const rules = { topics: config.cloudwatch, certificate, now: realNow() };
    const why = await refuseEnvelope(envelope, rules).catch((error) => {
      options.log.warn({ event: "alerts.certificate", says: messageOf(error) }, "a certificate of SNS was not fetched");
      return undefined;
    });
    // Not known now: SNS asks again.
    if (why === undefined) return 503;
    if (why !== null) return unauthenticated(options, "cloudwatch", from, why);
    if (envelope.Type === "Notification")
      return keep(options, "cloudwatch", parseCloudWatch(envelope.Message), envelope.MessageId);
    if (envelope.Type === "UnsubscribeConfirmation") {
      options.log.warn(
        { event: "alerts.unsubscribed", topic: envelope.TopicArn },
        "a topic of sns no longer sends alerts",
      );
      return 200;
    }
    const subscription: Subscription = { topic: envelope.TopicArn, token: envelope.Token };
    const key = `alerts/subscription/${sha256(`${envelope.TopicArn} ${envelope.Token}`)}`;
    if (await options.inbox.receive(key, SUBSCRIPTION, subscription)) options.received();
    return 200;
  }
}

/** The same in two windows is looked at twice, which changes nothing. */
function windowKey(raw: Buffer, now: Date): string {
  return `${sha256(raw)}/${Math.floor(now.getTime() / 1000 / REPEAT_SECONDS)}`;
}

async function keep(options: AlertRoutesOptions, sender: Sender, parsed: Parsed, id: string): Promise<number> {
  if (!parsed.ok) return refused(options, sender, parsed.says);
  if (parsed.told.length === 0) return 202;
  const notices: readonly Notice[] = parsed.told.map((one) => noticeOf(sender, one, options.now()));
  if (await options.inbox.receive(`alerts/${sender}/${id}`, ALERTS, { notices })) options.received();
  return 202;
}

function unauthenticated(options: AlertRoutesOptions, sender: Sender, from: string | undefined, why?: string): number {
  count(options, UNAUTHENTICATED, sender, why ?? `from ${from ?? "an unknown address"}`);
  return 401;
}

/** Its sender is known, and what it says can't be read: the one who connects it has to know why. */
function refused(options: AlertRoutesOptions, sender: Sender, says: string): number {
  count(options, UNREADABLE, sender, says);
  return 400;
}

interface Refused {
  /** Its name in the tally. */
  readonly counted: string;
  readonly event: string;
}

const UNAUTHENTICATED: Refused = { counted: "alerts/unauthenticated", event: "alerts.unauthenticated" };
const UNREADABLE: Refused = { counted: "alerts/refused", event: "alerts.refused" };

/** Counts that are being written: one of a kind at a time, so that a flood of refused requests is no flood of writes. */
const counting = new Set<string>();

/** In the log the first, the tenth, the hundredth of an hour; `/dr alerts` shows them. Never waited for: a flood is answered as quickly. */
function count({ tally, log }: AlertRoutesOptions, why: Refused, sender: Sender, says: string): void {
  const kind = `${why.counted}/${sender}`;
  if (counting.has(kind)) return;
  counting.add(kind);
  tally
    .add(why.counted, sender, HOUR_SECONDS, says)
    .then((times) => {
      if (/^10*$/.test(String(times))) log.warn({ event: why.event, sender, times, says }, "an alert was refused");
    })
    .catch((error) => log.warn({ event: why.event, sender, says, error: messageOf(error) }, "an alert was refused"))
    .finally(() => counting.delete(kind));
}
