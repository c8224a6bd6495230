import { z } from "zod";
import { type Found, type RoleObservation, rolesOf } from "../catalog/roles.ts";
import type { Target } from "../catalog/types.ts";
import type { Check } from "./contract.ts";
import { lookAtMembers } from "./members.ts";
import { defineLook } from "./read.ts";

const member = z.strictObject({ id: z.string(), site: z.string().nullable(), input: z.unknown() });
const looked = z.strictObject({
  target: z.string(),
  title: z.string(),
  kind: z.string(),
  members: z.array(member).min(1),
});
const target = looked.extend({
  /** Who was active when the plan was made, and how that was known. */
  active: z.string(),
  basis: z.enum(["seen", "inferred", "said"]),
  /** The plan is to end a split brain: of two active members the one promoted last counts. */
  mendsSplit: z.literal(true).optional(),
});
const input = z.strictObject({ targets: z.array(target).min(1) });
type Input = z.infer<typeof input>;
type Looked = Input["targets"][number];

/** Target → member → what was seen. */
type Seen = Readonly<Record<string, Readonly<Record<string, RoleObservation>>>>;

/**
 * Looks once more which member is active. The planner puts it right before the first change of a plan that speaks of roles: what the
 * gate showed and what is so when it starts are compared by its material facts.
 */
export const rolesCheck = defineLook<Input, Seen>({
  id: "roles.check",
  summary: "See that the active members are those the plan was made for",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  async observe(ctx, { targets }) {
    const seen = await lookAtMembers(ctx, targets);
    return Object.fromEntries([...seen].map(([id, members]) => [id, Object.fromEntries(members)]));
  },
  facts: (seen, { targets }) =>
    targets.map((one) => {
      const { active } = activeNow(seen, one);
      return { id: `${camel(one.target)}Active`, label: `${one.title}: active`, value: active, material: true };
    }),
  checks: (seen, { targets }) => targets.map((one) => unchanged(seen, one)),
  where: ({ targets }) => targets.map(({ title }) => title).join(", "),
  goesWithout: () => "all",
});

const look = z.strictObject({ target: looked });

/** Which member of a target is active now: for triage, and for runbooks that only look. */
export const rolesLook = defineLook<z.infer<typeof look>, Seen>({
  id: "roles.look",
  summary: "See which member of a target is active",
  input: look,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  async observe(ctx, { target }) {
    const seen = await lookAtMembers(ctx, [target]);
    return Object.fromEntries([...seen].map(([id, members]) => [id, Object.fromEntries(members)]));
  },
  facts(seen, { target }) {
    const found = rolesIn(seen, target, null);
    const members = seen[target.target] ?? {};
    // What can't be asked is not known to be silent.
    const unclear = Object.values(members).some(({ state }) => state === "unclear");
    const active = found.ok ? found.roles.active : null;
    const answers = active === null ? false : members[active]?.state === "active";
    return [
      { id: "active", label: `${target.title}: active`, value: active, material: true },
      {
        id: "activeAnswers",
        label: `${target.title}: active and answers`,
        value: unclear ? null : answers,
        material: true,
      },
      {
        id: "hasStandby",
        label: `${target.title}: has a standby`,
        value: found.ok ? found.roles.standby.length > 0 : null,
        material: false,
      },
    ];
  },
  checks(seen, { target }) {
    const found = rolesIn(seen, target, null);
    const says = found.ok ? `${target.title}: ${found.roles.says}.` : `${target.title}: ${found.problem.what}.`;
    return [{ id: "roles.known", level: "block", ok: found.ok, says }];
  },
  where: ({ target }) => target.title,
  goesWithout: () => "all",
});

function unchanged(seen: Seen, one: Looked): Check {
  const { active, says } = activeNow(seen, one);
  const ok = active === one.active;
  return {
    id: `roles.${one.target}`,
    level: "block",
    ok,
    says: ok
      ? `${one.title}: ${one.active} is active, as planned (${says}).`
      : `${one.title}: the plan was made for ${one.active} being active. Now: ${says}.`,
    next: "Request it again, so that the plan fits what is active now.",
  };
}

function activeNow(seen: Seen, one: Looked): { active: string | null; says: string } {
  const from = one.basis === "said" ? (one.members.find((member) => member.id === one.active)?.site ?? null) : null;
  const found = rolesIn(seen, one, from, one.mendsSplit);
  if (found.ok) return { active: found.roles.active, says: found.roles.says };
  return { active: null, says: found.problem.what };
}

function rolesIn(
  seen: Seen,
  { target: id, title, kind, members }: z.infer<typeof looked>,
  from: string | null,
  mendsSplit = false,
): Found {
  const target: Target = {
    ...{ id, title, kind, many: false },
    members: members.map((one) => ({ id: one.id, site: one.site, with: {}, values: {} })),
  };
  return rolesOf(target, new Map(Object.entries(seen[id] ?? {})), { from, to: null }, mendsSplit);
}

function camel(id: string): string {
  return id.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
