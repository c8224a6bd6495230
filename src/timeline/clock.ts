/** The database's clock between contacts. Measured against a monotonic clock: this machine's wall clock may jump. */
export interface StoreClock {
  now(): Date;
  /** A time the database told, asked for at `sentAt` and answered just now (both `performance.now()`). */
  heard(told: Date, sentAt: number): void;
}

export function createClock(): StoreClock {
  let told = Date.now();
  let heardAt = performance.now();
  let doubt = Number.POSITIVE_INFINITY;
  return {
    now: () => new Date(told + performance.now() - heardAt),
    heard(time, sentAt) {
      const received = performance.now();
      const latency = received - sentAt;
      // A quick answer is trusted over a slow one for a while: what an answer waited for is unknown.
      if (latency > doubt && latency > 20 && received - heardAt < 10_000) return;
      told = time.getTime();
      heardAt = received - latency / 2;
      doubt = latency;
    },
  };
}
