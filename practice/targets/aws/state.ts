import type { Clock } from "./clock.ts";

/** A database instance as RDS keeps it. The hooks tie it to a real server, so that a success can be seen from outside. */
export interface Instance {
  id: string;
  region: string;
  status: string;
  multiAz: boolean;
  zone: string;
  secondZone: string;
  source: { readonly id: string; readonly region: string } | null;
  /** What `StatusInfos` says of replication. */
  replication: { status: string; normal: boolean };
  host: string;
  port: number;
  retentionDays: number;
  subnetGroup: string;
  securityGroups: readonly string[];
  parameterGroup: string;
  encrypted: boolean;
  instanceClass: string;
  deletionProtection: boolean;
  tags: Readonly<Record<string, string>>;
  pending: Readonly<Record<string, string>>;
  resourceId: string;
  createdAt: Date;
  restorableUntil: () => Date;
  onPromote?: () => Promise<void>;
  /** The other zone's machine takes over: sessions break. */
  onFailover?: () => Promise<void>;
  /** What its parameter group says now, whenever that has changed. */
  onParameters?: (values: ReadonlyMap<string, string>) => Promise<void>;
  /** Of its parameter group: `in-sync`, or `applying` while a change is on its way to the server. */
  parameterStatus: string;
}

export interface Cluster {
  /** None if left out. */
  tags?: Readonly<Record<string, string>>;
  id: string;
  region: string;
  status: string;
  members: string[];
  writer: string;
  /** `aurora-postgresql` if left out. */
  engine?: string;
}

export interface Global {
  id: string;
  members: { arn: string; writer: boolean; synchronization: string }[];
  state: { status: string; from: string; to: string; lossAllowed: boolean } | null;
}

export interface Snapshot {
  readonly id: string;
  readonly region: string;
  readonly instance: string;
  readonly status: string;
  /** When it was begun; now if left out. */
  readonly at?: Date;
  /** True if left out. */
  readonly encrypted?: boolean;
}

/** Automated backups without their instance: kept when it was deleted, or replicated from another region. */
export interface AutomatedBackups {
  readonly arn: string;
  readonly region: string;
  readonly from: string;
  readonly instance: string;
  readonly earliest: Date;
  readonly latest: Date;
}

export interface RdsEvent {
  readonly instance: string;
  readonly region: string;
  readonly category: string;
  readonly message: string;
  readonly at: Date;
}

export interface RecordSet {
  readonly name: string;
  readonly type: string;
  readonly setIdentifier?: string;
  readonly weight?: number;
  readonly failover?: "PRIMARY" | "SECONDARY";
  readonly healthCheck?: string;
  readonly ttl?: number;
  readonly values: readonly string[];
}

/** `records` is what the control plane holds; `served` is what name servers answer, a little later. */
export interface Zone {
  readonly id: string;
  records: readonly RecordSet[];
  served: readonly RecordSet[];
  readonly protections: { readonly name: string; readonly type: string; readonly comment: string }[];
  busyUntil: number;
}

export interface HealthCheck {
  readonly id: string;
  version: number;
  disabled: boolean;
  inverted: boolean;
  /** What the probed endpoint itself is like. */
  endpointUp: boolean;
  /** It follows this routing control of ARC and probes nothing. */
  readonly routingControl?: string;
  /** It is calculated: healthy while all of these are, by id, and probes nothing. */
  readonly children?: readonly string[];
}

export interface AwsState {
  account: string;
  readonly clock: Clock;
  /** By `region/id`. */
  readonly instances: Map<string, Instance>;
  readonly clusters: Map<string, Cluster>;
  readonly globals: Map<string, Global>;
  readonly snapshots: Snapshot[];
  readonly automatedBackups: AutomatedBackups[];
  readonly events: RdsEvent[];
  readonly zones: Map<string, Zone>;
  readonly changes: Map<string, { status: "PENDING" | "INSYNC"; readonly at: Date }>;
  readonly healthChecks: Map<string, HealthCheck>;
  /** Parameter groups of our own, by `region/name`; the ones called `default.…` can't be changed. */
  readonly parameterGroups: Map<string, Map<string, string>>;
  /** Stands behind instances that are restored or made as replicas, before they become available. */
  onCreate?: (made: Instance) => Promise<void>;
  /** Ends what stands behind an instance that is deleted. */
  onDelete?: (gone: Instance) => Promise<void>;
  /** `AWS/RDS ReplicaLag orders-b` → what it says now; absent is no data. */
  readonly metrics: Map<string, number>;
  /** Routing controls by ARN. */
  readonly controls: Map<string, "On" | "Off">;
  /** Safety rules: at least this many of these controls are On, unless the rule is overridden. */
  readonly rules: { readonly arn: string; readonly controls: readonly string[]; readonly atLeast: number }[];
  /** So many things a list of RDS answers at most; what is beyond is on the next page. */
  pageSize: number;
  /** RDS instances the account may have in a region. */
  instanceQuota: number;
}

export function createAwsState(account: string, clock: Clock): AwsState {
  return {
    account,
    clock,
    instances: new Map(),
    clusters: new Map(),
    globals: new Map(),
    snapshots: [],
    automatedBackups: [],
    parameterGroups: new Map(),
    events: [],
    zones: new Map(),
    changes: new Map(),
    healthChecks: new Map(),
    metrics: new Map(),
    controls: new Map(),
    rules: [],
    pageSize: 100,
    instanceQuota: 40,
  };
}

export function arnOf(state: AwsState, kind: "db" | "cluster" | "snapshot", region: string, id: string): string {
  return `arn:aws:rds:${region}:${state.account}:${kind}:${id}`;
}
