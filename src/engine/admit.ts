import type { Origin } from "../catalog/conformance.ts";
import type { Conformance, Plan } from "../catalog/types.ts";
import { firmly } from "../incident/conforms.ts";
import type { NewEvent, Preflight } from "../incident/events.ts";
import { failedOf, findingsOf, inFull } from "../incident/findings.ts";
import { voided } from "../incident/gates.ts";
import {
  approversOf,
  catalogueDiffers,
  decidedAtCommandLine,
  deciders,
  type MayStart,
  mayStart,
  passGates,
  type StartRefusal,
} from "../incident/start.ts";
import type { IncidentState, RunState } from "../incident/state.ts";
import { coveringGates } from "../incident/undo.ts";
import { withDeadline } from "../lib/deadline.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import { runUndone } from "./evidence.ts";
import { gatesToPass, type Intent, next, usesApprovals } from "./next.ts";
import { changesBetween, lookAhead, renewed } from "./preflight.ts";
import { botEvent, type RunContext } from "./run-context.ts";
import type { Writing } from "./run-event-writer.ts";

/**
 * Longer than the one who looks up waits itself (6 s, `src/slack/people.ts`): with a Slack that hangs, its answer may be that
 * the roster decides, and a deadline before it would leave the run stuck.
 */
const LOOK_UP_SECONDS = 8;

export type Admission =
  | { readonly kind: "admitted" }
  /** Something else happened first, and is to be looked at: nothing was claimed. */
  | { readonly kind: "moved" }
  /** Nothing happened first, and it may not start all the same. */
  | { readonly kind: "refused"; readonly code: StartRefusal; readonly why: string };

/**
 * Claims a step: what it may touch is looked at once more where a gate would pass with it, its approvers are looked up
 * afresh, and then one transaction checks everything and writes the claim, or says why not.
 */
export async function admit(
  runContext: RunContext,
  intent: Extract<Intent, { do: "start" | "takeOver" | "open" }>,
  claim: (run: RunState, now: Date) => NewEvent,
): Promise<Admission> {
  const { writer } = runContext;
  const [fresh, { accounts, instead }] = await Promise.all([
    looksAgain(runContext, intent.step),
    lookUp(runContext, approversOf(writer.run(), intent.step)),
  ]);
  const system = systemOf(runContext);
  let admission: Admission = { kind: "moved" };
  await writer.write((run, now, state): Writing | null => {
    admission = { kind: "moved" };
    const at = { epoch: writer.lease.epoch, now };
    if (!next(run, at).intents.some((one) => isSame(one, intent))) return null;
    const void_ = fresh && whyVoid(run, intent.step, fresh);
    if (fresh && void_) return voiding(runContext, run, intent.step, fresh, void_);
    const { planHash } = writer.lease;
    const factsHash = fresh?.factsHash ?? run.preflight?.factsHash ?? "";
    const conformance = conformanceNow(runContext, state, run);
    const context = { now, planHash, factsHash, system, accounts: accounts, instead, conformance, lease: writer.lease };
    const verdict = mayStart(state, run, intent.step, context);
    admission = admissionOf(verdict);
    return { events: verdict.ok ? [...verdict.events, claim(run, now)] : verdict.events };
  });
  return admission;
}

/**
 * Claims for the start that follows at once on what is being written, in the same transaction and by the same check. None where something
 * would have to be looked at or someone looked up first: behind a gate that has not passed yet, `admit` does that.
 */
export function claimsNext(
  runContext: RunContext,
  run: RunState,
  now: Date,
  state: IncidentState,
): { readonly step: string; readonly events: readonly NewEvent[] } | null {
  const { lease } = runContext.writer;
  const start = next(run, { epoch: lease.epoch, now }).intents.find((intent) => intent.do === "start");
  if (start === undefined || !runContext.startsMore()) return null;
  const { step, attempt } = start;
  if (gatesToPass(run, step).length > 0 || approversOf(run, step).length > 0) return null;
  const verdict = mayStart(state, run, step, {
    ...{ now, planHash: lease.planHash, factsHash: run.preflight?.factsHash ?? "", system: systemOf(runContext) },
    ...{ accounts: new Map(), conformance: conformanceNow(runContext, state, run), lease },
  });
  return verdict.ok ? { step, events: [...verdict.events, started(runContext, step, attempt)] } : null;
}

/** The claim of a step under our lease. */
export function started(runContext: RunContext, step: string, attempt: number): NewEvent {
  const { epoch } = runContext.writer.lease;
  return botEvent(runContext, `start/${step}/${attempt}/${epoch}`, {
    type: "step.started",
    data: { step, attempt, epoch },
  });
}

/** Lets gates pass that no start will: the same people have to be entitled all the same. */
export async function passLastGates(runContext: RunContext): Promise<Admission> {
  const { writer } = runContext;
  const { accounts, instead } = await lookUp(runContext, deciders(writer.run()));
  const system = systemOf(runContext);
  let admission: Admission = { kind: "moved" };
  await writer.write((run, now, state): Writing | null => {
    admission = { kind: "moved" };
    const wanted = next(run, { epoch: writer.lease.epoch, now }).intents;
    if (!wanted.some((intent) => intent.do === "passGates")) return null;
    const factsHash = run.preflight?.factsHash ?? "";
    const { planHash } = writer.lease;
    const conformance = conformanceNow(runContext, state, run);
    const context = { now, planHash, factsHash, system, accounts: accounts, instead, conformance, lease: writer.lease };
    const verdict = passGates(state, run, context);
    admission = admissionOf(verdict);
    return { events: verdict.events };
  });
  return admission;
}

function admissionOf(verdict: MayStart): Admission {
  if (verdict.ok) return { kind: "admitted" };
  if (verdict.events.length > 0) return { kind: "moved" };
  return { kind: "refused", code: verdict.code, why: verdict.why };
}

/** The stored plan held against the catalogue of this moment. */
export function conformanceNow(runContext: RunContext, state: IncidentState, run: RunState): Conformance {
  return runContext.conformance(run.plan, originOf(state, run.plan));
}

/** What the plan of an undo goes back to, by the timeline's word. */
function originOf(state: IncidentState, { undoes }: Plan): Origin | null {
  const run = undoes === undefined ? undefined : state.runs.get(undoes.run);
  if (undoes === undefined || run === undefined) return null;
  const before = run.steps.get(undoes.step)?.origin?.before;
  return { plan: run.plan, gates: coveringGates(run, undoes.step).map(({ id }) => id), before };
}

/** Why nothing of this run is looked at or begun now, by the catalogue's word; null: it may go on. `step`: only what is about that step. */
export function catalogueAgainst(runContext: RunContext, step: string | null = null): Admission | null {
  const run = runContext.writer.run();
  const conformance = conformanceNow(runContext, runContext.writer.state(), run);
  const differences = conformance.differences.filter((one) => step === null || one.step === null || one.step === step);
  const against = firmly({ ...conformance, differences }, run);
  return against.length === 0 ? null : { kind: "refused", code: "catalogue-differs", why: catalogueDiffers(against) };
}

export function systemOf(runContext: RunContext) {
  const id = runContext.writer.run().plan.system;
  const system = runContext.systems.get(id);
  if (system) return system;
  throw new LifeboatError({
    code: "system-unknown",
    where: runContext.writer.lease.run,
    what: `The catalogue has no system "${id}" any more, so no one's right to decide can be checked`,
    next: "Put the system back into the catalogue, then resume; or abort the run.",
  });
}

interface LookedUp {
  /** Null: may approve; a string: why not. Who could not be looked up is left out, and so does not count. */
  readonly accounts: ReadonlyMap<string, string | null>;
  /** What counts in place of Slack's answer, of those it could not be asked about. */
  readonly instead: ReadonlyMap<string, string>;
}

/** Who is still someone that may approve. */
async function lookUp(runContext: RunContext, people: readonly string[]): Promise<LookedUp> {
  const accounts = new Map<string, string | null>();
  const instead = new Map<string, string>();
  if (people.length === 0) return { accounts, instead };
  const system = systemOf(runContext);
  const there = decidedAtCommandLine(runContext.writer.run());
  await Promise.all(
    people.map(async (person) => {
      try {
        const why = await withDeadline(
          `Looking up ${person}`,
          LOOK_UP_SECONDS,
          () => runContext.accountStatus.check(system, person, there.has(person), (by) => instead.set(person, by)),
          runContext.lost,
        );
        accounts.set(person, why);
      } catch (error) {
        runContext.log.warn(
          { event: "run.approver_unknown", person, error: messageOf(error) },
          "an approver could not be looked up",
        );
      }
    }),
  );
  return { accounts, instead };
}

async function looksAgain(runContext: RunContext, step: string): Promise<Preflight | null> {
  const run = runContext.writer.run();
  const planned = run.steps.get(step)?.step;
  if (!planned || !usesApprovals(planned) || gatesToPass(run, step).length === 0 || !run.preflight) return null;
  return renewed(
    run.preflight,
    await lookAhead({ ...run, undone: runUndone(runContext.writer.state(), run) }, runContext.around, runContext.lost),
    run,
  );
}

function whyVoid(run: RunState, step: string, fresh: Preflight): string | null {
  const blocked = findingsOf(failedOf(fresh.checks, "block"));
  if (blocked.length > 0) return `It can't start any more: ${blocked.map(inFull).join(" ")}`;
  if (gatesToPass(run, step).every((gate) => gate.factsHash === fresh.factsHash)) return null;
  const changes = changesBetween(run.preflight?.facts ?? [], fresh.facts);
  return `What was shown has changed: ${changes.join("; ")}`;
}

/** A look that found nothing ready is not recorded as the preflight: the gate looks again before it asks again. */
function voiding(runContext: RunContext, run: RunState, step: string, fresh: Preflight, why: string): Writing {
  const gates = gatesToPass(run, step);
  const asks = gates.map((gate) => gate.ask).join("+");
  const shown = fresh.ready ? [botEvent(runContext, `look/${asks}`, { type: "run.preflighted", data: fresh })] : [];
  return { events: [...shown, ...gates.map((gate) => voided(run, gate, why))] };
}

function isSame(one: Intent, other: Intent): boolean {
  if (one.do !== other.do || !("step" in one) || !("step" in other) || one.step !== other.step) return false;
  return !("attempt" in one) || !("attempt" in other) || one.attempt === other.attempt;
}
