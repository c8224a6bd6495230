import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { change, type Identity, identify, insistOnAccount, rightAccount } from "../aws.ts";
import { type Check, type Done, defineAction, type Evidence, type Evidences, type ReadContext } from "../contract.ts";
import { neverUndone } from "../undo.ts";
import { withRds } from "./client.ts";
import { type Snapshots, snapshotsOf } from "./snapshots.ts";
import { type InstanceView, identityFact, isIdle, isThere, lookAtInstance, resourceOf, statusFact } from "./view.ts";
import { instanceId, rdsPlace, showsLate, waitFor } from "./wait.ts";

const input = z.strictObject({
  ...rdsPlace,
  instance: instanceId,
  /** The step that fenced it, or accepted that it does not answer: what still takes writes is not deleted. */
  fenceStep: z.string().min(1),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly identity: Identity;
  readonly instance: InstanceView;
  /** Of this instance's name, also when it is gone. */
  readonly snapshots: Snapshots;
}

/**
 * Deletes an old primary after a final snapshot of it, so that its name, its endpoint and its parameter group are free for the replica that
 * takes its place. A replica, which holds what its source holds, goes without a snapshot. Automated backups of it stay for as long as they were to be kept.
 */
export const deleteInstance = defineAction<Input, Seen>({
  id: "rds.delete",
  summary: "Delete an RDS instance that was fenced, after a final snapshot of it",
  input,
  risk: "irreversible",
  service: "aside",
  repeat: "guarded",
  ...showsLate,
  budget: { typicalSeconds: 600, warnSeconds: 1800, failSeconds: 7200 },
  resources: (given) => [resourceOf(given, given.instance)],
  observe: look,
  facts: ({ instance }) => [
    identityFact(instance),
    { id: "finalSnapshot", label: "Final snapshot", value: finalSnapshotOf(instance), material: true },
    statusFact(instance),
  ],
  ready: (seen, given, evidence) => [
    rightAccount(seen.identity, given),
    isThere(seen.instance, given),
    isIdle(seen.instance),
    hasNoReplicas(seen.instance),
    mayBeDeleted(seen.instance),
    fenceHolds(given, evidence),
  ],
  done({ instance }, _given, before): Done {
    if (!instance.present) return instance.because === "missing" ? "yes" : "unknown";
    if (before === null || !before.instance.present) return "no";
    // Its name may be another instance's by now.
    if (instance.resourceId !== before.instance.resourceId) return "unknown";
    return instance.status === "deleting" ? "yes" : instance.status === "available" ? "no" : "unknown";
  },
  async apply(ctx, given, { instance }) {
    await insistOnAccount(ctx, given);
    const snapshot = finalSnapshotOf(instance);
    // Without a snapshot only what is known to be a replica goes.
    if (snapshot === null && !(instance.present && instance.source !== null)) throw unseen(given);
    await change("rds:DeleteDBInstance", () =>
      withRds(ctx, given, "change", (rds, within) =>
        rds.deleteDBInstance(
          {
            DBInstanceIdentifier: given.instance,
            SkipFinalSnapshot: snapshot === null,
            ...(snapshot === null ? {} : { FinalDBSnapshotIdentifier: snapshot }),
            DeleteAutomatedBackups: false,
          },
          within,
        ),
      ),
    );
    return { asked: true };
  },
  async verify(ctx, given, before): Promise<Evidence> {
    const { instance } = await waitFor(ctx, {
      what: `${given.instance} being gone`,
      given,
      look: () => look(ctx, given),
      arrived: ({ instance: now }) => !now.present && now.because === "missing",
      began: ({ instance: now }) => !now.present || now.status === "deleting",
      say: ({ instance: now }) => `${given.instance} is ${statusFact(now).value}`,
    });
    const wanted = finalSnapshotOf(before.instance);
    const { snapshots } = await look(ctx, given);
    const kept = snapshots.all.find(({ id }) => id === wanted && wanted !== null) ?? null;
    const replica = before.instance.present && before.instance.source !== null;
    const says = kept
      ? `${instance.name} is deleted. What it held is in its final snapshot ${kept.id}, which is ${kept.status}.`
      : `${instance.name} is ${replica ? "deleted. It was a replica" : "not there"}.${wanted === null ? "" : ` A snapshot ${wanted} was not found: it was deleted by another way.`}`;
    return {
      says,
      facts: [{ id: "finalSnapshot", label: "Final snapshot", value: kept?.id ?? null, material: false }],
    };
  },
  undo: neverUndone(
    ({ instance }) => `Only a restore of the final snapshot, as another instance, brings back what ${instance} held.`,
  ),
});

function unseen({ instance }: Input): LifeboatError {
  const stateNow = "Nothing was deleted";
  return new LifeboatError({ code: "instance-unseen", what: `${instance} was not seen`, stateNow });
}

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [identity, instance, snapshots] = await Promise.all([
    identify(ctx, given),
    lookAtInstance(ctx, given, given.instance),
    snapshotsOf(ctx, given, given.instance),
  ]);
  return { identity, instance, snapshots };
}

/**
 * The instance's own resource id is in it, so no two instances of one name share it. Null: it was not seen, or it is a replica, of which RDS
 * makes none.
 */
function finalSnapshotOf(view: InstanceView): string | null {
  if (!view.present || view.resourceId === null || view.source !== null) return null;
  return `${view.name}-final-${view.resourceId.toLowerCase()}`;
}

/** RDS promotes replicas in other regions when their source is deleted: each would take writes of its own. */
function hasNoReplicas(seen: InstanceView): Check {
  const replicas = seen.present ? seen.replicas : [];
  const ok = replicas.length === 0;
  const says = ok
    ? `Nothing replicates ${seen.name}.`
    : `${replicas.join(", ")} replicates ${seen.name}, and would be a primary of its own if that is deleted.`;
  return { id: "instance.noReplicas", level: "block", ok, says };
}

function mayBeDeleted(seen: InstanceView): Check {
  const ok = !(seen.present && seen.deletionProtected);
  const says = ok ? `${seen.name} has no deletion protection.` : `${seen.name} has deletion protection.`;
  return {
    id: "instance.deletable",
    level: "block",
    ok,
    says,
    next: `Switch it off: aws rds modify-db-instance --db-instance-identifier ${seen.name} --no-deletion-protection.`,
  };
}

function fenceHolds({ fenceStep, instance }: Input, evidence: Evidences): Check {
  const facts = evidence.evidenceOf(fenceStep)?.facts;
  const fact = (name: string) => facts?.find((one) => one.id === name)?.value;
  const ok = fact("fenced") === true || fact("fenceAccepted") === true;
  const says = ok
    ? `${instance} takes no writes.`
    : `There is no evidence that ${instance} takes no writes: step ${fenceStep} has to be verified first.`;
  return { id: "evidence.fence", level: "block", ok, says, madeSoBy: { steps: [fenceStep] } };
}
