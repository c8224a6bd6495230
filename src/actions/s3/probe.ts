import { randomUUID } from "node:crypto";
import { LifeboatError } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";
import { type Bucket, nameOf, withBucket } from "./bucket.ts";

/** Puts an object of our own, reads it back and takes it away: the bucket takes writes, gives them back and lets them go. */
export async function probe(ctx: ReadContext, bucket: Bucket, prefix: string): Promise<void> {
  const Key = `${prefix}probe-${randomUUID()}`;
  const Body = `lifeboat ${new Date().toISOString()}`;
  await withBucket(ctx, bucket, "change", async (s3, about, within) => {
    await s3.putObject({ ...about, Key, Body }, within);
    try {
      const got = await s3.getObject({ ...about, Key }, within);
      if ((await got.Body?.transformToString()) !== Body) {
        throw new LifeboatError({
          code: "s3-probe",
          where: nameOf(bucket),
          what: "What was put is not what comes back",
          stateNow: `${Key} is taken away again`,
        });
      }
    } finally {
      await s3.deleteObject({ ...about, Key }, within);
    }
  });
}
