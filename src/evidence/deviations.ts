import { isKnown, type LogEvent } from "../incident/evolve.ts";
import { figuresOf } from "../incident/figures.ts";
import type { IncidentState } from "../incident/state.ts";
import { unfencedIn } from "../incident/unfenced.ts";
import { actorId } from "./people.ts";

/** Where what happened differs from what was planned or promised. `event`: the version it stands on; null: it is measured on the whole. */
export interface Deviation {
  readonly run: string | null;
  readonly kind: DeviationKind;
  readonly says: string;
  /** Person id; null: no one in particular. */
  readonly by: string | null;
  readonly at: Date | null;
  readonly event: number | null;
}

export type DeviationKind =
  | "step failed"
  | "step stopped"
  | "step retried"
  | "step skipped"
  | "approval denied"
  | "approval expired"
  | "approval void"
  | "break-glass"
  | "run paused"
  | "run aborted"
  | "run failed"
  | "run stuck"
  | "stage late"
  | "two servers took writes"
  | "fault not lifted"
  | "not fenced"
  | "update late"
  | "response late"
  | "RTO missed"
  | "RPO missed";

/** Those that are events, as they come. */
export function deviationIn(event: LogEvent, title: (run: string, step: string) => string): Deviation | null {
  if (!isKnown(event)) return null;
  const { run, at, version } = event;
  const of = (kind: DeviationKind, says: string, by: string | null = null): Deviation => {
    return { run, kind, says, by, at, event: version };
  };
  const step = (id: string) => title(run ?? "", id);
  switch (event.type) {
    case "step.failed":
      return of("step failed", `${step(event.data.step)}: ${event.data.problem.what}`);
    case "step.stopped":
      return of("step stopped", `${step(event.data.step)}: ${event.data.problem.what}`);
    case "step.retried":
      return event.actor.kind === "bot" ? null : of("step retried", step(event.data.step), actorId(event.actor));
    case "step.skipped":
      return of("step skipped", `${step(event.data.step)}: ${event.data.reason}`, actorId(event.actor));
    case "gate.denied":
      return of("approval denied", `${step(event.data.step)}${because(event.data.reason)}`, event.data.person);
    case "gate.expired":
      return of("approval expired", `${step(event.data.step)}: no decision in time`);
    case "gate.voided":
      return of("approval void", `${step(event.data.step)}: ${event.data.why}`);
    case "gate.broken":
      return of("break-glass", `${step(event.data.step)}: ${event.data.reason}`, event.data.person);
    case "run.paused":
      return of("run paused", event.data.reason ?? "no reason given", actorId(event.actor));
    case "run.aborted":
      return of("run aborted", event.data.reason, actorId(event.actor));
    case "run.failed":
      return of("run failed", event.data.problem.what);
    case "run.stuck":
      return of("run stuck", event.data.problem.what);
    case "stage.late":
      return of("stage late", `${event.data.stage}: due at ${event.data.dueAt}`);
    case "split-brain.seen":
      return of("two servers took writes", event.data.says);
    case "fault.remains":
      return of("fault not lifted", event.data.says);
    case "comms.late":
      return of("update late", `${event.data.kind}: due at ${event.data.dueAt}`);
    case "incident.responseLate":
      return of("response late", `${event.data.severity}: due at ${event.data.dueAt}`);
    default:
      return null;
  }
}

/** Those that are measured on the whole record. */
export function measuredDeviations(state: IncidentState): readonly Deviation[] {
  const whole = { by: null, at: null, event: null };
  const missed = figuresOf(state).flatMap(({ run, title, rto, rpo }): Deviation[] => [
    ...(rto.met === false
      ? [
          {
            ...whole,
            run,
            kind: "RTO missed" as const,
            says: `${title}: ${rto.seconds} s, promised ${rto.objective} s`,
          },
        ]
      : []),
    ...(rpo.met === false
      ? [
          {
            ...whole,
            run,
            kind: "RPO missed" as const,
            says: `${title}: ${rpo.seconds} s, promised ${rpo.objective} s`,
          },
        ]
      : []),
  ]);
  const unfenced = [...state.runs.values()].flatMap((run) =>
    unfencedIn(run)
      .filter(({ happened }) => happened)
      .map(({ server }) => ({ ...whole, run: run.id, kind: "not fenced" as const, says: server })),
  );
  return [...missed, ...unfenced];
}

function because(reason: string | null): string {
  return reason === null ? "" : `: ${reason}`;
}
