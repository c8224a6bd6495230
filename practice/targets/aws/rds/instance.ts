import { Refusal } from "../../../kit/refusal.ts";
import { ordinaryInstance, subnetGroup } from "../ordinary.ts";
import { type AwsState, arnOf, type Instance } from "../state.ts";
import type { Call } from "../turn.ts";
import { type Items, items, type Xml } from "../xml.ts";
import { many, text } from "./call.ts";

let made = 0;

/** An instance with everything ordinary about it. */
export function anInstance(of: Partial<Instance> & Pick<Instance, "id" | "region">): Instance {
  made += 1;
  return {
    status: "available",
    multiAz: false,
    zone: `${of.region}a`,
    secondZone: `${of.region}b`,
    source: null,
    replication: { status: "replicating", normal: true },
    host: "127.0.0.1",
    port: 5432,
    retentionDays: 7,
    subnetGroup: "default",
    securityGroups: ["sg-default"],
    parameterGroup: "default.postgres16",
    encrypted: false,
    instanceClass: "db.r6g.large",
    deletionProtection: false,
    tags: {},
    pending: {},
    resourceId: `db-${made.toString(36).toUpperCase().padStart(8, "0")}`,
    createdAt: new Date(),
    parameterStatus: "in-sync",
    restorableUntil: () => new Date(Date.now() - 5 * 60_000),
    ...of,
  };
}

/** A restored or replicated instance: Single-AZ, in default groups unless the call says otherwise. */
export function created(
  state: AwsState,
  call: Call,
  id: string | undefined,
  like: Instance | undefined,
  seconds: number,
  source: Instance["source"] = null,
) {
  if (!id || !/^[a-z][a-z0-9-]*$/.test(id)) throw new Refusal("InvalidParameterValue", `${id} is no identifier`);
  if (state.instances.has(`${call.region}/${id}`)) {
    throw new Refusal("DBInstanceAlreadyExists", "DB instance already exists");
  }
  // A replica in its source's region is made like it; any other instance gets the region's defaults.
  const inherits = source !== null && like !== undefined && source.region === call.region;
  const one: Instance = {
    ...anInstance({ id, region: call.region }),
    ...(like ? { host: like.host, port: like.port } : {}),
    status: "creating",
    source,
    multiAz: text(call, "MultiAZ") === "true",
    encrypted: like?.encrypted ?? false,
    instanceClass: text(call, "DBInstanceClass") ?? like?.instanceClass ?? "db.r6g.large",
    subnetGroup: text(call, "DBSubnetGroupName") ?? (inherits ? like.subnetGroup : "default"),
    parameterGroup: text(call, "DBParameterGroupName") ?? (inherits ? like.parameterGroup : "default.postgres16"),
    securityGroups: many(call, "VpcSecurityGroupIds.VpcSecurityGroupId").length
      ? many(call, "VpcSecurityGroupIds.VpcSecurityGroupId")
      : ["sg-default"],
    tags: Object.fromEntries(
      many(call, "Tags.Tag", ".Key").map((key, i) => [key, many(call, "Tags.Tag", ".Value")[i] ?? ""]),
    ),
  };
  return {
    answer: { DBInstance: instanceXml(state, one) },
    effect() {
      state.instances.set(`${call.region}/${id}`, one);
      state.clock.after(seconds * 0.7, () => {
        one.status = "backing-up";
      });
      state.clock.after(seconds, async () => {
        await state.onCreate?.(one);
        one.status = "available";
      });
    },
  };
}

export function instanceXml(state: AwsState, one: Instance): Xml {
  const replicas = [...state.instances.values()].filter(
    (other) => other.source?.id === one.id && other.source.region === one.region,
  );
  const source = one.source;
  return {
    ...ordinaryInstance(one),
    DBInstanceIdentifier: one.id,
    DBInstanceClass: one.instanceClass,
    StorageEncrypted: one.encrypted,
    DeletionProtection: one.deletionProtection,
    KmsKeyId: one.encrypted ? `arn:aws:kms:${one.region}:${state.account}:key/practice` : undefined,
    DBInstanceStatus: one.status,
    Endpoint:
      one.status === "creating" ? undefined : { Address: one.host, Port: one.port, HostedZoneId: "ZPRACTICERDS" },
    InstanceCreateTime: one.createdAt,
    BackupRetentionPeriod: one.retentionDays,
    AvailabilityZone: one.zone,
    SecondaryAvailabilityZone: one.multiAz ? one.secondZone : undefined,
    MultiAZ: one.multiAz,
    LatestRestorableTime: one.retentionDays > 0 ? one.restorableUntil() : undefined,
    PendingModifiedValues: one.pending,
    ReadReplicaSourceDBInstanceIdentifier: source
      ? source.region === one.region
        ? source.id
        : arnOf(state, "db", source.region, source.id)
      : undefined,
    ReadReplicaDBInstanceIdentifiers: items(
      "ReadReplicaDBInstanceIdentifier",
      replicas.map((other) => other.id),
    ),
    StatusInfos: source
      ? items("DBInstanceStatusInfo", [
          { StatusType: "read replication", Normal: one.replication.normal, Status: one.replication.status },
        ])
      : undefined,
    DBSubnetGroup: subnetGroup(one.subnetGroup, one),
    VpcSecurityGroups: items(
      "VpcSecurityGroupMembership",
      one.securityGroups.map((id) => ({ VpcSecurityGroupId: id, Status: "active" })),
    ),
    DBParameterGroups: items("DBParameterGroup", [
      { DBParameterGroupName: one.parameterGroup, ParameterApplyStatus: one.parameterStatus },
    ]),
    TagList: tags(one),
    DBClusterIdentifier: [...state.clusters.values()].find(
      ({ region, members }) => region === one.region && members.includes(one.id),
    )?.id,
    DbiResourceId: one.resourceId,
    DBInstanceArn: arnOf(state, "db", one.region, one.id),
  };
}

function tags(one: Instance): Items {
  return items(
    "Tag",
    Object.entries(one.tags).map(([Key, Value]) => ({ Key, Value })),
  );
}
