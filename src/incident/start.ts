import type { Conformance, PlanStep, System } from "../catalog/types.ts";
import { flawOf, isExpired, policyOf, slotsFilled } from "./authority.ts";
import { flawOfBreak } from "./break-glass.ts";
import { firmly, outdated } from "./conforms.ts";
import { delegationsNow } from "./delegation.ts";
import type { NewEvent } from "./events.ts";
import { isFence } from "./fences.ts";
import { expired, passed, staleness, voided } from "./gates.ts";
import { changesThings, gatesBefore, stepsInOrder, unsettledBefore } from "./order.ts";
import { allOf } from "./people.ts";
import { isSettled } from "./settled.ts";
import type { GateState, IncidentState, RunState, StepState } from "./state.ts";
import { triesAgain } from "./status.ts";
import { unsigned } from "./unfenced.ts";

export interface StartContext {
  /** The database's clock. */
  readonly now: Date;
  /** Hash of the plan bytes the driver holds and would execute. */
  readonly planHash: string;
  /** Hash over the material facts as last observed; what the approvals were shown must be the same. */
  readonly factsHash: string;
  /** Today's roster. */
  readonly system: System;
  /**
   * People looked up afresh for this start: null is valid, a string says why not. Who is missing was not looked up, and
   * does not count.
   */
  readonly accounts: ReadonlyMap<string, string | null>;
  /** What counts in place of Slack's answer, for those of them it could not be asked about. */
  readonly instead?: ReadonlyMap<string, string>;
  /** The plan held against the catalogue of this process; absent: no one did, as in a story that has no catalogue. */
  readonly conformance?: Conformance;
  /** The lease the driver holds, where it has one. */
  readonly lease?: { readonly run: string; readonly planHash: string };
}

export type MayStart =
  /** `events`: the gates that pass with this start; written in the same transaction as the start. */
  | { readonly ok: true; readonly events: readonly NewEvent[] }
  /** `events`: what the look found out (a gate expired, or void); to be written although nothing starts. */
  | { readonly ok: false; readonly code: StartRefusal; readonly why: string; readonly events: readonly NewEvent[] };

export type StartRefusal =
  | "lease-foreign"
  | "run-ended"
  | "run-stuck"
  | "run-paused"
  | "plan-changed"
  | "catalogue-differs"
  | "kind-differs"
  | "not-preflighted"
  | "preflight-blocked"
  | "step-unknown"
  | "step-not-startable"
  | "dry-run"
  | "out-of-order"
  | "no-gate"
  | "gate-not-asked"
  | "gate-denied"
  | "gate-expired"
  | "gate-voided"
  | "facts-changed"
  | "quorum-missing"
  | "not-fenced"
  | "standing-unknown";

/**
 * The check made inside the transaction that claims a step: anything missing means no.
 *
 * Every gate before a step covers it. A gate passes at the first start behind it of a step that changes something (or
 * that tells a person to): only then is its expiry, the facts and the standing of its approvers judged, and `gate.passed`
 * is written with that start. From there on it holds until the run ends, because an approval that ran out in the middle
 * of a recovery must not strand a half-done failover; pausing and aborting stay possible throughout. Steps that only
 * read need the same approvals to go first, but use nothing up.
 */
export function mayStart(state: IncidentState, run: RunState, step: string, context: StartContext): MayStart {
  const target = run.steps.get(step);
  if (target === undefined) return no("step-unknown", `The plan has no step ${step}`);
  return refusalOfRun(state, run, context) ?? refusalOfStep(run, target) ?? throughGates(state, run, target, context);
}

/** The same for the end of a run: passes the gates behind which nothing was left to use them up. */
export function passGates(state: IncidentState, run: RunState, context: StartContext): MayStart {
  if (run.dryRun) return { ok: true, events: [] };
  const asked = stepsInOrder(run.plan)
    .map(({ step }) => step)
    .filter((step) => step.kind === "gate" && run.steps.get(step.id)?.status !== "passedOver");
  return refusalOfRun(state, run, context) ?? through(state, run, asked, true, context);
}

function refusalOfRun(state: IncidentState, run: RunState, context: StartContext): MayStart | null {
  const { lease } = context;
  if (lease !== undefined && (lease.run !== run.id || lease.planHash !== run.planHash))
    return no("lease-foreign", "The lease is not for this run and its plan");
  if (run.ending !== null) return no("run-ended", `The run is ${run.ending.as}`);
  if (run.stuck !== null) return no("run-stuck", `The run is stuck: ${run.stuck.what}`);
  if (run.paused) return no("run-paused", "The run is paused");
  if (context.planHash !== run.planHash)
    return no("plan-changed", "The plan at hand is not the one that was requested");
  if (state.declared === null || (run.plan.kind === "drill") !== (state.declared.kind === "drill"))
    return no("kind-differs", "Drills and real incidents don't mix");
  const against = context.conformance === undefined ? [] : firmly(context.conformance, run);
  if (against.length > 0) return no("catalogue-differs", catalogueDiffers(against));
  if (run.preflight === null) return no("not-preflighted", "Nothing was observed yet");
  if (!run.preflight.ready) return no("preflight-blocked", "The preflight found that this can't start");
  return null;
}

/** The plan is not one the catalogue would make: it waits until it is, or is given up. */
export function catalogueDiffers(against: readonly string[]): string {
  return `The catalogue doesn't allow this plan as it stands: ${against.join("; ")}`;
}

function refusalOfStep(run: RunState, target: StepState): MayStart | null {
  if (target.step.kind === "gate") return no("step-not-startable", "A gate is asked, not started");
  const startable = target.status === "waiting" || target.status === "running" || triesAgain(target);
  if (!startable) return no("step-not-startable", `The step is ${target.status}`);
  if (changesThings(target.step) && run.dryRun) return no("dry-run", "A dry run changes nothing");
  const before: StepState[] = unsettledBefore(run, target.step.id).filter((one) => one.status !== "gate");
  const asked = before.find((one) => one.step.kind === "gate");
  if (asked !== undefined) return no("gate-not-asked", `"${asked.step.title}" has not been asked`);
  const asks = target.step.when && run.steps.get(target.step.when.step);
  if (asks && !isSettled(asks)) before.push(asks);
  if (before.length > 0) return no("out-of-order", `${allOf(before.map((one) => `"${one.step.title}"`))} come first`);
  return null;
}

function throughGates(state: IncidentState, run: RunState, target: StepState, context: StartContext): MayStart {
  const covering = gatesBefore(run.plan, target.step.id).filter(({ id }) => run.steps.get(id)?.status !== "passedOver");
  if (changesThings(target.step) && covering.length === 0) return no("no-gate", "No gate stands before this step");
  return (
    refusalOfFence(run, target) ??
    through(state, run, covering, changesThings(target.step) || target.step.kind === "manual", context)
  );
}

/** Nothing is changed over a server that could not be fenced unless those who approved were shown that; but for another way to fence it. */
function refusalOfFence(run: RunState, target: StepState): MayStart | null {
  const [open] = changesThings(target.step) && !isFence(target.step) ? unsigned(run) : [];
  if (open === undefined) return null;
  const what = `NOT FENCED: ${open.server} couldn't be fenced, which the approval didn't know; going on without its fence isn't accepted`;
  return no("not-fenced", `${what}. Abort this run and request it again: the decision will show it`);
}

function through(
  state: IncidentState,
  run: RunState,
  gates: readonly PlanStep[],
  uses: boolean,
  context: StartContext,
): MayStart {
  const events: NewEvent[] = [];
  for (const { id, title } of gates) {
    const step = run.steps.get(id);
    if (step?.status !== "gate") return no("gate-not-asked", `"${title}" has not been asked`);
    const refusal = refusalOfRules(run, step.gate, context) ?? refusalOfGate(state, run, step.gate, context);
    if (refusal !== null) return refusal;
    if (uses && step.gate.outcome === "open") events.push(passed(run, step.gate, peopleOf(step.gate), context.instead));
  }
  return { ok: true, events };
}

function peopleOf({ broken, approvals }: GateState): readonly string[] {
  if (broken === null) return approvals.map(({ person }) => person);
  return broken.second === null ? [broken.person] : [broken.person, broken.second];
}

/** An approval is worth something under the rules of today only, also one that has passed. */
function refusalOfRules(run: RunState, gate: GateState, { conformance, now }: StartContext): MayStart | null {
  if (conformance === undefined || (gate.outcome !== "open" && gate.outcome !== "passed")) return null;
  const why = outdated(run, gate, conformance, now);
  return why === null ? null : no("gate-voided", why, [voided(run, gate, why)]);
}

function refusalOfGate(state: IncidentState, run: RunState, gate: GateState, context: StartContext): MayStart | null {
  switch (gate.outcome) {
    case "denied":
      return no("gate-denied", gate.says ?? "It was denied");
    case "expired":
      return no("gate-expired", "The approval has expired");
    case "voided":
      return no("gate-voided", "The approval is void and is asked again");
    case "passed":
      return null;
    case "open":
      return refusalOfOpen(state, run, gate, context);
    default:
      return gate.outcome satisfies never;
  }
}

function refusalOfOpen(state: IncidentState, run: RunState, gate: GateState, context: StartContext): MayStart | null {
  const policy = policyOf(run, gate);
  if (isExpired(policy, context.now))
    return no("gate-expired", "The approval expired before it was used", [expired(run, gate)]);
  const stale = staleness(run, gate, context.factsHash);
  if (stale !== null) return no(stale.code, stale.why, [voided(run, gate, stale.why)]);
  if (gate.broken !== null) return refusalOfBroken(run, gate, context);
  const delegated = delegationsNow(state, context.now);
  const judged = gate.approvals.map((approval) => ({
    approval,
    flaw: flawOf(approval, run, gate, context.system, context.accounts, delegated),
  }));
  const counting = slotsFilled(judged.flatMap(({ approval, flaw }) => (flaw === null ? [approval] : [])));
  if (counting >= policy.quorum) return null;
  if (slotsFilled(gate.approvals) < policy.quorum)
    return no("quorum-missing", `${counting} of ${policy.quorum} needed approvals are there`);
  const flaws = judged.flatMap(({ flaw }) => (flaw === null ? [] : [flaw]));
  const sure = flaws.filter((flaw) => flaw.sure);
  const why = (sure.length > 0 ? sure : flaws).map((flaw) => flaw.why).join("; ");
  const possible = slotsFilled(judged.flatMap(({ approval, flaw }) => (flaw?.sure ? [] : [approval])));
  if (possible >= policy.quorum) return no("standing-unknown", why);
  return no("gate-voided", why, [voided(run, gate, why)]);
}

function refusalOfBroken(run: RunState, gate: GateState, context: StartContext): MayStart | null {
  const flaw = flawOfBreak(run, gate, context);
  if (flaw === null) return null;
  return flaw.sure ? no("gate-voided", flaw.why, [voided(run, gate, flaw.why)]) : no("standing-unknown", flaw.why);
}

function no(code: StartRefusal, why: string, events: readonly NewEvent[] = []): MayStart {
  return { ok: false, code, why, events };
}

/** Who would have to be looked up before this step may start. */
export function approversOf(run: RunState, step: string): readonly string[] {
  const gates = new Set(gatesBefore(run.plan, step).map(({ id }) => id));
  return decidersOf([...run.steps.values()].filter((one) => gates.has(one.step.id)));
}

/** The same for all of a run's gates that are still open. */
export function deciders(run: RunState): readonly string[] {
  return decidersOf([...run.steps.values()]);
}

/**
 * Of those, who said so at the command line and nowhere else. Who they are was established there without Slack, so a Slack
 * that says nothing does not speak against them; one that says no does.
 */
export function decidedAtCommandLine(run: RunState): ReadonlySet<string> {
  const said = [...run.steps.values()].flatMap((step) => {
    if (step.status !== "gate" || step.gate.outcome !== "open") return [];
    const { broken, approvals } = step.gate;
    const broke = broken === null ? [] : [broken.person, broken.second].map((one) => [one, broken] as const);
    return [...approvals.flatMap((one) => [[one.person, one] as const, [one.onBehalfOf, one] as const]), ...broke];
  });
  const elsewhere = new Set(said.flatMap(([person, how]) => (how.atCommandLine ? [] : [person])));
  return new Set(said.flatMap(([person]) => (person === null || elsewhere.has(person) ? [] : [person])));
}

function decidersOf(steps: readonly StepState[]): readonly string[] {
  const people = steps.flatMap((step) => {
    if (step.status !== "gate" || step.gate.outcome !== "open") return [];
    const { broken, approvals } = step.gate;
    const broke = broken === null ? [] : [broken.person, broken.second];
    return [...approvals.flatMap(({ person, onBehalfOf }) => [person, onBehalfOf]), ...broke];
  });
  return [...new Set(people)].filter((person) => person !== null);
}
