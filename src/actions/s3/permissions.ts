import { partitionOf } from "../aws.ts";
import {
  type AwsPermission,
  type Cluster,
  type Declares,
  entering,
  inCluster,
  type Permission,
} from "../permission.ts";

interface Bucket {
  readonly bucket: string;
  readonly region?: string;
  readonly endpoint?: string;
}
interface Setting {
  readonly in: { readonly kind: string; readonly cluster?: Cluster; readonly configMap?: string };
}

/** @param objects below this prefix; null: of the bucket itself. An S3 that is not AWS's knows no IAM of AWS. */
function allow(
  { bucket, region = "", endpoint }: Bucket,
  objects: string | null,
  ...actions: string[]
): readonly AwsPermission[] {
  if (endpoint !== undefined) return [];
  const resource = `arn:${partitionOf(region)}:s3:::${bucket}${objects === null ? "" : `/${objects}*`}`;
  return actions.map((action) => ({ of: "aws", action, resource, regions: [] }));
}

/** Where the application's setting is a ConfigMap. */
function ofSetting({ in: place }: Setting, ...verbs: ("get" | "patch")[]): readonly Permission[] {
  const { cluster, configMap } = place;
  if (place.kind !== "configMap" || cluster === undefined || configMap === undefined) return [];
  return [...entering(cluster), ...verbs.flatMap((verb) => inCluster(cluster)(verb, "configmaps", [configMap]))];
}

/** Which bucket is in use is read from the setting alone. */
export const settingRead = ({ setting }: { readonly setting: Setting }) => ofSetting(setting, "get");

/** A list of buckets has no resource; tags are asked of whatever buckets there are. */
const ofAccount = (region: string): readonly AwsPermission[] => [
  { of: "aws", action: "s3:ListAllMyBuckets", resource: "*", regions: [] },
  { of: "aws", action: "s3:GetBucketTagging", resource: `arn:${partitionOf(region)}:s3:::*`, regions: [] },
];

export const s3Permissions = {
  "s3.unlisted": (({ region }) => ofAccount(region)) satisfies Declares<{ readonly region: string }>,
  "s3.check_replication": (({ source, destination, prefix = "", metric }) => [
    ...allow(source, null, "s3:ListBucket", "s3:GetReplicationConfiguration"),
    ...allow(source, prefix, "s3:GetObject"),
    ...allow(destination, null, "s3:ListBucket"),
    ...(metric
      ? [{ of: "aws", action: "cloudwatch:GetMetricData", resource: "*", regions: [metric.region] } as const]
      : []),
  ]) satisfies Declares<{
    readonly source: Bucket;
    readonly destination: Bucket;
    readonly prefix?: string;
    readonly metric?: { readonly region: string };
  }>,
  "s3.sync": (({ source, destination, prefix = "" }) => [
    ...allow(source, null, "s3:ListBucket"),
    ...allow(source, prefix, "s3:GetObject"),
    ...allow(destination, null, "s3:ListBucket"),
    // What differs is told by the headers of the destination's objects too.
    ...allow(destination, prefix, "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"),
  ]) satisfies Declares<{ readonly source: Bucket; readonly destination: Bucket; readonly prefix?: string }>,
  "s3.switch_active": (({ from, to, setting, probePrefix = ".lifeboat/" }) => [
    ...[from, to].flatMap((bucket) => allow(bucket, null, "s3:ListBucket")),
    // There and back: which of the two is probed depends on the way.
    ...[from, to].flatMap((bucket) => allow(bucket, probePrefix, "s3:PutObject", "s3:GetObject", "s3:DeleteObject")),
    ...ofSetting(setting, "get", "patch"),
  ]) satisfies Declares<{
    readonly from: Bucket;
    readonly to: Bucket;
    readonly setting: Setting;
    readonly probePrefix?: string;
  }>,
};
