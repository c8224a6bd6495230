import type { Cluster, Global, Instance, Snapshot } from "./state.ts";
import { items, type Xml } from "./xml.ts";

/** What RDS tells of everything beside what is played here: the members that all sample responses of its API reference have. */
type Members = Readonly<Record<string, Xml>>;

const ENGINE = { Engine: "postgres", EngineVersion: "16.4", LicenseModel: "postgresql-license" };
const WINDOWS = { PreferredBackupWindow: "03:00-03:30", PreferredMaintenanceWindow: "sun:04:00-sun:04:30" };
const MADE = { AllocatedStorage: 100, MasterUsername: "owner", IAMDatabaseAuthenticationEnabled: false };
const STORAGE = { ...MADE, StorageType: "gp3" };
const VPC = { VpcId: "vpc-practice" };

export function ordinaryInstance({ parameterGroup }: Instance): Members {
  return {
    ...ENGINE,
    ...WINDOWS,
    ...STORAGE,
    DbInstancePort: 0,
    PubliclyAccessible: false,
    AutoMinorVersionUpgrade: true,
    CopyTagsToSnapshot: true,
    MonitoringInterval: 0,
    PerformanceInsightsEnabled: false,
    CACertificateIdentifier: "rds-ca-rsa2048-g1",
    DBSecurityGroups: items("DBSecurityGroup", []),
    DomainMemberships: items("DomainMembership", []),
    AssociatedRoles: items("DBInstanceRole", []),
    OptionGroupMemberships: items("OptionGroupMembership", [
      { OptionGroupName: `default:${parameterGroup.replace("default.", "").replace(/\W/g, "-")}`, Status: "in-sync" },
    ]),
  };
}

export function subnetGroup(name: string, { zone, secondZone }: Instance): Members {
  return {
    DBSubnetGroupName: name,
    DBSubnetGroupDescription: name,
    ...VPC,
    SubnetGroupStatus: "Complete",
    Subnets: items(
      "Subnet",
      [zone, secondZone].map((Name) => ({
        SubnetIdentifier: `subnet-${Name}`,
        SubnetAvailabilityZone: { Name },
        SubnetStatus: "Active",
      })),
    ),
  };
}

export function ordinarySnapshot(of: Snapshot, instance: Instance | undefined): Members {
  const at = of.at ?? new Date();
  return {
    ...ENGINE,
    ...STORAGE,
    ...VPC,
    Port: instance?.port ?? 5432,
    AvailabilityZone: instance?.zone ?? `${of.region}a`,
    InstanceCreateTime: instance?.createdAt ?? at,
    OptionGroupName: "default:postgres-16",
    PercentProgress: of.status === "available" ? 100 : 0,
    DbiResourceId: instance?.resourceId ?? "db-GONE",
    ProcessorFeatures: items("ProcessorFeature", []),
    TagList: items("Tag", []),
  };
}

export function ordinaryBackups(at: Date): Members {
  return { ...ENGINE, ...STORAGE, Port: 5432, InstanceCreateTime: at, Encrypted: true, BackupRetentionPeriod: 7 };
}

export function ordinaryCluster({ id, region, engine, members }: Cluster): Members {
  const now = new Date();
  const { LicenseModel: _none, ...aurora } = { ...ENGINE, Engine: engine ?? "aurora-postgresql" };
  return {
    ...aurora,
    ...WINDOWS,
    ...MADE,
    AvailabilityZones: items("AvailabilityZone", [`${region}a`, `${region}b`, `${region}c`]),
    BackupRetentionPeriod: 7,
    DBClusterParameterGroup: "default.aurora-postgresql16",
    DBSubnetGroup: "default",
    EarliestRestorableTime: new Date(now.getTime() - 7 * 24 * 3600_000),
    LatestRestorableTime: now,
    ClusterCreateTime: new Date(now.getTime() - 30 * 24 * 3600_000),
    Endpoint: `${id}.cluster.${region}.practice.invalid`,
    Port: 5432,
    MultiAZ: members.length > 1,
    ReadReplicaIdentifiers: items("ReadReplicaIdentifier", []),
    VpcSecurityGroups: items("VpcSecurityGroupMembership", [{ VpcSecurityGroupId: "sg-default", Status: "active" }]),
    StorageEncrypted: true,
    DbClusterResourceId: `cluster-${id.toUpperCase()}`,
    AssociatedRoles: items("DBClusterRole", []),
    DeletionProtection: true,
  };
}

export function ordinaryGlobal({ id }: Global): Members {
  return {
    GlobalClusterResourceId: `cluster-${id}`,
    Engine: "aurora-postgresql",
    EngineVersion: "16.4",
    StorageEncrypted: true,
    DeletionProtection: false,
  };
}
