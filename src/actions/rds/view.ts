import type { DBInstance } from "@aws-sdk/client-rds";
import { type AwsError, awsErrorOf, type Place, partitionOf, rightArn, silentRegion } from "../aws.ts";
import type { Check, Done, Fact, ReadContext } from "../contract.ts";
import { pagesOf, withRds } from "./client.ts";

/** One look at an instance. That it is not there, or that no one could be asked, is an observation. */
export type InstanceView = PresentInstance | UnseenInstance;

export interface UnseenInstance {
  readonly present: false;
  readonly name: string;
  readonly because: AwsError["kind"];
  readonly why: string;
}

export interface PresentInstance {
  readonly present: true;
  readonly name: string;
  readonly arn: string | null;
  /** Survives a rename: the instance's true identity. */
  readonly resourceId: string | null;
  /** RDS's own word. It leaves `available` seconds after a change was accepted, so it proves nothing by itself. */
  readonly status: string;
  readonly multiAz: boolean;
  readonly zone: string | null;
  /** What it replicates, by name or ARN; null on a stand-alone instance. */
  readonly source: string | null;
  readonly replicas: readonly string[];
  readonly replication: { readonly status: string; readonly normal: boolean } | null;
  readonly endpoint: string | null;
  readonly retentionDays: number;
  /** Names of modifications that wait. */
  readonly pending: readonly string[];
  readonly subnetGroup: string | null;
  readonly securityGroups: readonly string[];
  readonly parameterGroups: readonly string[];
  /** False while a change of its parameters is on its way to the server, or waits for a reboot. */
  readonly parametersInSync: boolean;
  /** A static parameter was changed and no reboot followed, which may be months ago: it never shows `in-sync`. */
  readonly parametersAwaitReboot: boolean;
  readonly encrypted: boolean;
  readonly deletionProtected: boolean;
  readonly kmsKeyId: string | null;
  readonly instanceClass: string | null;
  readonly restorableUntil: number | null;
  readonly tags: Readonly<Record<string, string>>;
}

export async function lookAtInstance(ctx: ReadContext, place: Place, id: string): Promise<InstanceView> {
  try {
    const answer = await withRds(ctx, place, "read", (rds, within) =>
      rds.describeDBInstances({ DBInstanceIdentifier: id }, within),
    );
    const [one] = answer.DBInstances ?? [];
    if (!one) return { present: false, name: id, because: "missing", why: `${id} is not there` };
    return viewOf(id, one);
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    return { present: false, name: id, because: kind, why: says };
  }
}

function viewOf(name: string, one: DBInstance): PresentInstance {
  const [replication] = one.StatusInfos ?? [];
  return {
    present: true,
    name,
    arn: one.DBInstanceArn ?? null,
    resourceId: one.DbiResourceId ?? null,
    status: one.DBInstanceStatus ?? "unknown",
    multiAz: one.MultiAZ === true,
    zone: one.AvailabilityZone ?? null,
    source: one.ReadReplicaSourceDBInstanceIdentifier ?? one.ReadReplicaSourceDBClusterIdentifier ?? null,
    replicas: one.ReadReplicaDBInstanceIdentifiers ?? [],
    replication: replication ? { status: replication.Status ?? "unknown", normal: replication.Normal === true } : null,
    endpoint: one.Endpoint?.Address ? `${one.Endpoint.Address}:${one.Endpoint.Port ?? ""}` : null,
    retentionDays: one.BackupRetentionPeriod ?? 0,
    pending: Object.entries(one.PendingModifiedValues ?? {})
      .filter(([, value]) => value !== undefined)
      .map(([key]) => key),
    subnetGroup: one.DBSubnetGroup?.DBSubnetGroupName ?? null,
    securityGroups: (one.VpcSecurityGroups ?? []).map((group) => group.VpcSecurityGroupId ?? "").sort(),
    parameterGroups: (one.DBParameterGroups ?? []).map((group) => group.DBParameterGroupName ?? "").sort(),
    parametersInSync: (one.DBParameterGroups ?? []).every((group) => group.ParameterApplyStatus === "in-sync"),
    parametersAwaitReboot: (one.DBParameterGroups ?? []).some(
      (group) => group.ParameterApplyStatus === "pending-reboot",
    ),
    encrypted: one.StorageEncrypted === true,
    deletionProtected: one.DeletionProtection === true,
    kmsKeyId: one.KmsKeyId ?? null,
    instanceClass: one.DBInstanceClass ?? null,
    restorableUntil: one.LatestRestorableTime?.getTime() ?? null,
    tags: Object.fromEntries((one.TagList ?? []).map((tag) => [tag.Key ?? "", tag.Value ?? ""])),
  };
}

/** Events of the last day by AWS's own clock, newest last; an empty list when they can't be read. */
export interface Noted {
  readonly at: number;
  readonly says: string;
}

export async function eventsOf(ctx: ReadContext, place: Place, id: string): Promise<readonly Noted[] | null> {
  try {
    const about = { SourceIdentifier: id, SourceType: "db-instance", Duration: 24 * 60 } as const;
    const pages = await withRds(ctx, place, "read", (rds, within) =>
      pagesOf((from) => rds.describeEvents({ ...about, ...from }, within)),
    );
    return pages
      .flatMap(({ Events = [] }) => Events)
      .map((event) => ({ at: event.Date?.getTime() ?? 0, says: event.Message ?? "" }))
      .sort((a, b) => a.at - b.at);
  } catch (error) {
    ctx.signal.throwIfAborted();
    awsErrorOf(error);
    return null;
  }
}

/** Newest event that says so, as milliseconds of AWS's clock. */
export function newest(events: readonly Noted[] | null, says: RegExp): number | null {
  return events?.findLast((event) => says.test(event.says))?.at ?? null;
}

export function isAvailable(view: InstanceView): boolean {
  return view.present && view.status === "available";
}

const UNDER_WAY =
  /^(modifying|rebooting|backing-up|creating|renaming|failing-over|maintenance|starting|configuring-|converting-|resetting-|upgrading|rebooting-|storage-|moving-)/;

export function isUnderWay(view: InstanceView): boolean {
  return view.present && UNDER_WAY.test(view.status);
}

/**
 * Where a change has got to. Something that began after the intent is left to `verify`, which waits and proves it: a
 * second request while the first is in progress helps no one.
 */
export function doneAs(reached: boolean, seen: InstanceView, before: InstanceView | null): Done {
  if (!seen.present) return "unknown";
  if (reached) return "yes";
  if (seen.status === "available") return "no";
  if (!isUnderWay(seen)) return before === null ? "no" : "unknown";
  return before !== null && isAvailable(before) ? "yes" : "no";
}

export function isThere(seen: InstanceView, place: Place): Check {
  const id = "instance.there";
  if (!seen.present) {
    const lacks = seen.because === "denied" ? " Allow rds:DescribeDBInstances." : "";
    return {
      id,
      level: "block",
      ok: false,
      says: `${seen.name} can't be seen in ${place.region}: ${seen.why}.${lacks}`,
      ...(seen.because === "silent" && silentRegion(place)),
    };
  }
  const ok = rightArn(seen.arn, place);
  const says = ok
    ? `${seen.name} is in account ${place.account}, ${place.region}.`
    : `${seen.name} is ${seen.arn}, which is not in account ${place.account}, ${place.region}.`;
  return { id, level: "block", ok, says };
}

export function isIdle(seen: InstanceView): Check {
  const id = "instance.available";
  if (!seen.present) return { id, level: "block", ok: false, says: `The state of ${seen.name} is unknown.` };
  const waits = seen.pending.length > 0 ? ` Modifications wait: ${seen.pending.join(", ")}.` : "";
  const ok = seen.status === "available" && waits === "";
  return {
    id,
    level: "block",
    ok,
    says: `${seen.name} is ${seen.status}.${waits}${ok ? "" : " Wait until it is idle."}`,
  };
}

export function statusFact(seen: InstanceView): Fact {
  const value = seen.present ? seen.status : `not seen (${seen.because})`;
  return { id: "status", label: seen.name, value, material: false };
}

export function identityFact(seen: InstanceView): Fact {
  return { id: "instance", label: "Instance", value: seen.present ? seen.resourceId : null, material: true };
}

export function resourceOf(place: Place, id: string): string {
  return `rds:${place.account}:${place.region}:${id.toLowerCase()}`;
}

/** The instance a replica is made from. */
export interface Source {
  readonly account: string;
  readonly source: string;
  readonly sourceRegion: string;
}

export function arnOfSource({ account, source, sourceRegion }: Source): string {
  return `arn:${partitionOf(sourceRegion)}:rds:${sourceRegion}:${account}:db:${source}`;
}

export function isReplicaOf(view: InstanceView, wanted: Source): boolean {
  const of = view.present ? view.source : null;
  return of === wanted.source || of === arnOfSource(wanted);
}

/**
 * A replica goes on following its source when that is renamed: once a restored instance has the primary's name, a replica of
 * the one that was put aside holds what no one wants back.
 */
export function replicaOf(id: string, view: InstanceView, wanted: Source): Check {
  const ok = isReplicaOf(view, wanted);
  const of = (view.present ? view.source : null) ?? "nothing";
  const says = ok
    ? `${view.name} replicates ${wanted.source}.`
    : `${view.name} replicates ${of} and not ${wanted.source} (${wanted.sourceRegion}), so it holds other data.`;
  return { id, level: "block", ok, says, next: `Replace it by a replica of ${wanted.source} first.` };
}
