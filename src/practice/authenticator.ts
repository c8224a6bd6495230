import { setTimeout as passing } from "node:timers/promises";
import { Secret, TOTP } from "otpauth";

const STEP_MS = 30_000;
/** Between showing a code and its check, a step may end. */
const LATE_MS = 2_000;

/**
 * The authenticator on somebody's phone. A code counts once, and codes of the step before and after now count too: so each
 * step is shown once, the oldest that counts first, and three codes can be had at once before one has to wait.
 */
export class Authenticator {
  readonly #totp: TOTP;
  #last = 0;

  constructor(secretInBase32: string) {
    this.#totp = new TOTP({ secret: Secret.fromBase32(secretInBase32) });
  }

  async code(): Promise<string> {
    this.#last = Math.max(this.#last + 1, Math.floor((Date.now() + LATE_MS) / STEP_MS) - 1);
    const counts = (this.#last - 1) * STEP_MS;
    if (Date.now() < counts) await passing(counts - Date.now());
    return this.#totp.generate({ timestamp: this.#last * STEP_MS });
  }
}
