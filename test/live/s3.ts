import { createS3 } from "../../practice/targets/s3/index.ts";
import type { ReadContext } from "../../src/actions/contract.ts";
import { type Bucket, withBucket } from "../../src/actions/s3/bucket.ts";
import { PART_BYTES } from "../../src/actions/s3/copy.ts";
import { SOURCE_ETAG } from "../../src/actions/s3/difference.ts";
import { type Listed, listAll } from "../../src/actions/s3/listing.ts";
import { actionHarness } from "../support/action-harness.ts";
import { insist, type Target } from "./target.ts";

const OBJECTS_MAX = 10_000;

/** Only what carries our note of the very source it was copied of: what someone else wrote there stays. */
async function takeAway(ctx: ReadContext, destination: Bucket, copied: readonly Listed[]): Promise<void> {
  await withBucket(ctx, destination, "change", async (client, about, within) => {
    for (const { key, etag } of copied) {
      const head = await client.headObject({ ...about, Key: key }, within).catch((error: { name?: string }) => {
        if (error.name === "NotFound") return null;
        throw error;
      });
      if (head?.Metadata?.[SOURCE_ETAG] === etag) await client.deleteObject({ ...about, Key: key }, within);
    }
  });
}

export const s3: Target = {
  id: "s3",
  title: "S3, or what speaks it (MinIO)",
  settings: [
    { name: "S3_SOURCE", says: "a bucket with some objects, one of them over 16 MiB" },
    { name: "S3_PREFIX", says: "only objects below it are looked at", otherwise: "" },
    { name: "S3_ENDPOINT", says: "where an S3 that is not AWS's answers; else S3_ACCOUNT", otherwise: "" },
    { name: "S3_ACCOUNT", says: "the twelve digits of the account the buckets belong to", otherwise: "" },
    { name: "S3_REGION", says: "the region of both buckets", otherwise: "us-east-1" },
    { name: "S3_CREDENTIALS", says: "access key:secret key; else what the SDK finds", otherwise: "" },
  ],
  mayChange: {
    is: "a bucket to copy into",
    does: "gets what it lacks of the other, and loses that again; it may hold none of those keys, so nothing is overwritten",
  },
  async standIn() {
    const stand = await createS3();
    stand.store.add("contract-from", "us-east-1");
    stand.store.add("contract-to", "us-east-1");
    for (const n of [1, 2, 3]) stand.store.put("contract-from", `img/${n}.png`, `picture ${n}`);
    // In one request, and copied in parts: its ETag becomes another.
    stand.store.put("contract-from", "video/1.mp4", Buffer.alloc(17 * 1024 * 1024, 7));
    return {
      environment: { S3_SOURCE: "contract-from", S3_ENDPOINT: stand.url, S3_CREDENTIALS: "PRACTICE:practice" },
      mayChange: "contract-to",
      stop: () => stand.close(),
    };
  },
  deals({ setting, optional, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const bucket = (name: string) => ({
      bucket: name,
      region: setting("S3_REGION"),
      ...(optional("S3_ENDPOINT") ? { endpoint: setting("S3_ENDPOINT") } : { account: setting("S3_ACCOUNT") }),
      ...(optional("S3_CREDENTIALS") ? { credentialsFrom: "S3_CREDENTIALS" } : {}),
    });
    const restorer = actionHarness({ ...environment }, { practice });
    const source = bucket(setting("S3_SOURCE"));
    const prefix = optional("S3_PREFIX");
    const sync = { source, destination: bucket(mayChange ?? "lifeboat-is-not-here"), prefix };
    return [
      {
        says: "a bucket that is not there is said to be so, and nothing is sent",
        async hold() {
          const missing = { ...sync, destination: bucket("lifeboat-is-not-here-4711") };
          const { checks, done } = await harness.look("s3.sync", missing);
          const blocks = checks.filter(({ ok, level }) => !ok && level === "block");
          insist(blocks.length > 0 && done === "unknown", "it was taken for one that is there");
          return blocks.map(({ says }) => says).join(" ");
        },
      },
      {
        says: "what another bucket lacks is copied, and a second time nothing is",
        changes: `${mayChange}: gets what it lacks of ${source.bucket}/${prefix}, which is deleted there again`,
        async hold(changes) {
          const from = await listAll(harness.context, source, prefix, OBJECTS_MAX);
          insist(from.size > 0, `${source.bucket}/${prefix} is empty: that proves nothing`);
          const there = await listAll(harness.context, sync.destination, prefix, OBJECTS_MAX);
          const taken = [...from.keys()].find((key) => there.has(key));
          insist(taken === undefined, `${mayChange} holds ${taken} already: name a bucket without any of these keys`);
          const putBack = changes.until({
            left: `${mayChange} holds copies of ${from.size} objects of ${source.bucket}/${prefix}`,
            by: `delete those of its objects whose metadata has ${SOURCE_ETAG}`,
            back: () => takeAway(restorer.context, sync.destination, [...from.values()]),
          });
          const copied = await harness.perform("copy", "s3.sync", sync);
          insist(copied.applied, "nothing was copied");
          const again = await harness.perform("again", "s3.sync", sync);
          insist(!again.applied, "the second time something was copied");
          await putBack();
          const largest = Math.max(...[...from.values()].map(({ size }) => size));
          const small =
            largest > PART_BYTES ? "" : " None is copied in parts: whether such an object arrives isn't shown.";
          return `${copied.evidence.says} The largest has ${largest} bytes.${small} What was copied is deleted again.`;
        },
      },
    ];
  },
};
