import { type FaultInjection, PAGER_FAULTS, type PagerFault } from "./faults.ts";
import type { PagerState } from "./state.ts";

/** Everything the panel shows: `GET /pager/state`. */
export interface PagerSnapshot {
  /** Everyone with a phone: what rings on it now, and what they have answered that is not over. */
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
  readonly activeFaults: readonly PagerFault[];
  readonly faultKinds: typeof PAGER_FAULTS;
  /** What was asked lately, newest first. */
  readonly asked: readonly { readonly at: string; readonly says: string; readonly bad: boolean }[];
}

const ASKED = 12;

export function snapshotOf(state: PagerState, faults: FaultInjection): PagerSnapshot {
  const open = state.incidents.filter(({ status }) => status !== "resolved");
  const policies = state.company.policies.flatMap(({ id }) => state.policy(id) ?? []);
  return {
    phones: state.company.users
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
            by: one.acknowledged.map(({ user }) => state.user(user)?.name ?? user),
          })),
      })),
    activeFaults: faults.now,
    faultKinds: PAGER_FAULTS,
    asked: state.ledger
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
