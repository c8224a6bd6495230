import type { FaultKind } from "./faults.ts";

/** One request as it arrived, and what became of it. */
export interface Entry {
  readonly at: number;
  readonly service: string;
  readonly region: string;
  readonly operation: string;
  readonly given: Readonly<Record<string, unknown>>;
  /** `accepted`: its effect takes place, whatever the caller was told. */
  readonly outcome: "accepted" | "answered" | "refused" | "dropped";
  readonly code: string | null;
  readonly fault: FaultKind | null;
}

export interface Ledger {
  readonly entries: readonly Entry[];
  write(entry: Omit<Entry, "at">): void;
  /** Every request of an operation, or only what was accepted. */
  of(operation: string, outcome?: Entry["outcome"]): readonly Entry[];
  clear(): void;
}

export function createLedger(): Ledger {
  const entries: Entry[] = [];
  return {
    entries,
    write: (entry) => void entries.push({ at: Date.now(), ...entry }),
    of: (operation, outcome) =>
      entries.filter((entry) => entry.operation === operation && (!outcome || entry.outcome === outcome)),
    clear: () => void entries.splice(0),
  };
}
