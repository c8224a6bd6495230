/** The request and as much of the response of RFC 3161 as it takes to know that a timestamp authority answered about this hash. */

/** The algorithm as it is requested, with NULL parameters, and as some authorities write it, without: RFC 5754 has both mean the same. */
const SHA256 = Buffer.from("300d06096086480165030402010500", "hex");
const SHA256_BARE = Buffer.from("300b0609608648016503040201", "hex");

/** `TimeStampReq` over a SHA-256 in hexadecimal digits, with the certificate of the authority asked for. DER. */
export function timestampRequest(sha256: string, nonce: Buffer): Buffer {
  const imprint = sequence(SHA256, value(0x04, Buffer.from(sha256, "hex")));
  // A positive number: its first bit may not be set, and it may not begin with a zero that isn't needed.
  const number = Buffer.concat([Buffer.from([1]), nonce]);
  return sequence(value(0x02, Buffer.from([1])), imprint, value(0x02, number), value(0x01, Buffer.from([0xff])));
}

export type TimestampAnswer =
  | { readonly kind: "granted" }
  /** Why it is none: refused, of another hash, or no answer of RFC 3161 at all. */
  | { readonly kind: "refused"; readonly says: string };

/** What a `TimeStampResp` is. Its signature is for who verifies a pack: here it only has to be of this hash. */
export function timestampAnswer(response: Buffer, sha256: string): TimestampAnswer {
  try {
    const outer = read(response, 0);
    if (outer.tag !== 0x30) return { kind: "refused", says: "the answer is no timestamp" };
    const status = read(outer.content, 0);
    const granted = Number.parseInt(read(status.content, 0).content.toString("hex") || "ff", 16);
    if (granted > 1) return { kind: "refused", says: `the authority refuses it (status ${granted})` };
    const token = outer.content.subarray(status.whole);
    const digest = value(0x04, Buffer.from(sha256, "hex"));
    if (![SHA256, SHA256_BARE].some((algorithm) => token.includes(Buffer.concat([algorithm, digest]))))
      return { kind: "refused", says: "the answer is about another hash" };
    return { kind: "granted" };
  } catch {
    return { kind: "refused", says: "the answer is no timestamp" };
  }
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return value(0x30, Buffer.concat(parts));
}

/** Short: nothing of a request is longer than 127 bytes. */
function value(tag: number, content: Buffer): Buffer {
  if (content.length > 127) throw new RangeError("A timestamp request holds nothing so long.");
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}

function read(bytes: Buffer, at: number): { readonly tag: number; readonly content: Buffer; readonly whole: number } {
  const tag = bytes.readUInt8(at);
  const first = bytes.readUInt8(at + 1);
  const count = first > 0x80 ? first & 0x7f : 0;
  const length = count > 0 ? bytes.readUIntBE(at + 2, count) : first;
  const from = at + 2 + count;
  if (from + length > bytes.length) throw new RangeError("It is cut short.");
  return { tag, content: bytes.subarray(from, from + length), whole: from + length - at };
}
