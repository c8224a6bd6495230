import type { Decided, Decision, Timeline } from "../../src/timeline/contract.ts";

/** One decision of a run, as it was put to the store, and what became of it. JSON. */
export interface Write {
  readonly stream: string;
  /** The version of the stream it was decided on. */
  readonly version: number;
  readonly events: Decision<unknown>["events"];
  readonly runs: readonly {
    readonly id: string;
    readonly planHash: string;
    readonly plan: string;
    readonly resources: readonly string[];
  }[];
  readonly ended: readonly string[];
  readonly outcome: "written" | { readonly held: string; readonly by: string };
}

/** The writes of one simulated run in the order in which the store made them, over all of its processes. */
export class Writes {
  readonly all: Write[] = [];
  #open: Omit<Write, "outcome"> | null = null;

  /** The same timeline, whose decisions are noted. */
  noting(timeline: Timeline): Timeline {
    const decide: Timeline["decide"] = (stream, work, options) =>
      timeline.decide(
        stream,
        (events, now) => {
          const decision = work(events, now);
          const runs = (decision.runs ?? []).map(({ id, planHash, planBytes, resources }) => ({
            ...{ id, planHash, resources, plan: Buffer.from(planBytes).toString("base64") },
          }));
          this.#open = { stream, version: events.length, events: decision.events, runs, ended: decision.ended ?? [] };
          return decision;
        },
        options,
      );
    return { ...timeline, decide };
  }

  /** To be called with what the store answered, before anything else is decided. */
  settle(decided: Decided<unknown>): void {
    const open = this.#open;
    this.#open = null;
    if (open === null || decided.kind === "lost") return;
    const outcome = decided.kind === "held" ? { held: decided.resource, by: decided.run } : ("written" as const);
    this.all.push({ ...open, outcome });
  }
}
