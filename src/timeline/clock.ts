/**
 * The store's clock between contacts, which practice can move ahead, and the real time of its database, which no one can. Measured
 * against a monotonic clock: this machine's wall clock may jump.
 */
export interface StoreClock {
  /** The store's clock: what is decided by time is decided by this. */
  now(): Date;
  /** Real time, for what is compared with the world outside: Slack's times, signatures. */
  realNow(): Date;
  /** Which of the two decides: the store's, where time may be moved; else real time, whatever the store's owner has made of its clock. */
  decides(told: Date, real: Date): Date;
  /** A time the database told, asked for at `sentAt` and answered just now (both `performance.now()`). `real`: where it told that too. */
  heard(told: Date, sentAt: number, real?: Date): void;
  /** Calls back when the store's clock jumped: what sleeps until a moment looks again. */
  onJump(jumped: () => void): () => void;
}

/** More than any answer is late by, milliseconds. */
const JUMP_MS = 5_000;

/** `moves`: false in production, where nothing is decided by a clock that the owner of the store can replace. */
export function createClock(moves = true): StoreClock {
  const store = createEstimate();
  const real = createEstimate();
  const jumps = new Set<() => void>();
  let isFirst = true;
  const decides = (told: Date, realTold: Date) => (moves ? told : realTold);
  return {
    now: store.now,
    realNow: real.now,
    decides,
    heard(told, sentAt, realTold) {
      if (realTold !== undefined) real.heard(realTold, sentAt);
      const jumped = store.heard(realTold === undefined ? told : decides(told, realTold), sentAt) && !isFirst;
      isFirst = false;
      if (jumped) for (const callback of jumps) callback();
    },
    onJump(jumped) {
      const own = () => jumped();
      jumps.add(own);
      return () => void jumps.delete(own);
    },
  };
}

function createEstimate() {
  let told = Date.now();
  let heardAt = performance.now();
  let doubt = Number.POSITIVE_INFINITY;
  const now = () => new Date(told + performance.now() - heardAt);
  return {
    now,
    /** True: it is not the clock we knew. */
    heard(time: Date, sentAt: number): boolean {
      const received = performance.now();
      const latency = received - sentAt;
      const isJump = Math.abs(time.getTime() - now().getTime()) > latency + JUMP_MS;
      // A quick answer is trusted over a slow one for a while: what an answer waited for is unknown.
      if (!isJump && latency > doubt && latency > 20 && received - heardAt < 10_000) return false;
      told = time.getTime();
      heardAt = received - latency / 2;
      doubt = latency;
      return isJump;
    },
  };
}
