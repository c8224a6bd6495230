import { isAnswered } from "./authority.ts";
import { stepsInOrder } from "./order.ts";
import type { GateState, RunState, StepState } from "./state.ts";

/**
 * A server that may take writes although another one was, or is about to be, promoted: it could not be fenced. Actions say so by
 * a fact `unfenced` that names it: in the preflight when a step would go on without the fence, in their evidence when it did. A fact
 * `fencedServer` takes it back. Nothing is read from texts.
 */
export interface Unfenced {
  readonly server: string;
  /** The step that says so last. */
  readonly step: string;
  /** True: the step went on without the fence. False: it is seen in the preflight, and still to come. */
  readonly happened: boolean;
  /** Person ids of those who approved while it was shown to them; empty: no one has. */
  readonly acceptedBy: readonly string[];
}

export const UNFENCED = "unfenced";
export const FENCED_SERVER = "fencedServer";

/** In plan order, one entry a server. What a run that has ended did not come to is no risk any more. */
export function unfencedIn(run: RunState): readonly Unfenced[] {
  const found = new Map<string, Unfenced>();
  for (const { step } of stepsInOrder(run.plan)) {
    const state = run.steps.get(step.id);
    if (state === undefined) continue;
    const { unfenced, fenced } = factsOf(run, state);
    for (const server of fenced) found.delete(server);
    for (const server of unfenced)
      found.set(server, {
        server,
        step: step.id,
        happened: state.status === "done",
        acceptedBy: acceptedBy(run, server, step.id),
      });
  }
  return [...found.values()];
}

/** Names to be shown with a question: those who answer it accept these. */
export function unfencedNames(run: RunState): readonly string[] {
  return unfencedIn(run).map(({ server }) => server);
}

/** Servers that a step went on without fencing and that no one was shown before they approved: nothing is promoted over them. */
export function unsigned(run: RunState): readonly Unfenced[] {
  return unfencedIn(run).filter(({ happened, acceptedBy: people }) => happened && people.length === 0);
}

/** What is still unfenced in an incident: a later run may have fenced or rebuilt what an earlier one could not. */
export function unfencedAfter(runs: Iterable<RunState>): readonly { readonly run: RunState; readonly one: Unfenced }[] {
  const found = new Map<string, { run: RunState; one: Unfenced }>();
  for (const run of runs) {
    if (run.dryRun) continue;
    for (const step of run.steps.values()) for (const server of factsOf(run, step).fenced) found.delete(server);
    for (const one of unfencedIn(run)) if (one.happened) found.set(one.server, { run, one });
  }
  return [...found.values()];
}

function factsOf(run: RunState, state: StepState): { unfenced: readonly string[]; fenced: readonly string[] } {
  if (state.status === "done") {
    const named = (id: string) => state.facts.flatMap((fact) => (fact.id === id ? names(fact.value) : []));
    const unfenced = named(UNFENCED);
    // As 0.1 recorded it, without the server's name.
    const accepted = state.facts.some(({ id, value }) => id === "fenceAccepted" && value === true);
    return {
      unfenced: unfenced.length === 0 && accepted ? [state.step.title] : unfenced,
      fenced: named(FENCED_SERVER),
    };
  }
  const isAhead = run.ending === null && state.status !== "skipped" && state.status !== "passedOver";
  const shown = isAhead ? (run.preflight?.facts ?? []) : [];
  const unfenced = shown.filter(({ step, id }) => step === state.step.id && id === UNFENCED);
  return { unfenced: unfenced.flatMap(({ value }) => names(value)), fenced: [] };
}

function names(value: unknown): readonly string[] {
  return typeof value === "string" && value !== "" ? [value] : [];
}

/** Logs of 0.1 do not say what a question showed: there, everyone who approved before the step was warned by the preflight. */
function acceptedBy(run: RunState, server: string, step: string): readonly string[] {
  const order = stepsInOrder(run.plan).map((one) => one.step.id);
  const people = [...run.steps.values()].flatMap((state) => {
    if (state.status !== "gate" || !isGiven(run, state.gate)) return [];
    const before = order.indexOf(state.step.id) < order.indexOf(step);
    return (state.gate.unfenced?.includes(server) ?? before) ? deciders(state.gate) : [];
  });
  return [...new Set(people)];
}

function isGiven(run: RunState, gate: GateState): boolean {
  return gate.outcome === "passed" || (gate.outcome === "open" && isAnswered(run, gate));
}

function deciders({ approvals, broken }: GateState): readonly string[] {
  if (broken === null) return approvals.map(({ person }) => person);
  return broken.second === null ? [broken.person] : [broken.person, broken.second];
}
