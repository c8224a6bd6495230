import { createHash } from "node:crypto";

/** The checksums of today's SDKs, as S3 writes them: base64 of the big-endian value. By their names in `x-amz-checksum-…`. */
export type Algorithm = "crc32" | "crc32c" | "crc64nvme" | "sha1" | "sha256";

export const ALGORITHMS: readonly Algorithm[] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];

const CRC32 = table32(0xedb88320);
const CRC32C = table32(0x82f63b78);
const CRC64NVME = table64(0x9a6c9329ac4bc9b5n);

export function checksumOf(algorithm: Algorithm, body: Uint8Array): string {
  if (algorithm === "crc32") return crc32(CRC32, body);
  if (algorithm === "crc32c") return crc32(CRC32C, body);
  if (algorithm === "crc64nvme") return crc64(body);
  return createHash(algorithm).update(body).digest("base64");
}

function crc32(table: Uint32Array, body: Uint8Array): string {
  let crc = 0xffffffff;
  for (let i = 0; i < body.length; i++) crc = (crc >>> 8) ^ (table[(crc ^ (body[i] as number)) & 0xff] as number);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(~crc >>> 0);
  return bytes.toString("base64");
}

/** In two halves: numbers of 64 bits are slow, and objects are large. */
function crc64(body: Uint8Array): string {
  let [high, low] = [0xffffffff, 0xffffffff];
  for (let i = 0; i < body.length; i++) {
    const at = (low ^ (body[i] as number)) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ (CRC64NVME.low[at] as number);
    high = (high >>> 8) ^ (CRC64NVME.high[at] as number);
  }
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(~high >>> 0, 0);
  bytes.writeUInt32BE(~low >>> 0, 4);
  return bytes.toString("base64");
}

function table32(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, n) => {
    let value = n;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value >>> 0;
  });
}

function table64(polynomial: bigint): { readonly high: Uint32Array; readonly low: Uint32Array } {
  const values = Array.from({ length: 256 }, (_, n) => {
    let value = BigInt(n);
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    return value;
  });
  return {
    high: Uint32Array.from(values, (value) => Number(value >> 32n)),
    low: Uint32Array.from(values, (value) => Number(value & 0xffffffffn)),
  };
}
