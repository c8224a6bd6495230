import { z } from "zod";
import { awsErrorOf, awsPlace, type Identity, identify } from "./aws.ts";
import type { Action, Check, ReadContext } from "./contract.ts";
import { defineLook } from "./read.ts";
import { ignored, unlistedChecks } from "./unlisted.ts";

/** What of an account belongs to a system: by how it's named, or by its tags. Who has one of them belongs to it. */
const accountInput = {
  account: awsPlace.account,
  region: awsPlace.region,
  /** Names begin so. */
  prefix: z.string().min(1).max(63).optional(),
  /** All of these, with these values. */
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).optional(),
  /** What runbooks name. */
  known: z.array(z.string().min(1)).max(1000).default([]),
  ignore: ignored,
};

const input = z.strictObject(accountInput);
export type Given = z.infer<typeof input>;

export type Tags = Readonly<Record<string, string>>;

export function isNamed(name: string, { prefix }: Pick<Given, "prefix">): boolean {
  return prefix !== undefined && name.startsWith(prefix);
}

export function isTagged(has: Tags, { tags }: Pick<Given, "tags">): boolean {
  const wanted = Object.entries(tags ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => has[key] === value);
}

export function tagsOf(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] = [],
): Tags {
  return Object.fromEntries(tags.flatMap(({ Key, Value = "" }) => (Key === undefined ? [] : [[Key, Value]])));
}

/** What of an account is the system's, `bucket/shop-media`; of so many it can't be told. */
export interface Ours {
  readonly things: readonly string[];
  readonly unread: number;
}

/** `why`: it can't be seen, and a region's silence isn't meant. */
type Found = ({ readonly seen: true } & Ours) | { readonly seen: false; readonly why: string | null };

/** What is looked for: `bucket` as drift names it, "buckets" in a sentence, and the permission that is missing where it can't be seen. */
interface Kind {
  readonly summary: string;
  readonly kind: string;
  readonly many: string;
  readonly allow: string;
  ours(ctx: ReadContext, given: Given): Promise<Ours>;
}

interface Seen {
  readonly identity: Identity;
  readonly found: Found;
}

/** The look that says what of one kind is in no runbook. */
export function lookForUnlisted(id: string, what: Kind): Action<Given, Seen> {
  return defineLook<Given, Seen>({
    ...{ id, summary: what.summary, input },
    budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 30 },
    goesWithout: () => "all",
    async observe(ctx, given) {
      const [identity, found] = await Promise.all([identify(ctx, given), find(ctx, given, what)]);
      return { identity, found };
    },
    facts: () => [],
    checks: ({ identity, found }, given) => accountChecks(found, identity, given, what),
    where: ({ region }) => region,
  });
}

async function find(ctx: ReadContext, given: Given, { ours }: Kind): Promise<Found> {
  try {
    return { seen: true, ...(await ours(ctx, given)) };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    return { seen: false, why: kind === "silent" || kind === "throttled" ? null : says };
  }
}

/**
 * Drift only: nothing of it keeps a runbook from starting. What can't be seen is said, because nothing is known then; but a region that is silent
 * is said by the steps that need it.
 */
function accountChecks(found: Found, identity: Identity, given: Given, { kind, many, allow }: Kind): readonly Check[] {
  const unseen = (why: string) => ({
    ...{ id: `drift.${kind}`, level: "warn" as const, ok: false },
    says: `Which ${many} account ${given.account} has in ${given.region} can't be seen: ${why}.`,
  });
  if (!identity.known) return identity.silent ? [] : [unseen(identity.why)];
  if (identity.account !== given.account) return [unseen(`the credentials belong to account ${identity.account}`)];
  if (!found.seen) return found.why === null ? [] : [unseen(`${found.why}. Allow ${allow}`)];
  const tagless = found.unread === 0 ? [] : [unseen(`the tags of ${found.unread} can't be read. Allow ${allow}`)];
  const known = new Set(given.known.map((name) => `${kind}/${name}`));
  return [
    ...unlistedChecks(found.things, { known, ignore: given.ignore, where: `account ${given.account}` }),
    ...tagless,
  ];
}
