import { Refusal } from "../../../kit/refusal.ts";
import { ordinaryBackups, ordinarySnapshot } from "../ordinary.ts";
import { type AwsState, arnOf } from "../state.ts";
import type { Operation } from "../turn.ts";
import { items } from "../xml.ts";
import { bare, instance, paged, TOOK, text } from "./call.ts";
import { created } from "./instance.ts";

/** Snapshots and automated backups, and what is restored from them. */
export function backupOperations(state: AwsState): Readonly<Record<string, Operation>> {
  return {
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
  };
}
