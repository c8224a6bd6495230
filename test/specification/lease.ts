import type { Specification } from "./search.ts";

/**
 * Two bots that drive one run under a lease. Either may be frozen at any moment, and wakes without noticing. `fenced`: every write is
 * checked against the epoch of the lease, and before a change is requested the lease is confirmed (`src/timeline/decide.ts`, `confirm` of
 * `src/engine/engine.ts`). Without it a bot that holds the lease by its own word writes and requests, as early schedulers did.
 */
export interface Lease {
  readonly epoch: number;
  /** Of each bot: the epoch it believes to hold; 0: none. */
  readonly believes: readonly number[];
  /** Of each bot: it has recorded its intent and has not requested the change yet. */
  readonly intends: readonly boolean[];
  /** The holder was silent for a whole lease. */
  readonly silent: boolean;
  /** Epochs under which intents were recorded, in order. */
  readonly written: readonly number[];
  /** Requests that reached the target, each with the epoch of its sender. */
  readonly requested: readonly number[];
  /** The target was looked at by the newest holder, and shows what was requested so far. */
  readonly looked: number;
}

const EPOCHS = 3;

export function lease({ fenced }: { readonly fenced: boolean }): Specification<Lease> {
  return {
    start: {
      ...{ epoch: 0, believes: [0, 0], intends: [false, false], silent: true, written: [], requested: [] },
      looked: 0,
    },
    moves(state) {
      const found: { does: string; to: Lease }[] = [];
      if (state.epoch > 0 && !state.silent)
        found.push({ does: "the holder is frozen for a whole lease", to: { ...state, silent: true } });
      for (const bot of [0, 1]) {
        const name = `bot ${bot + 1}`;
        const own = state.believes[bot] ?? 0;
        const isHolder = own === state.epoch;
        if (state.silent && state.epoch < EPOCHS && !(isHolder && own > 0))
          found.push({
            does: `${name} takes the lease, epoch ${state.epoch + 1}, and looks at the target`,
            to: {
              ...state,
              epoch: state.epoch + 1,
              silent: false,
              looked: state.requested.length,
              believes: put(state.believes, bot, state.epoch + 1),
              // What it began under a lease it lost ends with that (`take` of the engine).
              intends: put(state.intends, bot, false),
            },
          });
        if (own === 0) continue;
        const isDone =
          state.requested.length > 0 && (isHolder ? state.looked > 0 || state.requested.includes(own) : false);
        if (!state.intends[bot] && state.written.length < EPOCHS && !isDone) {
          if (!fenced || isHolder)
            found.push({
              does: `${name} records its intent under epoch ${own}`,
              to: { ...state, silent: false, intends: put(state.intends, bot, true), written: [...state.written, own] },
            });
          else
            found.push({
              does: `${name} wakes and is refused by the epoch`,
              to: { ...state, believes: put(state.believes, bot, 0) },
            });
        }
        if (state.intends[bot] && state.requested.length < EPOCHS) {
          if (!fenced || isHolder)
            found.push({
              does: `${name} requests the change under epoch ${own}`,
              to: { ...state, intends: put(state.intends, bot, false), requested: [...state.requested, own] },
            });
          else
            found.push({
              does: `${name} confirms its lease, and it isn't its own any more`,
              to: { ...state, believes: put(state.believes, bot, 0), intends: put(state.intends, bot, false) },
            });
        }
      }
      return found;
    },
    wrong: ({ written, requested }) => {
      if (written.some((epoch, n) => epoch < (written[n - 1] ?? 0))) return "A bot wrote after it had been replaced.";
      if (requested.some((epoch, n) => epoch < (requested[n - 1] ?? 0)))
        return "A bot requested a change after it had been replaced.";
      return requested.length > 1 ? "The change was requested twice." : null;
    },
  };
}

function put<T>(values: readonly T[], at: number, value: T): readonly T[] {
  return values.map((one, n) => (n === at ? value : one));
}
