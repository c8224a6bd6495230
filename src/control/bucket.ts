/** A token bucket for each source: so many at once, and so many a second after that. Times are monotonic milliseconds. */
export class Buckets {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #levels = new Map<string, { tokens: number; at: number }>();

  constructor(burst: number, perSecond: number, now: () => number = () => performance.now()) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** False: too many; nothing is taken. */
  take(source: string): boolean {
    const now = this.#now();
    const before = this.#levels.get(source) ?? { tokens: this.#burst, at: now };
    const tokens = Math.min(this.#burst, before.tokens + ((now - before.at) / 1000) * this.#perSecond);
    this.#levels.delete(source);
    this.#levels.set(source, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    this.#forget();
    return tokens >= 1;
  }

  /** Sources are known to be few (users of a machine); addresses may not be. */
  #forget(): void {
    for (const source of this.#levels.keys()) {
      if (this.#levels.size <= SOURCES_MAX) return;
      this.#levels.delete(source);
    }
  }
}

const SOURCES_MAX = 1_000;
