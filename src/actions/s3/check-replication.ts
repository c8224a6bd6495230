import { z } from "zod";
import { partitionOf } from "../aws.ts";
import { type Readings, readMetric } from "../aws-metrics.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { clockOf } from "../loss.ts";
import { defineLook } from "../read.ts";
import { answers, bucketInput, type Look, lookInto, nameOf } from "./bucket.ts";
import { eachOf, type Listed, listAll, TooMany } from "./listing.ts";

const input = z.strictObject({
  source: bucketInput,
  destination: bucketInput,
  prefix: z.string().max(1000).default(""),
  rpoSeconds: z.number().min(0),
  /** So many objects at most are requested their status: those the destination does not list the same, the oldest first, then the youngest. */
  sample: z.number().int().min(1).max(5_000).default(200),
  objectsMax: z.number().int().min(1).max(1_000_000).default(100_000),
  /** CloudWatch's `ReplicationLatency` of a rule, where S3's replication metrics are on; in the region that publishes them. */
  metric: z.strictObject({ ruleId: z.string().min(1), region: z.string().min(1) }).optional(),
  /**
   * `block`: what can't be seen is not within the RPO. `warn`: for the day the source's region is gone: the loss is
   * unknown, and that is what the people who approve are told.
   */
  whenUnknown: z.enum(["block", "warn"]).default("block"),
});
type Input = z.infer<typeof input>;

interface Counted {
  readonly objects: number;
  readonly asked: number;
  /** The destination does not list these the same, and they are more than are asked; absent in older logs. */
  readonly unasked?: number;
  readonly pending: number;
  readonly failed: number;
  readonly unreplicated: number;
  readonly oldestPendingSeconds: number | null;
  /** When it was written, milliseconds since 1970; absent in older logs. */
  readonly oldestPendingAt?: number | null;
  readonly failedKeys: readonly string[];
}
interface Seen {
  readonly source: Look<{ readonly rule: string | null; readonly counted: Counted }>;
  readonly destination: Look<{ readonly youngestReplicaAt: number | null }>;
  readonly latency: Readings | null;
  readonly lookedAt: number;
}

const AT_ONCE = 16;

/** What would be missing on the other side if this one were lost now. */
export const checkReplication = defineLook<Input, Seen>({
  id: "s3.check_replication",
  summary: "See what a bucket has not yet copied to its replica, and for how long",
  input,
  budget: { typicalSeconds: 5, warnSeconds: 15, failSeconds: 60 },
  observe: look,
  facts: factsOf,
  checks: checksOf,
  where: ({ source }) => nameOf(source),
  goesWithout: ({ whenUnknown }) => (whenUnknown === "warn" ? ["source"] : []),
  says: sentence,
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const { source, destination, prefix, objectsMax, metric } = given;
  let copies: Objects | null = null;
  const copied = lookInto(ctx, destination, async () => {
    copies = await listAll(ctx, destination, prefix, objectsMax);
    return { youngestReplicaAt: youngestOf([...copies.values()], 1)[0]?.at ?? null };
  });
  const [from, to, latency] = await Promise.all([
    lookAtSource(ctx, given, async () => {
      await copied.catch(() => null);
      return copies;
    }),
    copied,
    metric && source.account
      ? readMetric(ctx, { account: source.account, region: metric.region }, latencyOf(given, metric.ruleId))
      : null,
  ]);
  return { source: from, destination: to, latency, lookedAt: Date.now() };
}

type Objects = ReadonlyMap<string, Listed>;

/** @param copiesOf what the destination lists; null: it can't be looked into */
async function lookAtSource(
  ctx: ReadContext,
  given: Input,
  copiesOf: () => Promise<Objects | null>,
): Promise<Seen["source"]> {
  const { source, destination, prefix, objectsMax, sample } = given;
  return await lookInto(ctx, source, async (s3, about, within) => {
    const objects = await listAll(ctx, source, prefix, objectsMax).catch((error) => {
      if (error instanceof TooMany) throw Object.assign(error, { $fault: "client", name: "TooMany" });
      throw error;
    });
    const configured = await s3.getBucketReplication(about, within).catch((error: unknown) => {
      if ((error as { name?: string }).name === "ReplicationConfigurationNotFoundError") return null;
      throw error;
    });
    const rules = configured?.ReplicationConfiguration?.Rules ?? [];
    const rule = rules.find(
      (one) =>
        one.Status === "Enabled" &&
        one.Destination?.Bucket === `arn:${partitionOf(destination.region)}:s3:::${destination.bucket}`,
    );
    const { asked, unasked } = worthAsking([...objects.values()], await copiesOf(), sample);
    const statuses = new Map<string, string | undefined>();
    await eachOf(asked, AT_ONCE, async ({ key }) => {
      statuses.set(key, (await s3.headObject({ ...about, Key: key }, within)).ReplicationStatus);
    });
    return { rule: rule?.ID ?? (rule ? "unnamed" : null), counted: count(objects.size, asked, unasked, statuses) };
  });
}

/** A replica keeps its source's ETag, or under another key at least its size and the moment it was written. */
function isCopied(one: Listed, copies: Objects): boolean {
  const copy = copies.get(one.key);
  return copy !== undefined && copy.size === one.size && (copy.etag === one.etag || copy.at === one.at);
}

/** What waits may be older than everything that was written since: what the destination does not list the same comes first. */
function worthAsking(objects: readonly Listed[], copies: Objects | null, most: number) {
  const youngest = youngestOf(objects, objects.length);
  const doubtful = copies === null ? [] : youngest.filter((one) => !isCopied(one, copies)).reverse();
  const asked = [...new Set([...doubtful, ...youngest])].slice(0, most);
  return { asked, unasked: Math.max(0, doubtful.length - most) };
}

function count(
  objects: number,
  asked: readonly Listed[],
  unasked: number,
  statuses: ReadonlyMap<string, string | undefined>,
): Counted {
  const of = (...wanted: (string | undefined)[]) => asked.filter(({ key }) => wanted.includes(statuses.get(key)));
  const pending = of("PENDING");
  const failed = of("FAILED");
  // What failed for good is not there either.
  const absent = [...pending, ...failed];
  const oldest = absent.length === 0 ? null : Math.min(...absent.map(({ at }) => at));
  return {
    objects,
    asked: asked.length,
    unasked,
    pending: pending.length,
    failed: failed.length,
    unreplicated: of(undefined).length,
    oldestPendingAt: oldest,
    oldestPendingSeconds: oldest === null ? null : Math.max(0, Math.round((Date.now() - oldest) / 1000)),
    failedKeys: failed.slice(0, 3).map(({ key }) => key),
  };
}

function youngestOf(objects: readonly Listed[], most: number): readonly Listed[] {
  return [...objects].sort((a, b) => b.at - a.at).slice(0, most);
}

function latencyOf({ source, destination }: Input, ruleId: string) {
  return {
    namespace: "AWS/S3",
    name: "ReplicationLatency",
    dimensions: { SourceBucket: source.bucket, DestinationBucket: destination.bucket, RuleId: ruleId },
    statistic: "Maximum",
    windowSeconds: 900,
    periodSeconds: 60,
  } as const;
}

function factsOf({ source, destination, latency }: Seen, given: Input): Fact[] {
  const counted = source.answers ? source.counted : null;
  return [
    { id: "sourceAnswers", label: `${nameOf(given.source)} answers`, value: source.answers, material: true },
    {
      id: "destinationAnswers",
      label: `${nameOf(given.destination)} answers`,
      value: destination.answers,
      material: true,
    },
    { id: "pending", label: "Objects not yet copied", value: counted?.pending ?? null, material: false },
    { id: "failed", label: "Objects never copied", value: counted?.failed ?? null, material: false },
    {
      id: "oldestPendingAt",
      label: "Oldest not yet copied",
      value: counted?.oldestPendingAt ? clockOf(counted.oldestPendingAt) : null,
      material: false,
    },
    ...(latency
      ? [{ id: "latencySeconds", label: "ReplicationLatency", value: latency.values[0] ?? null, material: false }]
      : []),
  ];
}

function checksOf(seen: Seen, given: Input): Check[] {
  const { source, destination, latency } = seen;
  const level = given.whenUnknown;
  const reached = answers(destination, given.destination, "destination.answers");
  if (!source.answers) {
    const says = `${nameOf(given.source)} can't be looked into: ${source.why}. How much is not copied is unknown; the youngest copy is of ${youngest(seen)}.`;
    return [{ id: "source.answers", level, ok: false, says }, reached];
  }
  return [
    answers(source, given.source, "source.answers"),
    reached,
    ruled(source.rule, given),
    withinRpo(source.counted, given),
    nothingFailed(source.counted),
    ...(latency ? [latencyWithin(latency, given)] : []),
  ];
}

function ruled(rule: string | null, { source, destination }: Input): Check {
  const says =
    rule === null
      ? `No enabled rule copies ${source.bucket} to ${destination.bucket}.`
      : `Rule ${rule} copies ${source.bucket} to ${destination.bucket}.`;
  return { id: "replication.ruled", level: "block", ok: rule !== null, says };
}

function withinRpo(counted: Counted, given: Input): Check {
  const { pending, failed, oldestPendingSeconds, asked, unreplicated, unasked = 0 } = counted;
  const id = "replication.withinRpo";
  const oldest = oldestPendingSeconds ?? 0;
  if (asked > 0 && asked === unreplicated) {
    return {
      id,
      level: "block",
      ok: false,
      says: `None of ${asked} objects says whether it is copied, so it is unknown.`,
    };
  }
  const more =
    unasked === 0
      ? ""
      : ` ${unasked} more differ at the destination and were not asked for: raise sample, or run s3.sync.`;
  const says = `${pending + failed} of ${asked} objects asked for are not copied, the oldest for ${oldest} s; ${given.rpoSeconds} s are allowed.${more}`;
  return { id, level: "block", ok: oldest <= given.rpoSeconds && unasked === 0, says };
}

function nothingFailed({ failed, failedKeys, unreplicated }: Counted): Check {
  const bad = failed + unreplicated;
  const says =
    bad === 0
      ? "None failed for good."
      : `${failed} objects failed for good${failedKeys.length > 0 ? ` (${failedKeys.join(", ")})` : ""} and ${unreplicated} were never to be copied: s3.sync brings them.`;
  return { id: "replication.failed", level: "warn", ok: bad === 0, says };
}

function latencyWithin({ values, why, denied }: Readings, { rpoSeconds, whenUnknown }: Input): Check {
  const id = "latency.within";
  const [newest] = values;
  if (newest === undefined) {
    const because = why === null ? "has no data" : `can't be read: ${why}`;
    const lacks = denied ? " Allow cloudwatch:GetMetricData." : "";
    return { id, level: whenUnknown, ok: false, says: `ReplicationLatency ${because}, so it is unknown.${lacks}` };
  }
  const says = `ReplicationLatency is ${newest} s; ${rpoSeconds} s are allowed.`;
  return { id, level: "block", ok: newest <= rpoSeconds, says };
}

function sentence(seen: Seen, given: Input): string {
  if (!seen.source.answers) {
    return `${nameOf(given.source)} does not answer: what it had not copied is unknown. The youngest copy is of ${youngest(seen)}.`;
  }
  const { pending, asked, oldestPendingAt } = seen.source.counted;
  return `${pending} of ${asked} objects asked for are not copied yet${oldestPendingAt ? `, the oldest since ${clockOf(oldestPendingAt)}` : ""}.`;
}

function youngest({ destination }: Seen): string {
  const at = destination.answers ? destination.youngestReplicaAt : null;
  return at === null ? "an unknown time" : new Date(at).toISOString();
}
