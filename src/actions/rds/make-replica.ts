import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { after, awaited } from "../awaited.ts";
import { awsPlace, change, type Identity, identify, insistOnAccount, rightAccount } from "../aws.ts";
import { type Check, type Done, defineAction } from "../contract.ts";
import { undoneByHand } from "../undo.ts";
import { withRds } from "./client.ts";
import { isFree, nameFree } from "./modify.ts";
import {
  arnOfSource,
  type InstanceView,
  identityFact,
  isAvailable,
  isIdle,
  isReplicaOf,
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
  /** Another region only: in its own, a replica is where its source is. Left out, RDS takes the region's default network. */
  subnetGroup: z.string().min(1).optional(),
  securityGroups: z.array(z.string().min(1)).min(1).optional(),
  /** Left out: the source's in its own region, the engine's default (which no one can change) in another. */
  parameterGroup: z.string().min(1).optional(),
  /** `db.r6g.large`; left out: the source's. */
  instanceClass: z
    .string()
    .regex(/^db\.[a-z0-9.-]+$/)
    .optional(),
  /** A key of the replica's own region: needed for an encrypted source in another region, refused in its own. */
  kmsKeyId: z.string().min(1).optional(),
  /** The step that frees the name. */
  after,
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
  service: "aside",
  opens: () => true,
  endsFence: true,
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
  ready: (seen, given, evidence) => [
    rightAccount(seen.identity, given),
    isThere(seen.source, { ...given, region: given.sourceRegion }),
    isIdle(seen.source),
    keepsBackups(seen.source),
    keyFits(seen.source, given),
    ...(isFar(given) ? [networkNamed(given), parametersNamed(given)] : [networkInherited(given)]),
    ...awaited([nameFree(seen.replica)], given.after, evidence),
  ],
  done: ({ replica }, given): Done => {
    if (!replica.present) return replica.because === "missing" ? "no" : "unknown";
    return isReplicaOf(replica, given) ? "yes" : "unknown";
  },
  async apply(ctx, given) {
    await insistOnAccount(ctx, given);
    const far = isFar(given);
    await change("rds:CreateDBInstanceReadReplica", () =>
      withRds(ctx, given, "change", (rds, within) =>
        rds.createDBInstanceReadReplica(
          {
            DBInstanceIdentifier: given.replica,
            SourceDBInstanceIdentifier: far ? arnOfSource(given) : given.source,
            ...(far ? { SourceRegion: given.sourceRegion } : {}),
            ...(given.subnetGroup ? { DBSubnetGroupName: given.subnetGroup } : {}),
            ...(given.securityGroups ? { VpcSecurityGroupIds: given.securityGroups } : {}),
            ...(given.parameterGroup ? { DBParameterGroupName: given.parameterGroup } : {}),
            ...(given.instanceClass ? { DBInstanceClass: given.instanceClass } : {}),
            ...(given.kmsKeyId ? { KmsKeyId: given.kmsKeyId } : {}),
          },
          within,
        ),
      ),
    );
    return { asked: true };
  },
  async verify(ctx, given) {
    const made = await waitFor(ctx, {
      what: `${given.replica} replicating ${given.source}`,
      given,
      look: () => lookAtInstance(ctx, given, given.replica),
      arrived: (now) =>
        now.present &&
        isAvailable(now) &&
        isReplicaOf(now, given) &&
        now.replication?.normal === true &&
        now.replication.status === "replicating",
      began: (now) => now.present,
      say: (now) =>
        `${given.replica} is ${statusFact(now).value}; replication is ${(now.present && now.replication?.status) || "unknown"}`,
    });
    refuseUnlike(made, given);
    return {
      says: `${given.replica} replicates ${given.source}.`,
      facts: [
        { id: "replica", label: "Replica", value: given.replica, material: false },
        { id: "endpoint", label: "Endpoint", value: made.present ? made.endpoint : null, material: false },
      ],
    };
  },
  undo: undoneByHand(({ replica }) => `Delete ${replica}: this step made it.`),
});

function isFar({ region, sourceRegion }: Input): boolean {
  return region !== sourceRegion;
}

/** It replicates, and is not as it was requested: no one could reach it, or fence it, on the day it is needed. */
function refuseUnlike(made: InstanceView, given: Input): void {
  if (!made.present) return;
  const { subnetGroup, securityGroups = [], parameterGroup, instanceClass } = given;
  const unlike = [
    ...(subnetGroup && made.subnetGroup !== subnetGroup ? [`subnet group ${made.subnetGroup}`] : []),
    ...(securityGroups.some((one) => !made.securityGroups.includes(one))
      ? [`security groups ${made.securityGroups.join(", ")}`]
      : []),
    ...(parameterGroup && !made.parameterGroups.includes(parameterGroup)
      ? [`parameter group ${made.parameterGroups.join(", ")}`]
      : []),
    ...(instanceClass && made.instanceClass !== instanceClass ? [`class ${made.instanceClass}`] : []),
  ];
  if (unlike.length === 0) return;
  throw new LifeboatError({
    code: "replica-unlike",
    where: given.replica,
    what: `The replica has ${unlike.join(", ")}, which differs from the request`,
    stateNow: `${given.replica} replicates ${given.source}`,
    next: "Modify the instance, or delete it and retry the step",
  });
}

/** As RDS would refuse it after the approval: `InvalidParameterCombination`. */
function keyFits(source: InstanceView, given: Input): Check {
  const id = "source.encryption";
  if (!source.present)
    return { id, level: "block", ok: false, says: `Whether ${source.name} is encrypted is unknown.` };
  const wrong = !source.encrypted
    ? given.kmsKeyId && `${source.name} is not encrypted, and no encrypted replica is made of it`
    : isFar(given)
      ? !given.kmsKeyId && `${source.name} is encrypted: kmsKeyId has to name a key of ${given.region}`
      : given.kmsKeyId && `In its own region ${given.replica} gets the key of ${source.name}`;
  const foreign = given.kmsKeyId?.startsWith("arn:") && given.kmsKeyId.split(":")[3] !== given.region;
  const elsewhere = foreign ? `The key ${given.kmsKeyId} is not of ${given.region}` : "";
  const says = wrong || elsewhere;
  const unwanted = Boolean(given.kmsKeyId) && !(source.encrypted && isFar(given));
  return {
    ...{ id, level: "block", ok: !says, says: says ? `${says}.` : "The key fits the source and the region." },
    ...(unwanted && { next: "Leave kmsKeyId out." }),
  };
}

/** The default network's security group lets no one in, and the application is not in it. */
function networkNamed({ subnetGroup, securityGroups, region }: Input): Check {
  const lacks = [...(subnetGroup ? [] : ["subnetGroup"]), ...(securityGroups ? [] : ["securityGroups"])];
  const ok = lacks.length === 0;
  const says = ok
    ? "Its network is named."
    : `${lacks.join(" and ")} not named: the replica lands in the default network of ${region}, where the application may not reach it.`;
  return { id: "replica.network", level: "warn", ok, says };
}

/** `DBSubnetGroupNotAllowedFault`. */
function networkInherited({ subnetGroup, replica }: Input): Check {
  const ok = subnetGroup === undefined;
  const says = ok
    ? `${replica} is in the network of its source.`
    : `In its source's region ${replica} is in its source's network.`;
  return { id: "replica.network", level: "block", ok, says, next: "Leave subnetGroup out." };
}

function parametersNamed({ parameterGroup, replica }: Input): Check {
  const ok = parameterGroup !== undefined;
  const says = ok
    ? `${replica} gets parameter group ${parameterGroup}.`
    : `parameterGroup not named: ${replica} gets the engine's default, which cannot be changed, so rds.set_read_only cannot fence it.`;
  return { id: "replica.parameters", level: "warn", ok, says };
}

function keepsBackups(source: InstanceView): Check {
  const days = source.present ? source.retentionDays : 0;
  const says =
    days > 0
      ? `${source.name} keeps backups for ${days} days.`
      : `${source.name} keeps no automatic backups, and RDS makes no replica without them.`;
  return { id: "source.backups", level: "block", ok: days > 0, says };
}
