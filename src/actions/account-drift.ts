import { z } from "zod";
import { awsPlace, type Identity, type Place } from "./aws.ts";
import type { Check } from "./contract.ts";
import { ignored, unlistedChecks } from "./unlisted.ts";

/** What of an account belongs to a system: by how it's named, or by its tags. Who has one of them belongs to it. */
export const accountInput = {
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

interface Given extends Place {
  readonly prefix?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly known: readonly string[];
  readonly ignore: readonly string[];
}

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

/** What was found of the system's. `why`: it can't be seen, and a region's silence isn't meant. */
export type Found =
  | { readonly seen: true; readonly things: readonly string[]; readonly unread: number }
  | { readonly seen: false; readonly why: string | null };

/** What is looked for: `bucket` as drift names it, "buckets" in a sentence, and the permission that is missing where it can't be seen. */
interface Kind {
  readonly kind: string;
  readonly many: string;
  readonly allow: string;
}

/**
 * Drift only: nothing of it keeps a runbook from starting. What can't be seen is said, because nothing is known then; but a region that is silent
 * is said by the steps that need it.
 */
export function accountChecks(
  found: Found,
  identity: Identity,
  given: Given,
  { kind, many, allow }: Kind,
): readonly Check[] {
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
