import { TROUBLES, type Trouble, type Weather } from "./chaos.ts";
import type { World } from "./world.ts";

/** Everything the panel shows: `GET /pager/state`. */
export interface PagerSight {
  /** Everybody with a phone: what rings on it now, and what they have answered that is not over. */
  readonly phones: readonly {
    readonly user: string;
    readonly name: string;
    readonly onCallFor: readonly string[];
    readonly pages: readonly {
      readonly id: string;
      readonly title: string;
      readonly since: string;
      readonly ringing: boolean;
      /** Who has acknowledged it. */
      readonly by: readonly string[];
    }[];
  }[];
  readonly trouble: readonly Trouble[];
  readonly troubles: typeof TROUBLES;
  /** What was asked lately, newest first. */
  readonly asked: readonly { readonly at: string; readonly says: string; readonly bad: boolean }[];
}

const ASKED = 12;

export function sightOf(world: World, weather: Weather): PagerSight {
  const open = world.incidents.filter(({ status }) => status !== "resolved");
  const policies = world.company.policies.flatMap(({ id }) => world.policy(id) ?? []);
  return {
    phones: world.company.users
      .filter(({ id }) => policies.some(({ levels }) => levels.flat().includes(id)) || isCalled(id))
      .map(({ id, name }) => ({
        user: id,
        name,
        onCallFor: policies.filter(({ levels }) => levels.flat().includes(id)).map((policy) => policy.name),
        pages: open
          .filter(({ assigned }) => assigned.includes(id))
          .map((one) => ({
            id: one.id,
            title: one.title,
            since: one.createdAt,
            ringing: one.status === "triggered",
            by: one.acknowledged.map(({ user }) => world.user(user)?.name ?? user),
          })),
      })),
    trouble: weather.now,
    troubles: TROUBLES,
    asked: world.ledger
      .slice(-ASKED)
      .reverse()
      .map(({ at, what, answered }) => ({
        at,
        says: `${what} → ${answered}`,
        bad: typeof answered !== "number" || answered >= 400,
      })),
  };

  function isCalled(user: string): boolean {
    return open.some(({ assigned }) => assigned.includes(user));
  }
}
