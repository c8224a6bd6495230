import { createHmac } from "node:crypto";

/**
 * Headers as Standard Webhooks has them (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md): an id that stays
 * the same however often it is sent, the moment it is sent at, and an HMAC-SHA256 over both and the body by each secret, so that a
 * secret can be changed while both are valid.
 */
export function signedHeaders(
  id: string,
  body: string,
  secrets: readonly string[],
  now: Date,
): Readonly<Record<string, string>> {
  const at = String(Math.floor(now.getTime() / 1000));
  const signatures = secrets.map(
    (secret) => `v1,${createHmac("sha256", keyOf(secret)).update(`${id}.${at}.${body}`).digest("base64")}`,
  );
  return { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures.join(" ") };
}

/** `whsec_` and base64, as the standard writes keys; any other text is the key itself. */
function keyOf(secret: string): Buffer {
  return secret.startsWith("whsec_") ? Buffer.from(secret.slice("whsec_".length), "base64") : Buffer.from(secret);
}
