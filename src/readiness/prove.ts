import type { Observations } from "../catalog/binding.ts";
import { planPrepared } from "../catalog/plan.ts";
import { type PlanRequest, type Prepared, preparePlan, sharedServers } from "../catalog/prepare.ts";
import type { Scalar } from "../catalog/reference.ts";
import type { TargetLook } from "../catalog/roles.ts";
import { needsOfSite } from "../catalog/site-loss.ts";
import type { Catalog, Mode, Plan, Runbook, System } from "../catalog/types.ts";
import type { Surroundings } from "../engine/look.ts";
import { lookAtPlan } from "../engine/preflight.ts";
import type { DataOf, ReadinessFinding } from "../incident/events.ts";
import { withLooksBeside } from "./beside.ts";
import { isEnough, type Judged, judgePreflight, judgeProblems, worstOf } from "./judge.ts";
import { samplesOf } from "./samples.ts";

export interface ProveParts extends Pick<PlanRequest, "cards"> {
  readonly catalog: Catalog;
  /** Read for every proof, as for every plan. */
  readonly variables: PlanRequest["variables"];
  readonly drillVariables?: PlanRequest["drillVariables"];
  /** Looks at members of targets, read-only and bounded. */
  readonly lookAt: (targets: readonly TargetLook[], drill: boolean) => Promise<Observations>;
  /** What actions are given, as the engine gives it. */
  readonly around: Surroundings;
  /** Sites a bot and a copy of its store run in, by id; empty or absent: no one said. */
  readonly ownSites?: readonly string[];
  /** Of the approval chain. Absent: people aren't asked about. */
  readonly people?: (system: System) => Promise<PeopleNow>;
}

/** Who could decide now. */
export interface PeopleNow {
  /** Roles that too few people fill. */
  readonly unfilled: readonly UnfilledRole[];
  readonly notes: readonly PersonNote[];
}

/** A role that decides, and why too few of those who hold it can. */
export interface UnfilledRole {
  readonly role: string;
  readonly title: string;
  /** Distinct people a gate asks of it at most. */
  readonly needed: number;
  /** Of those who hold it, who could decide now. */
  readonly can: number;
  /** A clause for each who can't: "Dee Park: left". */
  readonly problems: readonly string[];
}

/** What has to be put right about a person who decides, though no role goes short of people by it. */
export interface PersonNote {
  readonly person: string;
  /** They decide as, by id. */
  readonly roles: readonly string[];
  /** `reach`: they can't decide now. `drills`: they took part in too few. */
  readonly about: "reach" | "drills";
  /** A clause: "Dee Park can't approve: left". */
  readonly says: string;
}

export interface Assessment extends Judged {
  readonly way: NonNullable<DataOf<"readiness.changed">["way"]> | null;
}

/**
 * Plans a runbook as a request for it would be planned now, looks at every target as its preflight would, and throws the plan away. Changes nothing.
 * The direction is the one that is possible now. Rejects only where `signal` ends it.
 */
export async function prove(
  parts: ProveParts,
  runbook: Runbook,
  mode: Mode,
  now: Date,
  signal: AbortSignal,
): Promise<Assessment> {
  const samples = samplesOf(runbook, now);
  if (!samples.ok) {
    const says = `needs ${samples.needs.join(", ")}, which only the person who starts it knows`;
    return { verdict: "unprovable", findings: [{ code: "input-missing", step: null, says }], way: null };
  }
  const proofs: Assessment[] = [];
  for (const { tries } of samples.all) proofs.push(await firstThatDoes(parts, { runbook, mode, tries, signal }));
  const [first, ...others] = proofs;
  if (first === undefined) throw new TypeError(`${runbook.id} has no sample to be proven with`);
  const worst = worstOf([first, ...others]);
  return { ...worst, way: proofs.find(({ way }) => way !== null)?.way ?? null };
}

interface Tried {
  readonly runbook: Runbook;
  readonly mode: Mode;
  readonly tries: readonly ReadonlyMap<string, Scalar>[];
  readonly signal: AbortSignal;
}

/** What the first try found is told where none does. */
async function firstThatDoes(parts: ProveParts, { tries, ...of }: Tried): Promise<Assessment> {
  let first: Assessment | null = null;
  for (const inputs of tries) {
    of.signal.throwIfAborted();
    const proof = await proveWith(parts, of, inputs);
    if (isEnough(proof)) return proof;
    first ??= proof;
  }
  if (first === null) throw new TypeError(`${of.runbook.id} was not tried`);
  return first;
}

async function proveWith(
  parts: ProveParts,
  { runbook, mode, signal }: Omit<Tried, "tries">,
  inputs: ReadonlyMap<string, Scalar>,
): Promise<Assessment> {
  const { catalog, cards, variables, drillVariables } = parts;
  const isDrill = runbook.drill === true || runbook.exercise === true;
  const request: PlanRequest = {
    ...{ catalog, cards, variables, inputs, ...(drillVariables && { drillVariables }) },
    ...{ system: runbook.system, runbook: runbook.id, mode, kind: isDrill ? "drill" : "real" },
  };
  const prepared = preparePlan(request);
  if (!prepared.ok) return { ...judgeProblems(prepared.problems, runbook.title), way: null };
  const { targets, inDrillEnvironment, apart } = prepared;
  const [seen, drill, production] = await Promise.all([
    parts.lookAt(targets, inDrillEnvironment),
    apart && parts.lookAt(apart.drill, true),
    apart && parts.lookAt(apart.production, false),
  ]);
  signal.throwIfAborted();
  const shared = drill && production ? sharedServers(drill, production) : [];
  if (shared.length > 0) return { ...judgeProblems(shared, runbook.title), way: null };
  const planned = planPrepared(request, prepared, seen);
  if (!planned.ok) return { ...judgeProblems(planned.problems, runbook.title), way: null };
  const { system, given } = prepared;
  const siblings = catalog.runbooks.filter((one) => one.system === system.id);
  const looked = withLooksBeside(planned.plan, { system, runbooks: siblings, given, cards });
  const preflight = await lookAtPlan(looked, parts.around, signal);
  signal.throwIfAborted();
  const without = withoutSite(parts, prepared, planned.plan);
  const { unfilled = [], notes = [] } = (await parts.people?.(system)) ?? {};
  signal.throwIfAborted();
  const asked = rolesAsked(planned.plan);
  const beside = [...without, ...emptySeats(unfilled, asked)];
  return { ...judgePreflight(preflight, beside, personNotes(notes, asked)), way: wayOf(planned.plan) };
}

/**
 * What is missing on the day the site is gone that this leaves. Asked of what people start on that day: while the site is alive its preflight
 * passes either way.
 */
function withoutSite(
  { cards, ownSites = [] }: ProveParts,
  { system, given, runbook }: Prepared,
  plan: Plan,
): readonly ReadinessFinding[] {
  const { mode, direction } = plan;
  if (mode !== "unplanned" || runbook.leavesSite !== true || direction === undefined) return [];
  const { id, title } = direction.from;
  const needs = needsOfSite(plan, id, { system, given, cards });
  const steps = needs.map((one) => ({
    ...{ code: "site-needed", step: one.step },
    says: `With ${title} gone "${one.title}" can't be done: it needs ${one.what}`,
  }));
  if (ownSites.length === 0 || ownSites.some((one) => one !== id)) return steps;
  const says = `With ${title} gone Lifeboat is gone, too: it and its store run only there (LIFEBOAT_SITES)`;
  return [...steps, { code: "own-site", step: null, says }];
}

/** Roles this plan asks, or would ask next, that too few people fill. The names are part of what is recorded: another person missing is news. */
function emptySeats(unfilled: readonly UnfilledRole[], asked: ReadonlySet<string>): readonly ReadinessFinding[] {
  return unfilled
    .filter(({ role }) => asked.has(role))
    .map(({ role, title, needed, can, problems }) => ({
      ...{ code: `seat.${role}`, step: null },
      says: `${title}: ${can} of ${needed} needed can approve${problems.length === 0 ? "; no one holds the role" : ` (${problems.join("; ")})`}`,
    }));
}

/** Who must be looked after of those this plan asks, by name. */
function personNotes(notes: readonly PersonNote[], asked: ReadonlySet<string>): readonly ReadinessFinding[] {
  return notes
    .filter(({ roles }) => roles.some((role) => asked.has(role)))
    .map(({ person, about, says }) => ({ code: `person.${about}.${person}`, step: null, says }));
}

function rolesAsked({ stages }: Plan): ReadonlySet<string> {
  const gates = stages.flatMap(({ steps }) => steps.flatMap((step) => (step.kind === "gate" ? [step.gate] : [])));
  return new Set(gates.flatMap(({ role, escalate }) => [role, ...escalate.map((level) => level.role)]));
}

function wayOf({ direction }: Plan): Assessment["way"] {
  return direction === undefined ? null : { from: direction.from.title, to: direction.to.title };
}
