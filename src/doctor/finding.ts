/** What was looked at, what was seen, and what to do about it. */
export interface Finding {
  /** Stable, kebab-case: `store-migrated`. */
  readonly id: string;
  /** `skip`: not set up here, which is allowed. */
  readonly state: "ok" | "warn" | "fail" | "skip";
  readonly says: string;
  readonly next?: string;
}

export const ok = (id: string, says: string): Finding => ({ id, state: "ok", says });
export const skip = (id: string, says: string): Finding => ({ id, state: "skip", says });
export const warn = (id: string, says: string, next: string): Finding => ({ id, state: "warn", says, next });
export const fail = (id: string, says: string, next: string): Finding => ({ id, state: "fail", says, next });
