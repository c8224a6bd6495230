import { createHash } from "node:crypto";
import serialize from "canonicalize";

/** RFC 8785 canonical JSON: one value, one sequence of bytes, whatever order its keys were written in. */
export function canonicalBytes(value: unknown): Buffer {
  const text = serialize(value);
  if (text === undefined) throw new TypeError("A value without a JSON form has no canonical bytes.");
  return Buffer.from(text, "utf8");
}

/** SHA-256 as 64 lower-case hexadecimal digits. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function hashOf(value: unknown): string {
  return sha256(canonicalBytes(value));
}
