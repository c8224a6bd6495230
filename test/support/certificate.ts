import { type KeyObject, sign } from "node:crypto";

/** An X.509 certificate for a key, signed by itself: the few bytes of DER a test needs, so that no private key is kept in the repository. */
export function certificateOf(
  { publicKey, privateKey }: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  from: Date,
  to: Date,
): string {
  const algorithm = sequence(oid("2a864886f70d01010b"), der(0x05, Buffer.alloc(0)));
  const name = sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from("sns.amazonaws.com")))));
  const moment = (at: Date) => der(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(moment(from), moment(to)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", body, privateKey)]));
  const lines =
    sequence(body, algorithm, signature)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

const oid = (hex: string) => der(0x06, Buffer.from(hex, "hex"));
const sequence = (...parts: Buffer[]) => der(0x30, Buffer.concat(parts));

function der(tag: number, content: Buffer): Buffer {
  const bytes = content.length.toString(16);
  const long = Buffer.from(bytes.padStart(bytes.length + (bytes.length % 2), "0"), "hex");
  const length = content.length < 128 ? Buffer.from([content.length]) : Buffer.from([0x80 | long.length, ...long]);
  return Buffer.concat([Buffer.from([tag]), length, content]);
}
