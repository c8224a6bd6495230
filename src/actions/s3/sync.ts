import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { after, awaited } from "../awaited.ts";
import { type ApplyContext, type Check, type Done, defineAction, type Fact, type ReadContext } from "../contract.ts";
import { undoneByHand } from "../undo.ts";
import { answers, type Bucket, bucketInput, type Look, lookInto, nameOf, resourceOf, withBucket } from "./bucket.ts";
import { BYTES_AT_ONCE, bytesHeld, copyObject, roomFor } from "./copy.ts";
import { compare, type Difference } from "./difference.ts";
import { eachOf, type Listed, listAll, TooMany } from "./listing.ts";

const input = z
  .strictObject({
    source: bucketInput,
    destination: bucketInput,
    prefix: z.string().max(1000).default(""),
    atOnce: z.number().int().min(1).max(64).default(16),
    objectsMax: z.number().int().min(1).max(1_000_000).default(100_000),
    /** Go on although the destination holds younger versions of some: after a failover that is the wrong direction. */
    overwriteYounger: z.boolean().default(false),
    after,
  })
  .refine(({ source, destination }) => resourceOf(source) !== resourceOf(destination), {
    path: ["destination"],
    message: "has to differ from source",
  });
type Input = z.infer<typeof input>;

interface Found {
  readonly objects: number;
  readonly missing: number;
  readonly missingBytes: number;
  readonly extra: number;
  readonly younger: number;
  /** The source's newest object when it was looked at, milliseconds since 1970; absent in older logs. */
  readonly asOf?: number;
  /** A few of the younger ones, to look at. */
  readonly youngerKeys: readonly string[];
}
interface Seen {
  readonly source: Look<object>;
  readonly destination: Look<object>;
  /** Null when one of the two can't be looked into. */
  readonly difference: Found | null;
}

/** Copies what the destination lacks, and nothing else: it goes on where it was cut off, and deletes nothing. */
export const sync = defineAction<Input, Seen>({
  id: "s3.sync",
  summary: "Copy to a bucket what it lacks of another, until it has everything",
  input,
  risk: "reversible",
  service: "aside",
  repeat: "safe",
  budget: { typicalSeconds: 300, warnSeconds: 1800, failSeconds: 14_400 },
  resources: ({ destination, prefix }) => [resourceOf(destination, prefix)],
  observe: look,
  facts: factsOf,
  ready: (seen, given, evidence) => awaited(checksOf(seen, given), given.after, evidence),
  done: ({ difference }): Done => (difference === null ? "unknown" : difference.missing === 0 ? "yes" : "no"),
  async apply(ctx, given) {
    const objects = await listAll(ctx, given.source, given.prefix, given.objectsMax);
    const { missing } = await differences(ctx, given, objects);
    const copied = await copyAll(ctx, given, missing);
    const copies = new Map(missing.map((one) => [one.key, one]));
    allThere(given, (await differences(ctx, given, copies)).missing);
    return { copied, asOf: newestOf(objects) };
  },
  /** A bucket that is in use is never equal to another: what was listed has to be there, what was written since is counted. */
  async verify(ctx, given, before, handle) {
    const now = await differences(ctx, given);
    const asOf = typeof handle?.asOf === "number" ? handle.asOf : (before.difference?.asOf ?? Number.POSITIVE_INFINITY);
    const since = now.missing.filter(({ at }) => at >= asOf).length;
    allThere(
      given,
      now.missing.filter(({ at }) => at < asOf),
    );
    const copied = before.difference?.missing ?? null;
    const objects = now.objects - since;
    const more = [
      ...(now.extra > 0 ? [`and it has ${now.extra} more of its own`] : []),
      ...(since > 0 ? [`but not ${since} that were written or changed meanwhile`] : []),
    ];
    return {
      says: `${[`${nameOf(given.destination)} has all ${objects} objects of ${nameOf(given.source)}; ${copied ?? "some"} were missing before`, ...more].join(", ")}.`,
      facts: [
        { id: "objects", label: "Objects", value: objects, material: false },
        { id: "copied", label: "Were missing", value: copied, material: false },
        { id: "writtenSince", label: "Written meanwhile, not there yet", value: since, material: false },
      ],
    };
  },
  undo: undoneByHand(
    ({ destination }) => `Versioning of ${nameOf(destination)} keeps what the copies replaced: restore those versions.`,
  ),
});

function allThere({ source, destination }: Input, missing: readonly Listed[]): void {
  if (missing.length === 0) return;
  throw new LifeboatError({
    code: "s3-not-equal",
    where: nameOf(destination),
    what: `${missing.length} objects of ${nameOf(source)} are not there, or not the same`,
    stateNow: `What was copied stays; ${missing[0]?.key} is the first that is missing`,
    next: "Retry the step: it copies only what is missing",
  });
}

/** By the source's own clock, whose seconds may be whole ones. */
function newestOf(objects: ReadonlyMap<string, Listed>): number {
  return [...objects.values()].reduce((newest, { at }) => Math.max(newest, at), 0);
}

async function copyAll(ctx: ApplyContext, given: Input, missing: readonly Listed[]): Promise<number> {
  const { source, destination, atOnce } = given;
  let copied = 0;
  let said = performance.now();
  const room = roomFor(BYTES_AT_ONCE);
  await withBucket(ctx, source, "read", (s3, about, within) =>
    withBucket(ctx, destination, "change", async (to, aboutTo, withinTo) => {
      const [from, into] = [
        { s3, about, within },
        { s3: to, about: aboutTo, within: withinTo },
      ];
      await eachOf(missing, atOnce, async (one) => {
        ctx.signal.throwIfAborted();
        const leave = await room(bytesHeld(one));
        await unhurried(ctx, () => copyObject(from, into, one)).finally(leave);
        copied += 1;
        if (performance.now() - said < 2_000 && copied < missing.length) return;
        said = performance.now();
        ctx.progress(`${copied} of ${missing.length} objects copied`);
      });
    }),
  );
  return copied;
}

/** "Slow down" is a refusal: nothing was stored, and it is requested again, more slowly. */
async function unhurried(ctx: ApplyContext, copy: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await copy();
    } catch (error) {
      if ((error as { name?: string }).name !== "SlowDown" || tries === 5) throw error;
      await sleep(100 * 2 ** tries, undefined, { signal: ctx.signal });
    }
  }
}

/** `listed`: what of the source is held against the destination; left out: all that it holds now. */
async function differences(
  ctx: ReadContext,
  given: Input,
  listed?: ReadonlyMap<string, Listed>,
): Promise<Difference & { readonly objects: number }> {
  const { source, destination, prefix, objectsMax } = given;
  const [from, to] = await Promise.all([
    listed ?? listAll(ctx, source, prefix, objectsMax),
    listAll(ctx, destination, prefix, objectsMax),
  ]);
  const difference = await compare(ctx, { bucket: source, objects: from }, { bucket: destination, objects: to });
  return { ...difference, objects: from.size };
}

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [source, destination] = await Promise.all([reach(ctx, given.source), reach(ctx, given.destination)]);
  if (!source.answers || !destination.answers) return { source, destination, difference: null };
  try {
    const listed = await listAll(ctx, given.source, given.prefix, given.objectsMax);
    const { objects, missing, bytes, extra, younger } = await differences(ctx, given, listed);
    const found: Found = {
      objects,
      missing: missing.length,
      missingBytes: bytes,
      extra,
      younger: younger.length,
      youngerKeys: younger.slice(0, 3),
      asOf: newestOf(listed),
    };
    return { source, destination, difference: found };
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    return { source: { answers: false, why: error.message }, destination, difference: null };
  }
}

async function reach(ctx: ReadContext, bucket: Bucket): Promise<Look<object>> {
  return await lookInto(ctx, bucket, async (s3, about, within) => {
    await s3.listObjectsV2({ ...about, MaxKeys: 1 }, within);
    return {};
  });
}

function factsOf({ source, destination, difference }: Seen, given: Input): Fact[] {
  return [
    { id: "sourceAnswers", label: `${nameOf(given.source)} answers`, value: source.answers, material: true },
    {
      id: "destinationAnswers",
      label: `${nameOf(given.destination)} answers`,
      value: destination.answers,
      material: true,
    },
    { id: "objects", label: "Objects", value: difference?.objects ?? null, material: false },
    { id: "missing", label: "Missing there", value: difference?.missing ?? null, material: false },
    { id: "missingBytes", label: "Bytes to copy", value: difference?.missingBytes ?? null, material: false },
    { id: "extra", label: "Only there", value: difference?.extra ?? null, material: false },
  ];
}

function checksOf({ source, destination, difference }: Seen, given: Input): Check[] {
  const begun = [
    answers(source, given.source, "source.answers"),
    answers(destination, given.destination, "destination.answers"),
  ];
  if (difference === null) return begun;
  const { younger, youngerKeys, extra } = difference;
  const ok = younger === 0 || given.overwriteYounger;
  const says =
    younger === 0
      ? "Nothing younger would be overwritten."
      : `${younger} objects are younger in ${nameOf(given.destination)} (${youngerKeys.join(", ")}). Is this the right direction?`;
  return [
    ...begun,
    { id: "destination.older", level: "block", ok, says },
    {
      id: "destination.extra",
      level: "warn",
      ok: extra === 0,
      says:
        extra === 0
          ? "It has nothing of its own."
          : `${extra} objects are only in ${nameOf(given.destination)}; they stay.`,
    },
  ];
}
