import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Refusal } from "../../kit/refusal.ts";
import { ALGORITHMS, checksumOf } from "./checksums.ts";

export interface Payload {
  readonly body: Buffer;
  /** Headers that came after a framed body: a checksum of what was a stream. */
  readonly trailers: Readonly<Record<string, string>>;
}

/** The bytes of a request as S3 keeps them: without the framing some SDKs put around a stream, and as intact as was claimed. */
export async function payloadOf(request: IncomingMessage): Promise<Payload> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const claimed = String(request.headers["x-amz-content-sha256"] ?? "");
  const { body, trailers } = claimed.startsWith("STREAMING-") ? unframed(raw) : { body: raw, trailers: {} };
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
  insistOnChecksums(body, { ...request.headers, ...trailers });
  return { body, trailers };
}

/** Every checksum that came with it is computed once more, as S3 does before it keeps anything. */
function insistOnChecksums(body: Buffer, headers: Readonly<Record<string, unknown>>): void {
  for (const algorithm of ALGORITHMS) {
    const given = headers[`x-amz-checksum-${algorithm}`];
    if (given === undefined || given === checksumOf(algorithm, body)) continue;
    const name = algorithm.toUpperCase();
    throw new Refusal("BadDigest", `The ${name} you specified did not match the calculated checksum.`);
  }
}

/** `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n … 0\r\n<trailers>\r\n` */
function unframed(raw: Buffer): Payload {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = raw.indexOf("\r\n", at);
    const size = Number.parseInt(raw.subarray(at, end).toString("latin1"), 16);
    if (end < 0 || Number.isNaN(size)) throw new Refusal("IncompleteBody", "The framing of the body is broken.");
    if (size === 0) return { body: Buffer.concat(parts), trailers: trailersOf(raw.subarray(end + 2)) };
    parts.push(raw.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

function trailersOf(rest: Buffer): Record<string, string> {
  const lines = rest.toString("latin1").split("\r\n");
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = /^(x-amz-checksum-[a-z0-9]+):(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value.trim()]];
    }),
  );
}

function digest(algorithm: "md5" | "sha256", body: Buffer, as: "hex" | "base64"): string {
  return createHash(algorithm).update(body).digest(as);
}
