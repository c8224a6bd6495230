import { execFile } from "node:child_process";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wireString } from "../../src/lib/ssh-wire.ts";

export interface Press {
  readonly touched?: boolean;
  readonly verified?: boolean;
  /** As a copy of the key would say it; left out: one more than before. */
  readonly counter?: number;
  readonly namespace?: string;
}

/**
 * A FIDO key that isn't of metal: `sk-ssh-ed25519@openssh.com`, with the bytes OpenSSH's PROTOCOL.u2f describes. That OpenSSH
 * reads its signatures is tested (`sshsig.test.ts`).
 */
export class SecurityKey {
  readonly #private: KeyObject;
  readonly #blob: Buffer;
  readonly #application = "ssh:";
  #counter = 0;

  constructor() {
    const pair = generateKeyPairSync("ed25519");
    this.#private = pair.privateKey;
    const point = Buffer.from(pair.publicKey.export({ format: "jwk" }).x as string, "base64url");
    this.#blob = Buffer.concat([wireString(TYPE), wireString(point), wireString(this.#application)]);
  }

  /** A line as in a `.pub` file. */
  get publicKey(): string {
    return `${TYPE} ${this.#blob.toString("base64")} a test`;
  }

  sign(
    message: string | Buffer,
    { touched = true, verified = true, counter, namespace = "lifeboat" }: Press = {},
  ): string {
    this.#counter = counter ?? this.#counter + 1;
    const state = Buffer.alloc(5);
    state.writeUInt8((touched ? 1 : 0) | (verified ? 4 : 0), 0);
    state.writeUInt32BE(this.#counter, 1);
    const digest = createHash("sha512").update(message).digest();
    const parts = [wireString(namespace), wireString(""), wireString("sha512"), wireString(digest)];
    const signed = Buffer.concat([Buffer.from("SSHSIG"), ...parts]);
    const raw = sign(null, Buffer.concat([sha256(this.#application), state, sha256(signed)]), this.#private);
    const signature = Buffer.concat([wireString(TYPE), wireString(raw), state]);
    const version = Buffer.from([0, 0, 0, 1]);
    const fields = [wireString(this.#blob), wireString(namespace), wireString(""), wireString("sha512")];
    return armored(Buffer.concat([Buffer.from("SSHSIG"), version, ...fields, wireString(signature)]));
  }
}

const TYPE = "sk-ssh-ed25519@openssh.com";

function sha256(value: string | Buffer): Buffer {
  return createHash("sha256").update(value).digest();
}

export function armored(blob: Buffer): string {
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  return ["-----BEGIN SSH SIGNATURE-----", ...lines, "-----END SSH SIGNATURE-----", ""].join("\n");
}

/** Keys of files, as `ssh-keygen` makes and uses them. */
export class KeyFiles {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<KeyFiles> {
    return new KeyFiles(await mkdtemp(join(tmpdir(), "lifeboat-keys-")));
  }

  async make(name: string, ...type: readonly string[]): Promise<{ readonly file: string; readonly publicKey: string }> {
    const file = join(this.folder, name);
    await this.keygen(["-q", "-t", ...type, "-N", "", "-C", name, "-f", file]);
    return { file, publicKey: (await readFile(`${file}.pub`, "utf8")).trim() };
  }

  sign(file: string, message: string, namespace = "lifeboat"): Promise<string> {
    return this.keygen(["-Y", "sign", "-n", namespace, "-f", file], message);
  }

  /** What OpenSSH itself says of a signature. */
  async accepts(publicKey: string, message: string, signature: string): Promise<boolean> {
    const [signers, signed] = [join(this.folder, "signers"), join(this.folder, "signature")];
    await writeFile(signers, `iris ${publicKey}\n`);
    await writeFile(signed, signature);
    const args = ["-Y", "verify", "-n", "lifeboat", "-I", "iris", "-f", signers, "-s", signed];
    return await this.keygen(args, message).then(
      () => true,
      () => false,
    );
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  private keygen(args: readonly string[], input = ""): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile("ssh-keygen", [...args], (error, stdout) => (error ? reject(error) : resolve(stdout)));
      // It may be over before it has read what it doesn't need: its exit code says how it went.
      child.stdin?.on("error", () => {});
      child.stdin?.end(input);
    });
  }
}
