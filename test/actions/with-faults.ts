import type { FaultInjection } from "../../practice/kit/fault-injection.ts";
import type { Ledger } from "../../practice/kit/ledger.ts";
import type { CaseFixture, FailureCase, FailureMode, Instead } from "../support/failure-case.ts";

/** A stand-in with faults and a ledger by operations, as the one request of an action meets it. */
export function withFaults(
  { faults, ledger }: { readonly faults: FaultInjection; readonly ledger: Ledger },
  operation: string,
  effect: "accepted" | "answered" = "accepted",
): Pick<CaseFixture, "sent" | "accepted" | "throw"> {
  return {
    sent: () => ledger.of(operation).length,
    accepted: () => ledger.of(operation, effect).length,
    throw: (fault) => faults.next(operation, fault),
  };
}

/** A stand-in with faults and a ledger of effects. */
export interface StandInFixture {
  readonly faults: FaultInjection;
  readonly ledger: Ledger;
  readonly secrets: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface StandInCase<W extends StandInFixture> {
  readonly action: string;
  /** The one request that changes something, as the stand-in calls it. */
  readonly operation: string;
  readonly requests?: number;
  /** Its one request only reads, and what it answers is the effect. */
  readonly reads?: true;
  readonly absolute?: string;
  create(): Promise<W>;
  input(world: W): unknown;
  holds(world: W): boolean;
  byHand?(world: W): unknown;
  wrong(world: W): unknown;
  other(world: W): unknown;
  readonly instead?: Readonly<Partial<Record<FailureMode, Instead>>>;
}

/** A trial over such a stand-in, made again for every test. */
export function over<W extends StandInFixture>(story: StandInCase<W>): FailureCase {
  const { action, operation, requests = 1, absolute, instead = {}, byHand } = story;
  return {
    action,
    requests,
    instead,
    ...(absolute ? { absolute } : {}),
    async begin(): Promise<CaseFixture> {
      const world = await story.create();
      return {
        input: story.input(world),
        secrets: world.secrets,
        ...withFaults(world, operation, story.reads ? "answered" : "accepted"),
        holds: () => story.holds(world),
        ...(byHand ? { byHand: () => byHand(world) } : {}),
        wrong: () => story.wrong(world),
        other: () => story.other(world),
        close: () => world.close(),
      };
    },
  };
}
