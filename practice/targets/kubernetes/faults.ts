/**
 * What may go wrong on the way to an API server, or in it.
 *
 * - `down`: nothing answers; connections are cut.
 * - `hang`: the request is accepted and never answered (nor done).
 * - `throttle`: 429 with Retry-After, nothing done.
 * - `failAfter`: done, and answered with 500.
 * - `dropAfter`: done, and the connection is cut instead of an answer.
 * - `hangAfter`: done, and never answered.
 * - `slow`: answered after `milliseconds`.
 * - `lie`: answered with success, and nothing done.
 */
export type FaultKind = "down" | "hang" | "throttle" | "failAfter" | "dropAfter" | "hangAfter" | "slow" | "lie";

export interface Fault {
  readonly kind: FaultKind;
  /** Which requests: dry runs and questions about permissions are reads. Left out: all. */
  readonly on?: "reads" | "writes";
  /** How many requests it strikes before it is over; left out: until it is cleared. */
  readonly times?: number;
  /** How many such requests pass unharmed first. */
  readonly after?: number;
  readonly milliseconds?: number;
}

export interface FaultSwitches {
  throw(fault: Fault): void;
  clear(): void;
  /** The fault that strikes this request, used up by asking. */
  strike(write: boolean): Fault | null;
}

export function createFaults(): FaultSwitches {
  let thrown: { fault: Fault; left: number; pass: number }[] = [];
  return {
    throw(fault) {
      thrown.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY, pass: fault.after ?? 0 });
    },
    clear() {
      thrown = [];
    },
    strike(write) {
      const found = thrown.find(
        ({ fault, left }) => left > 0 && (fault.on === undefined || (fault.on === "writes") === write),
      );
      if (!found) return null;
      if (found.pass-- > 0) return null;
      found.left--;
      return found.fault;
    },
  };
}

/** Whether a request that met this fault had its effect; `answered` is the status as it would have been. */
export function hadEffect(fault: FaultKind | null, answered: number): boolean {
  return answered < 400 && fault !== "lie";
}
