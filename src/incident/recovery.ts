import { serviceOf } from "./service.ts";
import type { IncidentState, RunState } from "./state.ts";

/** What one run's recovery took, measured on the log. Seconds throughout; null is "not known", never "none". */
export interface Recovery {
  /**
   * RTO counts from here: when the impact started, else when the incident was declared. Of a planned run no one waits for: when the first
   * step took service away; null where none has.
   */
  readonly startedAt: Date | null;
  readonly from: "impact" | "declaration" | "interruption";
  /** When the last step was seen to be done; null until the whole run is verified. */
  readonly verifiedAt: Date | null;
  readonly rtoSeconds: number | null;
  readonly objectiveSeconds: number | null;
  readonly met: boolean | null;
  readonly rpo: Loss | null;
  readonly rpoObjectiveSeconds: number | null;
  readonly rpoMet: boolean | null;
  readonly waits: readonly Wait[];
}

export interface Loss {
  readonly step: string;
  readonly subject: string;
  readonly seconds: number | null;
  readonly rows: number | null;
  readonly method: string;
  /** Commit time of the newest write that was kept, as the first measurement told it. */
  readonly keptUntil?: string;
}

/** How long people were waited for at one gate, from its first ask. */
export interface Wait {
  readonly step: string;
  readonly askedAt: Date;
  /** When its newest ask was closed, or null while it is open. */
  readonly decidedAt: Date | null;
  readonly waitedSeconds: number | null;
  readonly outcome: "open" | "passed" | "denied" | "expired" | "voided";
  readonly people: readonly { readonly person: string; readonly role: string; readonly waitedSeconds: number }[];
}

export function recoveryOf(state: IncidentState, run: RunState): Recovery {
  const impact = state.declared?.impactStartedAt ?? null;
  const gap = run.mode === "planned" && impact === null ? interruptionOf(run) : null;
  const startedAt = gap !== null ? gap.from : (impact ?? state.declared?.at ?? null);
  const counted = run.ending?.as === "verified" && !run.dryRun && run.plan.undoes === undefined;
  const verifiedAt = counted ? (gap === null ? lastDone(run) : gap.until) : null;
  const rtoSeconds = startedAt && verifiedAt ? secondsBetween(startedAt, verifiedAt) : null;
  const rpo = lossOf(run);
  const { rtoSeconds: objectiveSeconds, rpoSeconds: rpoObjectiveSeconds } = run.plan;
  return {
    startedAt,
    from: gap !== null ? "interruption" : impact === null ? "declaration" : "impact",
    verifiedAt,
    rtoSeconds,
    objectiveSeconds,
    met: within(rtoSeconds, objectiveSeconds),
    rpo,
    rpoObjectiveSeconds,
    rpoMet: within(rpo?.seconds ?? null, rpoObjectiveSeconds),
    waits: waitsOf(run),
  };
}

/** From the start of a step to the end of another; null where no step took service away. */
export interface Interruption {
  readonly from: Date | null;
  readonly until: Date | null;
  /** Id of the step it was over with. */
  readonly last: string | null;
}

/**
 * How long a run left users without service, as an upper bound from its own steps: from the beginning of the first that takes
 * it away to the end of the last that gives it back. Approvals asked in between count: users wait for them too.
 */
export function interruptionOf(run: RunState): Interruption {
  const changing = [...run.steps.values()].flatMap((state) => {
    if (state.status !== "done" || state.step.kind !== "action") return [];
    const service = serviceOf(state.step);
    return service === null ? [] : [{ service, id: state.step.id, from: state.startedAt, until: state.at }];
  });
  const first = changing.findIndex(({ service }) => service === "interrupts");
  const taken = changing[first];
  if (taken === undefined) return { from: null, until: null, last: null };
  const back = changing.slice(first).filter(({ service }) => service !== "aside");
  const last = back.reduce((latest, one) => (one.until >= latest.until ? one : latest));
  return { from: taken.from, until: last.until, last: last.id };
}

/**
 * Service was back before this run was requested, or the run does nothing to the service: what it took is no part of the recovery. True only
 * where an earlier run of the same component was verified.
 */
export function isAfterRecovery(runs: readonly RunState[], run: RunState): boolean {
  return runs.some(
    (one) =>
      one !== run &&
      one.ending?.as === "verified" &&
      one.plan.undoes === undefined &&
      one.plan.component === run.plan.component &&
      (one.endedAt?.getTime() ?? Number.POSITIVE_INFINITY) <= run.requestedAt.getTime(),
  );
}

function lastDone(run: RunState): Date | null {
  const times = [...run.steps.values()].flatMap((step) => (step.status === "done" ? step.at.getTime() : []));
  return times.length === 0 ? run.endedAt : new Date(Math.max(...times));
}

/** The worst loss of any target; one whose loss no one could measure is worse than any number. */
function lossOf(run: RunState): Loss | null {
  const bySubject = new Map<string, Loss>();
  for (const step of run.steps.values()) {
    if (step.status !== "done" || step.rpo === null) continue;
    const earlier = bySubject.get(step.rpo.subject);
    const keptUntil = step.rpo.keptUntil ?? earlier?.keptUntil;
    const loss = { step: step.step.id, ...step.rpo, ...(keptUntil !== undefined && { keptUntil }) };
    if (earlier === undefined || says(loss) >= says(earlier)) bySubject.set(loss.subject, loss);
  }
  const losses = [...bySubject.values()];
  const size = (loss: Loss) => loss.seconds ?? Number.POSITIVE_INFINITY;
  return losses.reduce<Loss | null>((worst, loss) => (worst === null || size(loss) > size(worst) ? loss : worst), null);
}

/** How much a measurement tells: rows were counted, only time is known, nothing is. A later one that tells as much wins. */
function says({ seconds, rows }: Loss): number {
  return rows !== null ? 2 : seconds !== null ? 1 : 0;
}

function waitsOf(run: RunState): readonly Wait[] {
  return [...run.steps.values()].flatMap((step) => {
    if (step.status !== "gate") return [];
    const { firstOpenedAt, openedAt, approvals, closedAt, outcome } = step.gate;
    return {
      step: step.step.id,
      askedAt: firstOpenedAt,
      decidedAt: closedAt,
      waitedSeconds: closedAt === null ? null : secondsBetween(firstOpenedAt, closedAt),
      outcome,
      people: approvals.map(({ person, role, at }) => ({ person, role, waitedSeconds: secondsBetween(openedAt, at) })),
    };
  });
}

function within(seconds: number | null, objective: number | null): boolean | null {
  return seconds === null || objective === null ? null : seconds <= objective;
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000;
}
