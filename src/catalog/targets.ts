import { z } from "zod";
import { id, scalar, sentence } from "./schema-parts.ts";
import type { Member, Site, Target } from "./types.ts";

/** How sites and targets are written in `system.yml`. */

const valueName = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]*$/, "The name of a value is one word in camelCase: url, nameServer")
  .refine((name) => !["id", "site", "title"].includes(name), "id, site and title are there already");
const values = z
  .record(valueName, scalar)
  .default({})
  .describe(`Other things that differ here, for \${…}: url, address, slot`);
const fields = z.record(z.string(), z.unknown());

const site = z.strictObject({
  title: sentence,
  home: z.boolean().default(false).describe("True for the site the system belongs to when all is well"),
  values,
});

const member = z.strictObject({
  site: id.optional().describe("Where it is: a site of this system"),
  with: fields.default({}).describe("What only this member has, of what an action's input takes: name, host, port"),
  values,
});

/**
 * What an action's input needs to reach one, and what tells which is active. `postgres`, `dns`, `s3-setting`, `traefik`, `patroni`: roles
 * are looked at. The others are reached by site or all together.
 */
export const TARGET_KINDS = {
  postgres: { roles: true },
  dns: { roles: true },
  "s3-setting": { roles: true },
  traefik: { roles: true },
  patroni: { roles: true },
  redis: { roles: false },
  kubernetes: { roles: false },
  s3: { roles: false },
  rds: { roles: false },
  other: { roles: false },
} as const satisfies Record<string, { roles: boolean }>;
export type TargetKind = keyof typeof TARGET_KINDS;

const target = z.strictObject({
  title: sentence,
  kind: z
    .enum(Object.keys(TARGET_KINDS) as [TargetKind, ...TargetKind[]])
    .describe(
      "postgres, dns, s3-setting, traefik and patroni know which member is active; the others are reached by site",
    ),
  follows: id
    .optional()
    .describe(
      "A target with roles, for one without: its member at the site where that one is active is the active one",
    ),
  many: z.boolean().default(false).describe("True: a site has several of them, and a reference is a list of all"),
  with: fields.default({}).describe("What all members share, of what an action's input takes: user, passwordFrom"),
  members: z.record(id, member),
});

export const sitesSchema = z.record(id, site).describe("Where the system runs: regions or data centres");
export const targetsSchema = z
  .record(id, target)
  .describe("Databases, clusters, buckets, names: each with its members, said once and handed whole to actions");

export function toSites(written: z.output<typeof sitesSchema>): readonly Site[] {
  return Object.entries(written).map(([id, { title, home, values }]) => ({ id, title, home, values }));
}

export function toTargets(written: z.output<typeof targetsSchema>): readonly Target[] {
  return Object.entries(written).map(([id, { title, kind, follows, many, with: shared, members }]) => ({
    ...{ id, title, kind, many },
    ...(follows && { follows }),
    members: Object.entries(members).map(([name, { site, with: own, values }]) => ({
      id: name,
      site: site ?? null,
      with: { ...shared, ...own },
      values,
    })) satisfies Member[],
  }));
}

/** True where looking at the members tells which one is active. */
export function hasRoles({ kind }: Target): boolean {
  return TARGET_KINDS[kind as TargetKind]?.roles ?? false;
}

/** The target whose members' roles this one's have: itself, or the one it follows. Null: none has any. */
export function leaderOf(target: Target): string | null {
  return hasRoles(target) ? target.id : (target.follows ?? null);
}
