import { setTimeout as pause } from "node:timers/promises";
import { Secret, TOTP } from "otpauth";

const STEP_MS = 30_000;
/** Between showing a code and its check, a step may end. */
const LATE_MS = 2_000;

/**
 * The authenticator on someone's phone. A code counts once, and codes of the step before and after now count too: so each
 * step is shown once, the oldest that counts first, and three codes can be had at once before one has to wait.
 */
export class Authenticator {
  readonly #totp: TOTP;
  #last = 0;

  constructor(secretInBase32: string) {
    this.#totp = new TOTP({ secret: Secret.fromBase32(secretInBase32) });
  }

  /** How long it takes until the next code counts, milliseconds; 0: it counts now. */
  get waits(): number {
    return Math.max(0, (this.#next - 1) * STEP_MS - Date.now());
  }

  async code(): Promise<string> {
    const wait = this.waits;
    this.#last = this.#next;
    if (wait > 0) await pause(wait);
    return this.#totp.generate({ timestamp: this.#last * STEP_MS });
  }

  /** The step, counted since 1970, whose code is shown next. */
  get #next(): number {
    return Math.max(this.#last + 1, Math.floor((Date.now() + LATE_MS) / STEP_MS) - 1);
  }
}
