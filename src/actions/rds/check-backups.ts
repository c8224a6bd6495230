import { z } from "zod";
import { type Identity, identify, rightAccount } from "../aws.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { defineLook } from "../read.ts";
import { newestUsable, type Snapshots, snapshotsOf } from "./snapshots.ts";
import { type InstanceView, isThere, lookAtInstance } from "./view.ts";
import { instanceId, rdsPlace } from "./wait.ts";

const input = z.strictObject({
  ...rdsPlace,
  instance: instanceId,
  /** How old the newest snapshot may be: a day and a little for daily ones. */
  snapshotMaxAgeSeconds: z
    .number()
    .int()
    .positive()
    .default(26 * 3600),
  /** How far behind the latest point is that can be restored to: AWS is about five minutes behind. */
  restorableWithinSeconds: z.number().int().positive().default(900),
  retentionDaysMin: z.number().int().min(1).max(35).default(7),
  encrypted: z.boolean().default(true),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly identity: Identity;
  readonly instance: InstanceView;
  readonly snapshots: Snapshots;
  readonly lookedAt: number;
}

/** Looks whether an instance could be restored, and to when. */
export const checkBackups = defineLook<Input, Seen>({
  id: "rds.check_backups",
  summary: "Look at the backups of an RDS instance: how new, how far back, whether encrypted",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 30 },
  observe: look,
  facts: factsOf,
  checks: checksOf,
  where: ({ instance }) => instance,
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [identity, instance, snapshots] = await Promise.all([
    identify(ctx, given),
    lookAtInstance(ctx, given, given.instance),
    snapshotsOf(ctx, given, given.instance),
  ]);
  return { identity, instance, snapshots, lookedAt: Date.now() };
}

function ageOf(seen: Seen): number | null {
  const at = newestUsable(seen.snapshots)?.at ?? null;
  return at === null ? null : Math.max(0, Math.round((seen.lookedAt - at) / 1000));
}

function behindOf({ instance, lookedAt }: Seen): number | null {
  const until = instance.present ? instance.restorableUntil : null;
  return until === null ? null : Math.max(0, Math.round((lookedAt - until) / 1000));
}

function factsOf(seen: Seen): Fact[] {
  const fact = (id: string, label: string, value: Fact["value"]): Fact => ({ id, label, value, material: false });
  const newest = newestUsable(seen.snapshots);
  return [
    fact("snapshot", "Newest snapshot", newest?.id ?? null),
    fact("snapshotAgeSeconds", "Its age, seconds", ageOf(seen)),
    fact("snapshots", "Snapshots", seen.snapshots.why === null ? seen.snapshots.all.length : null),
    fact("restorableBehindSeconds", "Restorable up to, seconds ago", behindOf(seen)),
    fact("retentionDays", "Backups kept, days", seen.instance.present ? seen.instance.retentionDays : null),
    fact("encrypted", "Encrypted", newest?.encrypted ?? null),
  ];
}

function checksOf(seen: Seen, given: Input): Check[] {
  const { instance, snapshots, identity } = seen;
  const block = (id: string, ok: boolean, says: string): Check => ({ id, level: "block", ok, says });
  const checks = [rightAccount(identity, given), isThere(instance, given)];
  if (snapshots.why !== null) {
    return [...checks, block("snapshots.readable", false, `Its snapshots can't be read: ${snapshots.why}.`)];
  }
  const newest = newestUsable(snapshots);
  const [age, behind] = [ageOf(seen), behindOf(seen)];
  const kept = instance.present ? instance.retentionDays : 0;
  return [
    ...checks,
    block(
      "snapshot.age",
      age !== null && age <= given.snapshotMaxAgeSeconds,
      age === null
        ? `${given.instance} has no snapshot that can be restored.`
        : `Its newest snapshot ${newest?.id} is ${age} s old; the limit is ${given.snapshotMaxAgeSeconds} s.`,
    ),
    block(
      "restorable",
      behind !== null && behind <= given.restorableWithinSeconds,
      behind === null
        ? `${given.instance} keeps no automated backups, so there is no time to go back to.`
        : `It can be restored up to ${behind} s ago; the limit is ${given.restorableWithinSeconds} s.`,
    ),
    block(
      "retention",
      kept >= given.retentionDaysMin,
      `Backups are kept for ${kept} days; at least ${given.retentionDaysMin} are wanted.`,
    ),
    block(
      "encrypted",
      !given.encrypted || newest?.encrypted === true,
      `The newest snapshot is ${newest?.encrypted ? "" : "not "}encrypted.`,
    ),
  ];
}
