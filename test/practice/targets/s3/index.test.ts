import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { S3 as Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createS3, type S3, s3Covered } from "../../../../practice/targets/s3/index.ts";
import { holdTheWire } from "../../../support/held.ts";

holdTheWire();

/** The unmodified SDK: over the stand-in, or over `S3_ENDPOINT` with the environment's own credentials and `S3_BUCKET`. */
describe("S3, as its SDK sees it", () => {
  let stand: S3 | null = null;
  let client: Client;
  const Bucket = process.env.S3_BUCKET ?? "media-east";
  const text = async (Key: string) => await (await client.getObject({ Bucket, Key })).Body?.transformToString();

  beforeAll(async () => {
    const { S3: Sdk } = await import("@aws-sdk/client-s3");
    const given = process.env.S3_ENDPOINT;
    if (given === undefined) {
      stand = await createS3();
      stand.store.add(Bucket, "us-east-1");
    }
    client = new Sdk({
      endpoint: given ?? stand?.url ?? "",
      region: process.env.S3_REGION ?? "us-east-1",
      forcePathStyle: true,
      requestChecksumCalculation: "WHEN_REQUIRED",
      maxAttempts: 1,
      ...(given ? {} : { credentials: { accessKeyId: "PRACTICE", secretAccessKey: "practice" } }),
    });
  });
  afterAll(async () => {
    client.destroy();
    await stand?.close();
  });

  test("what is put comes back, with what was said of it, in parts and in pages", async () => {
    await client.putObject({
      Bucket,
      Key: "a/ü & <1>.txt",
      Body: "hello",
      ContentType: "text/plain",
      Metadata: { by: "me" },
    });
    await client.putObject({
      Bucket,
      Key: "a/2",
      Body: Readable.from([Buffer.from("stre"), Buffer.from("amed")]),
      ContentLength: 8,
    });
    await client.putObject({ Bucket, Key: "b/3", Body: "three", CacheControl: "no-cache" });
    const head = await client.headObject({ Bucket, Key: "a/ü & <1>.txt" });
    expect(head).toMatchObject({ ContentLength: 5, ContentType: "text/plain", Metadata: { by: "me" } });
    expect(head.ETag).toBe(`"${createHash("md5").update("hello").digest("hex")}"`);
    expect(await text("a/2")).toBe("streamed");
    const part = await client.getObject({ Bucket, Key: "a/2", Range: "bytes=2-4" });
    expect([await part.Body?.transformToString(), part.ContentRange]).toEqual(["rea", "bytes 2-4/8"]);

    const first = await client.listObjectsV2({ Bucket, MaxKeys: 2 });
    expect([first.Contents?.map((one) => one.Key), first.IsTruncated]).toEqual([["a/2", "a/ü & <1>.txt"], true]);
    const next = await client.listObjectsV2({ Bucket, MaxKeys: 2, ContinuationToken: first.NextContinuationToken });
    expect([next.Contents?.map((one) => [one.Key, one.Size]), next.IsTruncated]).toEqual([[["b/3", 5]], false]);
    const groups = await client.listObjectsV2({ Bucket, Delimiter: "/" });
    expect(groups.CommonPrefixes?.map((one) => one.Prefix)).toEqual(["a/", "b/"]);
    await client.deleteObjects({
      Bucket,
      Delete: { Objects: [{ Key: "a/2" }, { Key: "b/3" }, { Key: "a/ü & <1>.txt" }] },
    });
    expect((await client.listObjectsV2({ Bucket })).KeyCount).toBe(0);
  });

  test("several parts become one object with an ETag of its own kind; an unfinished one leaves nothing", async () => {
    const { UploadId } = await client.createMultipartUpload({ Bucket, Key: "big", Metadata: { kind: "big" } });
    const bodies = [Buffer.alloc(5 * 1024 * 1024, 1), Buffer.from("end")];
    const parts = await Promise.all(
      bodies.map(async (Body, i) => {
        const { ETag } = await client.uploadPart({ Bucket, Key: "big", UploadId, PartNumber: i + 1, Body });
        return { ETag, PartNumber: i + 1 };
      }),
    );
    await expect(client.headObject({ Bucket, Key: "big" })).rejects.toMatchObject({ name: "NotFound" });
    const { ETag } = await client.completeMultipartUpload({
      Bucket,
      Key: "big",
      UploadId,
      MultipartUpload: { Parts: parts },
    });
    expect(ETag).toMatch(/-2"$/);
    expect(await client.headObject({ Bucket, Key: "big" })).toMatchObject({
      ContentLength: 5 * 1024 * 1024 + 3,
      Metadata: { kind: "big" },
    });
    const other = await client.createMultipartUpload({ Bucket, Key: "half" });
    await client.abortMultipartUpload({ Bucket, Key: "half", UploadId: other.UploadId });
    await client.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/big` });
    await client.deleteObject({ Bucket, Key: "big" });
    expect((await client.listObjectsV2({ Bucket })).Contents?.map((one) => one.Key)).toEqual(["copy"]);
    await client.deleteObject({ Bucket, Key: "copy" });
  });

  test("what is refused, by the names its callers know", async () => {
    await expect(client.getObject({ Bucket, Key: "nothing" })).rejects.toMatchObject({ name: "NoSuchKey" });
    await expect(client.listObjectsV2({ Bucket: "no-such-bucket-here" })).rejects.toMatchObject({
      name: "NoSuchBucket",
    });
    await client.putObject({ Bucket, Key: "once", Body: "1" });
    await expect(client.putObject({ Bucket, Key: "once", Body: "2", IfNoneMatch: "*" })).rejects.toMatchObject({
      name: "PreconditionFailed",
    });
    await client.deleteObject({ Bucket, Key: "once" });
    if (stand === null) return;
    await expect(client.headBucket({ Bucket, ExpectedBucketOwner: "999988887777" })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    stand.store.add("media-west", "us-west-2");
    await expect(client.listObjectsV2({ Bucket: "media-west" })).rejects.toMatchObject({ name: "PermanentRedirect" });
  });

  test("copies follow to the other region, wait while it is gone, and fail for good where they may not be made", async () => {
    if (stand === null) return;
    const { store, faults } = stand;
    const [east, west] = [store.add("pair-east", "us-east-1"), store.add("pair-west", "us-west-2")];
    east.rules.push({ id: "dr", destination: "pair-west", prefix: "", seconds: 5, enabled: true });
    east.fails = (key) => key.startsWith("secret/");
    const status = async (Key: string) => (await client.headObject({ Bucket: "pair-east", Key })).ReplicationStatus;
    const until = async (Key: string, wanted: string) => {
      while ((await status(Key)) !== wanted) await new Promise((later) => setTimeout(later, 5));
    };
    const put = (Key: string) => client.putObject({ Bucket: "pair-east", Key, Body: Key });
    await put("one");
    expect(await status("one")).toBe("PENDING");
    await until("one", "COMPLETED");
    expect(west.objects.get("one")).toMatchObject({ replication: "REPLICA" });
    faults.down("us-west-2");
    await Promise.all([put("two"), put("secret/three")]);
    await until("secret/three", "FAILED");
    expect(await status("two")).toBe("PENDING");
    faults.up("us-west-2");
    await until("two", "COMPLETED");
    const rules = await client.getBucketReplication({ Bucket: "pair-east" });
    expect(rules.ReplicationConfiguration?.Rules).toMatchObject([
      { ID: "dr", Status: "Enabled", Destination: { Bucket: "arn:aws:s3:::pair-west" } },
    ]);
  });

  const overStandIn = process.env.S3_ENDPOINT === undefined ? test : test.skip;
  overStandIn(
    "checksums as today's SDK sends them by itself are kept, also behind a stream, and a wrong one is refused",
    async () => {
      const { S3: Sdk } = await import("@aws-sdk/client-s3");
      const usual = new Sdk({
        ...{ endpoint: stand?.url ?? "", region: "us-east-1", forcePathStyle: true, maxAttempts: 1 },
        credentials: { accessKeyId: "PRACTICE", secretAccessKey: "practice" },
      });
      const sums = async (Key: string) => {
        const head = await client.headObject({ Bucket, Key, ChecksumMode: "ENABLED" });
        return [head.ChecksumCRC32, head.ChecksumSHA256, head.ChecksumCRC64NVME, head.ChecksumType];
      };
      await usual.putObject({ Bucket, Key: "sum/by-default", Body: "123456789" });
      const Body = Readable.from([Buffer.from("12345"), Buffer.from("6789")]);
      await usual.putObject({ Bucket, Key: "sum/streamed", Body, ContentLength: 9 });
      await client.putObject({ Bucket, Key: "sum/none", Body: "123456789" });
      const wrong = { Bucket, Key: "sum/wrong", Body: "123456789", ChecksumSHA256: digest("another") };
      await expect(client.putObject(wrong)).rejects.toMatchObject({ name: "BadDigest" });
      await client.putObject({ ...wrong, Key: "sum/right", ChecksumSHA256: digest("123456789") });
      // The check values of the catalogue of CRC algorithms.
      const [crc32, crc64] = ["cbf43926", "ae8b14860a799888"].map((hex) => Buffer.from(hex, "hex").toString("base64"));
      expect(await sums("sum/by-default")).toEqual([crc32, undefined, undefined, "FULL_OBJECT"]);
      expect(await sums("sum/streamed")).toEqual([crc32, undefined, undefined, "FULL_OBJECT"]);
      expect(await sums("sum/none")).toEqual([undefined, undefined, crc64, "FULL_OBJECT"]);
      expect(await sums("sum/right")).toEqual([undefined, digest("123456789"), undefined, "FULL_OBJECT"]);
      usual.destroy();
    },
  );

  test("what the stand-in covers", () => {
    expect(s3Covered().join(" ")).toMatchInlineSnapshot(
      `"AbortMultipartUpload CompleteMultipartUpload CopyObject CreateBucket CreateMultipartUpload DeleteObject DeleteObjects GetBucketLocation GetBucketReplication GetBucketTagging GetObject HeadBucket HeadObject ListBuckets ListMultipartUploads ListObjectsV2 ListParts PutObject UploadPart"`,
    );
  });
});

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
