import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** The one who sends Basic credentials gives this name; the password is the secret. */
export const BASIC_USER = "lifeboat";
/** A signature holds for so long in both directions: clocks differ, and what was overheard is of no use later. */
export const SIGNED_SECONDS = 300;
/** Secrets are changed one at a time; a list of signatures is never long. */
const SIGNATURES_MAX = 20;

/** `Authorization: Bearer <secret>`, or `Basic` with the user `lifeboat`. No secret of ours, or no header, means no. */
export function hasCredentials({ authorization }: IncomingHttpHeaders, secrets: readonly string[]): boolean {
  const [, scheme, credentials] = /^(Bearer|Basic) ([!-~]{1,1000})$/i.exec(authorization ?? "") ?? [];
  if (scheme === undefined || credentials === undefined) return false;
  return isSecret(scheme.toLowerCase() === "bearer" ? credentials : passwordIn(credentials), secrets);
}

function passwordIn(credentials: string): string {
  const pair = Buffer.from(credentials, "base64").toString("utf8");
  return pair.startsWith(`${BASIC_USER}:`) ? pair.slice(BASIC_USER.length + 1) : "";
}

/** Compared by hash, so that neither length nor content shows in how long it takes. Every secret is compared. */
function isSecret(given: string, secrets: readonly string[]): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  const hits = secrets.filter((secret) => secret !== "").map((secret) => timingSafeEqual(hash(secret), hash(given)));
  return given !== "" && hits.includes(true);
}

/** Where a sender writes its signature, and what it signs beside the body. */
export interface SignatureForm {
  readonly header: string;
  /** Unix time in seconds, part of what is signed. */
  readonly timestampHeader: string;
  /** Between the timestamp and the body. */
  readonly separator: string;
  /** Before the hexadecimal digits: `v1=`. */
  readonly prefix: string;
}

export const GENERIC_SIGNATURE: SignatureForm = {
  header: "x-lifeboat-signature",
  timestampHeader: "x-lifeboat-timestamp",
  separator: ".",
  prefix: "v1=",
};

/**
 * As Grafana signs from version 12 on, where a timestamp header is given. A signature without a timestamp could be sent again for ever and is refused.
 *
 * @see https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/#hmac-signature
 */
export const GRAFANA_SIGNATURE: SignatureForm = {
  header: "x-grafana-alerting-signature",
  timestampHeader: "x-grafana-alerting-timestamp",
  separator: ":",
  prefix: "",
};

/** HMAC-SHA256 over `<timestamp><separator><body>`, the timestamp within five minutes of `now`. */
export function isSigned(
  { headers, raw }: { readonly headers: IncomingHttpHeaders; readonly raw: Uint8Array },
  { header, timestampHeader, separator, prefix }: SignatureForm,
  secrets: readonly string[],
  now: Date,
): boolean {
  const timestamp = headers[timestampHeader];
  const signatures = headers[header];
  if (typeof timestamp !== "string" || typeof signatures !== "string") return false;
  if (!/^\d{10}$/.test(timestamp)) return false;
  if (Math.abs(now.getTime() / 1000 - Number(timestamp)) > SIGNED_SECONDS) return false;
  const given = signatures
    .split(",")
    .slice(0, SIGNATURES_MAX)
    .map((part) => part.trim())
    .flatMap((part) => (part.startsWith(prefix) ? [part.slice(prefix.length)] : []))
    .filter((hex) => /^[0-9a-f]{64}$/.test(hex));
  const hits = secrets
    .filter((secret) => secret !== "")
    .flatMap((secret) => {
      const expected = createHmac("sha256", secret).update(`${timestamp}${separator}`).update(raw).digest();
      return given.map((hex) => timingSafeEqual(Buffer.from(hex, "hex"), expected));
    });
  return hits.includes(true);
}
