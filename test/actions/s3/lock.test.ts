import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createS3, type S3 } from "../../../practice/targets/s3/index.ts";
import type { Bucket } from "../../../src/actions/s3/bucket.ts";
import { putLocked } from "../../../src/actions/s3/lock.ts";
import { lockedBucketIn } from "../../../src/evidence/anchors.ts";
import { actionHarness } from "../../support/action-harness.ts";

/** An object that no one can delete, as S3 shows it afterwards. */
let s3: S3;
let place: Bucket;
const { context } = actionHarness({});
const until = new Date(Date.now() + 3 * 86_400_000);
const object = { key: "lifeboat/checkpoint-1-ab.json", body: '{"text":"x"}\n', until };

beforeAll(async () => {
  s3 = await createS3();
});
afterAll(() => s3.close());
beforeEach(() => {
  s3.store.buckets.clear();
  s3.faults.clear();
  s3.store.add("audit-log", "eu-central-1").objectLock = true;
  place = { bucket: "audit-log", region: "eu-central-1", endpoint: s3.url };
});

const kept = () => s3.store.buckets.get("audit-log")?.objects.get(object.key);
const puts = () => s3.ledger.of("PutObject");

describe("given a bucket with Object Lock", () => {
  test("then the object is put once, locked, and found again however often it is requested", async () => {
    const version = await putLocked(context, place, object);
    expect(version).toBe(kept()?.version);
    expect(kept()?.lock).toEqual({ mode: "COMPLIANCE", until });
    const before = puts().length;
    expect(await putLocked(context, place, object)).toBe(version);
    expect(puts()).toHaveLength(before);
  });

  test("then an answer that is lost is no second object", async () => {
    s3.faults.next("PutObject", "dropAfter");
    await expect(putLocked(context, place, object)).rejects.toThrow();
    const first = kept()?.version;
    expect(first).toBeDefined();
    expect(await putLocked(context, place, object)).toBe(first);
  });

  test("then something else under its name, or a lock that ends sooner, is refused and stays as it is", async () => {
    s3.store.put("audit-log", object.key, "something else", { lock: { mode: "COMPLIANCE", until } });
    await expect(putLocked(context, place, object)).rejects.toThrow("Something else is there");
    s3.store.put("audit-log", object.key, object.body, {
      lock: { mode: "COMPLIANCE", until: new Date(Date.now() + 1000) },
    });
    await expect(putLocked(context, place, object)).rejects.toThrow("It is locked in mode COMPLIANCE until");
    s3.store.put("audit-log", object.key, object.body, { lock: { mode: "GOVERNANCE", until } });
    await expect(putLocked(context, place, object)).rejects.toThrow("It is locked in mode GOVERNANCE");
    s3.store.put("audit-log", object.key, object.body);
    await expect(putLocked(context, place, object)).rejects.toThrow("It isn't locked");
  });
});

test("given a bucket without Object Lock, then nothing is put", async () => {
  s3.store.add("audit-log", "eu-central-1").objectLock = false;
  await expect(putLocked(context, place, object)).rejects.toThrow("Object Lock");
  expect(kept()).toBeUndefined();
});

describe("a place as it is written", () => {
  test.each([
    ["s3://audit-log/lifeboat?region=eu-central-1&account=111122223333", { prefix: "lifeboat/", days: 1095 }],
    ["s3://audit-log?account=111122223333&days=365", { prefix: "", region: "us-east-1", days: 365 }],
    [
      "s3://audit-log/a/b/?endpoint=https://minio.example.com",
      { prefix: "a/b/", endpoint: "https://minio.example.com" },
    ],
  ])("%s is read", (text, place) => {
    expect(lockedBucketIn(text)).toMatchObject({ bucket: "audit-log", ...place });
  });

  test.each([
    "https://audit-log/x?account=111122223333",
    "s3://audit-log",
    "s3://audit-log?account=111122223333&endpoint=https://minio.example.com",
    "s3://audit-log?account=1111",
    "s3://audit-log?account=111122223333&days=0",
    "s3://audit-log?account=111122223333&day=30",
    "s3://audit-log?endpoint=file:///etc",
    "audit-log",
  ])("%s is refused", (text) => {
    expect(lockedBucketIn(text)).toBeNull();
  });
});
