import { z } from "zod";

const reference = z.object({ id: z.string().max(60), summary: z.string().max(500).nullish() });

/**
 * The little of a v3 webhook that is used; the rest is dropped before anything is stored. Other fields are allowed: it is
 * PagerDuty's document, and it grows.
 *
 * @see https://developer.pagerduty.com/docs/webhooks/webhooks-overview/
 */
const schema = z.object({
  event: z.object({
    id: z.string().min(1).max(100),
    event_type: z.string().max(100),
    occurred_at: z.iso.datetime({ offset: true }),
    agent: reference.extend({ type: z.string().max(60).nullish() }).nullish(),
    client: z.object({ name: z.string().max(200).nullish() }).nullish(),
    data: z.object({
      id: z.string().max(60).optional(),
      type: z.string().max(60).optional(),
      status: z.string().max(60).nullish(),
      incident_key: z.string().max(300).nullish(),
      created_at: z.string().max(60).nullish(),
      title: z.string().max(2000).nullish(),
      urgency: z.string().max(60).nullish(),
      content: z.string().max(25_000).nullish(),
      priority: z.object({ summary: z.string().max(200).nullish() }).nullish(),
      service: reference.nullish(),
      incident: reference.nullish(),
      assignees: z.array(reference).max(200).nullish(),
    }),
  }),
});

export type WebhookEvent = z.output<typeof schema>["event"];

/** Null: not a webhook of PagerDuty's about anything we know. */
export function eventOf(raw: Uint8Array): WebhookEvent | null {
  try {
    return schema.parse(JSON.parse(Buffer.from(raw).toString("utf8"))).event;
  } catch {
    return null;
  }
}
