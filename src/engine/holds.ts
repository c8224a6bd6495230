import type { Admission } from "./admit.ts";

/** Seconds of waiting for a look-up of approvers to work, before a person is told that it does not. */
const LOOK_UP_WAITS = [1, 2, 4, 8] as const;

/** What may not begin yet, because who could approve it can't be looked up just now. Times are of `performance.now()`. */
export interface Holds {
  has(key: string): boolean;
  /** Milliseconds until each of them is over. */
  remaining(): readonly number[];
  /** Takes in an answer. True: a person has to be told of it, for nothing here explains it and nothing is tried again. */
  takesToPeople(key: string, admission: Admission): admission is Extract<Admission, { kind: "refused" }>;
}

export function createHolds(): Holds {
  const held = new Map<string, { tries: number; until: number }>();
  return {
    has: (key) => (held.get(key)?.until ?? 0) > performance.now(),
    remaining: () => [...held.values()].map(({ until }) => until - performance.now()).filter((ms) => ms > 0),
    takesToPeople(key, admission): admission is Extract<Admission, { kind: "refused" }> {
      if (admission.kind !== "refused") {
        held.delete(key);
        return false;
      }
      const tries = held.get(key)?.tries ?? 0;
      const seconds = admission.code === "standing-unknown" ? LOOK_UP_WAITS[tries] : undefined;
      if (seconds === undefined) return true;
      held.set(key, { tries: tries + 1, until: performance.now() + seconds * 1000 });
      return false;
    },
  };
}
