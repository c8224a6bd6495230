import { Refusal } from "../../../kit/refusal.ts";
import { type AwsState, arnOf, type Instance } from "../state.ts";
import type { Call, Operation } from "../turn.ts";
import { items, type Xml } from "../xml.ts";
import { available, instance, paged, TOOK, text, UNSEEN } from "./call.ts";
import { created, instanceXml } from "./instance.ts";

/** Instances and their events: looked at, moved, replicated, renamed, deleted. */
export function instanceOperations(state: AwsState): Readonly<Record<string, Operation>> {
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

    DescribeAccountAttributes(call) {
      const used = [...state.instances.values()].filter(({ region }) => region === call.region).length;
      const quotas = [
        { AccountQuotaName: "DBInstances", Used: used, Max: state.instanceQuota },
        { AccountQuotaName: "ReservedDBInstances", Used: 0, Max: 40 },
        { AccountQuotaName: "ManualSnapshots", Used: 0, Max: 100 },
      ];
      return { answer: { AccountQuotas: items("AccountQuota", quotas) } };
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
  };
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

function rename(state: AwsState, one: Instance, to: string): void {
  state.instances.delete(`${one.region}/${one.id}`);
  // Replicas stay associated with the instance, whatever it is called.
  for (const other of state.instances.values())
    if (other.source?.id === one.id && other.source.region === one.region) other.source = { ...other.source, id: to };
  one.id = to;
  state.instances.set(`${one.region}/${to}`, one);
}
