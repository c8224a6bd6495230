import type { RDS } from "@aws-sdk/client-rds";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { awsErrorOf, awsPlace, change, type Identity, identify, insistOnAccount, rightAccount } from "../aws.ts";
import {
  type Action,
  type ApplyContext,
  type Check,
  type Done,
  defineAction,
  type Evidence,
  type Fact,
  type ReadContext,
} from "../contract.ts";
import { undoneByHand } from "../undo.ts";
import { pagesOf, withRds } from "./client.ts";
import { newestUsable, type Snapshots, snapshotsOf } from "./snapshots.ts";
import { type InstanceView, isAvailable, isUnderWay, lookAtInstance, resourceOf, statusFact } from "./view.ts";
import { instanceId, rdsPlace, waitFor } from "./wait.ts";

/** Left to AWS, a restored instance is Single-AZ, in the default subnet group, behind the default security group. */
const shape = {
  ...rdsPlace,
  target: instanceId,
  subnetGroup: z.string().min(1),
  securityGroups: z.array(z.string().min(1)).min(1),
  parameterGroup: z.string().min(1),
  multiAz: z.boolean().default(false),
};
const pitrInput = z.strictObject({
  ...shape,
  source: instanceId,
  /** Where the instance is, or was, if not in `region`: its automated backups that are replicated here are restored. */
  sourceRegion: awsPlace.region.optional(),
  /** A point in time, or the latest there is. */
  time: z.union([z.literal("latest"), z.iso.datetime({ offset: true })]),
});
const snapshotInput = z
  .strictObject({
    ...shape,
    /** A snapshot by its name … */
    snapshot: z.string().min(1).optional(),
    /** … or the newest of this instance that can be restored, as it is when people are asked. */
    newestOf: instanceId.optional(),
    /** With `newestOf`: only those made before this moment, for data that was harmed then. */
    before: z.iso.datetime({ offset: true }).optional(),
  })
  .refine(({ snapshot, newestOf }) => (snapshot === undefined) !== (newestOf === undefined), {
    message: "needs either snapshot or newestOf",
  })
  .refine(({ newestOf, before }) => before === undefined || newestOf !== undefined, {
    message: "before belongs to newestOf",
  });
type Shape = Omit<z.infer<typeof pitrInput>, "source" | "time">;
type Pitr = z.infer<typeof pitrInput>;
type FromSnapshot = z.infer<typeof snapshotInput>;
/** What is read of it where everything is one object. */
type SnapshotSource = Pick<FromSnapshot, "snapshot" | "newestOf" | "before">;

/** How we know our own restored instance again, no matter who asks: AWS keeps it on the instance. */
const TAG = "lifeboat:restored-from";

interface Seen {
  readonly identity: Identity;
  readonly target: InstanceView;
  /** What it is made from: what there is of it, and why it can or can't be used. */
  readonly from: {
    readonly usable: boolean;
    readonly says: string;
    readonly snapshot?: string;
    readonly backups?: string;
  };
}

export const restorePitr = defineAction<Pitr, Seen>({
  ...shared<Pitr>(
    "rds:RestoreDBInstanceToPointInTime",
    ({ source, time }) => `${source}@${time}`,
    lookAtSource,
    (rds, given, common, within, { from }) =>
      rds.restoreDBInstanceToPointInTime(
        {
          ...common,
          ...(from.backups === undefined
            ? { SourceDBInstanceIdentifier: given.source }
            : { SourceDBInstanceAutomatedBackupsArn: from.backups }),
          TargetDBInstanceIdentifier: given.target,
          ...(given.time === "latest" ? { UseLatestRestorableTime: true } : { RestoreTime: new Date(given.time) }),
        },
        within,
      ),
  ),
  id: "rds.restore_pitr",
  summary: "Restore an RDS instance to a point in time, as a new instance beside it",
  input: pitrInput,
});

export const restoreSnapshot = defineAction<FromSnapshot, Seen>({
  ...shared<FromSnapshot>(
    "rds:RestoreDBInstanceFromDBSnapshot",
    nameOfSource,
    lookAtSnapshot,
    (rds, given, common, within, seen) =>
      rds.restoreDBInstanceFromDBSnapshot(
        { ...common, DBInstanceIdentifier: given.target, DBSnapshotIdentifier: seen.from.snapshot },
        within,
      ),
  ),
  id: "rds.restore_snapshot",
  summary: "Restore an RDS snapshot as a new instance",
  input: snapshotInput,
});

interface Common {
  readonly DBSubnetGroupName: string;
  readonly VpcSecurityGroupIds: string[];
  readonly DBParameterGroupName: string;
  readonly MultiAZ: boolean;
  readonly Tags: { readonly Key: string; readonly Value: string }[];
}

type Send<I> = (
  rds: RDS,
  given: I,
  common: Common,
  within: { abortSignal: AbortSignal },
  seen: Seen,
) => Promise<unknown>;

function shared<I extends Shape>(
  permission: string,
  nameOf: (given: I) => string,
  lookFrom: (ctx: ReadContext, given: I) => Promise<Seen["from"]>,
  send: Send<I>,
): Omit<Action<I, Seen>, "id" | "summary" | "input"> {
  const look = async (ctx: ReadContext, given: I): Promise<Seen> => {
    const [identity, target, from] = await Promise.all([
      identify(ctx, given),
      lookAtInstance(ctx, given, given.target),
      lookFrom(ctx, given),
    ]);
    return { identity, target, from };
  };
  return {
    risk: "reversible",
    service: "restores",
    opens: () => true,
    repeat: "guarded",
    budget: { typicalSeconds: 1800, warnSeconds: 3600, failSeconds: 10_800 },
    resources: (given: I) => [resourceOf(given, given.target)],
    observe: look,
    facts: (seen: Seen, given: I): Fact[] => [
      { id: "from", label: "Restored from", value: seen.from.snapshot ?? nameOf(given), material: true },
      { id: "nameFree", label: `${given.target} is free`, value: isFree(seen), material: true },
      { id: "source", label: "Source", value: seen.from.says, material: false },
      statusFact(seen.target),
    ],
    ready: (seen: Seen, given: I): Check[] => [
      rightAccount(seen.identity, given),
      { id: "restore.source", level: "block", ok: seen.from.usable, says: seen.from.says },
      nameFree(seen, given),
    ],
    done: (seen: Seen, given: I): Done => {
      if (!seen.target.present) return isFree(seen) ? "no" : "unknown";
      // A name that someone else took is no restore of ours, whatever was recorded.
      return seen.target.tags[TAG] === tagValue(nameOf(given)) ? "yes" : "unknown";
    },
    async apply(ctx: ApplyContext, given: I, seen: Seen) {
      await insistOnAccount(ctx, given);
      const common: Common = {
        DBSubnetGroupName: given.subnetGroup,
        VpcSecurityGroupIds: [...given.securityGroups],
        DBParameterGroupName: given.parameterGroup,
        MultiAZ: given.multiAz,
        Tags: [{ Key: TAG, Value: tagValue(nameOf(given)) }],
      };
      await change(permission, () =>
        withRds(ctx, given, "change", (rds, within) => send(rds, given, common, within, seen)),
      );
      return { asked: true };
    },
    verify: (ctx: ApplyContext, given: I): Promise<Evidence> => seenRestored(ctx, given, nameOf(given)),
    undo: undoneByHand(({ target }: I) => `Delete ${target}, once nothing uses it: this step made it.`),
  };
}

async function seenRestored(ctx: ApplyContext, given: Shape, from: string): Promise<Evidence> {
  let unlikeSince: number | null = null;
  const seen = await waitFor(ctx, {
    what: `${given.target} being available in the requested groups`,
    given,
    async look() {
      const now = await lookAtInstance(ctx, given, given.target);
      const wrong = now.present && isAvailable(now) ? unlike(now, given) : null;
      unlikeSince = wrong === null ? null : (unlikeSince ?? performance.now());
      // What is still on its way shows within that time; after it nothing more will come of itself.
      if (wrong !== null && performance.now() - (unlikeSince ?? 0) > given.startsWithinSeconds * 1000) {
        throw restoredUnlike(given, wrong);
      }
      return now;
    },
    arrived: (now) => now.present && isAvailable(now) && unlike(now, given) === null,
    began: (now) => now.present && (isUnderWay(now) || isAvailable(now)),
    say: (now) => {
      const wrong = now.present && isAvailable(now) ? unlike(now, given) : null;
      return `${given.target} is ${statusFact(now).value}${wrong === null ? "" : `, and ${wrong}`}`;
    },
  });
  const endpoint = seen.present ? seen.endpoint : null;
  return {
    says: `${given.target} is restored from ${from} and available${endpoint ? ` at ${endpoint}` : ""}. What it holds is for a database check to show; its first reads are slow.`,
    facts: [
      { id: "restored", label: "Restored", value: given.target, material: false },
      { id: "endpoint", label: "Endpoint", value: endpoint, material: false },
    ],
  };
}

function restoredUnlike({ target }: Shape, wrong: string): LifeboatError {
  return new LifeboatError({
    code: "restored-unlike",
    where: target,
    what: `The restored instance differs from the request: ${wrong}`,
    stateNow: `${target} is available and nothing uses it yet`,
    next: "Modify the instance, or delete it and retry the step",
  });
}

function unlike(now: InstanceView & { present: true }, given: Shape): string | null {
  const groups = [...given.securityGroups].sort().join(", ");
  if (now.securityGroups.join(", ") !== groups)
    return `its security groups are ${now.securityGroups.join(", ")}, not ${groups}`;
  if (now.subnetGroup !== given.subnetGroup) return `its subnet group is ${now.subnetGroup}, not ${given.subnetGroup}`;
  if (!now.parameterGroups.includes(given.parameterGroup)) return `its parameter group is not ${given.parameterGroup}`;
  return now.multiAz === given.multiAz ? null : `it is ${now.multiAz ? "" : "not "}Multi-AZ`;
}

function isFree({ target }: Seen): boolean | null {
  if (target.present) return false;
  return target.because === "missing" ? true : null;
}

function nameFree(seen: Seen, { target }: Shape): Check {
  const free = isFree(seen);
  const says = free
    ? `The name ${target} is free.`
    : free === false
      ? `${target} exists already and is not this step's restore.`
      : `Whether the name ${target} is free can't be seen.`;
  const next = free === false ? "Choose another name." : null;
  return { id: "restore.nameFree", level: "block", ok: free === true, says, ...(next !== null && { next }) };
}

async function lookAtSource(ctx: ReadContext, given: Pitr): Promise<Seen["from"]> {
  const { source: name, region, sourceRegion = region } = given;
  if (sourceRegion !== region) return await lookAtBackups(ctx, given, sourceRegion);
  const source = await lookAtInstance(ctx, given, name);
  // Deleted, its backups may have been kept.
  if (!source.present && source.because === "missing") return await lookAtBackups(ctx, given, region);
  if (!source.present) return { usable: false, says: `${name} can't be seen: ${source.why}` };
  return within(given, name, null, source.restorableUntil);
}

/** Automated backups without their instance: replicated from its region, or retained when it was deleted. */
async function lookAtBackups(ctx: ReadContext, given: Pitr, region: string): Promise<Seen["from"]> {
  const what = `Automated backups of ${given.source} from ${region}`;
  try {
    const pages = await withRds(ctx, given, "read", (rds, within) =>
      pagesOf((from) =>
        rds.describeDBInstanceAutomatedBackups({ DBInstanceIdentifier: given.source, ...from }, within),
      ),
    );
    const found = pages
      .flatMap(({ DBInstanceAutomatedBackups = [] }) => DBInstanceAutomatedBackups)
      .find((one) => one.Region === region);
    const backups = found?.DBInstanceAutomatedBackupsArn;
    if (backups === undefined) return { usable: false, says: `${what} are not in ${given.region}` };
    const { EarliestTime, LatestTime } = found?.RestoreWindow ?? {};
    return { ...within(given, what, EarliestTime?.getTime() ?? null, LatestTime?.getTime() ?? null), backups };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    const lacks = kind === "denied" ? ". Allow rds:DescribeDBInstanceAutomatedBackups" : "";
    return { usable: false, says: `${what} can't be seen: ${says}${lacks}` };
  }
}

/** @param latest milliseconds since 1970; null: nothing is kept */
function within({ time }: Pitr, what: string, earliest: number | null, latest: number | null): Seen["from"] {
  if (latest === null) return { usable: false, says: `${what} keeps no backups, so there is no time to go back to` };
  const until = new Date(latest).toISOString();
  const wanted = time === "latest" ? latest : Date.parse(time);
  if (wanted > latest)
    return { usable: false, says: `${what} can be restored up to ${until}, which is before ${time}` };
  if (earliest !== null && wanted < earliest) {
    return {
      usable: false,
      says: `${what} can be restored from ${new Date(earliest).toISOString()}, which is after ${time}`,
    };
  }
  return { usable: true, says: `${what} can be restored up to ${until}` };
}

async function lookAtSnapshot(ctx: ReadContext, given: FromSnapshot): Promise<Seen["from"]> {
  const { snapshot, newestOf, before } = given;
  if (newestOf !== undefined) return newestFrom(await snapshotsOf(ctx, given, newestOf), newestOf, before);
  try {
    const answer = await withRds(ctx, given, "read", (rds, within) =>
      rds.describeDBSnapshots({ DBSnapshotIdentifier: snapshot }, within),
    );
    const status = answer.DBSnapshots?.[0]?.Status ?? "not there";
    return { usable: status === "available", says: `Snapshot ${snapshot} is ${status}`, snapshot: snapshot ?? "" };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { usable: false, says: `Snapshot ${snapshot} can't be seen: ${awsErrorOf(error).says}` };
  }
}

function newestFrom(snapshots: Snapshots, of: string, before?: string): Seen["from"] {
  const newest = newestUsable(snapshots, before === undefined ? undefined : Date.parse(before));
  const than = before === undefined ? "" : ` from before ${before}`;
  if (newest === null || newest.at === null) {
    return {
      usable: false,
      says: `${of} has no snapshot${than} that can be restored${snapshots.why ? `: ${snapshots.why}` : ""}`,
    };
  }
  const says = `The newest snapshot of ${of}${than} is ${newest.id}, from ${new Date(newest.at).toISOString()}`;
  return { usable: true, says, snapshot: newest.id };
}

function nameOfSource({ snapshot, newestOf, before }: SnapshotSource): string {
  return snapshot ?? `newest of ${newestOf}${before === undefined ? "" : ` before ${before}`}`;
}

/** Tags allow few characters. */
function tagValue(name: string): string {
  return name.replace(/[^\w.:/=+@-]/g, "_").slice(0, 256);
}
