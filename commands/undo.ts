import { planUndo } from "../src/catalog/undo.ts";
import type { Command, Reply, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { requestRun } from "../src/command/execute/request-run.ts";
import { stop } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { movesSince } from "../src/command/resolve/moved-run.ts";
import { systemOf } from "../src/command/resolve/system.ts";
import type { RecentMove } from "../src/incident/moves.ts";
import type { IncidentState, RunState } from "../src/incident/state.ts";
import { byHandAfter, changedSteps, coveringGates, firstToUndo, undoRefusal } from "../src/incident/undo.ts";
import { idFor } from "../src/lib/id-for.ts";
import { parseActionValue } from "../templates/messages/kit/action-value.ts";
import { refused } from "../templates/messages/refused.ts";
import { nothingChanged, nothingToUndo, unknownRun } from "../templates/messages/run/command-refusals.ts";

export const undo: Command = {
  verb: "undo",
  aliases: ["run.undo"],
  summary:
    "Undo a step of a run that ended. The people who approved the step approve the undo; the last step comes first.",
  usage: "/dr undo [<step>] [<run>] [--unplanned] [--incident <id>]",
  examples: ["/dr undo fence", "/dr undo fence run-7k2m9xqz"],
  startsRuns: true,
  async handle(context, request) {
    const meant = await meantBy(context, request);
    return undoStep(context, request, meant.state, meant.run, meant.step, request.options.unplanned === true);
  },
};

/** Plans the undo of a step from what its run recorded, and asks for it in the same incident. */
export async function undoStep(
  context: CommandContext,
  request: Request,
  state: IncidentState,
  run: RunState,
  stepId: string,
  acceptUnreachable: boolean,
): Promise<Reply> {
  const refusal = undoRefusal(state, run.id, stepId);
  if (refusal !== null) return stop(refused(refusal));
  const step = run.steps.get(stepId);
  const gates = coveringGates(run, stepId);
  if (step?.step.kind !== "action" || step.origin === undefined || gates.length === 0) return stop(nothingToUndo());
  const later = await movedSince(context, run);
  if (later !== undefined)
    return stop(refused({ code: "undo-moved", where: step.step.title, title: later.title, runId: later.run }));
  const planned = planUndo({
    ...{ plan: run.plan, run: run.id, step: step.step, before: step.origin.before, verified: step.status === "done" },
    ...{ gates, byHand: byHandAfter(state, run, stepId), mode: acceptUnreachable ? "unplanned" : "planned" },
    cards: context.cards,
  });
  if (!planned.ok) return stop(planned.problems[0] ?? nothingToUndo());
  const { plan, hash: planHash, bytes } = planned;
  const system = systemOf(context, state);
  const ask = {
    incident: state.id,
    run: idFor("run", request.key),
    plan,
    planHash,
    dryRun: false,
    severity: state.severity,
    system,
    title: plan.title,
    entry: null,
  };
  return requestRun(context, request, ask, bytes);
}

/** A later move of the same: planned work has a record of its own each time, so it stands in another incident as a rule. */
async function movedSince(context: CommandContext, { id, plan, endedAt }: RunState): Promise<RecentMove | undefined> {
  const moves = await movesSince(context, { plan, endedAt });
  return moves.find(
    ({ run, at, resources }) =>
      run !== id && endedAt !== null && at > endedAt && resources.some((one) => plan.resources.includes(one)),
  );
}

interface Meant {
  readonly state: IncidentState;
  readonly run: RunState;
  readonly step: string;
}

/**
 * The step a button carries, or the one that is named, in the run that is named or the newest that changed it. Without a
 * name: what has to be undone first anyway.
 */
async function meantBy(context: CommandContext, request: Request): Promise<Meant> {
  const pressed = parseActionValue(request.actionValue);
  const runId = pressed.run ?? request.words.find((word) => word.startsWith("run-"));
  const named =
    (pressed.run === null ? undefined : pressed.about[0]) ?? request.words.find((word) => !word.startsWith("run-"));
  const state = runId === undefined ? await theIncident(context, request) : await incidentOf(context, runId);
  const runs =
    runId === undefined
      ? [...state.runs.values()].toReversed()
      : [state.runs.get(runId)].filter((one) => one !== undefined);
  for (const run of runs) {
    const changed = changedSteps(state, run);
    const found = named === undefined ? firstToUndo(state, run) : changed.find(({ step }) => isNamed(step.step, named));
    if (found) return { state, run, step: found.step.step.id };
  }
  const [only] = runs;
  const known =
    only && runs.length === 1 && named ? [...only.steps.values()].find(({ step }) => isNamed(step, named)) : undefined;
  if (only && known) return { state, run: only, step: known.step.id };
  return notFound(state, runs, named);
}

function isNamed({ id, title }: { readonly id: string; readonly title: string }, named: string): boolean {
  return id.toLowerCase() === named.toLowerCase() || title.toLowerCase() === named.toLowerCase();
}

async function incidentOf(context: CommandContext, runId: string): Promise<IncidentState> {
  const state = await context.incidents.withRun(runId);
  if (state !== null) return state;
  return stop(unknownRun(runId));
}

function notFound(state: IncidentState, runs: readonly RunState[], named: string | undefined): never {
  const all = runs.flatMap((run) => changedSteps(state, run).map(({ step }) => `${step.step.id} (${run.id})`));
  return stop(nothingChanged(named ?? null, all));
}
