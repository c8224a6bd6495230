import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { canonicalBytes, sha256 } from "../lib/canonical.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";

/** The keys of the record, as settings give them. None of them is ever in the store. */
export interface RecordKeys {
  /** 32 random bytes each, in base64. The first writes; the others are accepted (rotation). */
  readonly events: readonly string[];
  /** Ed25519, PKCS #8 DER in base64 or PEM. Null: heads are not signed here. */
  readonly signing: string | null;
  /** Ed25519 public keys, SPKI DER in base64 or PEM: signing keys of before, or all an auditor has. */
  readonly verifying: readonly string[];
}

/** Why an event counts as written by no one who holds a key. */
export type NotAuthentic = "missing" | "unknown-key" | "wrong";

/** A statement and who signed it. `text` is the canonical JSON (RFC 8785) the signature is over. */
export interface Signed {
  readonly text: string;
  /** Id of the public key. */
  readonly key: string;
  /** Base64. */
  readonly signature: string;
}

export interface Keyring {
  /** False: events can be read and their chain checked, but not authenticated and not written. */
  readonly authenticates: boolean;
  /** HMAC-SHA256 by the newest key over an event's hash, which covers everything it says and its place. */
  authenticate(hash: string): { readonly macKey: string; readonly mac: string };
  check(hash: string, macKey: string | null | undefined, mac: string | null | undefined): NotAuthentic | null;
  /** The same for anything else this process stores, under a name of its own so that neither is taken for the other. */
  seal(purpose: string, value: unknown): { readonly macKey: string; readonly mac: string };
  sealed(purpose: string, value: unknown, macKey: string | null, mac: string | null): boolean;
  /** A password only holders of this key can name; null without one. */
  password(purpose: string): string | null;
  /** Null: there is no signing key. */
  sign(statement: unknown): Signed | null;
  signatureHolds(signed: Signed): boolean;
  /** Public keys by id, SPKI DER in base64: what an auditor is given. */
  readonly publicKeys: ReadonlyMap<string, string>;
  /** Id of the key that signs; null: there is none. */
  readonly signs: string | null;
}

const EVENT = "lifeboat/event/1:";

export function openKeyring(keys: RecordKeys): Keyring {
  const events = keys.events.map((text) => {
    const bytes = Buffer.from(text, "base64");
    if (bytes.length !== 32) throw badKey("An event key is not 32 bytes in base64", "openssl rand -base64 32");
    // Named by its hash: the id says which key it is and nothing about it.
    return {
      id: sha256(Buffer.concat([Buffer.from("lifeboat/key-id/1:"), bytes])).slice(0, 16),
      key: createSecretKey(bytes),
    };
  });
  const byId = new Map(events.map(({ id, key }) => [id, key]));
  const newest = events[0];
  const signing = keys.signing === null ? null : privateKey(keys.signing);
  const publicKeys = new Map<string, KeyObject>();
  for (const key of [...(signing ? [createPublicKey(signing)] : []), ...keys.verifying.map(publicKey)])
    publicKeys.set(publicKeyId(key), key);
  const mac = (key: KeyObject, text: string) => createHmac("sha256", key).update(text).digest("hex");
  const write = (text: string) => {
    if (newest === undefined) throw missingKey();
    return { macKey: newest.id, mac: mac(newest.key, text) };
  };
  const read = (text: string, macKey?: string | null, given?: string | null): NotAuthentic | null => {
    if (!macKey || !given) return "missing";
    const key = byId.get(macKey);
    if (key === undefined) return "unknown-key";
    return same(mac(key, text), given) ? null : "wrong";
  };
  return {
    authenticates: newest !== undefined,
    authenticate: (hash) => write(EVENT + hash),
    check: (hash, macKey, given) => read(EVENT + hash, macKey, given),
    seal: (purpose, value) => write(`lifeboat/${purpose}/1:${canonicalBytes(value)}`),
    sealed: (purpose, value, macKey, given) =>
      read(`lifeboat/${purpose}/1:${canonicalBytes(value)}`, macKey, given) === null,
    password: (purpose) => (newest ? mac(newest.key, `lifeboat/password/1:${purpose}`) : null),
    sign(statement) {
      if (signing === null) return null;
      const text = String(canonicalBytes(statement));
      const signature = sign(null, Buffer.from(text), signing).toString("base64");
      return { text, key: publicKeyId(createPublicKey(signing)), signature };
    },
    signatureHolds({ text, key, signature }) {
      const known = publicKeys.get(key);
      return known !== undefined && verify(null, Buffer.from(text), known, Buffer.from(signature, "base64"));
    },
    publicKeys: new Map([...publicKeys].map(([id, key]) => [id, spki(key)])),
    signs: signing === null ? null : publicKeyId(createPublicKey(signing)),
  };
}

export const isSigningKey = (text: string) => reads(() => privateKey(text));
export const isVerifyKey = (text: string) => reads(() => publicKey(text));

function reads(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

function same(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function privateKey(text: string): KeyObject {
  const key = readKey(() =>
    text.includes("BEGIN")
      ? createPrivateKey(text)
      : createPrivateKey({ key: der(text), format: "der", type: "pkcs8" }),
  );
  return ed25519(key);
}

function publicKey(text: string): KeyObject {
  const key = readKey(() =>
    text.includes("BEGIN") ? createPublicKey(text) : createPublicKey({ key: der(text), format: "der", type: "spki" }),
  );
  return ed25519(key);
}

const der = (text: string) => Buffer.from(text, "base64");
const spki = (key: KeyObject) => key.export({ format: "der", type: "spki" }).toString("base64");
const publicKeyId = (key: KeyObject) => sha256(spki(key)).slice(0, 16);

function readKey(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch (error) {
    // OpenSSL's own words name the format and never the key.
    throw badKey(`A signing key can't be read (${messageOf(error)})`, "lifeboat keys makes one");
  }
}

function ed25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType === "ed25519") return key;
  throw badKey(`A signing key is ${key.asymmetricKeyType}, not Ed25519`, "lifeboat keys makes one");
}

function badKey(what: string, next: string): LifeboatError {
  return new LifeboatError({ code: "record-key", what, next });
}

export function missingKey(): LifeboatError {
  return new LifeboatError({
    code: "record-key-missing",
    where: "LIFEBOAT_EVENT_KEYS",
    what: "There is no key to authenticate events with",
    allowed: "32 random bytes in base64",
    next: "Run lifeboat keys: it prints new ones as settings",
  });
}

/** A new set: one key that writes, one that signs. */
export function makeKeys(): RecordKeys {
  const { privateKey } = generateKeyPairSync("ed25519");
  return {
    events: [randomBytes(32).toString("base64")],
    signing: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
    verifying: [],
  };
}

/** The keys practice keeps beside its data. Null: there are none. */
export async function keptKeys(folder: string): Promise<RecordKeys | null> {
  const kept = await readFile(keysFile(folder), "utf8").catch(() => null);
  return kept === null ? null : (JSON.parse(kept) as RecordKeys);
}

const keysFile = (folder: string) => join(folder, "record-keys.json");

/** For practice and tests: the same, made when there are none. Several processes that start together get the same ones. */
export async function keptOrMadeKeys(folder: string): Promise<RecordKeys> {
  const kept = await keptKeys(folder);
  if (kept !== null) return kept;
  const file = keysFile(folder);
  await mkdir(folder, { recursive: true });
  const fresh = `${file}.${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    await writeFile(fresh, JSON.stringify(makeKeys()), { mode: 0o600 });
    await chmod(fresh, 0o600);
    // Whole or not at all, and the first one wins.
    await link(fresh, file).catch((error) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(fresh, { force: true });
  }
  return JSON.parse(await readFile(file, "utf8")) as RecordKeys;
}
