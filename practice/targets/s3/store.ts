import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../aws/clock.ts";

export type ReplicationStatus = "PENDING" | "COMPLETED" | "FAILED" | "REPLICA";

export interface Stored {
  readonly key: string;
  readonly body: Buffer;
  readonly etag: string;
  /** What the writer said of it: `content-type`, `cache-control`, `x-amz-meta-…`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly at: Date;
  /** By its algorithm in small letters, as `crc64nvme`; of the whole object. */
  readonly checksums: Readonly<Record<string, string>>;
  replication: ReplicationStatus | null;
  /** Under a retention lock: no one deletes this version before `until`. Null: it isn't. */
  readonly lock: { readonly mode: string; readonly until: Date } | null;
  /** What a bucket with versions calls this one. */
  readonly version: string;
}

export interface Upload {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, { readonly body: Buffer; readonly etag: string }>;
}

/** A rule of cross-region replication. */
export interface Rule {
  readonly id: string;
  readonly destination: string;
  readonly prefix: string;
  /** Seconds of S3 until a copy is there. */
  readonly seconds: number;
  enabled: boolean;
}

export interface Bucket {
  readonly name: string;
  readonly region: string;
  readonly owner: string;
  readonly objects: Map<string, Stored>;
  readonly uploads: Map<string, Upload>;
  readonly rules: Rule[];
  /** Keys of which replication fails for good, as with a missing permission on a KMS key. */
  fails: (key: string) => boolean;
  /** Of what came without a checksum it has none: AWS's own of before December 2024, and many an S3 that is not AWS's. */
  noChecksums: boolean;
  /** Encrypted under a key of KMS: ETags have the form of an MD5, and are none. */
  kms: boolean;
  /** Made with Object Lock, and so with versions. */
  objectLock: boolean;
  tags: Readonly<Record<string, string>>;
}

export interface Store {
  readonly account: string;
  readonly buckets: Map<string, Bucket>;
  add(name: string, region: string): Bucket;
  /** As an application puts it, past the wire. */
  put(bucket: string, key: string, body: string | Buffer, more?: Partial<Stored>): Stored;
  /** Copies are held back until `flow`; what was put stays PENDING. */
  hold(): void;
  flow(): void;
  stop(): void;
}

const RETRY_SECONDS = 10;

/** @param reachable whether a region takes part: with one of the two gone, an object stays PENDING and is copied later */
export function createStore(account: string, clock: Clock, reachable: (region: string) => boolean): Store {
  const buckets = new Map<string, Bucket>();
  let held = false;
  let stopped = false;

  const store: Store = {
    account,
    buckets,
    add(name, region) {
      const bucket: Bucket = {
        name,
        region,
        owner: account,
        objects: new Map(),
        uploads: new Map(),
        rules: [],
        fails: () => false,
        noChecksums: false,
        kms: false,
        objectLock: false,
        tags: {},
      };
      buckets.set(name, bucket);
      return bucket;
    },
    put(name, key, given, more = {}) {
      const bucket = buckets.get(name);
      if (!bucket) throw new Error(`There is no bucket ${name}`);
      const body = Buffer.from(given);
      const made: Stored = {
        key,
        body,
        etag: etagOf(bucket, body),
        headers: { "content-type": "application/octet-stream" },
        at: new Date(),
        checksums: {},
        replication: null,
        lock: null,
        version: randomBytes(16).toString("hex"),
        ...more,
      };
      bucket.objects.set(key, made);
      const rule = bucket.rules.find((one) => one.enabled && key.startsWith(one.prefix));
      if (rule && made.replication !== "REPLICA") {
        made.replication = "PENDING";
        clock.after(rule.seconds, () => copy(bucket, rule, made));
      }
      return made;
    },
    hold() {
      held = true;
    },
    flow() {
      held = false;
    },
    stop() {
      stopped = true;
    },
  };
  return store;

  function copy(source: Bucket, rule: Rule, made: Stored): void {
    if (stopped || source.objects.get(made.key) !== made) return;
    const destination = buckets.get(rule.destination);
    if (source.fails(made.key) || !destination) {
      made.replication = "FAILED";
      return;
    }
    if (held || !reachable(source.region) || !reachable(destination.region)) {
      clock.after(RETRY_SECONDS, () => copy(source, rule, made));
      return;
    }
    destination.objects.set(made.key, { ...made, replication: "REPLICA" });
    made.replication = "COMPLETED";
  }
}

/** What S3 says of an object that was put whole. */
export function etagOf({ kms }: Bucket, body: Buffer): string {
  return `"${kms ? randomBytes(16).toString("hex") : md5(body)}"`;
}

export function md5(body: Buffer): string {
  return createHash("md5").update(body).digest("hex");
}
