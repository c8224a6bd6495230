import { createHash, createHmac } from "node:crypto";
import type { Exchange } from "./exchange.ts";

/**
 * Version 4 of AWS's signatures, computed once more from the request as it arrived: neither our stand-in nor moto does.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
const HEADER =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;

/** Credentials of practice: of any other no one here knows the secret. */
const SECRETS: Readonly<Record<string, string>> = { PRACTICE: "practice" };

/** Headers a signature has to cover, as far as the request has them. */
const COVERED = /^(host|content-type|x-amz-.*)$/;

/** What is wrong with the signature, or null. */
export function wrongSignature(exchange: Exchange): string | null {
  const { headers, method, url, body, whole } = exchange;
  const [, key = "", day = "", region = "", service = "", signed = "", signature] =
    HEADER.exec(headers.authorization ?? "") ?? [];
  if (signature === undefined) return "is no signature of version 4";
  const names = signed.split(";");
  const open = Object.keys(headers).filter((name) => COVERED.test(name) && !names.includes(name));
  if (open.length > 0) return `does not cover ${open.join(", ")}`;
  const secret = SECRETS[key];
  if (secret === undefined) return null;
  const { pathname, searchParams } = new URL(url, "http://any");
  const query = [...searchParams]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join("&");
  // S3 signs the path as it is sent; the others sign it encoded once more.
  const path = service === "s3" ? pathname : pathname.split("/").map(encoded).join("/");
  const lines = names.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}\n`).join("");
  const payload = headers["x-amz-content-sha256"] ?? sha256(body);
  const request = [method, path, query, lines, signed, payload].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(request)].join("\n");
  const derived = [day, region, service, "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  if (hmac(derived, toSign).toString("hex") !== signature) return "is not that of the request";
  return whole && /^[0-9a-f]{64}$/.test(payload) && payload !== sha256(body) ? "covers another body" : null;
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(of: string | Buffer): string {
  return createHash("sha256").update(of).digest("hex");
}

/** RFC 3986, as AWS wants it. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
