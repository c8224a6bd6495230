/** The value below which `share` of them lie (nearest rank): `quantile(times, 0.99)`. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (found === undefined) throw new Error("Nothing was measured.");
  return found;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Milliseconds of each of `times` runs, one after the other; the first few warm up and do not count. */
export async function timed(times: number, work: (i: number) => Promise<unknown>, warmUp = 1): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < times + warmUp; i++) {
    const began = performance.now();
    await work(i);
    if (i >= warmUp) all.push(performance.now() - began);
  }
  return all;
}
