/**
 * A small specification: what can be so, what can happen next, and what must never be. Everything that can happen is tried, in every
 * order, so it holds for all that the specification can say, or the shortest way to where it doesn't is known.
 */
export interface Specification<S> {
  readonly start: S;
  /** What can happen, each by a name that reads as a line of a story. */
  readonly moves: (state: S) => readonly { readonly does: string; readonly to: S }[];
  /** What is wrong in this state; null: nothing. */
  readonly wrong: (state: S) => string | null;
}

export interface Searched {
  readonly states: number;
  /** Null: nothing is wrong in any state that can be reached. */
  readonly counterexample: { readonly wrong: string; readonly story: readonly string[] } | null;
}

const MOST_STATES = 2_000_000;

/** Breadth first, so that a counterexample is a shortest one. */
export function search<S>({ start, moves, wrong }: Specification<S>): Searched {
  const came = new Map<string, { readonly before: string | null; readonly does: string }>();
  const first = JSON.stringify(start);
  came.set(first, { before: null, does: "" });
  let level: (readonly [string, S])[] = [[first, start]];
  while (level.length > 0) {
    const next: (readonly [string, S])[] = [];
    for (const [name, state] of level) {
      const says = wrong(state);
      if (says !== null) return { states: came.size, counterexample: { wrong: says, story: storyTo(name, came) } };
      for (const { does, to } of moves(state)) {
        const key = JSON.stringify(to);
        if (came.has(key)) continue;
        came.set(key, { before: name, does });
        next.push([key, to]);
      }
    }
    if (came.size > MOST_STATES) throw new Error(`More than ${MOST_STATES} states: make the specification smaller`);
    level = next;
  }
  return { states: came.size, counterexample: null };
}

function storyTo(end: string, came: ReadonlyMap<string, { before: string | null; does: string }>): readonly string[] {
  const story: string[] = [];
  for (let at: string | null = end; at !== null; at = came.get(at)?.before ?? null) {
    const does = came.get(at)?.does;
    if (does) story.unshift(does);
  }
  return story;
}
