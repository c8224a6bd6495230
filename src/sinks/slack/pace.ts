/** A token bucket: how many may go at once, how many more each second, and how deep the urgent may go into debt. */
export interface Pace {
  readonly perSecond: number;
  readonly burst: number;
  readonly debt: number;
}

/** The same bucket, filled so many times as fast. */
export function faster(pace: Pace, times: number): Pace {
  return { ...pace, perSecond: pace.perSecond * times };
}

/** Tokens there were, and when (milliseconds). */
export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

export function filled(bucket: Bucket, pace: Pace, now: number): Bucket {
  const gained = (Math.max(0, now - bucket.at) / 1000) * pace.perSecond;
  return { tokens: Math.min(pace.burst, bucket.tokens + gained), at: now };
}

/** Milliseconds until one may go; 0: now. */
export function waitFor(bucket: Bucket, pace: Pace, urgent: boolean): number {
  const floor = urgent ? 1 - pace.debt : 1;
  return bucket.tokens >= floor ? 0 : Math.ceil(((floor - bucket.tokens) / pace.perSecond) * 1000);
}

export function spent(bucket: Bucket): Bucket {
  return { ...bucket, tokens: bucket.tokens - 1 };
}
