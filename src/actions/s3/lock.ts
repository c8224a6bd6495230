import { createHash } from "node:crypto";
import { LifeboatError } from "../../lib/errors.ts";
import { awsErrorOf } from "../aws.ts";
import type { ReadContext } from "../contract.ts";
import { type Bucket, nameOf, withBucket } from "./bucket.ts";

/** An object that no one can delete or replace before `until`, its owner included. */
export interface LockedObject {
  readonly key: string;
  readonly body: string;
  readonly until: Date;
}

/** The lock as S3 keeps it has whole seconds. */
const SECOND_MS = 1000;

/**
 * Puts an object under a retention lock (Object Lock, mode COMPLIANCE: it can be made longer and never shorter), once, and looks until S3
 * itself shows object and lock. One that is there already is left as it is, so that this may be tried again after any answer.
 * It needs `s3:PutObject`, `s3:PutObjectRetention`, `s3:GetObject` and `s3:GetObjectRetention`.
 * @returns the version S3 keeps under lock
 * @throws LifeboatError `lock-not-kept`: what is there isn't this, or isn't locked until then
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */
export async function putLocked(ctx: ReadContext, bucket: Bucket, object: LockedObject): Promise<string | null> {
  if ((await lookAt(ctx, bucket, object)) === null) await put(ctx, bucket, object);
  const found = await lookAt(ctx, bucket, object);
  if (found === null) throw notKept(bucket, object, "S3 doesn't have it");
  return found.version;
}

async function put(ctx: ReadContext, bucket: Bucket, { key, body, until }: LockedObject): Promise<void> {
  await withBucket(ctx, bucket, "change", async (s3, about, within) => {
    const request = {
      ...about,
      ...{ Key: key, Body: body, ContentType: "application/json", IfNoneMatch: "*" },
      ...{ ObjectLockMode: "COMPLIANCE" as const, ObjectLockRetainUntilDate: until, ChecksumSHA256: sha256(body) },
    };
    await s3.putObject(request, within).catch((error) => {
      // Another process put it meanwhile: what is there is looked at.
      if (awsErrorOf(error).name !== "PreconditionFailed") throw error;
    });
  });
}

/** Null: it isn't there. */
async function lookAt(
  ctx: ReadContext,
  bucket: Bucket,
  object: LockedObject,
): Promise<{ version: string | null } | null> {
  const { key, body, until } = object;
  return withBucket(ctx, bucket, "read", async (s3, about, within) => {
    const found = await s3.getObject({ ...about, Key: key }, within).catch((error) => {
      if (awsErrorOf(error).kind === "missing") return null;
      throw error;
    });
    if (found === null) return null;
    if ((await found.Body?.transformToString()) !== body) throw notKept(bucket, object, "Something else is there");
    const { ObjectLockMode: mode, ObjectLockRetainUntilDate: kept, VersionId = null } = found;
    if (mode !== "COMPLIANCE" || kept === undefined || kept.getTime() < until.getTime() - SECOND_MS)
      throw notKept(
        bucket,
        object,
        mode === undefined ? "It isn't locked" : `It is locked in mode ${mode} until ${kept?.toISOString()}`,
      );
    return { version: VersionId };
  });
}

function sha256(body: string): string {
  return createHash("sha256").update(body).digest("base64");
}

function notKept(bucket: Bucket, { key, until }: LockedObject, what: string): LifeboatError {
  return new LifeboatError({
    code: "lock-not-kept",
    where: `${key} in ${nameOf(bucket)}`,
    what,
    allowed: `This object, locked in mode COMPLIANCE until ${until.toISOString()}`,
    next: "Give the bucket Object Lock, and the bot s3:PutObjectRetention and s3:GetObjectRetention",
  });
}
