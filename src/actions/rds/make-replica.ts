import { z } from "zod";
import { awsPlace, change, type Identity, identify, insistOnAccount, rightAccount } from "../aws.ts";
import { type Check, type Done, defineAction } from "../contract.ts";
import { undoneByHand } from "../undo.ts";
import { withRds } from "./client.ts";
import { isFree, nameFree } from "./modify.ts";
import {
  type InstanceView,
  identityFact,
  isAvailable,
  isIdle,
  isThere,
  lookAtInstance,
  resourceOf,
  statusFact,
} from "./view.ts";
import { instanceId, rdsPlace, waitFor } from "./wait.ts";

const input = z.strictObject({
  ...rdsPlace,
  /** The new replica, in `region`. */
  replica: instanceId,
  source: instanceId,
  /** Where the source is. */
  sourceRegion: awsPlace.region,
  subnetGroup: z.string().min(1).optional(),
  securityGroups: z.array(z.string().min(1)).min(1).optional(),
  /** An encrypted source needs a key of the replica's own region. */
  kmsKeyId: z.string().min(1).optional(),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly identity: Identity;
  readonly source: InstanceView;
  readonly replica: InstanceView;
}

/** The first step of the way back: a replica of the new primary, where the old one was. */
export const makeReplica = defineAction<Input, Seen>({
  id: "rds.make_replica",
  summary: "Make a read replica of an RDS instance, in its region or in another, and see it replicate",
  input,
  risk: "reversible",
  repeat: "guarded",
  budget: { typicalSeconds: 1800, warnSeconds: 3600, failSeconds: 10_800 },
  resources: (given) => [resourceOf(given, given.replica)],
  async observe(ctx, given) {
    const [identity, source, replica] = await Promise.all([
      identify(ctx, given),
      lookAtInstance(ctx, { ...given, region: given.sourceRegion }, given.source),
      lookAtInstance(ctx, given, given.replica),
    ]);
    return { identity, source, replica };
  },
  facts: (seen, given) => [
    identityFact(seen.source),
    { id: "nameFree", label: `${given.replica} is free`, value: isFree(seen.replica), material: true },
    statusFact(seen.replica),
  ],
  ready: (seen, given) => [
    rightAccount(seen.identity, given),
    isThere(seen.source, { ...given, region: given.sourceRegion }),
    isIdle(seen.source),
    keepsBackups(seen.source),
    nameFree(seen.replica),
  ],
  done: ({ replica }, given): Done => {
    if (!replica.present) return replica.because === "missing" ? "no" : "unknown";
    return replicates(replica, given) ? "yes" : "unknown";
  },
  async apply(ctx, given) {
    await insistOnAccount(ctx, given);
    const far = given.sourceRegion !== given.region;
    await change("rds:CreateDBInstanceReadReplica", () =>
      withRds(ctx, given, "change", (rds, within) =>
        rds.createDBInstanceReadReplica(
          {
            DBInstanceIdentifier: given.replica,
            SourceDBInstanceIdentifier: far
              ? `arn:aws:rds:${given.sourceRegion}:${given.account}:db:${given.source}`
              : given.source,
            ...(far ? { SourceRegion: given.sourceRegion } : {}),
            ...(given.subnetGroup ? { DBSubnetGroupName: given.subnetGroup } : {}),
            ...(given.securityGroups ? { VpcSecurityGroupIds: given.securityGroups } : {}),
            ...(given.kmsKeyId ? { KmsKeyId: given.kmsKeyId } : {}),
          },
          within,
        ),
      ),
    );
    return { asked: true };
  },
  async verify(ctx, given) {
    await waitFor(ctx, {
      what: `${given.replica} replicating ${given.source}`,
      given,
      look: () => lookAtInstance(ctx, given, given.replica),
      arrived: (now) =>
        now.present &&
        isAvailable(now) &&
        replicates(now, given) &&
        now.replication?.normal === true &&
        now.replication.status === "replicating",
      began: (now) => now.present,
      say: (now) =>
        `${given.replica} is ${statusFact(now).value}; replication is ${(now.present && now.replication?.status) || "unknown"}`,
    });
    return {
      says: `${given.replica} replicates ${given.source}.`,
      facts: [{ id: "replica", label: "Replica", value: given.replica, material: false }],
    };
  },
  undo: undoneByHand(({ replica }) => `Delete ${replica}: this step made it.`),
});

function replicates(view: InstanceView, given: Input): boolean {
  const of = view.present ? view.source : null;
  return of === given.source || of === `arn:aws:rds:${given.sourceRegion}:${given.account}:db:${given.source}`;
}

function keepsBackups(source: InstanceView): Check {
  const days = source.present ? source.retentionDays : 0;
  const says =
    days > 0
      ? `${source.name} keeps backups for ${days} days.`
      : `${source.name} keeps no automatic backups, and RDS makes no replica without them.`;
  return { id: "source.backups", level: "block", ok: days > 0, says };
}
