import type { StoredEvent, Timeline } from "../timeline/contract.ts";

/** What the events of streams make, each folded on from where it was last looked at: an event is folded once, however often it's asked. */
export interface KeptFolds<S> {
  /** As the record has it now. Reads only what was appended since. @throws as `Timeline.read` */
  read(stream: string): Promise<S>;
  /** As it was last read, without a look at the store; undefined: it never was. */
  kept(stream: string): S | undefined;
  /** Of all events of a stream, as `Timeline.decide` hands them. */
  of(stream: string, events: readonly StoredEvent[]): S;
}

interface Kept<S> {
  readonly state: S;
  readonly version: number;
  /** Of the last event that was folded in. */
  readonly hash: string;
}

/** @param fold must not change what it is given, and make the same of events one by one as of all at once */
export function keepFolds<S>(
  timeline: Pick<Timeline, "read" | "onReread">,
  blank: S,
  fold: (state: S, events: readonly StoredEvent[]) => S,
): KeptFolds<S> {
  const known = new Map<string, Kept<S>>();
  let generation = 0;
  timeline.onReread(() => {
    generation += 1;
    known.clear();
  });

  function foldOn(stream: string, from: Kept<S> | undefined, more: readonly StoredEvent[], keep: boolean): S {
    const last = more.at(-1);
    const before = from?.state ?? blank;
    if (last === undefined) return before;
    const state = fold(before, more);
    const isNewer = (known.get(stream)?.version ?? 0) < last.version;
    if (keep && isNewer) known.set(stream, { state, version: last.version, hash: last.hash });
    return state;
  }

  async function read(stream: string): Promise<S> {
    const begun = generation;
    const from = known.get(stream);
    const more = await timeline.read(stream, from?.version);
    // What was read while it all changed is not gone on from.
    return begun === generation ? foldOn(stream, from, more, true) : read(stream);
  }

  return {
    read,
    kept: (stream) => known.get(stream)?.state,
    of(stream, events) {
      const from = known.get(stream);
      const goesOn = from !== undefined && events[from.version - 1]?.hash === from.hash;
      // Of what isn't committed nothing is kept.
      return goesOn
        ? foldOn(stream, from, events.slice(from.version), false)
        : foldOn(stream, undefined, events, false);
    },
  };
}
