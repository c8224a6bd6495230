import type { Problem } from "../lib/errors.ts";

/**
 * Somebody proves afresh, outside the chat, that they are who their account says: a stolen session is not enough. TOTP does it
 * today; a WebAuthn key or a company's sign-on would stand behind the same face.
 */
export interface Proof {
  /** "TOTP": what people call it. */
  readonly method: string;
  /** Why nobody can prove anything in this installation, or null. */
  readonly closed: Problem | null;
  /** All of these holders can prove who they are. */
  enrolled(holders: readonly string[]): Promise<boolean>;
  /** Makes a secret and shows it: this once. Until it is confirmed nothing has changed. */
  begin(holders: readonly string[], label: string): Promise<Invitation>;
  /** `current`: a code of what was enrolled before, needed to replace it. */
  confirm(holders: readonly string[], code: string, current: string | null, key: string): Promise<Verdict>;
  /** `key`: the request it is for. A code counts once, except for the same request delivered again. */
  check(holder: string, code: string, key: string): Promise<Verdict>;
}

export interface Invitation {
  readonly secret: string;
  /** For an authenticator: `otpauth://totp/…` */
  readonly uri: string;
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly problem: Problem };

/** One person on one system's roster: what a proof belongs to. */
export function holderOf(system: string, person: string): string {
  return `${system}/${person}`;
}
