import type { FaultKind } from "../../practice/kit/faults.ts";
import type { Action, Evidence, PlannedCall } from "../../src/actions/contract.ts";

/** What everything that changes something has to stand. `failure-modes.test.ts` demands each of them of every action. */
export const FAILURE_MODES = [
  "killed before",
  "killed during",
  "killed after",
  "reply lost",
  "error after accepting",
  "refused",
  "hanging",
  "answered, not done",
  "done by hand",
  "wrong state",
  "another target",
] as const;
export type FailureMode = (typeof FAILURE_MODES)[number];

/** What becomes of the next request that changes something. */
export type Fault = Exclude<FaultKind, "down" | "slow">;

/** Not the world is otherwise, but what is asked of it. */
export class Asked {
  readonly input: unknown;
  constructor(input: unknown) {
    this.input = input;
  }
}
export const asked = (input: unknown) => new Asked(input);

/** A target as one test finds it, and what it saw. */
export interface CaseFixture {
  readonly input: unknown;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly evidence?: Readonly<Record<string, Evidence>>;
  /** Requests of this action that arrived, and those that had their effect, whatever was answered. */
  sent(): number | Promise<number>;
  accepted(): number | Promise<number>;
  /** @param after how many of its requests pass unharmed first; 0 where left out */
  throw(fault: Fault, after?: number): void;
  /** Whether the target is as the action wants it. */
  holds(): boolean | Promise<boolean>;
  /** The same effect, caused by someone else, past the ledger. */
  byHand?(): unknown;
  /** A state in which it must not be begun, or the input that asks for one; and the check that says so. */
  wrong?(): unknown;
  readonly blocks?: string;
  /** Another target at the same address, or the input that leads to one. */
  other?(): unknown;
  close?(): Promise<unknown>;
  /** Other calls of the plan it would be a part of, where its undo has to know them. */
  readonly calls?: readonly PlannedCall[];
}

/** A hand-written test that shows it. `failure-modes.test.ts` looks whether there is one of that name. */
export interface Elsewhere {
  readonly test: string;
  /** Below `test/actions`. */
  readonly file: string;
}
export const shownBy = (file: string, test: string): Elsewhere => ({ file, test });

/** Why there is no trial of a danger: in words why it can't happen there, or where else it is tested. */
export type Instead = string | Elsewhere;

export interface FailureCase {
  readonly action: string;
  /** What tells two trials of one action apart. */
  readonly of?: string;
  /** How many requests the effect takes, each of them at most once. */
  readonly requests?: number;
  /** They come in this order, one after the other: answers are lost, and processes die, at each of them. */
  readonly inTurn?: true;
  /** Why saying it again, after an answer that did not come, has no second effect though the target accepts it again. */
  readonly absolute?: string;
  begin(): Promise<CaseFixture>;
  /** Only the intent knows what to look for: before it, what a person did can't be told from something else. */
  readonly intentFirst?: boolean;
  /** The processes that die are real ones, killed; before the call where the step says these words. */
  readonly kill?: { readonly at: string };
  /** Seconds an attempt may take: as a rule, where nothing is answered, and where nothing comes of an answer; and between two. */
  readonly seconds?: Readonly<Partial<Record<"usual" | "hanging" | "lie" | "between", number>>>;
  readonly instead?: Readonly<Partial<Record<FailureMode, Instead>>>;
}

/** An action whose whole proof is written by hand. */
export interface Handmade {
  readonly action: string;
  readonly instead: Readonly<Record<FailureMode, Instead>>;
}

/** What a target's `failure-cases.ts` holds. */
export interface FailureSuite {
  /** Debian's programs and packages, where the target is a real one. */
  readonly needs?: { readonly programs: readonly string[]; readonly packages: readonly string[] };
  /** What its trials share: opened once. */
  open?(): Promise<unknown>;
  close?(): Promise<unknown>;
  readonly cases: readonly FailureCase[];
  /** Where they are not those of `src/actions/index.ts`: the example of CONTRIBUTING.md is not. */
  readonly actions?: ReadonlyMap<string, Action>;
  readonly handmade?: readonly Handmade[];
}

/** What every stand-in with fault switches and a ledger of writes tells. */
export interface Struck {
  readonly faults: { throw(fault: { kind: FaultKind; on: "writes"; times: number; after: number }): void };
  writes(): readonly { readonly fault: FaultKind | null; readonly done: boolean }[];
}

/** Counted from here on. */
export function struck({ faults, writes }: Struck): Pick<CaseFixture, "sent" | "accepted" | "throw"> {
  const from = writes().length;
  return {
    sent: () => writes().length - from,
    accepted: () =>
      writes()
        .slice(from)
        .filter(({ done }) => done).length,
    // A wire knows no answers of its own: there, what fails is the connection.
    throw: (fault, after = 0) =>
      faults.throw({ kind: fault === "fail" ? "down" : fault, on: "writes", times: 1, after }),
  };
}

/** By hand, and the world has taken it in. */
export async function until(what: string, look: () => Promise<boolean> | boolean, seconds = 15): Promise<void> {
  for (const end = performance.now() + seconds * 1000; !(await look()); ) {
    if (performance.now() > end) throw new Error(`Waited ${seconds} s for ${what}.`);
    await new Promise((later) => setTimeout(later, 10));
  }
}
