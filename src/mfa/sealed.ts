import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const NONCE = 12;
const TAG = 16;

/** AES-256-GCM under the installation's key; bound to its holder, so that a row moved to another is worth nothing there. */
export function seal(key: Uint8Array, holder: string, secret: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(boundTo(holder));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** Null: another key, another holder, or bytes that were changed. */
export function unseal(key: Uint8Array, holder: string, sealed: Buffer): Buffer | null {
  if (sealed.length < NONCE + TAG) return null;
  try {
    const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE), { authTagLength: TAG })
      .setAAD(boundTo(holder))
      .setAuthTag(sealed.subarray(NONCE, NONCE + TAG));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE + TAG)), decipher.final()]);
  } catch {
    return null;
  }
}

/** With the first of these keys that opens it; `old`: not the first, so it has to be sealed again before that key may go. */
export function unsealByAny(
  keys: readonly Uint8Array[],
  holder: string,
  sealed: Buffer,
): { readonly secret: Buffer; readonly old: boolean } | null {
  for (const [n, key] of keys.entries()) {
    const secret = unseal(key, holder, sealed);
    if (secret !== null) return { secret, old: n > 0 };
  }
  return null;
}

function boundTo(holder: string): Buffer {
  return Buffer.from(`lifeboat/proof/${holder}`, "utf8");
}
