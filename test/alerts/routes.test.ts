import { createHmac } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { alertRoutes } from "../../src/alerts/routes.ts";
import { isCertificateUrl } from "../../src/alerts/sns/certificate.ts";
import { confirmSubscription, confirmUrl } from "../../src/alerts/sns/confirm.ts";
import { serveWebhooks } from "../../src/http/webhooks.ts";
import { quiet } from "../support/postgres.ts";
import { alertmanager, CERTIFICATE_URL, certificate, cloudwatch, generic, grafana, sns, TOPIC } from "./samples.ts";

const SECRETS = ["the-new-secret-111111", "the-old-secret-000000"] as const;
const NOW = new Date("2026-03-01T00:00:15.000Z");

let server: Awaited<ReturnType<typeof serveWebhooks>>;
const kept: { key: string; kind: string; body: unknown }[] = [];
const counted: string[] = [];
const fetched: string[] = [];
let inboxIsAway = false;

beforeAll(async () => {
  const routes = alertRoutes({
    config: { alertmanager: SECRETS, grafana: SECRETS, generic: SECRETS, cloudwatch: [TOPIC] },
    inbox: {
      async receive(key, kind, body) {
        if (inboxIsAway) throw new Error("the store is away");
        if (kept.some((one) => one.key === key)) return false;
        kept.push({ key, kind, body });
        return true;
      },
    },
    tally: {
      async add(what, who, _, last) {
        counted.push(`${what}/${who}: ${last}`);
        return 1;
      },
    },
    async certificate(url) {
      fetched.push(url);
      return certificate;
    },
    now: () => NOW,
    realNow: () => NOW,
    log: quiet,
    received: () => {},
  });
  server = await serveWebhooks({ port: 0, host: "127.0.0.1", routes, log: quiet });
});
afterAll(() => server.close());
beforeEach(() => {
  kept.length = 0;
  counted.length = 0;
  fetched.length = 0;
  inboxIsAway = false;
});

function post(sender: string, body: unknown, headers: Record<string, string> = {}, method = "POST"): Promise<number> {
  return new Promise((resolve, reject) => {
    const path = `/alerts/${sender}`;
    const sent = request({ host: "127.0.0.1", port: server.port, path, method, agent: false, headers });
    sent.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", reject);
    sent.end(typeof body === "string" ? body : JSON.stringify(body));
  });
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});
const seconds = (ahead = 0) => String(Math.floor(NOW.getTime() / 1000) + ahead);

function signed(body: unknown, { secret = SECRETS[0] as string, at = seconds(), over = JSON.stringify(body) } = {}) {
  const hex = createHmac("sha256", secret).update(`${at}.${over}`).digest("hex");
  return { "x-lifeboat-timestamp": at, "x-lifeboat-signature": `v1=${hex}` };
}

function signedByGrafana(body: unknown, at = seconds()) {
  const hex = createHmac("sha256", SECRETS[1])
    .update(`${at}:${JSON.stringify(body)}`)
    .digest("hex");
  return { "x-grafana-alerting-timestamp": at, "x-grafana-alerting-signature": hex };
}

describe("who it is, before anything is kept", () => {
  test.each<[string, string, unknown, Record<string, string>]>([
    ["the new secret", "alertmanager", alertmanager(), bearer(SECRETS[0])],
    ["the old one, while it is changed", "alertmanager", alertmanager(), bearer(SECRETS[1])],
    ["it as a password", "alertmanager", alertmanager(), basic("lifeboat", SECRETS[0])],
    ["a bearer token, of Grafana", "grafana", grafana(), bearer(SECRETS[0])],
    ["Grafana's signature", "grafana", grafana(), signedByGrafana(grafana())],
    ["a signature", "generic", generic(), signed(generic())],
    ["a signature by the old secret", "generic", generic(), signed(generic(), { secret: SECRETS[1] })],
  ])("%s is enough", async (_, sender, body, headers) => {
    expect(await post(sender, body, headers)).toBe(202);
    expect(kept).toHaveLength(1);
    expect(counted).toEqual([]);
  });

  test.each<[string, string, unknown, Record<string, string>]>([
    ["nothing", "alertmanager", alertmanager(), {}],
    ["another secret", "alertmanager", alertmanager(), bearer("somebody-elses-secret")],
    ["a secret cut short", "alertmanager", alertmanager(), bearer(SECRETS[0].slice(0, -1))],
    ["an empty one", "alertmanager", alertmanager(), { authorization: "Bearer " }],
    ["another user", "alertmanager", alertmanager(), basic("admin", SECRETS[0])],
    ["no password", "alertmanager", alertmanager(), basic("lifeboat", "")],
    ["nothing, to Grafana's", "grafana", grafana(), {}],
    ["a signature of another body", "grafana", { ...grafana(), orgId: 2 }, signedByGrafana(grafana())],
    ["a signature without a time", "grafana", grafana(), { "x-grafana-alerting-signature": "0".repeat(64) }],
    ["nothing, to the generic one", "generic", generic(), {}],
    ["a bearer token, to the generic one", "generic", generic(), bearer(SECRETS[0])],
    ["other bytes than were signed", "generic", generic(), signed(generic(), { over: "{}" })],
    ["another secret's signature", "generic", generic(), signed(generic(), { secret: "somebody-elses-secret" })],
    ["one of six minutes ago", "generic", generic(), signed(generic(), { at: seconds(-360) })],
    ["one of six minutes ahead", "generic", generic(), signed(generic(), { at: seconds(360) })],
    ["a time that is none", "generic", generic(), signed(generic(), { at: "1e9" })],
  ])("%s is not, and is counted", async (_, sender, body, headers) => {
    expect(await post(sender, body, headers)).toBe(401);
    expect(kept).toEqual([]);
    expect(counted).toEqual([expect.stringMatching(`^alerts/unauthenticated/${sender}: `)]);
  });
});

describe("what is kept", () => {
  test("is there before the answer, once for a repeat, and again later: an alert may still fire", async () => {
    const send = () => post("alertmanager", alertmanager(), bearer(SECRETS[0]));
    inboxIsAway = true;
    expect(await send()).toBe(503);
    inboxIsAway = false;
    expect(await send()).toBe(202);
    expect(await send()).toBe(202);
    expect(kept).toHaveLength(1);
    expect(kept[0]).toMatchObject({
      kind: "alert.notices",
      body: { notices: [{ sender: "alertmanager", name: "DatabaseDown", receivedAt: NOW.toISOString() }] },
    });
  });

  test("what was signed once counts once", async () => {
    const headers = signed(generic());
    expect([await post("generic", generic(), headers), await post("generic", generic(), headers)]).toEqual([202, 202]);
    expect(kept).toHaveLength(1);
  });

  test("what can't be read is refused, with the field in the log and the count", async () => {
    expect(await post("alertmanager", { version: "4" }, bearer(SECRETS[0]))).toBe(400);
    expect(counted).toEqual([expect.stringMatching(/^alerts\/refused\/alertmanager: alerts: /)]);
  });

  test("more than a megabyte is cut off", async () => {
    expect(await post("alertmanager", "x".repeat(1_100_000), bearer(SECRETS[0]))).toBe(413);
    expect(kept).toEqual([]);
  });

  test("other paths and methods are no one's", async () => {
    expect(await post("nagios", {}, bearer(SECRETS[0]))).toBe(404);
    expect(await post("alertmanager", "", bearer(SECRETS[0]), "GET")).toBe(405);
  });
});

describe("CloudWatch, by SNS", () => {
  test("an alarm of a topic of ours is kept by its id", async () => {
    expect(await post("cloudwatch", sns({ Type: "Notification" }))).toBe(202);
    expect(await post("cloudwatch", sns({ Type: "Notification" }))).toBe(202);
    expect(kept).toHaveLength(1);
    expect(kept[0]).toMatchObject({ body: { notices: [{ sender: "cloudwatch", name: "orders replica lag" }] } });
  });

  test("a state without data is answered, and nothing is kept", async () => {
    const Message = JSON.stringify(cloudwatch("INSUFFICIENT_DATA"));
    expect(await post("cloudwatch", sns({ Type: "Notification", Message }))).toBe(202);
    expect(kept).toEqual([]);
  });

  test.each<[string, object, RegExp]>([
    ["a topic that isn't ours", { TopicArn: TOPIC.replace("alarms", "theirs") }, /topic is not one/],
    ["SHA-1", { SignatureVersion: "1" }, /SignatureVersion to 2/],
    ["an old message", { Timestamp: "2026-02-28T22:59:00.000Z" }, /older than an hour/],
    ["a message of tomorrow", { Timestamp: "2026-03-02T00:00:00.000Z" }, /from the future/],
    ["no time", { Timestamp: "soon" }, /older than an hour/],
    [
      "a certificate elsewhere",
      { SigningCertURL: "https://sns.us-east-1.amazonaws.com.evil.example/x.pem" },
      /address of SNS/,
    ],
    ["a signature of something else", { Signature: Buffer.alloc(256).toString("base64") }, /does not hold/],
  ])("%s is refused", async (_, given, says) => {
    expect(await post("cloudwatch", sns({ Type: "Notification", ...given }))).toBe(401);
    expect(kept).toEqual([]);
    expect(counted).toEqual([expect.stringMatching(says)]);
  });

  test("a changed word breaks it", async () => {
    expect(await post("cloudwatch", { ...sns({ Type: "Notification" }), Message: "{}" })).toBe(401);
    const confirmation = sns({ Type: "SubscriptionConfirmation" });
    expect(await post("cloudwatch", { ...confirmation, Token: "other" })).toBe(401);
    expect(kept).toEqual([]);
  });

  test("nothing is fetched for a message of someone else, and only certificates of SNS ever are", async () => {
    await post("cloudwatch", sns({ Type: "Notification", TopicArn: TOPIC.replace("1234", "9999") }));
    await post("cloudwatch", sns({ Type: "Notification", SigningCertURL: "http://169.254.169.254/latest" }));
    expect(fetched).toEqual([]);
    await post(
      "cloudwatch",
      sns({ Type: "SubscriptionConfirmation", SubscribeURL: "http://169.254.169.254/latest" } as never),
    );
    expect(fetched).toEqual([CERTIFICATE_URL]);
  });

  test.each([
    "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
    "https://user@sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
    "https://evil.example/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
    "https://bucket.s3.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem?next=//evil.example",
    "https://sns.us-east-1.amazonaws.com/../evil.pem",
    "https://127.0.0.1/SimpleNotificationService-0123456789abcdef.pem",
    "file:///etc/passwd",
    "",
  ])("%s is no address of a certificate", (url) => expect(isCertificateUrl(url)).toBe(false));

  test("a subscription is kept to be confirmed, at an address of ours that the message has no say in", async () => {
    const given = sns({ Type: "SubscriptionConfirmation", SubscribeURL: "https://evil.example/" } as never);
    expect(await post("cloudwatch", given)).toBe(200);
    expect(kept).toEqual([expect.objectContaining({ kind: "alert.subscription" })]);
    const { topic, token } = (kept[0] as { body: unknown }).body as { topic: string; token: string };
    const asked: string[] = [];
    await confirmSubscription(topic, token, async (url) => {
      asked.push(url);
      return 200;
    });
    expect(asked).toEqual([
      `https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(TOPIC)}&Token=${token}&Version=2010-03-31`,
    ]);
    await expect(confirmSubscription(topic, token, async () => 403)).rejects.toThrow("SNS answered 403");
    expect(() => confirmUrl("arn:aws:sns:evil.example/:123456789012:x", token)).toThrow("not the ARN");
  });

  test("that SNS has ended a subscription is answered", async () => {
    expect(await post("cloudwatch", sns({ Type: "UnsubscribeConfirmation" }))).toBe(200);
    expect(kept).toEqual([]);
  });
});
