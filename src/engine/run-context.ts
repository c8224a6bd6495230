import type { NewEvent } from "../incident/events.ts";
import type { Logger } from "../lib/log.ts";
import type { KillPoint } from "./kill-point.ts";
import type { Surroundings } from "./look.ts";
import type { EnginePorts, EngineSettings } from "./ports.ts";
import type { RunEventWriter } from "./run-event-writer.ts";

/** A run this process drives now, and what is needed to do so. */
export interface RunContext {
  readonly writer: RunEventWriter;
  readonly around: Surroundings;
  readonly systems: EnginePorts["systems"];
  readonly accountStatus: EnginePorts["accountStatus"];
  readonly conformance: EnginePorts["conformance"];
  readonly settings: EngineSettings;
  readonly log: Logger;
  readonly killPoint: KillPoint;
  /** Aborts when the run is no longer ours, or is left to another replica: nothing more is done or recorded. */
  readonly lost: AbortSignal;
  /** Aborts when the run has ended while steps are in progress: they finish or stop, and are recorded. */
  readonly halt: AbortSignal;
  /** False: this process begins nothing more, and leaves the run to others. */
  readonly startsMore: () => boolean;
  /** The database's clock. */
  readonly now: () => Date;
  /** Makes sure, where the last proof is old, that the run is still ours. Rejects with `LeaseLost`. */
  confirm(): Promise<void>;
}

/** An event of the bot's about this run. The key makes a repeat harmless; it is unique among all runs of the stream. */
export function botEvent<E extends Pick<NewEvent, "type" | "data">>(
  runContext: RunContext,
  key: string,
  event: E,
): NewEvent {
  const run = runContext.writer.lease.run;
  return { ...event, key: `${run}/${key}`, run, actor: { kind: "bot" } } as unknown as NewEvent;
}
