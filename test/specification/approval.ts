import type { Specification } from "./search.ts";

/**
 * Claiming a step that needs two approvals, by two bots, while people approve, deny, lose their account, change the plan and time passes.
 * `atomic`: the claim checks in the transaction that writes it (`src/engine/admit.ts`). Without it a bot checks first and claims later, as
 * chat bots for approvals have done.
 */
export interface Approval {
  /** Who has approved, which plan they were shown, and whether their account is active. */
  readonly approved: readonly (null | "a" | "b")[];
  readonly active: readonly boolean[];
  readonly denied: boolean;
  readonly expired: boolean;
  readonly plan: "a" | "b";
  /** Of each bot: what its check found. */
  readonly checked: readonly boolean[];
  /** Claims that were written, each with whether it was allowed at that moment. */
  readonly claims: readonly boolean[];
}

const QUORUM = 2;
const PEOPLE = ["Ana, who requested it", "Bo", "Cy"];

export function approval({ atomic }: { readonly atomic: boolean }): Specification<Approval> {
  const allowed = ({ approved, active, denied, expired, plan }: Approval) =>
    !denied && !expired && approved.filter((shown, n) => n > 0 && shown === plan && active[n]).length >= QUORUM;
  const claim = (state: Approval): Approval => ({ ...state, claims: [...state.claims, allowed(state)] });
  function* moves(state: Approval): Iterable<{ readonly does: string; readonly to: Approval }> {
    const started = state.claims.length > 0;
    for (const [n, name] of PEOPLE.entries()) {
      if (state.approved[n] === null)
        yield {
          does: `${name} approves plan ${state.plan}`,
          to: { ...state, approved: put(state.approved, n, state.plan) },
        };
      if (state.active[n])
        yield { does: `${name} is deactivated`, to: { ...state, active: put(state.active, n, false) } };
    }
    if (!state.denied && !started) yield { does: "Cy denies", to: { ...state, denied: true } };
    if (!state.expired) yield { does: "the request expires", to: { ...state, expired: true } };
    if (state.plan === "a" && !started) yield { does: "the plan is changed", to: { ...state, plan: "b" as const } };
    for (const bot of [0, 1]) {
      const name = `bot ${bot + 1}`;
      if (atomic) {
        if (allowed(state) && !started)
          yield { does: `${name} checks and claims in one transaction`, to: claim(state) };
        continue;
      }
      if (allowed(state) && !started && !state.checked[bot])
        yield { does: `${name} checks: allowed`, to: { ...state, checked: put(state.checked, bot, true) } };
      if (state.checked[bot] && state.claims.length < 2)
        yield { does: `${name} claims`, to: { ...claim(state), checked: put(state.checked, bot, false) } };
    }
  }

  return {
    start: {
      ...{ approved: [null, null, null], active: [true, true, true], denied: false, expired: false, plan: "a" },
      ...{ checked: [false, false], claims: [] },
    },
    moves: (state) => [...moves(state)],
    wrong: ({ claims }) => {
      if (claims.includes(false)) return "A step was claimed without approvals that hold at that moment.";
      return claims.length > 1 ? "A step was claimed twice." : null;
    },
  };
}

function put<T>(values: readonly T[], at: number, value: T): readonly T[] {
  return values.map((one, n) => (n === at ? value : one));
}
