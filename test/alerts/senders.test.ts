import { describe, expect, test } from "@jest/globals";
import { noticeOf, type Parsed } from "../../src/alerts/notice.ts";
import { parseAlertmanager, parseGrafana } from "../../src/alerts/senders/alertmanager.ts";
import { parseCloudWatch } from "../../src/alerts/senders/cloudwatch.ts";
import { parseGeneric } from "../../src/alerts/senders/generic.ts";
import { alertmanager, cloudwatch, generic, grafana } from "./samples.ts";

const raw = (value: unknown) => Buffer.from(JSON.stringify(value));
const only = (parsed: Parsed) => (parsed.ok ? parsed.told[0] : parsed);

describe("what each sender documents is understood", () => {
  test("Alertmanager", () => {
    expect(only(parseAlertmanager(raw(alertmanager())))).toEqual({
      name: "DatabaseDown",
      status: "firing",
      labels: { alertname: "DatabaseDown", job: "postgres", instance: "orders-a:5432" },
      summary: "orders-a does not answer",
      startedAt: "2026-03-01T00:00:10.123456789Z",
      link: "http://prometheus.example:9090/graph?g0.expr=up",
    });
    expect(only(parseAlertmanager(raw(alertmanager("resolved"))))).toMatchObject({ status: "resolved" });
  });

  test("Grafana", () => {
    expect(only(parseGrafana(raw(grafana())))).toEqual({
      name: "DatabaseDown",
      status: "firing",
      labels: { alertname: "DatabaseDown", team: "blue", zone: "us-1" },
      summary: "The database does not answer",
      startedAt: "2026-03-01T01:00:10.157076+01:00",
      link: "https://grafana.example/alerting/1afz29v7z/edit",
    });
  });

  test("CloudWatch, whose name may hold spaces; without data nothing is said", () => {
    const message = (state: Parameters<typeof cloudwatch>[0]) => parseCloudWatch(JSON.stringify(cloudwatch(state)));
    expect(only(message("ALARM"))).toEqual({
      name: "orders replica lag",
      status: "firing",
      labels: {
        DBInstanceIdentifier: "orders-db-dr",
        account: "123456789012",
        arn: "arn:aws:cloudwatch:us-east-1:123456789012:alarm:orders replica lag",
        region: "us-east-1",
        namespace: "AWS/RDS",
        metric: "ReplicaLag",
      },
      summary: "The replica in the other region is far behind",
      startedAt: "2026-03-01T00:00:10.123Z",
      link: null,
    });
    expect(only(message("OK"))).toMatchObject({ status: "resolved" });
    expect(message("INSUFFICIENT_DATA")).toEqual({ ok: true, told: [] });
  });

  test("any other", () => {
    expect(only(parseGeneric(raw(generic())))).toEqual(generic().alerts[0]);
  });
});

describe("what is not as documented is refused with the field's name", () => {
  const [one] = alertmanager().alerts;
  test.each<[string, Parsed, RegExp]>([
    ["no JSON", parseAlertmanager(Buffer.from("{")), /not JSON/],
    ["another version", parseAlertmanager(raw({ ...alertmanager(), version: "3" })), /version/],
    ["no alerts", parseAlertmanager(raw({ version: "4" })), /^alerts: /],
    [
      "another status",
      parseAlertmanager(raw({ version: "4", alerts: [{ ...one, status: "ok" }] })),
      /^alerts\.0\.status/,
    ],
    ["no name", parseAlertmanager(raw({ version: "4", alerts: [{ ...one, labels: {} }] })), /alertname is missing/],
    ["too many", parseAlertmanager(raw({ version: "4", alerts: Array(1001).fill(one) })), /max_alerts/],
    [
      "too many labels",
      parseGrafana(
        raw({ alerts: [{ ...one, labels: Object.fromEntries([...Array(65)].map((_, n) => [`l${n}`, ""])) }] }),
      ),
      /At most 64 labels/,
    ],
    [
      "a field we don't know, of our own",
      parseGeneric(raw({ alerts: [{ ...generic().alerts[0], sevrity: "P0" }] })),
      /sevrity/,
    ],
    ["a text that is no alarm", parseCloudWatch("Auto Scaling: launch"), /no CloudWatch alarm/],
    ["another state", parseCloudWatch(JSON.stringify({ ...cloudwatch(), NewStateValue: "BAD" })), /NewStateValue/],
  ])("%s", (_, parsed, says) => {
    expect(parsed).toMatchObject({ ok: false, says: expect.stringMatching(says) });
  });
});

test("what is kept of other people's text is short, on one line, and links lead to the web", () => {
  const long = "word ".repeat(1990);
  const parsed = parseGeneric(
    raw({
      alerts: [{ ...generic().alerts[0], summary: `one\n${long}`, link: "javascript:alert(1)", labels: { a: long } }],
    }),
  );
  const kept = only(parsed) as unknown as { summary: string; link: string | null; labels: { a: string } };
  expect(kept.summary).toHaveLength(300);
  expect(kept.summary).not.toContain("\n");
  expect(kept.link).toBeNull();
  expect(kept.labels.a).toHaveLength(500);
});

test("an alert is the same one by sender, name and labels, whatever else it says", () => {
  const at = new Date(0);
  const told = only(parseGeneric(raw(generic()))) as Parameters<typeof noticeOf>[1];
  const one = noticeOf("generic", told, at).fingerprint;
  expect(one).toMatch(/^[0-9a-f]{16}$/);
  expect(noticeOf("generic", { ...told, status: "resolved", summary: "other words" }, at).fingerprint).toBe(one);
  expect(noticeOf("grafana", told, at).fingerprint).not.toBe(one);
  expect(noticeOf("generic", { ...told, labels: { instance: "orders-b" } }, at).fingerprint).not.toBe(one);
});
