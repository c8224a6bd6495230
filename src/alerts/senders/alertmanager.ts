import { z } from "zod";
import {
  ALERTS_MAX,
  jsonIn,
  labelsSchema,
  momentSchema,
  nameSchema,
  type Parsed,
  receivedAlert,
  refusal,
} from "../notice.ts";

const alert = z.object({
  status: z.enum(["firing", "resolved"]),
  labels: labelsSchema,
  annotations: labelsSchema.default({}),
  startsAt: momentSchema.nullish(),
  generatorURL: z.string().max(4000).nullish(),
});

/**
 * The payload of Alertmanager's `webhook_config`, and of Grafana's webhook, which is the same with more fields. Other fields are allowed: it
 * is their document, and it grows.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 * @see https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
 */
const schema = z.object({
  version: z.string().max(20),
  alerts: z.array(alert).max(ALERTS_MAX, `At most ${ALERTS_MAX} alerts: set max_alerts of this webhook`),
});

/** Alertmanager's fourth version of it. */
export function parseAlertmanager(raw: Uint8Array): Parsed {
  return parse(raw, schema.extend({ version: z.literal("4", 'version: only "4" is known') }));
}

/** Grafana's, whose `version` is "1". */
export function parseGrafana(raw: Uint8Array): Parsed {
  return parse(raw, schema.extend({ version: z.string().max(20).default("1") }));
}

function parse(raw: Uint8Array, payload: z.ZodType<z.output<typeof schema>>): Parsed {
  const json = jsonIn(raw);
  if (json === null) return { ok: false, says: "the body is not JSON" };
  const parsed = payload.safeParse(json);
  if (!parsed.success) return refusal(parsed.error);
  const list = [];
  for (const { status, labels, annotations, startsAt, generatorURL } of parsed.data.alerts) {
    const name = nameSchema.safeParse(labels.alertname);
    if (!name.success) return { ok: false, says: "alerts.labels: alertname is missing" };
    const summary = annotations.summary ?? annotations.description ?? null;
    list.push(
      receivedAlert({
        name: name.data,
        status,
        labels,
        summary,
        startedAt: startsAt ?? null,
        link: generatorURL ?? null,
      }),
    );
  }
  return { ok: true, told: list };
}
