import { createHmac, timingSafeEqual } from "node:crypto";

/** PagerDuty sends one signature per secret it knows, so while a secret is changed there are two. */
const SIGNATURES_MAX = 20;

/**
 * Do these very bytes come from someone who has one of our secrets? `x-pagerduty-signature` is a list of
 * `v1=<hex of HMAC-SHA256 over the raw body>`; no secret of ours, or no header, means no.
 *
 * @see https://developer.pagerduty.com/docs/webhooks/webhook-signatures/
 */
export function isSigned(raw: Uint8Array, header: string | undefined, secrets: readonly string[]): boolean {
  const given = (header ?? "")
    .split(",")
    .slice(0, SIGNATURES_MAX)
    .flatMap((part) => /^v1=([0-9a-f]{64})$/.exec(part.trim())?.[1] ?? []);
  const own = secrets.filter((secret) => secret !== "");
  const hits = own.flatMap((secret) => {
    const expected = createHmac("sha256", secret).update(raw).digest();
    return given.map((hex) => timingSafeEqual(Buffer.from(hex, "hex"), expected));
  });
  return hits.includes(true);
}
