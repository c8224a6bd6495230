import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Refusal } from "../../kit/refusal.ts";

/** The bytes of a request as S3 keeps them: without the framing some SDKs put around a stream, and as intact as was claimed. */
export async function payloadOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const claimed = String(request.headers["x-amz-content-sha256"] ?? "");
  const framed = claimed.startsWith("STREAMING-");
  const body = framed ? unframed(raw) : raw;
  if (/^[0-9a-f]{64}$/.test(claimed) && digest("sha256", body, "hex") !== claimed) {
    throw new Refusal(
      "XAmzContentSHA256Mismatch",
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  const md5 = request.headers["content-md5"];
  if (md5 !== undefined && digest("md5", body, "base64") !== md5) {
    throw new Refusal("BadDigest", "The Content-MD5 you specified did not match what we received.");
  }
  return body;
}

/** `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n … 0\r\n<trailers>\r\n` */
function unframed(raw: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = raw.indexOf("\r\n", at);
    const size = Number.parseInt(raw.subarray(at, end).toString("latin1"), 16);
    if (end < 0 || Number.isNaN(size)) throw new Refusal("IncompleteBody", "The framing of the body is broken.");
    if (size === 0) return Buffer.concat(parts);
    parts.push(raw.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

function digest(algorithm: "md5" | "sha256", body: Buffer, as: "hex" | "base64"): string {
  return createHash(algorithm).update(body).digest(as);
}
