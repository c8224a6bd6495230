import { z } from "zod";
import { jsonIn } from "../notice.ts";

const text = z.string().max(300 * 1024);
const common = {
  MessageId: z.string().min(1).max(100),
  TopicArn: z.string().max(400),
  Message: text,
  Timestamp: z.string().max(60),
  SignatureVersion: z.string().max(10),
  Signature: z.string().max(4096),
  SigningCertURL: z.string().max(500),
};

/**
 * What SNS posts over HTTPS. Other fields are allowed: it is AWS's document.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html
 * @see https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html
 */
const schema = z.discriminatedUnion("Type", [
  z.object({ Type: z.literal("Notification"), Subject: z.string().max(1000).nullish(), ...common }),
  z.object({
    Type: z.enum(["SubscriptionConfirmation", "UnsubscribeConfirmation"]),
    Token: z.string().min(1).max(4096),
    SubscribeURL: z.string().max(8192),
    ...common,
  }),
]);

export type Envelope = z.output<typeof schema>;

/** Null: nothing of SNS. */
export function envelopeIn(raw: Uint8Array): Envelope | null {
  const parsed = schema.safeParse(jsonIn(raw));
  return parsed.success ? parsed.data : null;
}
