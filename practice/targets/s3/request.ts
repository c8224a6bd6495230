import type { IncomingMessage } from "node:http";
import { requestUrl } from "../../../src/lib/request-url.ts";

/** One request as S3 understands it: what is asked, of which bucket and key. */
export interface Asked {
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly region: string;
}

/** Path style only: `/bucket/key?…`. The body comes later. */
export function askedOf(request: IncomingMessage, region: string): Omit<Asked, "body"> {
  const url = requestUrl(request);
  const [, bucket = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
  const key = rest.join("/");
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const query = url.searchParams;
  const operation = operationOf(request.method ?? "", bucket, key, query, "x-amz-copy-source" in headers);
  return { operation, bucket, key, query, headers, region };
}

function operationOf(method: string, bucket: string, key: string, query: URLSearchParams, copies: boolean): string {
  if (bucket === "") return method === "GET" ? "ListBuckets" : `${method} /`;
  return key === "" ? ofBucket(method, query) : ofObject(method, query, copies);
}

function ofBucket(method: string, query: URLSearchParams): string {
  if (method === "HEAD") return "HeadBucket";
  if (method === "POST" && query.has("delete")) return "DeleteObjects";
  if (method === "GET" && query.get("list-type") === "2") return "ListObjectsV2";
  if (method === "GET" && query.has("replication")) return "GetBucketReplication";
  if (method === "GET" && query.has("tagging")) return "GetBucketTagging";
  if (method === "GET" && query.has("location")) return "GetBucketLocation";
  if (method === "GET" && query.has("uploads")) return "ListMultipartUploads";
  if (method === "PUT" && query.size <= 1 && !query.has("replication")) return "CreateBucket";
  return `${method} bucket ${[...query.keys()].join(" ")}`;
}

function ofObject(method: string, query: URLSearchParams, copies: boolean): string {
  const upload = query.has("uploadId");
  switch (method) {
    case "GET":
      return upload ? "ListParts" : "GetObject";
    case "HEAD":
      return "HeadObject";
    case "PUT":
      return upload ? "UploadPart" : copies ? "CopyObject" : "PutObject";
    case "POST":
      return query.has("uploads") ? "CreateMultipartUpload" : upload ? "CompleteMultipartUpload" : "POST object";
    case "DELETE":
      return upload ? "AbortMultipartUpload" : "DeleteObject";
    default:
      return `${method} object`;
  }
}
