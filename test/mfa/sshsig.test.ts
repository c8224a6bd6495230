import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parsePublicKey } from "../../src/lib/ssh-key.ts";
import { readSignature, verifySignature } from "../../src/mfa/sshsig.ts";
import { armored, KeyFiles, SecurityKey } from "../support/security-key.ts";

const message = "approve exactly this";
let files: KeyFiles;
beforeAll(async () => {
  files = await KeyFiles.open();
});
afterAll(() => files.close());

function verified(signature: string, of = message, namespace = "lifeboat") {
  const read = readSignature(signature);
  return read && verifySignature(read, namespace, Buffer.from(of));
}

describe("signatures as ssh-keygen makes them", () => {
  test.each([
    ["ed25519", ["ed25519"]],
    ["ecdsa 256", ["ecdsa", "-b", "256"]],
    ["ecdsa 384", ["ecdsa", "-b", "384"]],
    ["ecdsa 521", ["ecdsa", "-b", "521"]],
    ["rsa", ["rsa", "-b", "2048"]],
  ])("%s: verified for its bytes, namespace and key, and for no others", async (name, type) => {
    const { file, publicKey } = await files.make(name.replace(" ", "-"), ...type);
    const key = parsePublicKey(publicKey);
    const signature = await files.sign(file, message);
    expect(readSignature(signature)?.key.blob).toEqual(key?.blob);
    expect(verified(signature)).toEqual({ fingerprint: key?.fingerprint, authenticator: null });
    expect(verified(signature, `${message} `)).toBeNull();
    expect(verified(signature, message, "git")).toBeNull();
    expect(verified(await files.sign(file, message, "git"))).toBeNull();
  });

  test("no byte can be changed, left out or added", async () => {
    const { file } = await files.make("changed", "ed25519");
    const signature = await files.sign(file, message);
    const bytes = Buffer.from(signature.split("\n").slice(1, -2).join(""), "base64");
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      // Another key in its place verifies nothing either: the blob of the key isn't signed, but it's what verifies.
      expect([at, verified(armored(changed))]).toEqual([at, null]);
    }
    expect(verified(armored(bytes.subarray(0, -1)))).toBeNull();
    expect(verified(armored(Buffer.concat([bytes, Buffer.from([0])])))).toBeNull();
    for (const other of ["", "-----BEGIN SSH SIGNATURE-----", signature.replace("BEGIN", "BEGUN"), "A".repeat(100_000)])
      expect(readSignature(other)).toBeNull();
  });
});

describe("signatures of a FIDO key", () => {
  test("OpenSSH takes those of the stand-in, and so do we", async () => {
    const key = new SecurityKey();
    const signature = key.sign(message);
    expect(await files.accepts(key.publicKey, message, signature)).toBe(true);
    const { fingerprint } = parsePublicKey(key.publicKey) ?? {};
    expect(verified(signature)).toEqual({ fingerprint, authenticator: { userVerified: true, counter: 1 } });
    expect(verified(signature, "another")).toBeNull();
  });

  test("without a touch it's none; without a PIN or fingerprint it says so; neither can be claimed afterwards", () => {
    const key = new SecurityKey();
    expect(verified(key.sign(message, { touched: false }))).toBeNull();
    const unverified = key.sign(message, { verified: false, counter: 7 });
    expect(verified(unverified)?.authenticator).toEqual({ userVerified: false, counter: 7 });
    const bytes = Buffer.from(unverified.split("\n").slice(1, -2).join(""), "base64");
    const flags = bytes.length - 5;
    expect(bytes[flags]).toBe(1);
    bytes[flags] = 5;
    expect(verified(armored(bytes))).toBeNull();
  });
});

test("a public key is one line of a known type that is what it says", async () => {
  const { publicKey } = await files.make("line", "ed25519");
  const [, blob = ""] = publicKey.split(" ");
  expect(parsePublicKey(publicKey)?.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  expect(parsePublicKey(`ssh-ed25519 ${blob}`)).not.toBeNull();
  const weak = await files.make("weak", "rsa", "-b", "1024").catch(() => null);
  for (const other of [
    `ssh-rsa ${blob}`,
    `${publicKey}\n${publicKey}`,
    `ssh-ed25519 ${blob}AAAA`,
    `command="x" ${publicKey}`,
    "ssh-ed25519 AAAA",
    "",
    ...(weak ? [weak.publicKey] : []),
  ])
    expect([other, parsePublicKey(other)]).toEqual([other, null]);
});
