import type { ReadContext } from "../contract.ts";
import { type Bucket, withBucket } from "./bucket.ts";
import { eachOf, type Listed } from "./listing.ts";

export interface Difference {
  /** What the destination lacks, or holds otherwise. */
  readonly missing: readonly Listed[];
  /** What would be overwritten although the destination's is younger. */
  readonly younger: readonly string[];
  /** Only in the destination; never deleted here. */
  readonly extra: number;
  readonly bytes: number;
}

const AT_ONCE = 16;
/** Written to our copies: an ETag depends on how the object was cut into parts and on the key it is encrypted under. */
export const SOURCE_ETAG = "lifeboat-source-etag";

/** Equal is: the same size and the same ETag; or, as ETags may differ all the same, the same checksum or our own note of the source's. */
export async function compare(
  ctx: ReadContext,
  source: { readonly bucket: Bucket; readonly objects: ReadonlyMap<string, Listed> },
  destination: { readonly bucket: Bucket; readonly objects: ReadonlyMap<string, Listed> },
): Promise<Difference> {
  const missing: Listed[] = [];
  const doubtful: Listed[] = [];
  for (const one of source.objects.values()) {
    const there = destination.objects.get(one.key);
    if (!there || there.size !== one.size) missing.push(one);
    else if (there.etag !== one.etag) doubtful.push(one);
  }
  await eachOf(doubtful, AT_ONCE, async (one) => {
    if (!(await sameContent(ctx, source.bucket, destination.bucket, one))) missing.push(one);
  });
  const younger = missing.filter((one) => (destination.objects.get(one.key)?.at ?? 0) > one.at).map(({ key }) => key);
  const extra = [...destination.objects.keys()].filter((key) => !source.objects.has(key)).length;
  return { missing, younger, extra, bytes: missing.reduce((all, { size }) => all + size, 0) };
}

async function sameContent(ctx: ReadContext, source: Bucket, destination: Bucket, one: Listed): Promise<boolean> {
  const [from, to] = await Promise.all([describe(ctx, source, one.key), describe(ctx, destination, one.key)]);
  if (to.note === one.etag) return true;
  const common = Object.keys(from.checksums).filter(
    (name) => from.checksums[name] !== undefined && to.checksums[name] !== undefined,
  );
  return common.length > 0 && common.every((name) => from.checksums[name] === to.checksums[name]);
}

async function describe(ctx: ReadContext, bucket: Bucket, Key: string) {
  return await withBucket(ctx, bucket, "read", async (s3, about, within) => {
    const head = await s3.headObject({ ...about, Key, ChecksumMode: "ENABLED" }, within);
    const sums: Readonly<Record<string, string | undefined>> = {
      CRC64NVME: head.ChecksumCRC64NVME,
      SHA256: head.ChecksumSHA256,
      CRC32: head.ChecksumCRC32,
      CRC32C: head.ChecksumCRC32C,
      SHA1: head.ChecksumSHA1,
    };
    return {
      // A checksum of checksums depends on the cut, as an ETag does.
      checksums: head.ChecksumType === "COMPOSITE" ? {} : sums,
      note: head.Metadata?.[SOURCE_ETAG] ?? null,
    };
  });
}
