import type { Mode } from "../catalog/types.ts";
import type { SummarizedHead } from "../timeline/contract.ts";
import { asSummary, type Summary, type VerifiedRun } from "./summary.ts";

export interface Entry {
  readonly head: SummarizedHead;
  readonly is: Is;
}

/**
 * What is known of an incident at its head: the summary, where nothing in it is open; that something is; that it is to be read
 * (`unread`), at some time (`later`); or that its record can't be believed.
 */
export type Is = Summary | "current" | "unread" | "later" | "broken";

/** Every incident by its head, in memory. It reads nothing. */
export class Known {
  /** In the order of their newest events, the oldest first. */
  readonly #entries = new Map<string, Entry>();
  /** Those that are not known to be over, and will not be read later. */
  readonly #current = new Set<string>();
  /** By system, runbook and mode: the run of it that ended verified last. */
  readonly #verified = new Map<string, VerifiedRun>();

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  isCurrent(id: string): boolean {
    return this.#current.has(id);
  }

  current(): readonly string[] {
    return [...this.#current];
  }

  newestFirst(): readonly Entry[] {
    return [...this.#entries.values()].reverse();
  }

  /** Heads as the store has them now. One that moved is to be read, unless a summary of it was kept. */
  take(heads: readonly SummarizedHead[]): void {
    for (const head of [...heads].sort(oldestFirst)) {
      const before = this.#entries.get(head.id)?.head;
      if (before?.version === head.version && before.hash === head.hash) continue;
      this.#entries.delete(head.id);
      this.#entries.set(head.id, { head, is: "unread" });
      this.becomes(head.id, asSummary(head.summary) ?? "unread");
    }
  }

  becomes(id: string, is: Is): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.set(id, { ...entry, is });
    if (typeof is === "string" && is !== "later") this.#current.add(id);
    else this.#current.delete(id);
    if (typeof is !== "string") for (const run of is.verified) this.#note(is.system, run);
  }

  verified(system: string, runbook: string, mode: Mode): VerifiedRun | undefined {
    return this.#verified.get(keyOf(system, runbook, mode));
  }

  #note(system: string | null, run: VerifiedRun): void {
    if (system === null) return;
    const key = keyOf(system, run.runbook, run.mode);
    const last = this.#verified.get(key);
    if (last === undefined || last.at < run.at) this.#verified.set(key, run);
  }
}

function keyOf(system: string, runbook: string, mode: Mode): string {
  return JSON.stringify([system, runbook, mode]);
}

function oldestFirst(one: SummarizedHead, other: SummarizedHead): number {
  return one.updatedAt.getTime() - other.updatedAt.getTime() || (one.id < other.id ? 1 : -1);
}
