/** A stretch without an acknowledged write. */
export interface Gap {
  readonly from: string;
  readonly to: string;
  readonly seconds: number;
}

export interface Meter {
  acknowledged(): void;
  failed(why: string): void;
  read(): Reading;
  /** Forgets the gaps so far; the next one counts from now. */
  restart(): void;
}

export interface Reading {
  readonly writesPerSecond: number;
  /** Failed attempts of all attempts in the last five seconds, 0 to 1. */
  readonly errorRate: number;
  readonly lastError: string | null;
  /** Since the last acknowledged write. */
  readonly gapSeconds: number;
  readonly longestGapSeconds: number;
  /** The latest gaps of 0.2 s or more, newest first. */
  readonly gaps: readonly Gap[];
}

const WINDOW = 5000;
const WORTH_KEEPING = 200;

/** Counts what the writer says, by the clock it is given (milliseconds). */
export function createMeter(clock: () => number): Meter {
  let good: number[] = [];
  let bad: number[] = [];
  let last = clock();
  let longest = 0;
  let lastError: string | null = null;
  let gaps: Gap[] = [];
  const recent = (times: number[]) => times.filter((at) => at > clock() - WINDOW);
  return {
    acknowledged() {
      const now = clock();
      const gap = now - last;
      longest = Math.max(longest, gap);
      if (gap >= WORTH_KEEPING) gaps = [{ from: iso(last), to: iso(now), seconds: gap / 1000 }, ...gaps].slice(0, 8);
      last = now;
      good = [...recent(good), now];
    },
    failed(why) {
      lastError = why;
      bad = [...recent(bad), clock()];
    },
    read() {
      const [ok, failed] = [recent(good).length, recent(bad).length];
      const lastSecond = good.filter((at) => at > clock() - 1000).length;
      return {
        writesPerSecond: lastSecond,
        errorRate: ok + failed === 0 ? 0 : failed / (ok + failed),
        lastError,
        gapSeconds: (clock() - last) / 1000,
        longestGapSeconds: Math.max(longest, clock() - last) / 1000,
        gaps,
      };
    },
    restart() {
      last = clock();
      longest = 0;
      gaps = [];
      lastError = null;
    },
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
