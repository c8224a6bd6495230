/** What Slack said last of an account, and how old that is. */
export interface Membership<M> {
  readonly said: M;
  /** Since it was asked, not since it was answered: what changed in between may not be in it. Never too small. */
  readonly ageMs: number;
}

/** Slack's last word on each account, in this process. What is not in here has no known age. */
export interface Memberships<M> {
  /** Call before Slack is asked; what comes back notes its answer. */
  asking(account: string): (said: M) => void;
  last(account: string): Membership<M> | null;
  /** Every account with a known last word. */
  all(): Iterable<readonly [account: string, said: M]>;
}

/** Two clocks in milliseconds. */
export interface Clocks {
  /** Never set, and may stand still while the machine sleeps. */
  readonly monotonic: () => number;
  /** Goes on while the machine sleeps, and may be set. */
  readonly wall: () => number;
}

/** Accounts remembered at once. */
const REMEMBERED = 5_000;

/** `changed`: told of each answer that came, with what Slack had said before (null: nothing). */
export function createMemberships<M>(
  clocks: Clocks = { monotonic: () => performance.now(), wall: () => Date.now() },
  changed: (account: string, said: M, before: M | null) => void = () => {},
): Memberships<M> {
  const known = new Map<string, { said: M; order: number; monotonic: number; wall: number }>();
  let asked = 0;

  return {
    asking(account) {
      const at = { order: ++asked, monotonic: clocks.monotonic(), wall: clocks.wall() };
      return (said) => {
        // An answer that was overtaken by one to a later question is older than what is known.
        const before = known.get(account);
        if ((before?.order ?? 0) > at.order) return;
        known.delete(account);
        known.set(account, { said, ...at });
        const [oldest] = known.keys();
        if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest);
        changed(account, said, before?.said ?? null);
      };
    },
    last(account) {
      const found = known.get(account);
      if (found === undefined) return null;
      const { said, monotonic, wall } = found;
      return { said, ageMs: Math.max(clocks.monotonic() - monotonic, clocks.wall() - wall) };
    },
    *all() {
      for (const [account, { said }] of known) yield [account, said];
    },
  };
}
