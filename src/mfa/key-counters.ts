import type { SecondFactors } from "../timeline/second-factors.ts";

/**
 * The signature counters of FIDO keys. A counter that doesn't move on means that the key was copied, or that a signature is an
 * old one; keys without a counter always say 0. @see https://www.w3.org/TR/webauthn-2/#sctn-sign-counter
 */
export interface KeyCounters {
  /** False: this key has signed with this counter, or a higher one, before. */
  advance(fingerprint: string, counter: number): Promise<boolean>;
}

export function createKeyCounters(proofs: SecondFactors): KeyCounters {
  return {
    advance(fingerprint, counter) {
      const holder = `ssh/${fingerprint}`;
      return proofs.change([holder], (rows) => {
        const row = rows.get(holder);
        if (row === undefined) return { rows, value: false };
        const moved = counter > row.lastStep || (counter === 0 && row.lastStep === 0);
        return { rows: moved ? new Map([[holder, { ...row, lastStep: counter }]]) : new Map(), value: moved };
      });
    },
  };
}
