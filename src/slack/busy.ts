/** Requests one person may send within `WINDOW_SECONDS`: far more than anyone types or presses, far fewer than a program sends. */
const WINDOW_SECONDS = 600;
const ON_ROSTER = 600;
const OFF_ROSTER = 30;
/** People remembered at once. */
const REMEMBERED = 10_000;

/** How often someone may ask. `first`: it is the first time it is too often, and they are told. */
export interface Busy {
  ask(user: string, listed: boolean): "heard" | "too often" | "too often, first";
}

/**
 * Limits in this process's memory what one person asks of it, before anything is looked up for them: no one can keep the
 * others' questions from being asked of Slack or of the store. `now`: milliseconds.
 */
export function createBusy(now: () => number = Date.now): Busy {
  const seen = new Map<string, { since: number; count: number }>();
  return {
    ask(user, listed) {
      const at = now();
      const known = seen.get(user);
      const current = known !== undefined && at - known.since < WINDOW_SECONDS * 1000 ? known : { since: at, count: 0 };
      current.count++;
      seen.delete(user);
      seen.set(user, current);
      const [oldest] = seen.keys();
      if (seen.size > REMEMBERED && oldest !== undefined) seen.delete(oldest);
      const most = listed ? ON_ROSTER : OFF_ROSTER;
      if (current.count <= most) return "heard";
      return current.count === most + 1 ? "too often, first" : "too often";
    },
  };
}
