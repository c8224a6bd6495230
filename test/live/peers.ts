/** Programs this project did not write that play in CI what can't run there, and what was looked at and not taken. */
export interface Peer {
  readonly program: string;
  readonly plays: string;
  /** What it does otherwise than the real one: no fault of ours when a contract differs there. */
  readonly shortcuts: readonly string[];
}

/** It answers the wire protocols from botocore's service models. */
export const MOTO: Peer = {
  program: "moto",
  plays: "AWS: STS, CloudWatch, RDS, Route 53 and S3",
  shortcuts: [
    "hosted zone ids do not begin with Z",
    "ListResourceRecordSetProtections is unknown: the check for it warns",
    "GetChange says INSYNC of any id, so a change is never seen PENDING",
    "ExpectedBucketOwner is ignored, so a bucket of somebody else's is not refused",
    "`*` of a wildcard is listed as it was given, not as \\052",
    "what was ever created is not created again while it is there, even where the same batch deletes it first",
    "a read replica has no StatusInfos: rds.make_replica and rds.promote_replica wait for them",
    "RebootDBInstance does nothing",
    "MultiAZ=false is ignored where the restored instance was Multi-AZ",
    "signatures are not checked: the tests compute them once more themselves (test/wire/signature.ts)",
  ],
};

/** Why no independent program plays these in CI, by target. */
export const NO_PEER: Readonly<Record<string, string>> = {
  kubernetes: "kube-apiserver is in no package registry CI installs from",
  velero: "it needs a Kubernetes",
  docker: "CI itself runs in a container, without a Docker engine",
  traefik: "it is in no package registry CI installs from",
  consul: "it is in no package registry CI installs from (Debian 12 has none)",
  search: "OpenSearch is in no package registry CI installs from",
};

/** S3 servers that install by name, as they were on 2026-11-30, and why moto stays the peer. */
export const NOT_USED: Readonly<Record<string, string>> = {
  "s3rver 3.7.1 (npm)": "no release since 3.7.1; no conditional writes, none of today's checksums",
  "@push.rocks/smarts3 2.2.7 (npm)": "a wrapper around s3rver",
  "fauxqs 2.4.1 (npm)": "needs Node 22; Lifeboat runs on 20.19",
  "nanio 0.1.7 (PyPI)":
    "alive, and checks signatures; but If-None-Match and If-Match are ignored and a wrong checksum is accepted, so it overwrites where S3 refuses",
  "localbucket 1.2.1 (PyPI)": "no metadata, no checksums, no signatures; the ETag of an object in parts isn't S3's",
  "alocals3 0.3.0 (PyPI)": "not S3's protocol",
  "MinIO, versitygw, Garage, SeaweedFS":
    "in no package registry CI installs from; MinIO and versitygw were held by hand",
  "radosgw, Swift (Debian)": "each needs a cluster of its own",
};
