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

const PART_BYTES = 16 * 1024 * 1024;

/**
 * Copies one object through this process, part by part, with what its writer said of it. Only the version that was
 * listed: one that changed meanwhile is refused by its ETag, and is for the next round.
 */
export async function copyObject(from: Side, to: Side, one: Listed): Promise<void> {
  if (one.size <= PART_BYTES) await copyWhole(from, to, one);
  else await copyInParts(from, to, one);
}

async function copyWhole(from: Side, to: Side, one: Listed): Promise<void> {
  const got = await from.s3.getObject({ ...from.about, Key: one.key, IfMatch: `"${one.etag}"` }, from.within);
  const Body = await bytesOf(got, one);
  const put = await to.s3.putObject({ ...to.about, Key: one.key, Body, ...saidOf(got, one) }, to.within);
  const etag = put.ETag?.replaceAll('"', "") ?? "";
  if (isMd5(one.etag) && isMd5(etag) && !put.SSEKMSKeyId && etag !== one.etag) throw differs(one);
}

async function copyInParts(from: Side, to: Side, one: Listed): Promise<void> {
  const head = await from.s3.headObject({ ...from.about, Key: one.key, IfMatch: `"${one.etag}"` }, from.within);
  const about = { ...to.about, Key: one.key };
  const { UploadId } = await to.s3.createMultipartUpload({ ...about, ...saidOf(head, one) }, to.within);
  try {
    const parts: { ETag: string | undefined; PartNumber: number }[] = [];
    for (let at = 0; at < one.size; at += PART_BYTES) {
      const end = Math.min(at + PART_BYTES, one.size) - 1;
      const range = { Range: `bytes=${at}-${end}`, IfMatch: `"${one.etag}"` };
      const got = await from.s3.getObject({ ...from.about, Key: one.key, ...range }, from.within);
      const Body = await bytesOf(got, { ...one, size: end - at + 1 });
      const PartNumber = parts.length + 1;
      const { ETag } = await to.s3.uploadPart({ ...about, UploadId, PartNumber, Body }, to.within);
      parts.push({ ETag, PartNumber });
    }
    await to.s3.completeMultipartUpload({ ...about, UploadId, MultipartUpload: { Parts: parts } }, to.within);
  } catch (error) {
    // Unfinished parts cost money and are nowhere to be seen.
    await to.s3.abortMultipartUpload({ ...about, UploadId }, to.within).catch(() => {});
    throw error;
  }
}

async function bytesOf(got: GetObjectCommandOutput, { key, size }: Listed): Promise<Uint8Array> {
  const bytes = (await got.Body?.transformToByteArray()) ?? new Uint8Array();
  if (bytes.length === size) return bytes;
  throw new LifeboatError({ code: "s3-cut-short", where: key, what: `${bytes.length} of ${size} bytes arrived` });
}

function saidOf(got: Omit<GetObjectCommandOutput, "Body" | "$metadata">, { etag }: Listed) {
  const { ContentType, ContentEncoding, ContentLanguage, ContentDisposition, CacheControl, Metadata = {} } = got;
  const note: Record<string, string> = isMd5(etag) ? {} : { [SOURCE_ETAG]: etag };
  const given = { ContentType, ContentEncoding, ContentLanguage, ContentDisposition, CacheControl };
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...said, Metadata: { ...Metadata, ...note } };
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
