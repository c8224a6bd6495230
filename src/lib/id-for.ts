import { sha256 } from "./canonical.ts";

const ALPHABET = "0123456789bcdfghjkmnpqrstvwxyz";

/**
 * An id made from a request's key: the same request, delivered again, names the same incident and the same run, so a
 * repeat changes nothing. Eight characters of the alphabet of `newId`.
 */
export function idFor(prefix: string, key: string): string {
  let number = BigInt(`0x${sha256(`${prefix}\n${key}`).slice(0, 24)}`);
  let id = "";
  for (let n = 0; n < 8; n++) {
    id += ALPHABET[Number(number % 30n)];
    number /= 30n;
  }
  return `${prefix}-${id}`;
}
