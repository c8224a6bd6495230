/** What goes wrong on purpose. Times are milliseconds of the workspace's clock; counts say how many are still to come. */
export class FaultInjection {
  readonly now: () => number;
  /** Every API call is answered 429 until then. */
  limitedUntil = 0;
  /** Only this method, or all. */
  limitedMethod: string | null = null;
  unavailableUntil = 0;
  /** chat.postMessage answers ok and the message is never seen. */
  losePosts = 0;
  /** Calls are carried out, and the connection is cut before the answer. */
  loseReplies = 0;
  /** Only this method's answers are lost, or those of all. */
  loseRepliesOf: string | null = null;
  duplicates = 0;
  /** Methods a policy or a limit of the workspace refuses, with which of Slack's errors, and how often. */
  readonly refused = new Map<string, { readonly error: string; readonly times: number }>();
  /** Envelopes arrive this late. The person's three seconds run meanwhile. */
  delayEnvelopesSeconds = 0;
  delayCallsSeconds = 0;
  /** What people do reaches the app as if it were this old: Slack's "delayed events" of what an app missed, and stuck clicks. */
  staleSeconds = 0;
  revoked = false;
  /** Slack's rate tiers are enforced. */
  tiers = false;

  constructor(now: () => number) {
    this.now = now;
  }

  /** Seconds to put into Retry-After, or null. */
  retryAfter(method: string): number | null {
    if (this.limitedMethod !== null && this.limitedMethod !== method) return null;
    const left = this.limitedUntil - this.now();
    return left > 0 ? Math.ceil(left / 1000) : null;
  }

  unavailable(): boolean {
    return this.unavailableUntil > this.now();
  }

  /** Whether the answer of this call is lost; counted. */
  losesReply(method: string): boolean {
    return (this.loseRepliesOf === null || this.loseRepliesOf === method) && this.take("loseReplies");
  }

  /** Takes one off a count; false when there was none left. */
  take(what: "losePosts" | "loseReplies" | "duplicates"): boolean {
    if (this[what] <= 0) return false;
    this[what]--;
    return true;
  }

  /** Slack's word for refusing this call, or null. */
  refusal(method: string): string | null {
    const found = this.refused.get(method);
    if (found === undefined) return null;
    if (found.times > 1) this.refused.set(method, { ...found, times: found.times - 1 });
    else this.refused.delete(method);
    return found.error;
  }

  report(): Record<string, unknown> {
    const left = (until: number) => Math.max(0, Math.ceil((until - this.now()) / 1000));
    return {
      limitedSeconds: left(this.limitedUntil),
      limitedMethod: this.limitedMethod,
      unavailableSeconds: left(this.unavailableUntil),
      losePosts: this.losePosts,
      loseReplies: this.loseReplies,
      duplicates: this.duplicates,
      refused: [...this.refused].map(([method, { error }]) => `${method} (${error})`).join(", "),
      delayEnvelopesSeconds: this.delayEnvelopesSeconds,
      delayCallsSeconds: this.delayCallsSeconds,
      staleSeconds: this.staleSeconds,
      revoked: this.revoked,
      tiers: this.tiers,
    };
  }
}
