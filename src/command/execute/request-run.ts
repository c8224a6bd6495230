import { notWritten } from "../../../templates/messages/kit/command-refusals.ts";
import { type Worded, worded } from "../../../templates/messages/refused.ts";
import { heldBy, heldByUnknown } from "../../../templates/messages/run/answers.ts";
import { movesOf } from "../../catalog/moves.ts";
import type { Moves, Plan, System } from "../../catalog/types.ts";
import type { DecideContext, Outcome } from "../../incident/commands.ts";
import { decide } from "../../incident/decide.ts";
import type { ApprovedAhead, DrillEntry, NewEvent, RecordKind, SeverityId } from "../../incident/events.ts";
import { evolve } from "../../incident/evolve.ts";
import { AGAIN_SECONDS, movesUnderWay, type RecentMove } from "../../incident/moves.ts";
import type { IncidentState } from "../../incident/state.ts";
import type { RecentMoves } from "../../incidents/index.ts";
import { LifeboatError } from "../../lib/errors.ts";
import type { Decision } from "../../timeline/contract.ts";
import { actorOf, type Reply, type Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { nameIn, say, whereOf } from "../reply/say.ts";
import { repeatOf } from "./repeat.ts";
import { notRequested } from "./second-move.ts";
import { startedBy } from "./started.ts";

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
  /** What people approved of it before its hour; absent or null: nothing. */
  readonly ahead?: ApprovedAhead | null;
  /** What to type behind `/dr` to ask for it again. */
  readonly typed?: string;
  /** It was maintenance until now, and this run is none: it becomes an incident with the request. */
  readonly raise?: boolean;
}

type Asked = Extract<Worded, { kind: "refused" }> | { kind: "accepted" } | { kind: "under-way"; run: string };

/** Requests the run in its incident, which is declared or raised in the same transaction where that is due; a repeat changes nothing. */
export async function requestRun(
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
    return still ? refusedAsHeld(commandContext, value.run, ask) : requestRun(commandContext, request, ask, planBytes);
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
  const { moves, again, failsBack, ahead, moved } = ask;
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
      ahead: ahead ?? null,
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
