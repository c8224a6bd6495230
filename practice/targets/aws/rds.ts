import { Refusal } from "../../kit/refusal.ts";
import {
  ordinaryBackups,
  ordinaryCluster,
  ordinaryGlobal,
  ordinaryInstance,
  ordinarySnapshot,
  subnetGroup,
} from "./ordinary.ts";
import { type AwsState, arnOf, type Cluster, type Global, type Instance } from "./state.ts";
import type { Call, Operation } from "./turn.ts";
import { type Items, items, type Xml } from "./xml.ts";

/** AWS needs about so long, in seconds, before the status shows that anything has begun. It is why waiters are fooled. */
const UNSEEN = 3;
const TOOK = {
  reboot: 75,
  promote: 240,
  restore: 900,
  modify: 120,
  replica: 600,
  failover: 30,
  global: 90,
  parameters: 12,
  delete: 400,
};

/** RDS over the Query protocol, version 2014-10-31. */
export function rdsOperations(state: AwsState): Readonly<Record<string, Operation>> {
  const { clock } = state;
  const note = (of: Instance, category: string, message: string) =>
    state.events.push({ instance: of.id, region: of.region, category, message, at: new Date() });
  const shown = (of: Instance): Xml => ({ DBInstance: instanceXml(state, of) });

  return {
    DescribeDBInstances(call) {
      const id = text(call, "DBInstanceIdentifier");
      const { found, more } = paged(
        state,
        call,
        id ? [instance(state, call, id)] : [...state.instances.values()].filter((one) => one.region === call.region),
      );
      return {
        answer: {
          ...more,
          DBInstances: items(
            "DBInstance",
            found.map((one) => instanceXml(state, one)),
          ),
        },
      };
    },

    DescribeEvents(call) {
      const id = text(call, "SourceIdentifier");
      const minutes = Number(text(call, "Duration") ?? 60);
      const since = Date.now() - minutes * 60_000;
      const all = state.events.filter(
        (one) => one.region === call.region && (!id || one.instance === id) && one.at.getTime() >= since,
      );
      const { found, more } = paged(state, call, all);
      return {
        answer: {
          ...more,
          Events: items(
            "Event",
            found.map((one) => ({
              SourceIdentifier: one.instance,
              SourceType: "db-instance",
              Message: one.message,
              EventCategories: items("EventCategory", [one.category]),
              Date: one.at,
              SourceArn: arnOf(state, "db", one.region, one.instance),
            })),
          ),
        },
      };
    },

    DescribeDBSnapshots(call) {
      const id = text(call, "DBSnapshotIdentifier");
      const of = text(call, "DBInstanceIdentifier");
      const all = state.snapshots
        .filter((one) => one.region === call.region && (!id || one.id === bare(id)))
        .filter((one) => !of || one.instance === bare(of));
      const { found, more } = paged(state, call, all);
      if (id && found.length === 0) throw new Refusal("DBSnapshotNotFound", `DBSnapshot ${id} not found.`, 404);
      return {
        answer: {
          ...more,
          DBSnapshots: items(
            "DBSnapshot",
            found.map((one) => ({
              ...ordinarySnapshot(one, state.instances.get(`${one.region}/${one.instance}`)),
              DBSnapshotIdentifier: one.id,
              DBInstanceIdentifier: one.instance,
              Status: one.status,
              DBSnapshotArn: arnOf(state, "snapshot", one.region, one.id),
              SnapshotCreateTime: one.at ?? new Date(),
              Encrypted: one.encrypted ?? true,
              SnapshotType: "automated",
            })),
          ),
        },
      };
    },

    RebootDBInstance(call) {
      const one = available(instance(state, call));
      const forced = text(call, "ForceFailover") === "true";
      if (forced && !one.multiAz) {
        const says = "Cannot reboot the db instance with force failover because it is not a Multi-AZ instance.";
        throw new Refusal("InvalidParameterCombination", says);
      }
      return {
        answer: shown(one),
        effect() {
          clock.after(UNSEEN, () => {
            one.status = "rebooting";
            if (forced) note(one, "failover", "Multi-AZ instance failover started.");
          });
          clock.after(TOOK.reboot, async () => {
            if (forced) {
              await one.onFailover?.();
              [one.zone, one.secondZone] = [one.secondZone, one.zone];
              note(one, "failover", "Multi-AZ instance failover completed");
            }
            note(one, "availability", "DB instance restarted");
            one.status = "available";
          });
        },
      };
    },

    PromoteReadReplica(call) {
      const one = available(instance(state, call));
      if (!one.source) throw new Refusal("InvalidDBInstanceState", "The specified DB Instance is not a read replica");
      return {
        answer: shown(one),
        effect() {
          one.retentionDays = Number(text(call, "BackupRetentionPeriod") ?? 1);
          clock.after(UNSEEN, () => {
            one.status = "modifying";
          });
          clock.after(TOOK.promote / 2, () => {
            one.status = "rebooting";
          });
          clock.after(TOOK.promote, async () => {
            await one.onPromote?.();
            one.source = null;
            one.status = "available";
            note(one, "notification", "Promoted Read Replica instance to a stand-alone database instance.");
          });
        },
      };
    },

    DescribeDBInstanceAutomatedBackups(call) {
      const id = text(call, "DBInstanceIdentifier");
      const all = state.automatedBackups.filter((one) => one.region === call.region && (!id || one.instance === id));
      const { found, more } = paged(state, call, all);
      return {
        answer: {
          ...more,
          DBInstanceAutomatedBackups: items(
            "DBInstanceAutomatedBackup",
            found.map((one) => ({
              ...ordinaryBackups(one.earliest),
              DBInstanceIdentifier: one.instance,
              DBInstanceArn: arnOf(state, "db", one.from, one.instance),
              DbiResourceId: `db-${one.instance.toUpperCase()}`,
              Region: one.from,
              Status: one.from === one.region ? "retained" : "replicating",
              DBInstanceAutomatedBackupsArn: one.arn,
              RestoreWindow: { EarliestTime: one.earliest, LatestTime: one.latest },
            })),
          ),
        },
      };
    },

    RestoreDBInstanceToPointInTime(call) {
      const kept = text(call, "SourceDBInstanceAutomatedBackupsArn");
      if (kept) {
        const backups = state.automatedBackups.find((one) => one.arn === kept && one.region === call.region);
        if (!backups) throw new Refusal("DBInstanceAutomatedBackupNotFound", `${kept} not found.`, 404);
        return created(state, call, text(call, "TargetDBInstanceIdentifier"), undefined, TOOK.restore);
      }
      const source = instance(state, call, text(call, "SourceDBInstanceIdentifier"));
      const time = text(call, "RestoreTime");
      if (time && new Date(time) > source.restorableUntil()) {
        throw new Refusal("InvalidRestoreFault", "The specified time is after the latest restorable time.");
      }
      return created(state, call, text(call, "TargetDBInstanceIdentifier"), source, TOOK.restore);
    },

    RestoreDBInstanceFromDBSnapshot(call) {
      const id = bare(text(call, "DBSnapshotIdentifier") ?? "");
      const snapshot = state.snapshots.find((one) => one.id === id && one.region === call.region);
      if (!snapshot) throw new Refusal("DBSnapshotNotFound", `DBSnapshot ${id} not found.`, 404);
      if (snapshot.status !== "available") {
        throw new Refusal("InvalidDBSnapshotState", `DBSnapshot ${id} is not in available state.`);
      }
      const like = state.instances.get(`${call.region}/${snapshot.instance}`);
      return created(state, call, text(call, "DBInstanceIdentifier"), like, TOOK.restore);
    },

    CreateDBInstanceReadReplica(call) {
      const named = text(call, "SourceDBInstanceIdentifier") ?? "";
      const region = named.startsWith("arn:") ? (named.split(":")[3] ?? "") : call.region;
      const source = available(instance(state, { ...call, region }, named));
      refuseReplica(state, call, source);
      return created(state, call, text(call, "DBInstanceIdentifier"), source, TOOK.replica, {
        id: source.id,
        region: source.region,
      });
    },

    ModifyDBInstance(call) {
      const one = available(instance(state, call));
      const newName = text(call, "NewDBInstanceIdentifier");
      const multiAz = text(call, "MultiAZ");
      if (newName && state.instances.has(`${one.region}/${newName}`)) {
        throw new Refusal("DBInstanceAlreadyExists", "DB instance already exists");
      }
      return {
        answer: shown(one),
        effect() {
          one.pending = {
            ...(newName ? { DBInstanceIdentifier: newName } : {}),
            ...(multiAz ? { MultiAZ: multiAz } : {}),
          };
          clock.after(UNSEEN, () => {
            one.status = newName ? "renaming" : "modifying";
          });
          clock.after(TOOK.modify, () => {
            one.pending = {};
            one.status = "available";
            if (multiAz) one.multiAz = multiAz === "true";
            if (newName) rename(state, one, newName);
          });
        },
      };
    },

    DeleteDBInstance(call) {
      const one = available(instance(state, call));
      const skips = text(call, "SkipFinalSnapshot") === "true";
      const snapshot = text(call, "FinalDBSnapshotIdentifier");
      refuseDelete(state, one, { skips, snapshot });
      return {
        answer: shown(one),
        effect() {
          one.status = "deleting";
          clock.after(TOOK.delete, async () => {
            if (snapshot)
              state.snapshots.push({
                ...{ id: snapshot, region: one.region, instance: one.id, status: "available" },
                ...{ at: new Date(), encrypted: one.encrypted },
              });
            await state.onDelete?.(one);
            state.instances.delete(`${one.region}/${one.id}`);
            // Replicas in other regions become primaries of their own.
            for (const other of state.instances.values())
              if (other.source?.id === one.id && other.source.region === one.region) {
                await other.onPromote?.();
                other.source = null;
              }
          });
        },
      };
    },

    DescribeDBParameters(call) {
      const { found, more } = paged(state, call, [...parameterGroup(state, call)]);
      return {
        answer: {
          ...more,
          Parameters: items(
            "Parameter",
            found.map(([ParameterName, ParameterValue]) => ({
              ParameterName,
              ParameterValue,
              Description: `Sets ${ParameterName}.`,
              DataType: "string",
              ApplyMethod: "immediate",
              Source: "user",
              ApplyType: "dynamic",
              IsModifiable: true,
            })),
          ),
        },
      };
    },

    ModifyDBParameterGroup(call) {
      const group = parameterGroup(state, call);
      const name = text(call, "DBParameterGroupName") ?? "";
      const named = many(call, "Parameters.Parameter", ".ParameterName");
      const values = many(call, "Parameters.Parameter", ".ParameterValue");
      return {
        answer: { DBParameterGroupName: name },
        effect() {
          for (const [i, key] of named.entries()) group.set(key, values[i] ?? "");
          for (const one of state.instances.values()) {
            if (one.region !== call.region || one.parameterGroup !== name) continue;
            // What waits for a reboot goes on waiting: a dynamic change beside it is taken in all the same.
            const rests = one.parameterStatus === "pending-reboot" ? "pending-reboot" : "in-sync";
            clock.after(UNSEEN, () => {
              one.parameterStatus = "applying";
            });
            // A server that is down takes in what the group says then once it's up; until then its status stays as it is.
            const takesIn = async (): Promise<void> => {
              if (![...state.instances.values()].includes(one)) return;
              await (one.onParameters?.(group) ?? Promise.resolve()).then(
                () => {
                  one.parameterStatus = rests;
                },
                () => clock.after(TOOK.parameters, takesIn),
              );
            };
            clock.after(TOOK.parameters, takesIn);
          }
        },
      };
    },

    DescribeDBClusters(call) {
      const id = text(call, "DBClusterIdentifier");
      const found = [...state.clusters.values()].filter(
        (one) => one.region === call.region && (!id || one.id === bare(id)),
      );
      if (id && found.length === 0) throw new Refusal("DBClusterNotFoundFault", `DBCluster ${id} not found.`, 404);
      return {
        answer: {
          DBClusters: items(
            "DBCluster",
            found.map((one) => clusterXml(state, one)),
          ),
        },
      };
    },

    FailoverDBCluster(call) {
      const id = text(call, "DBClusterIdentifier") ?? "";
      const cluster = state.clusters.get(`${call.region}/${id}`);
      if (!cluster) throw new Refusal("DBClusterNotFoundFault", `DBCluster ${id} not found.`, 404);
      if (cluster.engine === "mysql" && text(call, "TargetDBInstanceIdentifier")) {
        throw new Refusal("InvalidParameterCombination", "TargetDBInstanceIdentifier isn't supported for this engine.");
      }
      const to = text(call, "TargetDBInstanceIdentifier") ?? cluster.members.find((one) => one !== cluster.writer);
      if (cluster.status !== "available" || !to || !cluster.members.includes(to) || to === cluster.writer) {
        throw new Refusal("InvalidDBClusterStateFault", `Cluster ${id} cannot fail over to ${to}.`);
      }
      return {
        answer: { DBCluster: clusterXml(state, cluster) },
        effect() {
          clock.after(UNSEEN, () => {
            cluster.status = "failing-over";
          });
          clock.after(TOOK.failover, () => {
            cluster.writer = to;
            cluster.status = "available";
          });
        },
      };
    },

    DescribeGlobalClusters(call) {
      const id = text(call, "GlobalClusterIdentifier");
      const found = [...state.globals.values()].filter((one) => !id || one.id === id);
      if (id && found.length === 0) throw new Refusal("GlobalClusterNotFoundFault", `${id} not found.`, 404);
      return {
        answer: {
          GlobalClusters: items(
            "GlobalClusterMember",
            found.map((one) => globalXml(state, one)),
          ),
        },
      };
    },

    SwitchoverGlobalCluster: (call) => moveGlobal(state, call, "switching-over"),
    FailoverGlobalCluster(call) {
      const loss = text(call, "AllowDataLoss") === "true";
      // Left out, AWS takes it for a switchover, which waits for a region that is gone.
      return moveGlobal(state, call, loss ? "failing-over" : "switching-over");
    },
  };
}

/** One page of a list, and where the next one begins. RDS answers 100 at most unless it is requested fewer. */
function paged<T>(state: AwsState, call: Call, all: readonly T[]) {
  const from = Number(text(call, "Marker") ?? 0);
  const end = from + Math.min(state.pageSize, Number(text(call, "MaxRecords") ?? state.pageSize));
  return { found: all.slice(from, end), more: end < all.length ? { Marker: String(end) } : {} };
}

/** Words and codes as RDS's users report them (terraform-aws-rds #428, terraform-aws-rds-replica #5). */
function refuseReplica(state: AwsState, call: Call, source: Instance): void {
  const combination = (says: string) => new Refusal("InvalidParameterCombination", says);
  const key = text(call, "KmsKeyId");
  const far = source.region !== call.region;
  if (source.encrypted && far && !key)
    throw combination("Cannot create a cross region unencrypted read replica from encrypted source.");
  if (!far && key)
    throw combination(
      "Your request does not require the KMS key parameter. Please remove the KMS key parameter and try your request again.",
    );
  if (!source.encrypted && key) throw combination("Cannot create an encrypted read replica from unencrypted source.");
  if (key?.startsWith("arn:") && key.split(":")[3] !== call.region)
    throw new Refusal("KMSKeyNotAccessibleFault", `The specified KMS key [${key}] does not exist in ${call.region}.`);
  if (!far && text(call, "DBSubnetGroupName"))
    throw new Refusal(
      "DBSubnetGroupNotAllowedFault",
      "The DBSubnetGroup shouldn't be specified while creating read replicas that lie in the same region as the source instance.",
    );
  const group = text(call, "DBParameterGroupName");
  if (group && !group.startsWith("default.") && !state.parameterGroups.has(`${call.region}/${group}`))
    throw new Refusal("DBParameterGroupNotFound", `DBParameterGroup not found: ${group}`, 404);
}

/** As the API reference lists the errors of DeleteDBInstance. */
function refuseDelete(
  state: AwsState,
  one: Instance,
  { skips, snapshot }: { readonly skips: boolean; readonly snapshot: string | undefined },
): void {
  const combination = (says: string) => new Refusal("InvalidParameterCombination", says);
  if (one.deletionProtection)
    throw combination("Cannot delete protected DB Instance, please disable deletion protection and try again.");
  if (!skips && !snapshot)
    throw combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.");
  if (!skips && one.source)
    throw combination("Cannot specify FinalDBSnapshotIdentifier when deleting a replica DB instance");
  if (snapshot && state.snapshots.some(({ id, region }) => id === snapshot && region === one.region))
    throw new Refusal("DBSnapshotAlreadyExists", `Cannot create the snapshot because ${snapshot} already exists.`);
}

function moveGlobal(state: AwsState, call: Call, status: string) {
  const id = text(call, "GlobalClusterIdentifier") ?? "";
  const to = text(call, "TargetDbClusterIdentifier") ?? "";
  const one = state.globals.get(id);
  if (!one) throw new Refusal("GlobalClusterNotFoundFault", `${id} not found.`, 404);
  const from = one.members.find((member) => member.writer)?.arn ?? "";
  if (one.state || from === to || !one.members.some((member) => member.arn === to)) {
    throw new Refusal("InvalidGlobalClusterStateFault", `Global cluster ${id} cannot move to ${to}.`);
  }
  return {
    answer: { GlobalCluster: globalXml(state, one) },
    effect() {
      state.clock.after(UNSEEN, () => {
        one.state = { status, from, to, lossAllowed: status === "failing-over" };
      });
      state.clock.after(TOOK.global, () => {
        for (const member of one.members) member.writer = member.arn === to;
        one.state = null;
      });
    },
  };
}

/** A restored or replicated instance: Single-AZ, in default groups unless the call says otherwise. */
function created(
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

function rename(state: AwsState, one: Instance, to: string): void {
  state.instances.delete(`${one.region}/${one.id}`);
  // Replicas stay associated with the instance, whatever it is called.
  for (const other of state.instances.values())
    if (other.source?.id === one.id && other.source.region === one.region) other.source = { ...other.source, id: to };
  one.id = to;
  state.instances.set(`${one.region}/${to}`, one);
}

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

function instanceXml(state: AwsState, one: Instance): Xml {
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
    DbiResourceId: one.resourceId,
    DBInstanceArn: arnOf(state, "db", one.region, one.id),
  };
}

function clusterXml(state: AwsState, one: Cluster): Xml {
  return {
    ...ordinaryCluster(one),
    DBClusterIdentifier: one.id,
    Status: one.status,
    DBClusterArn: arnOf(state, "cluster", one.region, one.id),
    DBClusterMembers: items(
      "DBClusterMember",
      one.members.map((id) => ({
        DBInstanceIdentifier: id,
        IsClusterWriter: id === one.writer,
        DBClusterParameterGroupStatus: "in-sync",
        PromotionTier: 1,
      })),
    ),
  };
}

function globalXml(state: AwsState, one: Global): Xml {
  const readers = one.members.filter(({ writer }) => !writer).map(({ arn }) => arn);
  return {
    ...ordinaryGlobal(one),
    GlobalClusterIdentifier: one.id,
    GlobalClusterArn: `arn:aws:rds::${state.account}:global-cluster:${one.id}`,
    Status: one.state ? "modifying" : "available",
    GlobalClusterMembers: items(
      "GlobalClusterMember",
      one.members.map(({ arn, writer, synchronization }) => ({
        DBClusterArn: arn,
        Readers: items("member", writer ? readers : []),
        IsWriter: writer,
        SynchronizationStatus: synchronization,
      })),
    ),
    FailoverState: one.state
      ? {
          Status: one.state.status,
          FromDbClusterArn: one.state.from,
          ToDbClusterArn: one.state.to,
          IsDataLossAllowed: one.state.lossAllowed,
        }
      : undefined,
  };
}

function tags(one: Instance): Items {
  return items(
    "Tag",
    Object.entries(one.tags).map(([Key, Value]) => ({ Key, Value })),
  );
}

function instance(state: AwsState, call: Call, id = text(call, "DBInstanceIdentifier")): Instance {
  const found = state.instances.get(`${call.region}/${bare(id ?? "")}`);
  if (!found) throw new Refusal("DBInstanceNotFound", `DBInstance ${id} not found.`, 404);
  return found;
}

function parameterGroup(state: AwsState, call: Call): Map<string, string> {
  const name = text(call, "DBParameterGroupName") ?? "";
  const found = state.parameterGroups.get(`${call.region}/${name}`);
  if (found) return found;
  if (name.startsWith("default.")) {
    throw new Refusal("InvalidDBParameterGroupState", "A default parameter group cannot be modified.");
  }
  throw new Refusal("DBParameterGroupNotFound", `DBParameterGroup not found: ${name}`, 404);
}

function available(one: Instance): Instance {
  if (one.status === "available") return one;
  throw new Refusal("InvalidDBInstanceState", `Instance ${one.id} is not in available state: ${one.status}.`);
}

function bare(id: string): string {
  return (id.split(":").at(-1) ?? "").toLowerCase();
}

function text(call: Call, name: string): string | undefined {
  const value = call.given[name];
  return typeof value === "string" ? value : undefined;
}

function many(call: Call, name: string, part = ""): string[] {
  const found: string[] = [];
  for (let i = 1; ; i++) {
    const value = text(call, `${name}.${i}${part}`);
    if (value === undefined) return found;
    found.push(value);
  }
}
