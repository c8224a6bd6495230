import { z } from "zod";
import { jsonIn, nameSchema, type Parsed, receivedAlert, refusal } from "../notice.ts";

const text = z.string().max(1024);

/**
 * What CloudWatch publishes to SNS when an alarm changes its state: the `Message` of the notification, JSON in a text. Other fields are
 * allowed: it is AWS's document.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
 */
const schema = z.object({
  AlarmName: nameSchema,
  AlarmDescription: z.string().max(4096).nullish(),
  AWSAccountId: z.string().max(20).nullish(),
  NewStateValue: z.enum(["ALARM", "OK", "INSUFFICIENT_DATA"]),
  NewStateReason: z.string().max(4096).nullish(),
  StateChangeTime: z.string().max(60).nullish(),
  Region: text.nullish(),
  AlarmArn: text.nullish(),
  Trigger: z
    .object({
      MetricName: text.nullish(),
      Namespace: text.nullish(),
      Dimensions: z
        .array(z.object({ name: z.string().min(1).max(255), value: text }))
        .max(30)
        .nullish(),
    })
    .nullish(),
});

/** An alarm without enough data is no statement that anything is well or unwell: nothing is told. */
export function parseCloudWatch(message: string): Parsed {
  const json = jsonIn(Buffer.from(message));
  if (json === null) return { ok: false, says: "the message is no CloudWatch alarm: it is not JSON" };
  const parsed = schema.safeParse(json);
  if (!parsed.success) return refusal(parsed.error);
  const alarm = parsed.data;
  if (alarm.NewStateValue === "INSUFFICIENT_DATA") return { ok: true, told: [] };
  const labels = {
    ...Object.fromEntries((alarm.Trigger?.Dimensions ?? []).map(({ name, value }) => [name, value])),
    ...(alarm.AWSAccountId && { account: alarm.AWSAccountId }),
    ...(alarm.AlarmArn && { arn: alarm.AlarmArn, region: alarm.AlarmArn.split(":")[3] ?? "" }),
    ...(alarm.Trigger?.Namespace && { namespace: alarm.Trigger.Namespace }),
    ...(alarm.Trigger?.MetricName && { metric: alarm.Trigger.MetricName }),
  };
  const one = receivedAlert({
    name: alarm.AlarmName,
    status: alarm.NewStateValue === "ALARM" ? "firing" : "resolved",
    labels,
    summary: alarm.AlarmDescription || alarm.NewStateReason || null,
    startedAt: momentOf(alarm.StateChangeTime ?? null),
    link: null,
  });
  return { ok: true, told: [one] };
}

/** `2024-05-01T12:00:00.000+0000`, which is ISO 8601 without the colon that others want. */
function momentOf(given: string | null): string | null {
  const at = Date.parse((given ?? "").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}
