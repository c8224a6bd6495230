import type { S3 } from "@aws-sdk/client-s3";
import { type Given, isNamed, isTagged, lookForUnlisted, type Ours, tagsOf } from "../account-drift.ts";
import { awsErrorOf, clientSettings } from "../aws.ts";
import { loadS3, type Within } from "./bucket.ts";

/** Requests for tags at the same time, and in all: an account may have thousands of buckets. */
const AT_ONCE = 4;
const TAGS_MAX = 200;
const PAGES_MAX = 20;

/** Which buckets of the system no runbook names: what is in one that no one knows of is copied nowhere. */
export const unlisted = lookForUnlisted("s3.unlisted", {
  summary: "See which buckets of a system are in no runbook",
  ...{ kind: "bucket", many: "buckets" },
  allow: "s3:ListAllMyBuckets and s3:GetBucketTagging",
  async ours(ctx, given) {
    const { S3 } = await loadS3();
    const settings = await clientSettings(ctx, "S3", given.region, "read");
    const client = new S3({ ...settings, forcePathStyle: settings.endpoint !== undefined });
    try {
      return await bucketsOf(client, given, { abortSignal: ctx.signal });
    } finally {
      client.destroy();
    }
  },
});

/** Tags are asked one by one, and only of buckets whose name says nothing and which no runbook names. */
async function bucketsOf(s3: S3, given: Given, within: Within): Promise<Ours> {
  const names = await bucketsIn(s3, given.region, within);
  const named = names.filter((name) => isNamed(name, given));
  if (given.tags === undefined) return { things: named.map(thing), unread: 0 };
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
  return { things: [...named, ...tagged].toSorted().map(thing), unread };
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
async function hasTags(s3: S3, name: string, given: Given, within: Within): Promise<boolean | null> {
  try {
    const { TagSet } = await s3.getBucketTagging({ Bucket: name, ExpectedBucketOwner: given.account }, within);
    return isTagged(tagsOf(TagSet), given);
  } catch (error) {
    within.abortSignal.throwIfAborted();
    return awsErrorOf(error).kind === "missing" ? false : null;
  }
}
