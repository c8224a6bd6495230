import { partitionOf } from "../aws.ts";
import type { AwsPermission, Declares } from "../permission.ts";

interface Place {
  readonly account: string;
  readonly region: string;
}
type Of<T> = Declares<Place & T>;
interface Instance {
  readonly instance: string;
}
interface Restored {
  readonly target: string;
  readonly subnetGroup: string;
  readonly parameterGroup: string;
}

const allow = (action: string, ...resources: string[]): readonly AwsPermission[] =>
  resources.map((resource) => ({ of: "aws", action, resource, regions: [] }));

/** Descriptions allow "not there" only to who may ask for every name. */
const reads = ({ region }: Place, ...actions: string[]): readonly AwsPermission[] =>
  ["rds:DescribeDBInstances", ...actions].map((action) => ({ of: "aws", action, resource: "*", regions: [region] }));

/** @param within its own region, or `*` for those of its partition */
function arn({ account, region }: Place, kind: string, name: string, within = region): string {
  return `arn:${partitionOf(region)}:rds:${within}:${account}:${kind}:${name}`;
}

/** An option group goes with every new instance, no matter who names it: the engine's default has a name of AWS's own. */
const groups = (place: Place, subnetGroup: string, parameterGroup: string) => [
  arn(place, "subgrp", subnetGroup),
  arn(place, "pg", parameterGroup),
  arn(place, "og", "*"),
];

/** Its name ends in the instance's resource id, which only a look tells. */
const finalSnapshot = (given: Place & Instance) => arn(given, "snapshot", `${given.instance}-final-*`);

/** Who makes something under a key of their own lets RDS use it. @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html */
function withKey({ account, region }: Place, key: string | undefined): readonly AwsPermission[] {
  if (key === undefined) return [];
  // An alias names a key, and grants are of keys.
  const id = key.includes("alias/") ? "*" : key;
  const resource = id.startsWith("arn:") ? id : `arn:${partitionOf(region)}:kms:${region}:${account}:key/${id}`;
  return ["kms:CreateGrant", "kms:DescribeKey"].flatMap((action) => allow(action, resource));
}

const globally =
  (action: string): Of<{ readonly global: string; readonly target: string }> =>
  (given) => [
    ...reads(given, "rds:DescribeGlobalClusters").slice(1),
    // Both clusters change, and only the other one is named.
    ...allow(
      action,
      `arn:${partitionOf(given.region)}:rds::${given.account}:global-cluster:${given.global}`,
      given.target,
      arn(given, "cluster", "*", "*"),
    ),
  ];

const restored = (given: Place & Restored, action: string, ...from: string[]) => [
  ...allow(action, arn(given, "db", given.target), ...from, ...groups(given, given.subnetGroup, given.parameterGroup)),
  // It is tagged as it is made.
  ...allow("rds:AddTagsToResource", arn(given, "db", given.target)),
  // Its tag tells a restore of ours from someone else's.
  ...allow("rds:ListTagsForResource", arn(given, "db", given.target)),
];

export const rdsPermissions = {
  "rds.unlisted": ((given) => reads(given, "rds:DescribeDBClusters")) satisfies Of<object>,
  "rds.quotas": ((given) => reads(given, "rds:DescribeAccountAttributes").slice(1)) satisfies Of<object>,
  "rds.check": ((given) => reads(given, "rds:DescribeEvents")) satisfies Of<Instance>,
  "rds.check_backups": ((given) => reads(given, "rds:DescribeDBSnapshots")) satisfies Of<Instance>,
  "rds.reboot_failover": ((given) => [
    ...reads(given, "rds:DescribeEvents"),
    ...allow("rds:RebootDBInstance", arn(given, "db", given.instance)),
  ]) satisfies Of<Instance>,
  "rds.promote_replica": ((given) => [
    ...reads(given, "rds:DescribeEvents", "cloudwatch:GetMetricData"),
    ...allow("rds:PromoteReadReplica", arn(given, "db", given.replica)),
  ]) satisfies Of<{ readonly replica: string }>,
  "rds.make_replica": ((given) => [
    ...reads(given),
    ...reads({ ...given, region: given.sourceRegion }),
    ...allow(
      "rds:CreateDBInstanceReadReplica",
      arn(given, "db", given.replica),
      arn({ ...given, region: given.sourceRegion }, "db", given.source),
      ...groups(given, given.subnetGroup ?? "*", given.parameterGroup ?? "*"),
    ),
    // RDS copies the tags of the source.
    ...allow("rds:AddTagsToResource", arn(given, "db", given.replica)),
    ...withKey(given, given.kmsKeyId),
  ]) satisfies Of<{
    readonly replica: string;
    readonly source: string;
    readonly sourceRegion: string;
    readonly subnetGroup?: string;
    readonly parameterGroup?: string;
    readonly kmsKeyId?: string;
  }>,
  "rds.set_multi_az": ((given) => [
    ...reads(given),
    ...allow("rds:ModifyDBInstance", arn(given, "db", given.instance)),
  ]) satisfies Of<Instance>,
  "rds.rename": ((given) => [
    ...reads(given),
    ...allow("rds:ModifyDBInstance", arn(given, "db", given.from), arn(given, "db", given.to)),
  ]) satisfies Of<{ readonly from: string; readonly to: string }>,
  "rds.delete": ((given) => [
    ...reads(given, "rds:DescribeDBSnapshots"),
    ...allow("rds:DeleteDBInstance", arn(given, "db", given.instance)),
    // The last snapshot, which is taken with it and gets its tags where the instance says so.
    ...allow("rds:CreateDBSnapshot", arn(given, "db", given.instance), finalSnapshot(given)),
    ...allow("rds:AddTagsToResource", finalSnapshot(given)),
  ]) satisfies Of<Instance>,
  "rds.set_read_only": ((given) => [
    ...reads(given, "rds:DescribeDBParameters"),
    ...(given.standby ? reads({ ...given, region: given.standby.region }) : []),
    ...allow("rds:ModifyDBParameterGroup", arn(given, "pg", given.parameterGroup)),
  ]) satisfies Of<{ readonly parameterGroup: string; readonly standby?: { readonly region: string } }>,
  "rds.restore_pitr": ((given) => [
    ...reads(given, "rds:DescribeDBInstanceAutomatedBackups"),
    ...restored(
      given,
      "rds:RestoreDBInstanceToPointInTime",
      arn(given, "db", given.source),
      arn(given, "auto-backup", "*"),
    ),
  ]) satisfies Of<Restored & { readonly source: string }>,
  "rds.restore_snapshot": ((given) => [
    ...reads(given, "rds:DescribeDBSnapshots"),
    ...restored(given, "rds:RestoreDBInstanceFromDBSnapshot", arn(given, "snapshot", given.snapshot ?? "*")),
  ]) satisfies Of<Restored & { readonly snapshot?: string }>,
  "rds.failover_cluster": ((given) => [
    ...reads(given, "rds:DescribeDBClusters").slice(1),
    ...allow("rds:FailoverDBCluster", arn(given, "cluster", given.cluster)),
  ]) satisfies Of<{ readonly cluster: string }>,
  "rds.global_switchover": globally("rds:SwitchoverGlobalCluster"),
  "rds.global_failover": globally("rds:FailoverGlobalCluster"),
};
