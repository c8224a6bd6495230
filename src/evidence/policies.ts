import { type Policy, unknownPolicy } from "../catalog/policy.ts";

/** A policy and since when it was in force, as the bot read it. */
export interface PolicyVersion {
  readonly policy: Policy;
  /** SHA-256 of its canonical JSON. */
  readonly hash: string;
  /** Null: it was not recorded then, and is what the files say today. */
  readonly since: Date | null;
  /** In the pack. */
  readonly file: string;
}

/** All that is known of what systems promised, over time. */
export class Policies {
  readonly #bySystem = new Map<string, PolicyVersion[]>();

  /** In the order of time. */
  add(system: string, version: PolicyVersion): void {
    this.#bySystem.set(system, [...(this.#bySystem.get(system) ?? []), version]);
  }

  systems(): readonly string[] {
    return [...this.#bySystem.keys()].sort();
  }

  of(system: string): readonly PolicyVersion[] {
    return this.#bySystem.get(system) ?? [];
  }

  /** What was in force at a moment; where nothing was recorded yet, the first that was. Null: nothing is known of the system. */
  at(system: string, moment: Date): PolicyVersion | null {
    const known = this.of(system);
    return known.findLast(({ since }) => since === null || since <= moment) ?? known[0] ?? null;
  }

  /** The same; of an unknown system, what a timeline says by itself. */
  policyAt(system: string, moment: Date): Policy {
    return this.at(system, moment)?.policy ?? unknownPolicy(system);
  }
}

/** `policies/orders/2026-11-30T10-46-05.123Z-1a2b3c4d.json` */
export function policyFile(system: string, hash: string, since: Date | null): string {
  const when = since === null ? "today" : since.toISOString().replaceAll(":", "-");
  return `policies/${system}/${when}-${hash.slice(0, 8)}.json`;
}
