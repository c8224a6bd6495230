import type { ReadContext } from "../contract.ts";
import { type Bucket, withBucket } from "./bucket.ts";

export interface Listed {
  readonly key: string;
  readonly size: number;
  /** Without quotation marks; of several parts when it ends in `-n`. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Everything under a prefix, page by page; more than `max` rejects rather than pass for all of it. */
export async function listAll(
  ctx: ReadContext,
  bucket: Bucket,
  prefix: string,
  max: number,
): Promise<ReadonlyMap<string, Listed>> {
  return await withBucket(ctx, bucket, "read", async (s3, about, within) => {
    const found = new Map<string, Listed>();
    let token: string | undefined;
    do {
      const page = await s3.listObjectsV2(
        { ...about, Prefix: prefix, ...(token === undefined ? {} : { ContinuationToken: token }) },
        within,
      );
      for (const one of page.Contents ?? []) {
        const key = one.Key ?? "";
        const etag = (one.ETag ?? "").replaceAll('"', "");
        found.set(key, { key, size: one.Size ?? 0, etag, at: one.LastModified?.getTime() ?? 0 });
      }
      if (found.size > max) throw new TooMany(max);
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    return found;
  });
}

/** No one knows what lies beyond. */
export class TooMany extends Error {
  constructor(max: number) {
    super(`there are more than ${max} objects; narrow the prefix or raise objectsMax`);
  }
}

/** Runs over many, so many at once, and stops at the first that fails. */
export async function eachOf<T>(items: Iterable<T>, atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failed = false;
  const run = async () => {
    for (let next = queue.next(); !next.done && !failed; next = queue.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const runs = await Promise.allSettled(Array.from({ length: atOnce }, run));
  for (const one of runs) if (one.status === "rejected") throw one.reason;
}
