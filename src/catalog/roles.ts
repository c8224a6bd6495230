import type { Problem } from "../lib/errors.ts";
import type { Basis, Member, Target } from "./types.ts";

/**
 * Which member of a target is active, from what was seen of each. Pure: the looks are `src/actions/members.ts`'s, the answer is
 * used when a run is planned and again before it changes anything.
 */

/** What one member was seen to be. Plain JSON. */
export interface RoleObservation {
  /**
   * - `active`: takes writes, or traffic leads to it.
   * - `fenced`: could be active, and is kept from it.
   * - `standby`: follows another, or is ready to take over.
   * - `silent`: nothing answers at its address.
   * - `unclear`: it answers and can't be asked, or we can't ask it: a wrong login, a missing secret. Never taken for silent.
   */
  readonly state: "active" | "fenced" | "standby" | "silent" | "unclear";
  /** One clause about it: `orders-a takes writes`. */
  readonly says: string;
  /** Identity that all members share, where the kind has one: PostgreSQL's system identifier. */
  readonly cluster?: string | null;
  /** Which running server answered, by whatever address: the same under two names is one server. Absent: the kind can't tell. */
  readonly process?: string;
  /** Active: the higher one became so later. PostgreSQL's timeline, which a promotion raises. */
  readonly order?: number;
  /** Standby: it receives right now. */
  readonly streaming?: boolean;
  /** Active: how many receive from it. None: what receives, receives from another server, and follows another history. */
  readonly followers?: number;
}

/** A target whose members are looked at, each as its kind takes it. */
export interface TargetLook {
  readonly target: string;
  readonly kind: string;
  readonly members: readonly { readonly id: string; readonly input: unknown }[];
}

export interface Roles {
  readonly active: string;
  /** Ready to take over. */
  readonly standby: readonly string[];
  /** Neither active nor a standby: an old primary that is fenced, silent, or does not follow. */
  readonly detached: readonly string[];
  readonly basis: Basis;
  /** Why, in one clause. */
  readonly says: string;
}

/** Sites a person named; null: they did not. */
export interface Said {
  readonly from: string | null;
  readonly to: string | null;
}

export const NOTHING_SAID: Said = { from: null, to: null };

export type Found = { readonly ok: true; readonly roles: Roles } | { readonly ok: false; readonly problem: Problem };

/**
 * Members that were not looked at are silent. No basis, no roles. `mendsSplit`: for what ends a split brain, of two active members
 * the one a person named by its site is taken, else the one that became so last, and the other is detached.
 */
export function rolesOf(
  target: Target,
  seen: ReadonlyMap<string, RoleObservation>,
  said: Said = NOTHING_SAID,
  mendsSplit = false,
): Found {
  const all = target.members.map((member) => ({ member, seen: seen.get(member.id) ?? NOT_SEEN }));
  const where = target.title;
  const told = all.map((one) => one.seen.says).join("; ");
  const clusters = new Set(all.flatMap((one) => (one.seen.cluster ? [one.seen.cluster] : [])));
  if (clusters.size > 1)
    return no(
      "target-identity",
      where,
      `Its members are not of one cluster: ${told}`,
      "Correct the addresses of the target, or rebuild the member that is wrong",
    );
  const by = (state: RoleObservation["state"]) => all.filter((one) => one.seen.state === state);
  const [unclear] = by("unclear");
  if (unclear !== undefined)
    return no(
      "target-unclear",
      where,
      `Who is active cannot be asked: ${unclear.seen.says}`,
      "Correct the login or the address; what answers is never taken for lost",
    );
  const active = by("active");
  if (active.length > 1) {
    const named = mendsSplit
      ? active.find(({ member }) => member.site !== null && member.site === said.from)
      : undefined;
    if (named !== undefined) return split(all, named, "said", `${told}; said to serve: ${named.member.id}`);
    const last = mendsSplit && said.from === null ? newest(active) : null;
    if (last !== null) return split(all, last, "seen", `${told}; ${last.member.id} was promoted last`);
    const sites = active.flatMap(({ member }) => member.site ?? []);
    return no(
      "split-brain",
      where,
      `More than one member is active: ${told}`,
      mendsSplit && sites.length > 0
        ? `Say which one serves users and stays: ${sites.map((id) => `from=${id}`).join(" or ")}`
        : "Stop or fence the wrong one first: no failover is planned while both take writes",
    );
  }
  const [only] = active;
  if (only !== undefined) {
    if (said.from !== null && only.member.site !== said.from)
      return no(
        "direction-conflict",
        where,
        `It is active in ${only.member.site}, not in ${said.from}`,
        `Leave from= out, or say from=${only.member.site}`,
      );
    return split(all, only, "seen", only.seen.says);
  }
  return inferred(target, all, by, told, said);
}

interface One {
  readonly member: Member;
  readonly seen: RoleObservation;
}

/** The one that became active last; null where that can't be told. */
function newest(active: readonly One[]): One | null {
  const [last, before] = active.toSorted((a, b) => (b.seen.order ?? 0) - (a.seen.order ?? 0));
  return last?.seen.order !== undefined && before?.seen.order !== undefined && last.seen.order > before.seen.order
    ? last
    : null;
}

const NOT_SEEN: RoleObservation = { state: "silent", says: "a member was not looked at" };

/** No member is active by its own word. */
function inferred(
  { title }: Target,
  all: readonly One[],
  by: (state: RoleObservation["state"]) => readonly One[],
  told: string,
  { from }: Said,
): Found {
  const [silent, fenced, standby] = [by("silent"), by("fenced"), by("standby")];
  const candidates = [...silent, ...fenced];
  if (from !== null) {
    const named = candidates.find((one) => one.member.site === from);
    if (named) return split(all, named, "said", `said to be active in ${from}; ${named.seen.says}`);
    return no(
      "direction-conflict",
      title,
      `It cannot be active in ${from}: ${told}`,
      "Say from= with the site that served last",
    );
  }
  const [lone] = candidates;
  if (lone !== undefined && candidates.length === 1 && standby.length > 0) {
    if (lone.seen.state === "fenced") return split(all, lone, "seen", lone.seen.says);
    const others = standby.map((one) => one.seen.says).join("; ");
    return split(all, lone, "inferred", `${lone.seen.says}, and ${others}`);
  }
  const sites = [...new Set(candidates.flatMap((one) => one.member.site ?? []))];
  return no(
    "active-unknown",
    title,
    `Which side is active cannot be seen: ${told}`,
    sites.length === 0
      ? "Bring one member back first"
      : `Say which side served last: ${sites.map((id) => `from=${id}`).join(" or ")}`,
  );
}

function split(all: readonly One[], active: One, basis: Basis, says: string): Found {
  const answers = active.seen.state !== "silent";
  const others = all.filter((one) => one !== active);
  const fed = active.seen.followers !== 0;
  const follows = ({ seen }: One) => seen.state === "standby" && (!answers || (fed && seen.streaming !== false));
  const ids = (some: readonly One[]) => some.map((one) => one.member.id);
  return {
    ok: true,
    roles: {
      active: active.member.id,
      standby: ids(others.filter(follows)),
      detached: ids(others.filter((one) => !follows(one))),
      basis,
      says,
    },
  };
}

function no(code: string, where: string, what: string, next: string): Found {
  return { ok: false, problem: { code, where, what, next } };
}
