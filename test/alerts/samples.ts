import { generateKeyPairSync, sign } from "node:crypto";
import type { Envelope } from "../../src/alerts/sns/envelope.ts";
import { signedText } from "../../src/alerts/sns/signature.ts";
import { certificateOf } from "../support/certificate.ts";

/** A payload of each sender, written from the fields its documentation names. Values are ours. */

/** @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config (version 4) */
export const alertmanager = (status: "firing" | "resolved" = "firing", labels: Record<string, string> = {}) => ({
  version: "4",
  groupKey: '{}/{system="shop"}:{alertname="DatabaseDown"}',
  truncatedAlerts: 0,
  status,
  receiver: "lifeboat",
  groupLabels: { alertname: "DatabaseDown" },
  commonLabels: { alertname: "DatabaseDown", job: "postgres" },
  commonAnnotations: { summary: "orders-a does not answer" },
  externalURL: "http://alertmanager.example:9093",
  alerts: [
    {
      status,
      labels: { alertname: "DatabaseDown", job: "postgres", instance: "orders-a:5432", ...labels },
      annotations: { summary: "orders-a does not answer", runbook_url: "https://runbooks.example/database" },
      startsAt: "2026-03-01T00:00:10.123456789Z",
      endsAt: status === "firing" ? "0001-01-01T00:00:00Z" : "2026-03-01T00:10:00Z",
      generatorURL: "http://prometheus.example:9090/graph?g0.expr=up",
      fingerprint: "1a30ba71cca2921f",
    },
  ],
});

/** @see https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/ */
export const grafana = (status: "firing" | "resolved" = "firing") => ({
  receiver: "Lifeboat",
  status,
  orgId: 1,
  alerts: [
    {
      status,
      labels: { alertname: "DatabaseDown", team: "blue", zone: "us-1" },
      annotations: { description: "The database does not answer", runbook_url: "https://runbooks.example/database" },
      startsAt: "2026-03-01T01:00:10.157076+01:00",
      endsAt: "0001-01-01T00:00:00Z",
      values: { B: 44.2, C: 1 },
      generatorURL: "https://grafana.example/alerting/1afz29v7z/edit",
      fingerprint: "c6eadffa33fcdf37",
      silenceURL: "https://grafana.example/alerting/silence/new?alertmanager=grafana",
      dashboardURL: "",
      panelURL: "",
      imageURL: "",
    },
  ],
  groupLabels: { alertname: "DatabaseDown" },
  commonLabels: { team: "blue" },
  commonAnnotations: {},
  externalURL: "https://grafana.example/",
  version: "1",
  groupKey: '{}:{alertname="DatabaseDown"}',
  truncatedAlerts: 0,
  title: "[FIRING:1] DatabaseDown (blue us-1)",
  state: "alerting",
  message: "**Firing**",
});

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html and the example of SNS's `Message` there */
export const cloudwatch = (state: "ALARM" | "OK" | "INSUFFICIENT_DATA" = "ALARM") => ({
  AlarmName: "orders replica lag",
  AlarmDescription: "The replica in the other region is far behind",
  AWSAccountId: "123456789012",
  AlarmConfigurationUpdatedTimestamp: "2026-02-01T00:00:00.000+0000",
  NewStateValue: state,
  NewStateReason: "Threshold Crossed: 1 datapoint [412.0 (01/03/26 00:00:00)] was greater than the threshold (300.0).",
  StateChangeTime: "2026-03-01T00:00:10.123+0000",
  Region: "US East (N. Virginia)",
  AlarmArn: "arn:aws:cloudwatch:us-east-1:123456789012:alarm:orders replica lag",
  OldStateValue: "OK",
  OKActions: [],
  AlarmActions: ["arn:aws:sns:us-east-1:123456789012:alarms"],
  InsufficientDataActions: [],
  Trigger: {
    MetricName: "ReplicaLag",
    Namespace: "AWS/RDS",
    StatisticType: "Statistic",
    Statistic: "AVERAGE",
    Unit: null,
    Dimensions: [{ value: "orders-db-dr", name: "DBInstanceIdentifier" }],
    Period: 60,
    EvaluationPeriods: 5,
    ComparisonOperator: "GreaterThanThreshold",
    Threshold: 300.0,
    TreatMissingData: "missing",
    EvaluateLowSampleCountPercentile: "",
  },
});

/** As docs/alerts.md says. */
export const generic = (status: "firing" | "resolved" = "firing") => ({
  alerts: [
    {
      name: "DatabaseDown",
      status,
      labels: { instance: "orders-a" },
      summary: "orders-a does not answer",
      startedAt: "2026-03-01T00:00:10Z",
      link: "https://monitoring.example/alerts/1",
    },
  ],
});

export const TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms";
export const CERTIFICATE_URL =
  "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";

const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** What stands at `CERTIFICATE_URL`, valid for the year of these tests. */
export const certificate = certificateOf(keys, new Date("2026-01-01T00:00:00Z"), new Date("2027-01-01T00:00:00Z"));

/**
 * A message of SNS, signed as SNS signs with SignatureVersion 2.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html
 * @see https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html
 */
export function sns(
  given: Partial<Envelope> & { readonly Type: Envelope["Type"] },
): Envelope & Record<string, unknown> {
  const common = {
    MessageId: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    TopicArn: TOPIC,
    Message: JSON.stringify(cloudwatch()),
    Timestamp: "2026-03-01T00:00:12.000Z",
    SignatureVersion: "2",
    SigningCertURL: CERTIFICATE_URL,
    Signature: "",
  };
  const own =
    given.Type === "Notification"
      ? {
          Subject: 'ALARM: "orders replica lag" in US East (N. Virginia)',
          UnsubscribeURL: "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        }
      : {
          Token: "2336412f37fb687f5d51e6e2425c464de",
          SubscribeURL: `https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37fb687f5d51e6e2425c464de`,
        };
  const envelope = { ...common, ...own, ...given } as Envelope;
  const Signature =
    given.Signature ?? sign("sha256", Buffer.from(signedText(envelope)), keys.privateKey).toString("base64");
  return { ...envelope, Signature };
}
