import { randomBytes } from "node:crypto";

// Crockford's alphabet without vowels: nothing that can be misread aloud, nothing that spells a word.
const ALPHABET = "0123456789bcdfghjkmnpqrstvwxyz";

/** `inc-7k2m9x`: short enough to say on a call. `length` random characters, 4.9 bits each. */
export function newId(prefix: string, length = 8): string {
  const bytes = randomBytes(length * 2);
  let id = "";
  for (let i = 0; i < length; i++) id += ALPHABET[bytes.readUInt16BE(i * 2) % ALPHABET.length];
  return `${prefix}-${id}`;
}
