import type { Problem } from "../lib/errors.ts";

/**
 * Someone proves afresh, outside the chat, that they are who their account says: a stolen session is not enough. TOTP does it
 * today; a WebAuthn key or a company's sign-on would stand behind the same face.
 */
export interface SecondFactor {
  /** "TOTP": what people call it. */
  readonly method: string;
  /** Why no one can prove anything in this installation, or null. */
  readonly closed: Problem | null;
  /** All of these holders can prove who they are. */
  enrolled(holders: readonly string[]): Promise<boolean>;
  /** Makes a secret and shows it: this once. Until it is confirmed nothing has changed. */
  begin(holders: readonly string[], label: string): Promise<Invitation>;
  /** `current`: a code of what was enrolled before, needed to replace it. */
  confirm(
    holders: readonly string[],
    code: string,
    current: string | null,
    key: string,
    from?: CodeSource,
  ): Promise<Verdict>;
  /** `key`: the request it is for. A code counts once, except for the same request delivered again. */
  check(holder: string, code: string, key: string, from?: CodeSource): Promise<Verdict>;
  /**
   * Whether a code of theirs is worth anything yet. Someone who took over an account can enroll in its name, so what is new, or
   * newer than the question it is for, proves nothing until it has aged, or someone else vouched for it.
   */
  counts(holder: string, askedAt: Date | null): Promise<Counts>;
  /** `by`: the holder who vouches, whose own proof was just checked. */
  endorse(holders: readonly string[], by: string): Promise<void>;
  /** How long it takes until something new counts by itself; 0: it counts at once. */
  readonly settleHours: number;
}

export type Counts =
  /** `vouchedBy`: it would not count yet without that holder's word. */
  { readonly ok: true; readonly vouchedBy: string | null } | { readonly ok: false; readonly problem: Problem };

export interface Invitation {
  readonly secret: string;
  /** For an authenticator: `otpauth://totp/…` */
  readonly uri: string;
}

/** Where a code was typed. Wrong ones are counted, and lock, for each by itself: guessing at one leaves the other open. */
export type CodeSource = "slack" | "cli";

export type Verdict =
  | { readonly ok: true }
  /** `locked`: this try was one too many, and codes from there count no more until then. */
  | { readonly ok: false; readonly problem: Problem; readonly locked?: Date };

/** One person on one system's roster: what a proof belongs to. */
export function holderOf(system: string, person: string): string {
  return `${system}/${person}`;
}

/** The person a proof belongs to. */
export function personIn(holder: string): string {
  return holder.slice(holder.indexOf("/") + 1);
}
