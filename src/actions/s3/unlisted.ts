import type { S3 } from "@aws-sdk/client-s3";
import { z } from "zod";
import { accountChecks, accountInput, type Found, isNamed, isTagged, tagsOf } from "../account-drift.ts";
import { awsErrorOf, clientSettings, type Identity, identify } from "../aws.ts";
import type { ReadContext } from "../contract.ts";
import { defineLook } from "../read.ts";
import { loadS3, type Within } from "./bucket.ts";

const input = z.strictObject(accountInput);
type Input = z.infer<typeof input>;

interface Seen {
  readonly identity: Identity;
  readonly found: Found;
}

/** Requests for tags at the same time, and in all: an account may have thousands of buckets. */
const AT_ONCE = 4;
const TAGS_MAX = 200;
const PAGES_MAX = 20;

/** Which buckets of the system no runbook names: what is in one that no one knows of is copied nowhere. */
export const unlisted = defineLook<Input, Seen>({
  id: "s3.unlisted",
  summary: "See which buckets of a system are in no runbook",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 30 },
  goesWithout: () => "all",
  async observe(ctx, given) {
    const [identity, found] = await Promise.all([identify(ctx, given), look(ctx, given)]);
    return { identity, found };
  },
  facts: () => [],
  checks: ({ identity, found }, given) =>
    accountChecks(found, identity, given, {
      ...{ kind: "bucket", many: "buckets" },
      allow: "s3:ListAllMyBuckets and s3:GetBucketTagging",
    }),
  where: ({ region }) => region,
});

async function look(ctx: ReadContext, given: Input): Promise<Found> {
  const { S3 } = await loadS3();
  const settings = await clientSettings(ctx, "S3", given.region, "read");
  const client = new S3({ ...settings, forcePathStyle: settings.endpoint !== undefined });
  try {
    return await ours(client, given, { abortSignal: AbortSignal.any([ctx.signal]) });
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    return { seen: false, why: kind === "silent" || kind === "throttled" ? null : says };
  } finally {
    client.destroy();
  }
}

/** Tags are asked one by one, and only of buckets whose name says nothing and which no runbook names. */
async function ours(s3: S3, given: Input, within: Within): Promise<Found> {
  const names = await bucketsIn(s3, given.region, within);
  const named = names.filter((name) => isNamed(name, given));
  if (given.tags === undefined) return { seen: true, things: named.map(thing), unread: 0 };
  const others = names.filter((name) => !named.includes(name) && !given.known.includes(name));
  const asked = others.slice(0, TAGS_MAX);
  const tagged: string[] = [];
  let unread = others.length - asked.length;
  const waiting = [...asked];
  const ask = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const isOurs = await hasTags(s3, name, given, within);
      if (isOurs === null) unread += 1;
      else if (isOurs) tagged.push(name);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return { seen: true, things: [...named, ...tagged].toSorted().map(thing), unread };
}

const thing = (name: string) => `bucket/${name}`;

/** Of this region. An S3 that doesn't say where a bucket is has one region. */
async function bucketsIn(s3: S3, region: string, within: Within): Promise<readonly string[]> {
  const names: string[] = [];
  let from: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const asked = { BucketRegion: region, MaxBuckets: 1000, ...(from !== undefined && { ContinuationToken: from }) };
    const { Buckets = [], ContinuationToken } = await s3.listBuckets(asked, within);
    const here = Buckets.filter(({ BucketRegion: at }) => at === undefined || at === region);
    names.push(...here.flatMap(({ Name }) => Name ?? []));
    from = ContinuationToken;
    if (from === undefined) break;
  }
  return names;
}

/** Null: no one may read them, or it can't be told. */
async function hasTags(s3: S3, name: string, given: Input, within: Within): Promise<boolean | null> {
  try {
    const { TagSet } = await s3.getBucketTagging({ Bucket: name, ExpectedBucketOwner: given.account }, within);
    return isTagged(tagsOf(TagSet), given);
  } catch (error) {
    within.abortSignal.throwIfAborted();
    return awsErrorOf(error).kind === "missing" ? false : null;
  }
}
