import { createHash } from "node:crypto";
import type { GetObjectCommandOutput, S3 } from "@aws-sdk/client-s3";
import { LifeboatError } from "../../lib/errors.ts";
import { SOURCE_ETAG } from "./difference.ts";
import type { Listed } from "./listing.ts";

/** One side of a copy: its client, and what goes with every request. */
export interface Side {
  readonly s3: S3;
  readonly about: { readonly Bucket: string; readonly ExpectedBucketOwner?: string };
  readonly within: { readonly abortSignal: AbortSignal };
}

const MEBIBYTE = 1024 * 1024;
/** What is larger is copied in parts. */
export const PART_BYTES = 16 * MEBIBYTE;
/** Of one object. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const PARTS_MAX = 10_000;
/** So much is read and held in memory at once, however many objects are. */
export const BYTES_AT_ONCE = 64 * MEBIBYTE;
const PATIENCE_MS = 10_000;
/** One connection of several on a line of 10 Mbit/s gets as little. */
const SLOWEST_BYTES_A_SECOND = 64 * 1024;

/** How long a request may take that carries so many bytes there or back, in milliseconds. */
export function patienceFor(bytes: number): number {
  return PATIENCE_MS + Math.ceil((bytes / SLOWEST_BYTES_A_SECOND) * 1000);
}

/** Lets in no more than so many bytes at once, first come first served; something larger goes alone. Resolves with the way out. */
export function roomFor(most: number): (bytes: number) => Promise<() => void> {
  let taken = 0;
  const waiting: { bytes: number; enter: () => void }[] = [];
  const admit = () => {
    for (let next = waiting[0]; next && (taken === 0 || taken + next.bytes <= most); next = waiting[0]) {
      waiting.shift();
      taken += next.bytes;
      next.enter();
    }
  };
  return async (bytes) => {
    await new Promise<void>((enter) => {
      waiting.push({ bytes, enter });
      admit();
    });
    return () => {
      taken -= bytes;
      admit();
    };
  };
}

/** How large its parts are: above 156 GiB those of the usual size would be more than S3 takes. */
export function partBytesOf({ size }: Pick<Listed, "size">): number {
  return Math.max(PART_BYTES, Math.ceil(size / PARTS_MAX / MEBIBYTE) * MEBIBYTE);
}

/** What one object, or one part of a larger one, takes of the room. */
export function bytesHeld(one: Pick<Listed, "size">): number {
  return Math.min(one.size, partBytesOf(one));
}

/**
 * Copies one object through this process, part by part, with what its writer said of it. Only the version that was
 * listed: one that changed meanwhile is refused by its ETag, and is for the next round.
 */
export async function copyObject(from: Side, to: Side, one: Listed): Promise<void> {
  if (one.size <= PART_BYTES) await copyWhole(from, to, one);
  else await copyInParts(from, to, one);
}

async function copyWhole(from: Side, to: Side, one: Listed): Promise<void> {
  const { got, Body } = await read(from, one, { IfMatch: `"${one.etag}"` }, one.size);
  const put = await to.s3.putObject({ ...to.about, Key: one.key, Body, ...saidOf(got, one) }, within(to, one.size));
  const etag = put.ETag?.replaceAll('"', "") ?? "";
  if (isMd5(one.etag) && isMd5(etag) && !put.SSEKMSKeyId && etag !== one.etag && !isEncrypted(one.etag, Body)) {
    throw differs(one);
  }
}

async function copyInParts(from: Side, to: Side, one: Listed): Promise<void> {
  const head = await from.s3.headObject({ ...from.about, Key: one.key, IfMatch: `"${one.etag}"` }, within(from, 0));
  const about = { ...to.about, Key: one.key };
  const { UploadId } = await to.s3.createMultipartUpload({ ...about, ...saidOf(head, one) }, within(to, 0));
  try {
    const parts: { ETag: string | undefined; PartNumber: number }[] = [];
    const most = partBytesOf(one);
    for (let at = 0; at < one.size; at += most) {
      const end = Math.min(at + most, one.size) - 1;
      const size = end - at + 1;
      const { Body } = await read(from, one, { Range: `bytes=${at}-${end}`, IfMatch: `"${one.etag}"` }, size);
      const PartNumber = parts.length + 1;
      const { ETag } = await to.s3.uploadPart({ ...about, UploadId, PartNumber, Body }, within(to, size));
      parts.push({ ETag, PartNumber });
    }
    // Putting together what is there takes its time, too.
    const joining = within(to, one.size);
    await to.s3.completeMultipartUpload({ ...about, UploadId, MultipartUpload: { Parts: parts } }, joining);
  } catch (error) {
    // Unfinished parts cost money and are nowhere to be seen. This also has to go out when the step itself was stopped.
    const cleanUp = within({ within: { abortSignal: AbortSignal.any([]) } }, 0);
    await to.s3.abortMultipartUpload({ ...about, UploadId }, cleanUp).catch(() => {});
    throw error;
  }
}

/** The SDK's own deadline ends with the headers of an answer; this one holds for its body, too. */
function within({ within: { abortSignal } }: Pick<Side, "within">, bytes: number) {
  const milliseconds = patienceFor(bytes);
  return {
    abortSignal: AbortSignal.any([abortSignal, AbortSignal.timeout(milliseconds)]),
    requestTimeout: milliseconds,
  };
}

async function read(from: Side, { key }: Listed, wanted: { Range?: string; IfMatch: string }, size: number) {
  const got = await from.s3.getObject({ ...from.about, Key: key, ...wanted }, within(from, size));
  return { got, Body: await bytesOf(got, key, size) };
}

async function bytesOf(got: GetObjectCommandOutput, key: string, size: number): Promise<Uint8Array> {
  const bytes = (await got.Body?.transformToByteArray()) ?? new Uint8Array();
  if (bytes.length === size) return bytes;
  throw new LifeboatError({ code: "s3-cut-short", where: key, what: `${bytes.length} of ${size} bytes arrived` });
}

function saidOf(got: Omit<GetObjectCommandOutput, "Body" | "$metadata">, { etag }: Listed) {
  const { ContentType, ContentEncoding, ContentLanguage, ContentDisposition, CacheControl, Metadata = {} } = got;
  const given = { ContentType, ContentEncoding, ContentLanguage, ContentDisposition, CacheControl };
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...said, Metadata: { ...Metadata, [SOURCE_ETAG]: etag } };
}

/** The source's own ETag is no MD5 of what it holds, though it looks like one: a key of KMS. */
function isEncrypted(etag: string, body: Uint8Array): boolean {
  return createHash("md5").update(body).digest("hex") !== etag;
}

function isMd5(etag: string): boolean {
  return /^[0-9a-f]{32}$/.test(etag);
}

function differs({ key }: Listed): LifeboatError {
  return new LifeboatError({
    code: "s3-differs",
    where: key,
    what: "What was stored is not what was sent",
    next: "Retry the step: it begins by comparing",
  });
}
