/** Numbers that a seed decides, in [0, 1), and what is usually drawn from them. */
export interface Random {
  next(): number;
  /** A whole number from 0 to `below` - 1. */
  int(below: number): number;
  chance(share: number): boolean;
  one<T>(values: readonly T[]): T;
  between(least: number, most: number): number;
}

/** mulberry32. Each `part` of a run draws from its own, so that what one part draws changes nothing in another. */
export function createRandom(seed: number, part: string): Random {
  let state = seed >>> 0;
  for (const letter of part) state = Math.imul(state ^ letter.charCodeAt(0), 0x9e3779b1) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number) => Math.floor(next() * below);
  return {
    next,
    int,
    chance: (share) => next() < share,
    one: (values) => values[int(values.length)] as never,
    between: (least, most) => least + next() * (most - least),
  };
}
