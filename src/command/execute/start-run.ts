import { systemGone } from "../../../templates/messages/incident/command-refusals.ts";
import { refusals } from "../../../templates/messages/kit/refusal.ts";
import { notPlanned } from "../../../templates/messages/run/answers.ts";
import { movesOf } from "../../catalog/moves.ts";
import type { Scalar } from "../../catalog/reference.ts";
import { asTabletop } from "../../catalog/tabletop.ts";
import type { Mode, Runbook, System } from "../../catalog/types.ts";
import type { ApprovedAhead, DrillEntry } from "../../incident/events.ts";
import { idFor } from "../../lib/id-for.ts";
import type { Reply, Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { gatherInputs } from "../parse/inputs.ts";
import { modeOf, recordKindOf, severityOf } from "../parse/start-options.ts";
import { say, stop } from "../reply/say.ts";
import { incidentForRun } from "../resolve/incident-for-run.ts";
import { lookAndPlan } from "./look-and-plan.ts";
import { requestRun } from "./request-run.ts";
import { lineAgain, reasonIn } from "./second-move.ts";

/** What is known of a run besides its request. */
export interface StartOptions {
  /** Left out: as the request says, else planned where the runbook offers it. */
  readonly mode?: Mode;
  /** Gathered already; left out: from the request. */
  readonly inputs?: ReadonlyMap<string, Scalar>;
  /** Words of the request that no one knows what to do with; said where inputs are wrong or missing. */
  readonly strays?: readonly string[];
  /** The run it takes back. */
  readonly failsBack?: string;
  /** What people approved before its hour, and of which plan: it counts for that plan only. */
  readonly ahead?: ApprovedAhead & { readonly planHash: string };
}

/**
 * Plans a runbook and asks for its run: in the open incident of the channel or the system, or in one that is declared
 * by the same request. Both are written together or not at all.
 */
export async function startRun(
  context: CommandContext,
  request: Request,
  runbook: Runbook,
  { mode = modeOf(request, runbook), inputs, strays = [], failsBack, ahead }: StartOptions = {},
): Promise<Reply> {
  const known = { ...(failsBack !== undefined && { failsBack }), ...(ahead && { ahead }) };
  if (inputs !== undefined) return startWith(context, request, runbook, mode, inputs, known);
  // A tabletop is told nothing: nothing of it is performed.
  if (request.options.tabletop === true) return startWith(context, request, runbook, mode, new Map(), {});
  const head = strays.length === 0 ? {} : { head: `runbook ${runbook.id}`, strays };
  const gathered = gatherInputs(context, request, runbook, head);
  if (gathered.kind === "reply") return gathered.reply;
  return startWith(context, request, runbook, mode, gathered.values, known);
}

async function startWith(
  context: CommandContext,
  request: Request,
  runbook: Runbook,
  mode: Mode,
  inputs: ReadonlyMap<string, Scalar>,
  { failsBack, ahead }: Pick<StartOptions, "failsBack" | "ahead">,
): Promise<Reply> {
  const system = context.catalog.systems.find(({ id }) => id === runbook.system);
  if (!system) return stop(systemGone(runbook.system, null));
  const dryRun = request.options["dry-run"] === true;
  const tabletop = request.options.tabletop === true;
  const wanted = recordKindOf(context, request, runbook, mode, dryRun);
  const severity = severityOf(request, system, wanted === "maintenance");
  const joined = await incidentForRun(context, request, system, wanted);
  const record = joined?.declared?.kind ?? wanted;
  const kind = record === "drill" ? ("drill" as const) : ("real" as const);
  const { catalog, cards, variables, drillVariables } = context;
  const planned = await lookAndPlan(context, {
    ...{ catalog, cards, variables, inputs, dryRun, tabletop, ...(drillVariables && { drillVariables }) },
    ...{ system: system.id, runbook: runbook.id, mode, kind },
  });
  if (!planned.ok) return say(refusals(notPlanned(runbook.title), planned.problems));
  await request.ownRecord?.();
  const { plan, hash: planHash, bytes } = planned;
  const entry = kind === "drill" && !dryRun ? entryFor(system, runbook, mode, tabletop) : null;
  const incident = joined?.id ?? idFor("inc", request.key);
  const ask = {
    ...{ incident, run: idFor("run", request.key), plan, planHash, dryRun, system, severity, entry, record },
    failsBack: failsBack ?? null,
    ahead: record === "maintenance" && ahead ? aheadFor(planHash, ahead) : null,
    raise: joined?.declared?.kind === "maintenance" && wanted === "real",
    moves: movesOf(tabletop ? asTabletop(runbook) : runbook, system),
    again: reasonIn(request),
    typed: lineAgain(context, request, runbook, mode, inputs),
    title: entry?.unannounced
      ? `${system.title} drill`
      : titleOf(tabletop ? { ...runbook, title: plan.title, starts: null } : runbook, system, dryRun),
  };
  return requestRun(context, request, ask, bytes);
}

/** Of another plan it counts for nothing: people are asked. */
function aheadFor(planHash: string, ahead: NonNullable<StartOptions["ahead"]>): ApprovedAhead | null {
  const { occasion, approvals } = ahead;
  return ahead.planHash === planHash ? { occasion, approvals } : null;
}

/** The entry of the calendar that this drill is held by: it says who is told and paged. */
function entryFor(system: System, runbook: Runbook, mode: Mode, tabletop: boolean): DrillEntry | null {
  const found = (system.calendar ?? []).find(
    (one) =>
      one.kind === (tabletop ? "tabletop" : "drill") && one.runbook === runbook.id && (one.mode ?? mode) === mode,
  );
  if (found === undefined) return null;
  const { id: occasion, tells, audiences, unannounced } = found;
  return { occasion, tells, audiences, unannounced };
}

/** What the words that started it say: "Orders database: failover". */
function titleOf({ title, component, starts }: Runbook, system: System, dryRun: boolean): string {
  const what = system.components.find(({ id }) => id === component)?.title;
  const words = what && starts ? `${what}: ${starts.verb}` : title;
  return dryRun ? `Dry run: ${words}` : words;
}
