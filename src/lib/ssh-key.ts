import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { WireReader } from "./ssh-wire.ts";

/** An OpenSSH public key, as `ssh-keygen` writes it into a `.pub` file. */
export interface SshPublicKey {
  readonly type: string;
  /** The key in wire format: what a signature carries. */
  readonly blob: Buffer;
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  readonly key: KeyObject;
  /** SHA-2 of signatures by this key; null: the signature names it (RSA), or the algorithm has its own (Ed25519). */
  readonly hash: "sha256" | "sha384" | "sha512" | null;
  /** What a FIDO key signs for (`ssh:`); null: the key isn't one. */
  readonly application: string | null;
}

const CURVES: Record<string, { crv: string; bytes: number; hash: "sha256" | "sha384" | "sha512" }> = {
  nistp256: { crv: "P-256", bytes: 32, hash: "sha256" },
  nistp384: { crv: "P-384", bytes: 48, hash: "sha384" },
  nistp521: { crv: "P-521", bytes: 66, hash: "sha512" },
};
const RSA_BITS_MIN = 2048;

/** What `keys:` takes, for errors. */
export const KEY_TYPES =
  "sk-ssh-ed25519@openssh.com, sk-ecdsa-sha2-nistp256@openssh.com, ssh-ed25519, ecdsa-sha2-nistp256, -384, -521, ssh-rsa from 2048 bits";

/** Characters: an RSA key of 16,384 bits has about 2,800. */
const BASE64_MAX = 4000;

/** One line of a `.pub` file; null: it isn't the public key of a supported type. */
export function parsePublicKey(line: string): SshPublicKey | null {
  const [type, base64, ...comment] = line.trim().split(" ");
  if (base64 === undefined || base64.length > BASE64_MAX || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
  if (/[\r\n]/.test(comment.join(" "))) return null;
  const key = readPublicKey(Buffer.from(base64, "base64"));
  return key?.type === type ? key : null;
}

/** A key in wire format; null: it can't be read or isn't of a supported type. */
export function readPublicKey(blob: Buffer): SshPublicKey | null {
  try {
    const wire = new WireReader(blob);
    const type = wire.text();
    const read = readFields(type, wire);
    if (read === null) return null;
    wire.end();
    const digest = createHash("sha256").update(blob).digest("base64").replace("=", "");
    return { type, blob, fingerprint: `SHA256:${digest}`, ...read };
  } catch {
    return null;
  }
}

type Fields = Pick<SshPublicKey, "key" | "hash" | "application">;

function readFields(type: string, wire: WireReader): Fields | null {
  switch (type) {
    case "ssh-ed25519":
      return { key: ed25519(wire), hash: null, application: null };
    case "sk-ssh-ed25519@openssh.com":
      return { key: ed25519(wire), hash: null, application: wire.text() };
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return { ...ecdsa(wire, "nistp256"), application: wire.text() };
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384":
    case "ecdsa-sha2-nistp521":
      return { ...ecdsa(wire, type.slice("ecdsa-sha2-".length)), application: null };
    case "ssh-rsa":
      return rsa(wire);
    default:
      return null;
  }
}

function ed25519(wire: WireReader): KeyObject {
  const x = wire.string();
  if (x.length !== 32) throw new RangeError("An Ed25519 key has 32 bytes.");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: x.toString("base64url") }, format: "jwk" });
}

function ecdsa(wire: WireReader, expected: string): Pick<Fields, "key" | "hash"> {
  const curve = CURVES[wire.text()];
  const point = wire.string();
  if (curve === undefined || curve !== CURVES[expected]) throw new RangeError("The curve isn't the type's.");
  if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4)
    throw new RangeError("The point isn't an uncompressed one.");
  const [x, y] = [point.subarray(1, 1 + curve.bytes), point.subarray(1 + curve.bytes)];
  const jwk = { kty: "EC", crv: curve.crv, x: x.toString("base64url"), y: y.toString("base64url") };
  return { key: createPublicKey({ key: jwk, format: "jwk" }), hash: curve.hash };
}

function rsa(wire: WireReader): Fields | null {
  const [e, n] = [wire.mpint(), wire.mpint()];
  const jwk = { kty: "RSA", e: e.toString("base64url"), n: n.toString("base64url") };
  const key = createPublicKey({ key: jwk, format: "jwk" });
  return (key.asymmetricKeyDetails?.modulusLength ?? 0) < RSA_BITS_MIN ? null : { key, hash: null, application: null };
}
