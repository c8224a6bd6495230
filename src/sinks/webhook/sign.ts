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

const PREFIX = "whsec_";
/** The standard's bounds of a key, in bytes. */
const KEY_BYTES = { least: 24, most: 64 };
const TEXT_LEAST = 16;

/** What is wrong with a secret, or null. Says nothing of what is in it. */
export function faultOfSecret(secret: string): string | null {
  if (!secret.startsWith(PREFIX)) return secret.length < TEXT_LEAST ? `is shorter than ${TEXT_LEAST} characters` : null;
  const key = keyOf(secret);
  // Node skips what is not base64, so the key is written back and compared.
  if (key.toString("base64").replace(/={0,2}$/, "") !== secret.slice(PREFIX.length).replace(/={0,2}$/, ""))
    return `begins with ${PREFIX} and goes on with something that is not base64`;
  const { least, most } = KEY_BYTES;
  return key.length < least || key.length > most
    ? `begins with ${PREFIX} and holds a key of ${key.length} bytes; it has to be ${least} to ${most}`
    : null;
}

/** `whsec_` and base64, as the standard writes keys; any other text is the key itself. */
function keyOf(secret: string): Buffer {
  return secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), "base64") : Buffer.from(secret);
}
