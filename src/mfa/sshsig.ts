import { createHash, verify } from "node:crypto";
import { readPublicKey, type SshPublicKey } from "../lib/ssh-key.ts";
import { WireReader, wireString } from "../lib/ssh-wire.ts";

/**
 * Signatures as `ssh-keygen -Y sign` makes them, verified in this process. No npm package that is kept reads them (looked for in
 * November 2026: none of this name; `sshpk` reads keys and knows nothing of the format or of FIDO keys).
 *
 * @see https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
 * @see https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.u2f
 */
export interface SshSignature {
  readonly key: SshPublicKey;
  readonly namespace: string;
  readonly hash: "sha256" | "sha512";
  readonly reserved: Buffer;
  /** Algorithm, and what follows it. */
  readonly algorithm: string;
  readonly signature: Buffer;
  /** Of a FIDO key; null: the key isn't one. */
  readonly authenticator: { readonly flags: number; readonly counter: number } | null;
}

export interface VerifiedSignature {
  readonly fingerprint: string;
  /** A FIDO key that was touched; its counter. Null: the key isn't one. */
  readonly authenticator: {
    /** The authenticator has checked a PIN, a fingerprint or the like for this very signature. */
    readonly userVerified: boolean;
    readonly counter: number;
  } | null;
}

const MAGIC = "SSHSIG";
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const BYTES_MAX = 16 * 1024;

/** Null: it can't be read, or is of an algorithm that isn't accepted. */
export function readSignature(armored: string): SshSignature | null {
  if (armored.length > BYTES_MAX) return null;
  const lines = armored.trim().split(/\r?\n/);
  if (lines.shift() !== "-----BEGIN SSH SIGNATURE-----" || lines.pop() !== "-----END SSH SIGNATURE-----") return null;
  const base64 = lines.join("");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
  try {
    return read(new WireReader(Buffer.from(base64, "base64")));
  } catch {
    return null;
  }
}

function read(wire: WireReader): SshSignature | null {
  if (wire.take(MAGIC.length).toString("latin1") !== MAGIC || wire.uint32() !== 1) return null;
  const key = readPublicKey(wire.string());
  const [namespace, reserved, hash] = [wire.text(), wire.string(), wire.text()];
  const inner = new WireReader(wire.string());
  wire.end();
  if (key === null || (hash !== "sha256" && hash !== "sha512")) return null;
  const [algorithm, signature] = [inner.text(), inner.string()];
  const authenticator = key.application === null ? null : { flags: inner.uint8(), counter: inner.uint32() };
  inner.end();
  return { key, namespace, hash, reserved, algorithm, signature, authenticator };
}

/**
 * Null: the signature isn't by its key over these bytes in this namespace, or a FIDO key made it without a touch. Whose key it
 * is, and whether its counter has moved, is for the caller to ask.
 */
export function verifySignature(of: SshSignature, namespace: string, message: Uint8Array): VerifiedSignature | null {
  if (of.namespace !== namespace) return null;
  const digest = createHash(of.hash).update(message).digest();
  const parts = [wireString(of.namespace), wireString(of.reserved), wireString(of.hash), wireString(digest)];
  const signed = Buffer.concat([Buffer.from(MAGIC), ...parts]);
  const bytes = of.authenticator === null ? signed : byAuthenticator(of.key, of.authenticator, signed);
  if (!isBy(of, bytes)) return null;
  const { fingerprint } = of.key;
  if (of.authenticator === null) return { fingerprint, authenticator: null };
  const { flags, counter } = of.authenticator;
  if ((flags & USER_PRESENT) === 0) return null;
  return { fingerprint, authenticator: { userVerified: (flags & USER_VERIFIED) !== 0, counter } };
}

function byAuthenticator(key: SshPublicKey, { flags, counter }: { flags: number; counter: number }, signed: Buffer) {
  const state = Buffer.alloc(5);
  state.writeUInt8(flags, 0);
  state.writeUInt32BE(counter, 1);
  return Buffer.concat([sha256(Buffer.from(key.application ?? "", "latin1")), state, sha256(signed)]);
}

function isBy(of: SshSignature, bytes: Buffer): boolean {
  try {
    return isValid(of, bytes);
  } catch {
    return false;
  }
}

function isValid({ key, algorithm, signature }: SshSignature, bytes: Buffer): boolean {
  if (key.type === "ssh-rsa") {
    const hash = algorithm === "rsa-sha2-512" ? "sha512" : algorithm === "rsa-sha2-256" ? "sha256" : null;
    return hash !== null && verify(hash, bytes, key.key, signature);
  }
  if (algorithm !== key.type) return false;
  if (key.hash === null) return signature.length === 64 && verify(null, bytes, key.key, signature);
  const fixed = fixedLength(signature, key.hash === "sha256" ? 32 : key.hash === "sha384" ? 48 : 66);
  return fixed !== null && verify(key.hash, bytes, { key: key.key, dsaEncoding: "ieee-p1363" }, fixed);
}

/** The two numbers of an ECDSA signature, side by side. */
function fixedLength(signature: Buffer, length: number): Buffer | null {
  const wire = new WireReader(signature);
  const numbers = [wire.mpint(), wire.mpint()];
  wire.end();
  if (numbers.some((number) => number.length > length)) return null;
  return Buffer.concat(numbers.map((number) => Buffer.concat([Buffer.alloc(length - number.length), number])));
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
