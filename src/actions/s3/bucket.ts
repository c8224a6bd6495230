import { setMaxListeners } from "node:events";
import type { S3 } from "@aws-sdk/client-s3";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { awsErrorOf, awsPlace, clientSettings, type Use } from "../aws.ts";
import type { Check, ReadContext } from "../contract.ts";

/** A bucket as a runbook names it: AWS's, by its account, or one of an S3 of its own (MinIO), by its address. */
export const bucketInput = z
  .strictObject({
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "has to be the name of a bucket"),
    region: awsPlace.region.default("us-east-1"),
    /** AWS refuses every request if the bucket is someone else's. */
    account: awsPlace.account.optional(),
    /** Where an S3 that is not AWS's answers. */
    endpoint: z.url({ protocol: /^https?$/ }).optional(),
    /** A secret of the form `access key:secret key`; left out: the credentials Lifeboat runs under. */
    credentialsFrom: z.string().min(1).optional(),
  })
  .refine(({ account, endpoint }) => (account === undefined) !== (endpoint === undefined), {
    message: "needs either account (AWS) or endpoint",
  });
export type Bucket = z.infer<typeof bucketInput>;

/** What goes with every request: AWS compares the owner, and the call ends with the step. */
export interface Within {
  readonly abortSignal: AbortSignal;
}

export const loadS3 = () => import("@aws-sdk/client-s3");

/** A client of a bucket's region, and what every request about the bucket carries. */
export async function withBucket<T>(
  ctx: ReadContext,
  bucket: Bucket,
  use: Use,
  work: (s3: S3, about: { Bucket: string; ExpectedBucketOwner?: string }, within: Within) => Promise<T>,
): Promise<T> {
  const { S3 } = await loadS3();
  const { credentials: practising, ...settings } = await clientSettings(ctx, "S3", bucket.region, use, bucket.endpoint);
  const credentials = credentialsOf(ctx, bucket) ?? practising;
  const client = new S3({
    ...settings,
    ...(credentials ? { credentials } : {}),
    // A name in front of an address of one's own resolves nowhere.
    forcePathStyle: settings.endpoint !== undefined,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  const owner = bucket.account === undefined ? {} : { ExpectedBucketOwner: bucket.account };
  try {
    const abortSignal = AbortSignal.any([ctx.signal]);
    // Each of many requests at once listens to it, and that is no leak.
    setMaxListeners(0, abortSignal);
    return await work(client, { Bucket: bucket.bucket, ...owner }, { abortSignal });
  } finally {
    client.destroy();
  }
}

function credentialsOf(ctx: ReadContext, { credentialsFrom }: Bucket) {
  if (credentialsFrom === undefined) return null;
  const [accessKeyId, ...rest] = ctx.secret(credentialsFrom).split(":");
  if (accessKeyId && rest.length > 0) return { accessKeyId, secretAccessKey: rest.join(":") };
  throw new LifeboatError({
    code: "s3-credentials",
    what: `The secret ${credentialsFrom} is not of the form access key:secret key`,
    stateNow: "Nothing was sent",
  });
}

export type Look<T> = { readonly answers: false; readonly why: string } | ({ readonly answers: true } & T);

/** One look. That a bucket is out of reach, not there or not ours is an observation, not an error. */
export async function lookInto<T extends object>(
  ctx: ReadContext,
  bucket: Bucket,
  look: Parameters<typeof withBucket<T>>[3],
): Promise<Look<T>> {
  try {
    return { ...(await withBucket(ctx, bucket, "read", look)), answers: true };
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (error instanceof LifeboatError) return { answers: false, why: error.problem.what };
    return { answers: false, why: saidOf(error, bucket) };
  }
}

function saidOf(error: unknown, { bucket, account, region }: Bucket): string {
  const { kind, says } = awsErrorOf(error);
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  if (status === 403)
    return `${says}. Either ${bucket} is not of account ${account ?? "ours"}, or the permission is missing`;
  if (status === 301) return `${says}. ${bucket} is not in ${region}`;
  return kind === "missing" ? `there is no bucket ${bucket}` : says;
}

export function answers(seen: Look<object>, bucket: Bucket, id: string): Check {
  const says = seen.answers ? `${nameOf(bucket)} answers.` : `${nameOf(bucket)} can't be looked into: ${seen.why}.`;
  return { id, level: "block", ok: seen.answers, says };
}

export function nameOf({ bucket, region, endpoint }: Bucket): string {
  return endpoint === undefined ? `${bucket} (${region})` : `${bucket} at ${hostOf(endpoint)}`;
}

export function resourceOf({ bucket, endpoint }: Bucket, prefix = ""): string {
  return `s3:${endpoint === undefined ? "aws" : hostOf(endpoint)}:${bucket}/${prefix}`;
}

/** Also of an address that is not known yet: the catalogue is checked before an installation gives its values. */
function hostOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).host : endpoint;
}
