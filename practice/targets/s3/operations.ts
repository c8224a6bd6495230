import { randomBytes } from "node:crypto";
import { Refusal } from "../../kit/refusal.ts";
import { items, parseXml, textOf, type Xml } from "../aws/xml.ts";
import { ALGORITHMS, checksumOf } from "./checksums.ts";
import { listObjects } from "./listing.ts";
import type { Asked } from "./request.ts";
import { type Bucket, etagOf, md5, type Store, type Stored } from "./store.ts";

/** What S3 answers, and what changes in the world; apart, so that a fault can lose the one and keep the other. */
export interface S3Turn {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A document of this name, or the bytes of an object. */
  readonly document?: readonly [name: string, content: Xml];
  readonly body?: Buffer;
  readonly effect?: () => void;
}
export type S3Operation = (asked: Asked) => S3Turn;

const KEPT = /^(content-type|content-encoding|content-language|content-disposition|cache-control|x-amz-meta-.+)$/;

export function s3Operations(store: Store): Readonly<Record<string, S3Operation>> {
  const bucketOf = (asked: Asked) => findBucket(store, asked);
  return {
    ListBuckets(asked) {
      const region = asked.query.get("bucket-region");
      const max = Number(asked.query.get("max-buckets") ?? 10_000);
      const after = asked.query.get("continuation-token") ?? "";
      const all = [...store.buckets.values()]
        .filter((one) => (region === null || one.region === region) && one.name > after)
        .toSorted((one, other) => (one.name < other.name ? -1 : 1));
      const page = all.slice(0, max);
      const more = all.length > max ? { ContinuationToken: page.at(-1)?.name ?? "" } : {};
      const shown = page.map((one) => ({ Name: one.name, BucketRegion: one.region }));
      return { document: ["ListAllMyBucketsResult", { Buckets: items("Bucket", shown), ...more }] };
    },
    GetBucketTagging(asked) {
      const tags = Object.entries(bucketOf(asked).tags);
      if (tags.length === 0) throw new Refusal("NoSuchTagSet", "The TagSet does not exist", 404);
      const set = items(
        "Tag",
        tags.map(([Key, Value]) => ({ Key, Value })),
      );
      return { document: ["Tagging", { TagSet: set }] };
    },
    HeadBucket: (asked) => ({ headers: { "x-amz-bucket-region": bucketOf(asked).region } }),
    CreateBucket(asked) {
      if (store.buckets.has(asked.bucket)) throw new Refusal("BucketAlreadyOwnedByYou", "You have it already.", 409);
      return { effect: () => void store.add(asked.bucket, asked.region) };
    },
    GetBucketLocation: (asked) => ({ document: ["LocationConstraint", bucketOf(asked).region] }),
    GetBucketReplication(asked) {
      const { rules } = bucketOf(asked);
      if (rules.length === 0) {
        throw new Refusal("ReplicationConfigurationNotFoundError", "There is no replication configuration.", 404);
      }
      const described = rules.map((rule, i) => ({
        ID: rule.id,
        Priority: i + 1,
        Filter: { Prefix: rule.prefix },
        Status: rule.enabled ? "Enabled" : "Disabled",
        Destination: { Bucket: `arn:aws:s3:::${rule.destination}` },
      }));
      const role = `arn:aws:iam::${store.account}:role/replication`;
      return { document: ["ReplicationConfiguration", { Role: role, Rule: described }] };
    },
    ListObjectsV2: (asked) => ({ document: ["ListBucketResult", listObjects(bucketOf(asked), asked.query)] }),
    HeadObject(asked) {
      const bucket = bucketOf(asked);
      const found = findObject(bucket, asked.key);
      return { headers: { ...describe(found, bucket, asked), "content-length": String(found.body.length) } };
    },
    GetObject(asked) {
      const bucket = bucketOf(asked);
      const found = findObject(bucket, asked.key);
      const wanted = asked.headers["if-match"];
      if (wanted !== undefined && wanted !== found.etag) throw preconditionFailed();
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(asked.headers.range ?? "") ?? [];
      if (from === undefined) return { headers: describe(found, bucket, asked), body: found.body };
      const start = Number(from);
      const end = Math.min(to ? Number(to) : Number.POSITIVE_INFINITY, found.body.length - 1);
      if (start > end) throw new Refusal("InvalidRange", "The requested range is not satisfiable", 416);
      return {
        status: 206,
        headers: { ...describe(found, bucket, asked), "content-range": `bytes ${start}-${end}/${found.body.length}` },
        body: found.body.subarray(start, end + 1),
      };
    },
    PutObject(asked) {
      const bucket = bucketOf(asked);
      insist(bucket, asked);
      const etag = etagOf(bucket, asked.body);
      const checksums = checksumsOf(asked);
      const lock = lockOf(bucket, asked);
      const key = bucket.kms ? { "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:practice" } : {};
      return {
        headers: { etag, ...key, ...summed(checksums) },
        effect: () =>
          void store.put(bucket.name, asked.key, asked.body, { headers: keptOf(asked), checksums, etag, lock }),
      };
    },
    CopyObject(asked) {
      const bucket = bucketOf(asked);
      const [from = "", ...rest] = decodeURIComponent(asked.headers["x-amz-copy-source"] ?? "")
        .replace(/^\//, "")
        .split("/");
      const source = findObject(store.buckets.get(from) ?? missingBucket(from), rest.join("/"));
      const replaces = asked.headers["x-amz-metadata-directive"] === "REPLACE";
      const headers = replaces ? keptOf(asked) : source.headers;
      return {
        document: ["CopyObjectResult", { ETag: `"${md5(source.body)}"`, LastModified: new Date() }],
        effect: () => void store.put(bucket.name, asked.key, source.body, { headers }),
      };
    },
    DeleteObject(asked) {
      const bucket = bucketOf(asked);
      const found = bucket.objects.get(asked.key);
      // Without a version it would only be marked as deleted; the version is what a lock keeps.
      if (found?.lock && found.lock.until > new Date())
        throw new Refusal("AccessDenied", "Access Denied because object protected by object lock.", 403);
      return { status: 204, effect: () => void bucket.objects.delete(asked.key) };
    },
    DeleteObjects(asked) {
      const bucket = bucketOf(asked);
      const keys = parseXml(asked.body.toString("utf8"))
        .children.filter((one) => one.tag === "Object")
        .map((one) => textOf(one, "Key") ?? "");
      return {
        document: ["DeleteResult", { Deleted: keys.map((Key) => ({ Key })) }],
        effect: () => {
          for (const key of keys) bucket.objects.delete(key);
        },
      };
    },
    ...multipart(store, bucketOf),
  };
}

function multipart(store: Store, bucketOf: (asked: Asked) => Bucket): Readonly<Record<string, S3Operation>> {
  const uploadOf = (asked: Asked) => {
    const found = bucketOf(asked).uploads.get(asked.query.get("uploadId") ?? "");
    if (!found) throw new Refusal("NoSuchUpload", "The specified upload does not exist.", 404);
    return found;
  };
  return {
    CreateMultipartUpload(asked) {
      const bucket = bucketOf(asked);
      const UploadId = randomBytes(12).toString("hex");
      const upload = { key: asked.key, headers: keptOf(asked), parts: new Map() };
      return {
        document: ["InitiateMultipartUploadResult", { Bucket: bucket.name, Key: asked.key, UploadId }],
        effect: () => void bucket.uploads.set(UploadId, upload),
      };
    },
    UploadPart(asked) {
      const upload = uploadOf(asked);
      const etag = `"${md5(asked.body)}"`;
      const number = Number(asked.query.get("partNumber"));
      return { headers: { etag }, effect: () => void upload.parts.set(number, { body: asked.body, etag }) };
    },
    ListParts: (asked) => ({
      document: [
        "ListPartsResult",
        {
          IsTruncated: false,
          Part: [...uploadOf(asked).parts].map(([n, part]) => ({
            PartNumber: n,
            ETag: part.etag,
            Size: part.body.length,
          })),
        },
      ],
    }),
    ListMultipartUploads: (asked) => ({
      document: [
        "ListMultipartUploadsResult",
        { Upload: [...bucketOf(asked).uploads].map(([id, one]) => ({ UploadId: id, Key: one.key })) },
      ],
    }),
    AbortMultipartUpload(asked) {
      uploadOf(asked);
      const bucket = bucketOf(asked);
      return { status: 204, effect: () => void bucket.uploads.delete(asked.query.get("uploadId") ?? "") };
    },
    CompleteMultipartUpload(asked) {
      const upload = uploadOf(asked);
      insist(bucketOf(asked), asked);
      const parts = parseXml(asked.body.toString("utf8"))
        .children.filter((one) => one.tag === "Part")
        .map((one) => ({ number: Number(textOf(one, "PartNumber")), etag: textOf(one, "ETag") }));
      const bodies = parts.map(({ number, etag }) => {
        const part = upload.parts.get(number);
        if (!part || part.etag.replaceAll('"', "") !== etag?.replaceAll('"', "")) {
          throw new Refusal("InvalidPart", `Part ${number} could not be found or did not match.`);
        }
        return part.body;
      });
      const digests = Buffer.concat(bodies.map((body) => Buffer.from(md5(body), "hex")));
      const etag = `"${md5(digests)}-${bodies.length}"`;
      const bucket = bucketOf(asked);
      return {
        document: [
          "CompleteMultipartUploadResult",
          { Location: `/${bucket.name}/${asked.key}`, Bucket: bucket.name, Key: asked.key, ETag: etag },
        ],
        effect: () => {
          store.put(bucket.name, asked.key, Buffer.concat(bodies), { headers: upload.headers, etag });
          bucket.uploads.delete(asked.query.get("uploadId") ?? "");
        },
      };
    },
  };
}

/** Null: it is put without one. */
function lockOf({ objectLock }: Bucket, { headers }: Asked): Stored["lock"] {
  const mode = headers["x-amz-object-lock-mode"];
  const until = headers["x-amz-object-lock-retain-until-date"];
  if (mode === undefined && until === undefined) return null;
  if (!objectLock) throw new Refusal("InvalidRequest", "Bucket is missing Object Lock Configuration", 400);
  if (mode === undefined || until === undefined)
    throw new Refusal(
      "InvalidArgument",
      "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
      400,
    );
  const hasSum =
    headers["content-md5"] !== undefined || Object.keys(headers).some((name) => /^x-amz-(sdk-)?checksum-/.test(name));
  if (!hasSum)
    throw new Refusal(
      "InvalidRequest",
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
      400,
    );
  if (!(new Date(until) > new Date()))
    throw new Refusal("InvalidArgument", "The retain until date must be in the future!", 400);
  return { mode, until: new Date(until) };
}

/** A bucket is answered for in its own region only, and to the one who names its owner right. */
function findBucket(store: Store, { bucket: name, region, headers }: Asked): Bucket {
  const bucket = store.buckets.get(name) ?? missingBucket(name);
  if (bucket.region !== region) {
    throw new Refusal("PermanentRedirect", `The bucket is in ${bucket.region}; address it there.`, 301);
  }
  const owner = headers["x-amz-expected-bucket-owner"];
  if (owner !== undefined && owner !== bucket.owner) throw new Refusal("AccessDenied", "Access Denied", 403);
  return bucket;
}

function missingBucket(name: string): never {
  throw new Refusal("NoSuchBucket", `The specified bucket does not exist: ${name}`, 404);
}

function findObject(bucket: Bucket, key: string): Stored {
  const found = bucket.objects.get(key);
  if (!found) throw new Refusal("NoSuchKey", "The specified key does not exist.", 404);
  return found;
}

function insist(bucket: Bucket, asked: Asked): void {
  const there = bucket.objects.get(asked.key);
  if (asked.headers["if-none-match"] === "*" && there) throw preconditionFailed();
  const wanted = asked.headers["if-match"];
  if (wanted !== undefined && there?.etag !== wanted) throw preconditionFailed();
}

function preconditionFailed(): Refusal {
  return new Refusal("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412);
}

function keptOf({ headers: given }: Asked): Record<string, string> {
  const kept = Object.entries(given).filter(([name]) => KEPT.test(name));
  const headers: Record<string, string> = { "content-type": "application/octet-stream", ...Object.fromEntries(kept) };
  const encoding = (headers["content-encoding"] ?? "").replace(/(^|,)\s*aws-chunked\s*/, "").trim();
  if (encoding === "") delete headers["content-encoding"];
  else headers["content-encoding"] = encoding;
  return headers;
}

function checksumsOf({ headers }: Asked): Stored["checksums"] {
  return Object.fromEntries(
    ALGORITHMS.flatMap((algorithm) => {
      const value = headers[`x-amz-checksum-${algorithm}`];
      return value === undefined ? [] : [[algorithm, value]];
    }),
  );
}

function describe(found: Stored, { noChecksums, objectLock }: Bucket, { headers }: Asked): Record<string, string> {
  // A checksum is of the whole object, and isn't said of a part of it.
  const wanted = headers["x-amz-checksum-mode"]?.toUpperCase() === "ENABLED" && headers.range === undefined;
  return {
    ...found.headers,
    etag: found.etag,
    "last-modified": found.at.toUTCString(),
    "accept-ranges": "bytes",
    ...(found.replication ? { "x-amz-replication-status": found.replication } : {}),
    ...(objectLock ? { "x-amz-version-id": found.version } : {}),
    ...(found.lock
      ? {
          "x-amz-object-lock-mode": found.lock.mode,
          "x-amz-object-lock-retain-until-date": found.lock.until.toISOString(),
        }
      : {}),
    ...(wanted ? summed(noChecksums ? found.checksums : kept(found)) : {}),
  };
}

/** Of what came without a checksum S3 itself computes one. */
function kept({ checksums, body }: Stored): Stored["checksums"] {
  return Object.keys(checksums).length > 0 ? checksums : { crc64nvme: checksumOf("crc64nvme", body) };
}

function summed(checksums: Stored["checksums"]): Record<string, string> {
  const named = Object.entries(checksums).map(([name, sum]) => [`x-amz-checksum-${name}`, sum]);
  return named.length === 0 ? {} : { ...Object.fromEntries(named), "x-amz-checksum-type": "FULL_OBJECT" };
}
