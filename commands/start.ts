import { changesSomething } from "../src/catalog/drill.ts";
import { movesOf } from "../src/catalog/moves.ts";
import { type Planned, planPrepared } from "../src/catalog/plan.ts";
import { type PlanRequest, preparePlan, sharedServers } from "../src/catalog/prepare.ts";
import type { Scalar } from "../src/catalog/reference.ts";
import { asTabletop } from "../src/catalog/tabletop.ts";
import type { Mode, Moves, Plan, Runbook, System } from "../src/catalog/types.ts";
import type { DecideContext, Outcome } from "../src/incident/commands.ts";
import { decide } from "../src/incident/decide.ts";
import type { DrillEntry, NewEvent, RecordKind, SeverityId } from "../src/incident/events.ts";
import { evolve } from "../src/incident/evolve.ts";
import { AGAIN_SECONDS, movesUnderWay, type RecentMove } from "../src/incident/moves.ts";
import { leastSeverity, severityNamed, usualSeverity } from "../src/incident/severity.ts";
import type { IncidentState } from "../src/incident/state.ts";
import type { RecentMoves } from "../src/incidents/index.ts";
import { LifeboatError } from "../src/lib/errors.ts";
import type { Decision } from "../src/timeline/contract.ts";
import { systemGone, unknownSeverity } from "../templates/messages/incident/command-refusals.ts";
import { type Open, which } from "../templates/messages/incident/situation.ts";
import { notWritten } from "../templates/messages/kit/command-refusals.ts";
import { refusals } from "../templates/messages/kit/refusal.ts";
import { type Worded, worded } from "../templates/messages/refused.ts";
import { heldBy, heldByUnknown, notPlanned } from "../templates/messages/run/answers.ts";
import { drillInIncident, modeNotOffered, modeTwice } from "../templates/messages/run/command-refusals.ts";
import { lineAgain, notRequested, reasonIn } from "./again.ts";
import { actorOf, type Reply, type Request } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { idFor } from "./ids.ts";
import { incidentHere, incidentNamed } from "./incidents.ts";
import { gatherInputs } from "./inputs.ts";
import { repeatOf } from "./repeat.ts";
import { nameIn, say, stop, whereOf } from "./say.ts";
import { startedBy } from "./started.ts";
import { Unclear } from "./the-incident.ts";

/** Options every command that starts a run understands. */
export const START_OPTIONS =
  "[<input>=<value> …] [--system <system>] [--planned] [--unplanned] [--dry-run] [--drill] [--tabletop] [--severity <P0-P3>] [--incident <id>] [--again <reason>]";

/** Only practice systems may run in practice, and never outside it. */
export function runnable(context: CommandContext): readonly System[] {
  const environment = context.practice ? "practice" : "production";
  return context.catalog.systems.filter((system) => system.environment === environment);
}

/**
 * Plans a runbook and asks for its run: in the open incident of the channel or the system, or in one that is declared
 * by the same request. Both are written together or not at all. `inputs`: gathered already; left out: from the request,
 * of which `strays` are words no one knows what to do with. `failsBack`: the run it takes back.
 */
export async function startRun(
  context: CommandContext,
  request: Request,
  runbook: Runbook,
  mode: Mode = modeOf(request, runbook),
  inputs?: ReadonlyMap<string, Scalar>,
  strays: readonly string[] = [],
  failsBack: string | null = null,
): Promise<Reply> {
  // A tabletop is told nothing: nothing of it is performed.
  if (inputs === undefined && request.options.tabletop === true)
    return startRun(context, request, runbook, mode, new Map());
  if (inputs === undefined) {
    const head = strays.length === 0 ? {} : { head: `runbook ${runbook.id}`, strays };
    const gathered = gatherInputs(context, request, runbook, head);
    if (gathered.kind === "reply") return gathered.reply;
    return startRun(context, request, runbook, mode, gathered.values, [], failsBack);
  }
  const system = context.catalog.systems.find(({ id }) => id === runbook.system);
  if (!system) return stop(systemGone(runbook.system, null));
  const dryRun = request.options["dry-run"] === true;
  const wanted = recordWanted(context, request, runbook, mode, dryRun);
  const severity = severityOf(request, system, wanted === "maintenance");
  const place = await placeFor(context, request, system, wanted);
  const record = place?.declared?.kind ?? wanted;
  const kind = record === "drill" ? ("drill" as const) : ("real" as const);
  const tabletop = request.options.tabletop === true;
  const entry = kind === "drill" && !dryRun ? entryFor(system, runbook, mode, tabletop) : null;
  const { catalog, cards, variables, drillVariables } = context;
  const ask = {
    ...{ catalog, cards, variables, inputs, dryRun, tabletop, ...(drillVariables && { drillVariables }) },
    ...{ system: system.id, runbook: runbook.id, mode, kind },
  };
  const planned = await lookAndPlan(context, ask);
  if (!planned.ok)
    return {
      kind: "private",
      message: refusals(notPlanned(runbook.title), planned.problems),
    };
  await request.ownRecord?.();
  const incident = place?.id ?? idFor("inc", request.key);
  const asked: RunRequest = {
    ...{ incident, run: idFor("run", request.key), plan: planned.plan, planHash: planned.hash, dryRun, severity },
    ...{ record, raise: place?.declared?.kind === "maintenance" && wanted === "real" },
    ...{
      moves: movesOf(tabletop ? asTabletop(runbook) : runbook, system),
      again: reasonIn(request),
      failsBack,
      typed: lineAgain(context, request, runbook, mode, inputs),
    },
    ...{
      system,
      entry,
      title: entry?.unannounced
        ? `${system.title} drill`
        : titleOf(tabletop ? { ...runbook, title: planned.plan.title, starts: null } : runbook, system, dryRun),
    },
  };
  return requested(context, request, asked, planned.bytes);
}

async function lookAndPlan(context: CommandContext, request: PlanRequest): Promise<Planned> {
  const prepared = preparePlan(request);
  if (!prepared.ok) return prepared;
  const { targets, inDrillEnvironment, apart } = prepared;
  const [drill, production] = await Promise.all([
    apart && context.lookAt?.(apart.drill, true),
    apart && context.lookAt?.(apart.production, false),
  ]);
  const shared = drill && production ? sharedServers(drill, production) : [];
  if (shared.length > 0) return { ok: false, problems: shared };
  const seen = targets.length === 0 ? null : await context.lookAt?.(targets, inDrillEnvironment);
  return planPrepared(request, prepared, seen ?? new Map());
}

/** A plan that is made already, and the incident it is requested in. */
export interface RunRequest {
  readonly incident: string;
  readonly run: string;
  readonly plan: Plan;
  readonly planHash: string;
  readonly dryRun: boolean;
  readonly severity: SeverityId;
  readonly system: System;
  readonly title: string;
  /** The calendar entry a drill is held by; null: none, or it is for real. */
  readonly entry: DrillEntry | null;
  /** What is opened where there is nothing yet; absent: what the plan is. */
  readonly record?: RecordKind;
  /** What it moves between sites; absent or null: nothing. */
  readonly moves?: Moves | null;
  /** Why, though the same was moved shortly before; absent or null: no one said. */
  readonly again?: string | null;
  /** The run it takes back; absent: none. */
  readonly failsBack?: string | null;
  /** What to type behind `/dr` to ask for it again. */
  readonly typed?: string;
  /** It was maintenance until now, and this run is none: it becomes an incident with the request. */
  readonly raise?: boolean;
}

type Asked = Extract<Worded, { kind: "refused" }> | { kind: "accepted" } | { kind: "under-way"; run: string };

export async function requested(
  commandContext: CommandContext,
  request: Request,
  ask: RunRequest,
  planBytes: Uint8Array,
): Promise<Reply> {
  const { caller, key } = request;
  const recent = await recentMoves(commandContext, ask);
  const decided = await commandContext.incidents.decide<Asked>(ask.incident, (state, events, now): Decision<Asked> => {
    const before = repeatOf(events, key);
    if (before?.kind === "refused") return { events: [], value: { ...before, events: [] } };
    if (before !== null) return { events: [], value: { kind: "accepted" } };
    const context = { now, actor: actorOf(caller), blocked: caller.blocked, system: ask.system, key };
    // It may have ended since it was looked for, and then it counts.
    const other = [...recent.underWay, ...movesUnderWay(state)].find((one) => sharesResources(one, ask.plan));
    if (ask.moves && !ask.dryRun && other !== undefined)
      return { events: [], value: { kind: "under-way", run: other.run } };
    const outcome = worded(declareAndRequest(request, state, { ...ask, moved: recent.verified }, context, now));
    if (outcome.kind === "refused") return { events: outcome.events, value: outcome };
    const resources = ask.dryRun ? [] : ask.plan.resources;
    const runs = [{ id: ask.run, planHash: ask.planHash, planBytes, resources }];
    return { events: outcome.events, runs, value: { kind: "accepted" } };
  });
  if (decided.kind === "held") return refusedAsHeld(commandContext, decided.run, ask);
  const value = decided.kind === "written" ? decided.value : null;
  if (value?.kind === "under-way") {
    const { underWay } = await commandContext.incidents.recentMoves(ask.system.id, 0);
    const still = underWay.some(({ run }) => run === value.run);
    return still ? refusedAsHeld(commandContext, value.run, ask) : requested(commandContext, request, ask, planBytes);
  }
  if (value?.kind === "refused") return notRequested(value.problem, ask.typed, request);
  const answer = decided.kind === "written" ? await startedBy(commandContext, request) : null;
  if (answer !== null) return answer;
  throw new LifeboatError(notWritten());
}

/** Of other incidents: what is in its own is known in the transaction. */
async function recentMoves({ incidents, catalog }: CommandContext, ask: RunRequest): Promise<RecentMoves> {
  if (!ask.moves || ask.dryRun) return { verified: [], underWay: [] };
  const windows = catalog.runbooks
    .filter(({ system }) => system === ask.system.id)
    .flatMap((runbook) => movesOf(runbook, ask.system)?.probationSeconds ?? []);
  const { verified, underWay } = await incidents.recentMoves(ask.system.id, Math.max(AGAIN_SECONDS, ...windows));
  const elsewhere = ({ incident }: { readonly incident: string }) => incident !== ask.incident;
  return { verified: verified.filter(elsewhere), underWay: underWay.filter(elsewhere) };
}

function sharesResources(one: { readonly resources: readonly string[] }, { resources }: Plan): boolean {
  return one.resources.some((resource) => resources.includes(resource));
}

function declareAndRequest(
  request: Request,
  state: IncidentState,
  ask: RunRequest & { readonly moved: readonly RecentMove[] },
  context: DecideContext,
  now: Date,
): Outcome {
  const { moves, again, failsBack, moved } = ask;
  const { title, system, severity, plan, planHash, run, dryRun, entry } = ask;
  const announceIn = request.place.channel;
  const events: NewEvent[] = [];
  let after = state;
  if (state.declared === null) {
    const kind = ask.record ?? plan.kind;
    const declared = decide(
      {
        ...{ type: "declare", title, system: system.id, severity, kind, impactStartedAt: null, announceIn },
        ...(entry !== null && { drill: entry }),
      },
      state,
      context,
    );
    if (declared.kind === "refused") return declared;
    events.push(...declared.events);
    for (const event of declared.events)
      after = evolve(after, { ...event, version: after.version + 1, run: null, at: now }, new Map());
  }
  if (ask.raise === true && after.declared?.kind === "maintenance") {
    const reason = `${plan.title} requested, ${plan.mode}`;
    const raised = decide({ type: "raise", severity, reason, announceIn }, after, context);
    if (raised.kind === "refused") return raised;
    events.push(...raised.events);
    for (const event of raised.events)
      after = evolve(after, { ...event, version: after.version + 1, run: null, at: now }, new Map());
  }
  const asked = decide(
    {
      ...{ type: "requestRun", run, plan, planHash, mode: plan.mode, dryRun, announceIn: request.place.thread },
      ...{ moves: moves ?? null, again: again ?? null, failsBack: failsBack ?? null, moved },
    },
    after,
    context,
  );
  return asked.kind === "refused" ? asked : { kind: "accepted", events: [...events, ...asked.events] };
}

async function refusedAsHeld(context: CommandContext, run: string, ask: RunRequest): Promise<Reply> {
  const incident = await context.incidents.withRun(run);
  if (incident === null) return say(heldByUnknown(ask.plan));
  const holder = incident.runs.get(run) ?? null;
  const requester = holder === null ? "" : nameIn(context, holder.requester);
  return say(heldBy(ask.plan, run, holder, requester, await whereOf(context, incident.id)));
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

/**
 * What a run is recorded as where it joins nothing: planned work is maintenance, and so is what only looks or says so itself.
 * `--severity` makes an incident of it.
 */
function recordWanted(
  context: CommandContext,
  request: Request,
  runbook: Runbook,
  mode: Mode,
  dryRun: boolean,
): RecordKind {
  if (request.options.drill === true || request.options.tabletop === true) return "drill";
  if (dryRun) return "maintenance";
  if (request.options.severity !== undefined) return "real";
  const planned = mode === "planned" || runbook.maintenance === true;
  return planned || !changesSomething(runbook, context.cards, mode) ? "maintenance" : "real";
}

/** The open incident this run belongs to, or null: one has to be declared. */
async function placeFor(
  context: CommandContext,
  request: Request,
  system: System,
  wanted: RecordKind,
): Promise<IncidentState | null> {
  const named = request.options.incident;
  if (typeof named === "string") {
    const found = await incidentNamed(context, named);
    const isDrill = request.options.drill === true || request.options.tabletop === true;
    if (isDrill && found.declared?.kind !== "drill") return stop(drillInIncident(named));
    return found;
  }
  const repeated = await context.incidents.read(idFor("inc", request.key));
  if (repeated.declared !== null) return repeated;
  if (request.ownRecord !== undefined) return null;
  const there = await incidentHere(context, request);
  const ours = (await context.incidents.open()).filter(({ state }) => isOf(state, system));
  // What is typed in a drill's channel belongs to the drill, whether that is said again or not.
  const inDrill = ours.find(
    ({ state, channel }) => state.declared?.kind === "drill" && channel !== null && channel === request.place.channel,
  );
  if (inDrill) return inDrill.state;
  const kind = wanted === "drill" ? "drill" : "real";
  const isHere = ({ channel }: Open) => channel !== null && channel === request.place.channel;
  const fits = ours.filter(({ state }) => state.declared?.kind === kind);
  const here = fits.find(isHere);
  if (here) return here.state;
  // What is still to do after an incident is typed where it was handled, and belongs to it until it is closed.
  if (there?.state.status === "resolved" && there.state.declared?.kind === kind && isOf(there.state, system))
    return there.state;
  if (fits.length > 1) throw new Unclear(which(fits));
  return fits[0]?.state ?? null;
}

function isOf({ declared }: IncidentState, { id }: System): boolean {
  return declared?.system === id;
}

/** @throws LifeboatError where both are said, or one that the runbook isn't offered in */
export function modeOf(request: Request, runbook: Runbook): Mode {
  const { planned, unplanned } = request.options;
  if (planned && unplanned) return stop(modeTwice());
  const asked: Mode | null = planned ? "planned" : unplanned ? "unplanned" : null;
  if (asked !== null && !runbook.modes.includes(asked))
    return stop(modeNotOffered(runbook.title, asked, runbook.modes));
  return asked ?? (runbook.modes.includes("planned") ? "planned" : (runbook.modes[0] ?? "planned"));
}

function severityOf(request: Request, system: System, lowest: boolean): SeverityId {
  const asked = request.options.severity;
  if (asked === undefined) return lowest ? leastSeverity(system) : usualSeverity(system);
  return (
    severityNamed(system, String(asked)) ??
    stop(unknownSeverity(asked, system.severities.map(({ id }) => id).join(", "), {}))
  );
}

/** What the words that started it say: "Orders database: failover". */
function titleOf({ title, component, starts }: Runbook, system: System, dryRun: boolean): string {
  const what = system.components.find(({ id }) => id === component)?.title;
  const words = what && starts ? `${what}: ${starts.verb}` : title;
  return dryRun ? `Dry run: ${words}` : words;
}
