import { verify, X509Certificate } from "node:crypto";
import { messageOf } from "../../lib/errors.ts";
import { type FetchCertificate, isCertificateUrl } from "./certificate.ts";
import type { Envelope } from "./envelope.ts";

/** Older messages are refused: SNS gives up on its retries within an hour. */
const OLD_SECONDS = 3600;
const AHEAD_SECONDS = 300;

/** `now`: the same for SNS as for us, within minutes. */
export interface SnsRules {
  readonly topics: readonly string[];
  readonly certificate: FetchCertificate;
  readonly now: Date;
}

/**
 * Why a message isn't from one of our topics, or null. AWS signs messages of every topic of every account, so the topic counts as much as the
 * signature. Looked at in the order in which nothing is fetched for whom we don't know.
 */
export async function refuseEnvelope(
  envelope: Envelope,
  { topics, certificate, now }: SnsRules,
): Promise<string | null> {
  if (!topics.includes(envelope.TopicArn)) return "the topic is not one of LIFEBOAT_CLOUDWATCH_TOPICS";
  if (envelope.SignatureVersion !== "2")
    return "it is signed with SHA-1: set the topic's attribute SignatureVersion to 2 (aws sns set-topic-attributes)";
  const age = (now.getTime() - Date.parse(envelope.Timestamp)) / 1000;
  if (!(age <= OLD_SECONDS && age >= -AHEAD_SECONDS)) return "it is older than an hour, or from the future";
  if (!isCertificateUrl(envelope.SigningCertURL)) return "its certificate is not at an address of SNS";
  return isSignedBy(envelope, await certificate(envelope.SigningCertURL), now) ? null : "its signature does not hold";
}

function isSignedBy(envelope: Envelope, pem: string, now: Date): boolean {
  try {
    const { publicKey, validFrom, validTo } = new X509Certificate(pem);
    if (!(now >= new Date(validFrom) && now <= new Date(validTo))) return false;
    return verify("sha256", Buffer.from(signedText(envelope)), publicKey, Buffer.from(envelope.Signature, "base64"));
  } catch (error) {
    throw new Error(`The certificate of SNS can't be read: ${messageOf(error)}`);
  }
}

/**
 * Names and values, a line each, in alphabetical order.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
 */
export function signedText(envelope: Envelope): string {
  const { Message, MessageId, Timestamp, TopicArn, Type } = envelope;
  const own =
    envelope.Type === "Notification"
      ? { ...(typeof envelope.Subject === "string" && { Subject: envelope.Subject }) }
      : { SubscribeURL: envelope.SubscribeURL, Token: envelope.Token };
  const pairs = Object.entries({ Message, MessageId, Timestamp, TopicArn, Type, ...own });
  return pairs
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}\n${value}\n`)
    .join("");
}
