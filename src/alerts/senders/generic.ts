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

/** Documented in docs/alerts.md. It is ours, so unknown fields are refused: they are a mistake. */
const schema = z.strictObject({
  alerts: z
    .array(
      z.strictObject({
        name: nameSchema,
        status: z.enum(["firing", "resolved"]),
        labels: labelsSchema.default({}),
        summary: z.string().max(10_000).nullish(),
        startedAt: momentSchema.nullish(),
        link: z.string().max(1000).nullish(),
      }),
    )
    .min(1)
    .max(ALERTS_MAX),
});

export function parseGeneric(raw: Uint8Array): Parsed {
  const json = jsonIn(raw);
  if (json === null) return { ok: false, says: "the body is not JSON" };
  const parsed = schema.safeParse(json);
  if (!parsed.success) return refusal(parsed.error);
  const { alerts } = parsed.data;
  return {
    ok: true,
    told: alerts.map(({ summary, startedAt, link, ...one }) =>
      receivedAlert({ ...one, summary: summary ?? null, startedAt: startedAt ?? null, link: link ?? null }),
    ),
  };
}
