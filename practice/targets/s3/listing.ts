import { Refusal } from "../../kit/refusal.ts";
import type { Xml } from "../aws/xml.ts";
import type { Bucket } from "./store.ts";

const KEYS_MAX = 1000;

/** One page of ListObjectsV2. Keys are in the order of their bytes; the token is the last key of the page before. */
export function listObjects(bucket: Bucket, query: URLSearchParams): Xml {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const max = Math.min(KEYS_MAX, Number(query.get("max-keys") ?? KEYS_MAX));
  const token = query.get("continuation-token");
  const after = token === null ? (query.get("start-after") ?? "") : keyOf(token);
  const encode = query.get("encoding-type") === "url" ? encodeURIComponent : (text: string) => text;

  const keys = [...bucket.objects.keys()].filter((key) => key.startsWith(prefix)).sort(byBytes);
  const contents: Xml[] = [];
  const common = new Set<string>();
  let last = "";
  let more = false;
  for (const key of keys) {
    const group = groupOf(key, prefix, delimiter);
    const position = group ?? key;
    if (byBytes(position, after) <= 0 || (group !== null && common.has(group))) continue;
    if (contents.length + common.size === max) {
      more = true;
      break;
    }
    last = position;
    const found = bucket.objects.get(key);
    if (group !== null) common.add(group);
    else if (found) {
      contents.push({
        Key: encode(key),
        LastModified: found.at,
        ETag: found.etag,
        ChecksumAlgorithm: Object.keys(found.checksums).map((name) => name.toUpperCase()),
        Size: found.body.length,
        StorageClass: "STANDARD",
      });
    }
  }
  return {
    Name: bucket.name,
    Prefix: encode(prefix),
    KeyCount: contents.length + common.size,
    MaxKeys: max,
    IsTruncated: more,
    ...(more ? { NextContinuationToken: Buffer.from(last).toString("base64url") } : {}),
    Contents: contents,
    CommonPrefixes: [...common].map((one) => ({ Prefix: encode(one) })),
  };
}

function keyOf(token: string): string {
  const key = Buffer.from(token, "base64url").toString("utf8");
  if (key === "") throw new Refusal("InvalidArgument", "The continuation token provided is incorrect");
  return key;
}

function groupOf(key: string, prefix: string, delimiter: string): string | null {
  if (delimiter === "") return null;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? null : key.slice(0, at + delimiter.length);
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
