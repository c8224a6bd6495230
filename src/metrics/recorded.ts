import { Counter, Histogram, type Registry } from "prom-client";
import { figuresOf } from "../incident/figures.ts";
import { isPrivate } from "../incident/members.ts";
import type { IncidentState, RunState } from "../incident/state.ts";
import { trendDataOf } from "../incident/trends.ts";
import type { StoredEvent } from "../timeline/contract.ts";
import { createNames, type Names } from "./names.ts";

/** From a look that answers at once to a restore that takes most of a night, seconds. */
const STEP_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400];
/** From a switchover to a night, seconds. */
const RECOVERY_SECONDS = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200];
/** From nothing to a day, seconds. */
const LOSS_SECONDS = [0, 0.1, 1, 5, 15, 60, 300, 900, 3600, 86_400];
/** From someone who waited for the question to no one awake, seconds. */
const WAIT_SECONDS = [5, 15, 30, 60, 120, 300, 600, 1800, 3600];

/** What this process wrote on timelines, counted. Every event has one writer, so the sum over all bots of a store is the truth. */
export interface RecordedMetrics {
  /** Whether `count` does something with such an event. */
  counts(type: string): boolean;
  /** @param state the incident with this event in it */
  count(event: StoredEvent, state: IncidentState): void;
}

/**
 * Labels are what a catalogue or this program names (systems, runbooks, roles, actions), never an incident, a run or a person:
 * their number is bounded (`names.ts`), and nothing private is shown.
 */
export function recordedMetrics(registry: Registry, names: Names = createNames()): RecordedMetrics {
  const registers = [registry];
  const declared = new Counter({
    name: "lifeboat_incidents_declared_total",
    help: "Incidents, drills and maintenance declared",
    labelNames: ["system", "kind", "severity"],
    registers,
  });
  const requested = new Counter({
    name: "lifeboat_runs_requested_total",
    help: "Runs requested, dry runs too",
    labelNames: ["system", "runbook", "mode"],
    registers,
  });
  const ended = new Counter({
    name: "lifeboat_runs_ended_total",
    help: "Runs that ended: verified, failed or aborted",
    labelNames: ["system", "runbook", "outcome"],
    registers,
  });
  const stuck = new Counter({
    name: "lifeboat_runs_stuck_total",
    help: "How often the engine could not go on with a run and a person was needed",
    labelNames: ["system", "runbook"],
    registers,
  });
  const steps = new Counter({
    name: "lifeboat_steps_total",
    help: "Attempts of steps that ended: verified, failed or stopped",
    labelNames: ["action", "outcome"],
    registers,
  });
  const stepSeconds = new Histogram({
    name: "lifeboat_step_duration_seconds",
    help: "From the claim of a step to what was seen of it",
    labelNames: ["action"],
    buckets: STEP_SECONDS,
    registers,
  });
  const waits = new Histogram({
    name: "lifeboat_approval_wait_seconds",
    help: "From the question to the end of it: passed, denied, expired or voided",
    labelNames: ["role", "outcome"],
    buckets: WAIT_SECONDS,
    registers,
  });
  const pages = new Counter({
    name: "lifeboat_pages_total",
    help: "Pages that were sent, or could not be",
    labelNames: ["outcome"],
    registers,
  });
  const updates = new Counter({
    name: "lifeboat_updates_total",
    help: "Status updates on their way outside: delivered, delayed or undelivered",
    labelNames: ["via", "outcome"],
    registers,
  });
  const recovery = new Histogram({
    name: "lifeboat_rto_seconds",
    help: "Recovery time of verified runs, as reports measure it: for real, in drills, in planned work",
    labelNames: ["system", "runbook", "kind"],
    buckets: RECOVERY_SECONDS,
    registers,
  });
  const loss = new Histogram({
    name: "lifeboat_rpo_seconds",
    help: "Data loss of verified runs, where a step measured it",
    labelNames: ["system", "runbook", "kind"],
    buckets: LOSS_SECONDS,
    registers,
  });
  const objectives = new Counter({
    name: "lifeboat_objectives_total",
    help: "Verified runs held against what was promised: rto or rpo, met or missed",
    labelNames: ["system", "objective", "kind", "outcome"],
    registers,
  });
  const resolving = new Histogram({
    name: "lifeboat_incident_duration_seconds",
    help: "From the start of the impact, else the declaration, to the resolution of real incidents: its mean is the MTTR",
    labelNames: ["system", "severity"],
    buckets: RECOVERY_SECONDS,
    registers,
  });
  const splits = new Counter({
    name: "lifeboat_split_brain_total",
    help: "How often two servers were seen to take writes after a promotion",
    labelNames: ["system"],
    registers,
  });

  const ofRun: Record<string, (event: StoredEvent, run: RunState, system: string) => void> = {
    "run.requested": (_, run, system) => requested.inc({ ...runbookOf(run, system), mode: run.mode }),
    "run.verified": (_, run, system) => ended.inc({ ...runbookOf(run, system), outcome: "verified" }),
    "run.failed": (_, run, system) => ended.inc({ ...runbookOf(run, system), outcome: "failed" }),
    "run.aborted": (_, run, system) => ended.inc({ ...runbookOf(run, system), outcome: "aborted" }),
    "run.stuck": (_, run, system) => stuck.inc(runbookOf(run, system)),
    "step.verified": (event, run) => attempt(event, run, "verified"),
    "step.failed": (event, run) => attempt(event, run, "failed"),
    "step.stopped": (event, run) => attempt(event, run, "stopped"),
    "gate.passed": (event, run) => answered(event, run, "passed"),
    "gate.denied": (event, run) => answered(event, run, "denied"),
    "gate.expired": (event, run) => answered(event, run, "expired"),
    "gate.voided": (event, run) => answered(event, run, "voided"),
    "split-brain.seen": (_, __, system) => splits.inc({ system: names.of("system", system) }),
  };

  function runbookOf({ runbook }: RunState, system: string) {
    return { system: names.of("system", system), runbook: names.runbook(system, runbook) };
  }

  function attempt(event: StoredEvent, run: RunState, outcome: string): void {
    const { step, seconds } = event.data as { step: string; seconds?: number };
    const planned = run.steps.get(step)?.step;
    if (planned?.kind !== "action") return;
    const action = names.of("action", planned.action);
    steps.inc({ action, outcome });
    if (seconds !== undefined) stepSeconds.observe({ action }, seconds);
  }

  function answered(event: StoredEvent, run: RunState, outcome: string): void {
    const state = run.steps.get((event.data as { step: string }).step);
    if (state?.status !== "gate") return;
    const seconds = (event.at.getTime() - state.gate.openedAt.getTime()) / 1000;
    waits.observe({ role: names.of("role", state.gate.role), outcome }, Math.max(0, seconds));
  }

  function recovered(run: string | null, state: IncidentState): void {
    const found = figuresOf(state).find((one) => one.run === run);
    if (found === undefined) return;
    const { kind, rto, rpo } = found;
    const system = names.of("system", found.system);
    const labels = { system, runbook: names.runbook(found.system, found.runbook), kind };
    if (rto.seconds !== null) recovery.observe(labels, rto.seconds);
    if (rpo.seconds !== null) loss.observe(labels, rpo.seconds);
    for (const [objective, { met }] of Object.entries({ rto, rpo }))
      if (met !== null) objectives.inc({ system, objective, kind, outcome: met ? "met" : "missed" });
  }

  function resolved(state: IncidentState): void {
    for (const { system, severity, seconds } of trendDataOf(state).resolved)
      resolving.observe({ system: names.of("system", system), severity }, seconds);
  }

  const ofIncident = new Set([
    "incident.declared",
    "incident.resolved",
    "page.sent",
    "page.failed",
    "update.delivered",
    "update.delayed",
    "update.undelivered",
  ]);

  return {
    counts: (type) => ofIncident.has(type) || Object.hasOwn(ofRun, type),
    count(event, state) {
      // Metrics are read by everyone: of a private incident nothing is counted.
      if (state.declared === null || isPrivate(state.declared)) return;
      const { system, kind } = state.declared;
      if (event.type === "incident.declared")
        declared.inc({ system: names.of("system", system), kind, severity: state.severity });
      if (event.type === "incident.resolved") resolved(state);
      if (event.type === "run.verified") recovered(event.run, state);
      if (event.type === "page.sent") pages.inc({ outcome: "sent" });
      if (event.type === "page.failed") pages.inc({ outcome: "failed" });
      if (event.type.startsWith("update.") && ofIncident.has(event.type))
        updates.inc({
          via: names.of("via", (event.data as { via: string }).via),
          outcome: event.type.slice("update.".length),
        });
      const run = event.run === null ? undefined : state.runs.get(event.run);
      if (run !== undefined && Object.hasOwn(ofRun, event.type)) ofRun[event.type]?.(event, run, system);
    },
  };
}
