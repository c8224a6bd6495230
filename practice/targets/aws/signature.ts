import type { IncomingMessage } from "node:http";

const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=[0-9a-f]{64}$/;
const SKEW_MS = 15 * 60_000;

/** The shape of a version 4 signature: its scope, its headers, its date. The secret is no one's, so it is not computed. */
export function signatureOf(request: IncomingMessage): { region: string; service: string } | null {
  const [, day, region, service, headers = ""] = SIGNATURE.exec(request.headers.authorization ?? "") ?? [];
  const date = String(request.headers["x-amz-date"] ?? "");
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  if (!region || !service || !date.startsWith(day ?? "?")) return null;
  if (!headers.split(";").includes("host") || !headers.split(";").includes("x-amz-date")) return null;
  if (Math.abs(Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`) - Date.now()) > SKEW_MS) return null;
  return { region, service };
}
