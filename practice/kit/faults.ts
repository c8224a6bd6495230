import type { ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/**
 * What may go wrong on the way to a stand-in, or in it. Every stand-in uses these words.
 *
 * - `down`: the connection is cut, nothing done.
 * - `hang`: nothing answered, nothing done.
 * - `throttle`: refused as asked too often, nothing done.
 * - `fail`: a server error (500), nothing done.
 * - `failAfter`: done, and answered with a server error.
 * - `dropAfter`: done, and the connection is cut instead of an answer.
 * - `hangAfter`: done, and never answered.
 * - `slow`: answered after `milliseconds` (500 if left out).
 * - `lie`: answered with success, and nothing done.
 */
export type FaultKind =
  | "down"
  | "hang"
  | "throttle"
  | "fail"
  | "failAfter"
  | "dropAfter"
  | "hangAfter"
  | "slow"
  | "lie";

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
  take(write: boolean): Fault | null;
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
    take(write) {
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

/** One request to a stand-in, in the words of its interface. */
export interface Exchange {
  /** Neither done nor answered. */
  dropped(): void;
  /** Answers with a refusal or a server error; after `failAfter` it was done all the same. */
  refuse(why: "throttle" | "fail" | "failAfter"): void;
  /** Does it, or (`happens` is false) only says so. What comes back writes the answer. */
  perform(happens: boolean): (() => void) | Promise<() => void>;
}

/** Carries out one request as the fault that strikes it has it: the one place that knows what each kind means over HTTP. */
export async function meet(
  fault: Pick<Fault, "kind" | "milliseconds"> | null,
  response: ServerResponse,
  { dropped, refuse, perform }: Exchange,
): Promise<void> {
  const kind = fault?.kind ?? null;
  if (kind === "down" || kind === "hang") dropped();
  if (kind === "down") return void response.destroy();
  if (kind === "hang") return;
  if (kind === "slow") await pause(fault?.milliseconds ?? 500);
  if (kind === "throttle" || kind === "fail") return refuse(kind);
  const say = await perform(kind !== "lie");
  if (kind === "dropAfter") return void response.destroy();
  if (kind === "failAfter") return refuse(kind);
  if (kind !== "hangAfter") say();
}
