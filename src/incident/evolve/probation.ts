import type { Recorded } from "../events.ts";
import type { RunState } from "../state.ts";

type ProbationEvent = Extract<
  Recorded,
  { type: "run.committed" | "probation.changed" | "probation.ended" | "standby.missing" | "standby.streams" }
>;

/** What becomes of a run after it was verified. The first commit stands, and nothing is watched behind the end of its window. */
export function evolveProbation(run: RunState, event: ProbationEvent): RunState {
  const wasUnhealthy = (healthy: boolean) => !healthy || run.probation?.wasUnhealthy === true;
  switch (event.type) {
    case "run.committed":
      return run.committed ? run : { ...run, committed: { by: event.actor, at: event.at, reason: event.data.reason } };
    case "probation.changed":
      return run.probation?.endedAt
        ? run
        : {
            ...run,
            probation: {
              ...{ ...event.data, since: event.at, endedAt: null, moved: false },
              wasUnhealthy: wasUnhealthy(event.data.healthy),
            },
          };
    case "probation.ended": {
      const since = run.probation?.healthy === event.data.healthy ? run.probation.since : event.at;
      const ended = {
        since,
        endedAt: run.probation?.endedAt ?? event.at,
        wasUnhealthy: wasUnhealthy(event.data.healthy),
        ...(run.probation?.endedAt && { wasOver: true as const }),
      };
      return { ...run, probation: { ...event.data, ...ended } };
    }
    case "standby.missing":
    case "standby.streams":
      return {
        ...run,
        standby: { streams: event.type === "standby.streams", since: event.at, says: event.data.says },
      };
    default:
      return event satisfies never;
  }
}
