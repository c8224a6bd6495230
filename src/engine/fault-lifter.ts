import { isDeepStrictEqual } from "node:util";
import type { Action, ApplyContext } from "../actions/contract.ts";
import type { Touch } from "../catalog/drill.ts";
import type { ActionStep, Plan } from "../catalog/types.ts";
import type { NewEvent } from "../incident/events.ts";
import { inFull } from "../incident/findings.ts";
import type { IncidentState, RunState, StepState } from "../incident/state.ts";
import type { Incidents } from "../incidents/index.ts";
import { withDeadline } from "../lib/deadline.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { createProjector, isIncident, type Projector } from "../projection/projector.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { Schedule } from "../timeline/schedule.ts";
import { blocking, kindOf } from "./look.ts";

/**
 * Ends what a drill broke where no step of its run did: after an abort or a failure, after a bot that died in the middle, and in a run that stands
 * still once the time of the break is over. What is broken follows from the timeline: a step whose action breaks something and whose intent
 * was recorded, without a later step that ended it. One process at a time lifts; it is looked at before and after, so twice is once.
 */
export interface FaultLifterOptions {
  readonly timeline: Pick<Timeline, "decide" | "follow" | "now">;
  readonly incidents: Pick<Incidents, "read" | "toCatchUp">;
  readonly schedule: Schedule;
  readonly actions: ReadonlyMap<string, Action>;
  readonly secret: (name: string) => string;
  /** As the engine's. */
  readonly drillLimits: (plan: Plan, touch: Touch) => string | null;
  readonly practice: boolean;
  readonly log: Logger;
  readonly everyMs?: number;
  /** What stands still is tried again after this; left out: 30 s. */
  readonly againMs?: number;
}

const PREFIX = "fault-";
const CLAIM_SECONDS = 900;
const AT_ONCE = 4;
const AGAIN_MS = 30_000;

export function createFaultLifter(options: FaultLifterOptions): Projector {
  const { timeline, incidents, schedule, actions, log } = options;
  const claimed = new Set<string>();
  /** When each stream is to be looked at again, milliseconds, as far as this process planned it. */
  const planned = new Map<string, number>();

  async function look(stream: string): Promise<void> {
    const isMine = claimed.delete(stream);
    let state = await incidents.read(stream);
    let remains = false;
    if (isMine) {
      const now = timeline.now();
      const { version } = state;
      const due = openFaults(state, actions).filter(({ dueAt }) => dueAt <= now);
      remains = (await Promise.all(due.map((one) => lift({ stream, version }, one)))).includes(false);
      state = await incidents.read(stream);
    }
    const soonest = Math.min(...openFaults(state, actions).map(({ dueAt }) => dueAt.getTime()));
    const next = remains ? Math.max(soonest, timeline.now().getTime() + (options.againMs ?? AGAIN_MS)) : soonest;
    // Who only heard of it leaves what is planned as it is: another process may be at it.
    if (!isMine && (planned.get(stream) ?? Number.POSITIVE_INFINITY) === next) return;
    planned.set(stream, next);
    await schedule.set(PREFIX + stream, state.version, Number.isFinite(next) ? new Date(next) : null);
  }

  /** False: it stands still, and is tried again. */
  async function lift(seen: Seen, fault: OpenFault): Promise<boolean> {
    const about = { run: fault.run.id, step: fault.step.id };
    try {
      const says = fault.back === null ? null : await liftOnce(fault, fault.back);
      if (says === null) await record(seen, fault, "fault.remains", fault.says);
      else await record(seen, fault, "fault.lifted", says);
      log.info({ event: "run.fault_lifted", ...about, says }, "what a drill broke was lifted");
      return true;
    } catch (error) {
      log.error({ event: "run.fault_remains", ...about, error: messageOf(error) }, "what a drill broke stands still");
      await record(seen, fault, "fault.remains", messageOf(error));
      return false;
    }
  }

  async function liftOnce({ run, step }: OpenFault, { action, input }: Back): Promise<string> {
    await action.load?.();
    return await withDeadline(
      `Lifting “${step.title}”`,
      action.budget.failSeconds,
      async (signal) => {
        const ctx: ApplyContext = {
          ...kindOf(run.plan, options),
          ...{ signal, log, practice: options.practice, evidenceOf: () => null, budget: action.budget },
          ...{ progress: () => {}, launched: async () => {} },
        };
        const seen = await action.observe(ctx, input);
        const [blocked] = blocking(action.ready(seen, input, ctx));
        if (blocked !== undefined) throw new LifeboatError({ code: "fault-blocked", what: inFull(blocked) });
        const handle =
          action.done(seen, input, null) === "yes" ? null : ((await action.apply?.(ctx, input, seen)) ?? null);
        return (await action.verify(ctx, input, seen, handle)).says;
      },
      projector.stopping,
    );
  }

  /** Lifted each time it was, and that it stands still once. What another process has said since the look is not said again. */
  async function record(
    { stream, version }: Seen,
    { run, step }: OpenFault,
    type: FaultEventType,
    says: string,
  ): Promise<void> {
    await timeline.decide(stream, (events) => {
      const said = events.filter((one) => one.run === run.id && (one.data as { step?: unknown }).step === step.id);
      const before = said.filter((one) => one.type === "fault.lifted" || one.type === "fault.remains");
      if (before.some((one) => one.version > version)) return { events: [], value: null };
      if (type === "fault.remains" && before.at(-1)?.type === type) return { events: [], value: null };
      const key = `${run.id}/${step.id}/fault/${before.length + 1}`;
      const event = { type, data: { step: step.id, says }, key, run: run.id, actor: { kind: "bot" } } as NewEvent;
      return { events: [event], value: null };
    });
  }

  const projector: Projector = createProjector({
    name: "fault-lifter",
    timeline,
    log,
    concerns: isIncident,
    look,
    async missed() {
      return (await incidents.toCatchUp()).map(({ id }) => id);
    },
    async round() {
      for (const due of await schedule.claim(CLAIM_SECONDS, AT_ONCE, PREFIX)) {
        const stream = due.slice(PREFIX.length);
        claimed.add(stream);
        projector.changed(stream);
      }
    },
    ...(options.everyMs !== undefined && { everyMs: options.everyMs }),
  });
  return projector;
}

/** The stream, and how far it had been read when this was decided. */
interface Seen {
  readonly stream: string;
  readonly version: number;
}

type FaultEventType = "fault.lifted" | "fault.remains";

interface Back {
  readonly action: Action;
  readonly input: unknown;
}

/** Something a drill broke and no one has ended. */
export interface OpenFault {
  readonly run: RunState;
  readonly step: ActionStep;
  /** What ends it; null: nothing that the bot may do, as `says` explains. */
  readonly back: Back | null;
  readonly says: string;
  readonly dueAt: Date;
}

/** From the timeline alone. */
export function openFaults(state: IncidentState, actions: ReadonlyMap<string, Action>): readonly OpenFault[] {
  return [...state.runs.values()].flatMap((run) => {
    if (run.dryRun || run.plan.kind !== "drill") return [];
    return [...run.steps.values()].flatMap((found) => openFault(run, found, actions) ?? []);
  });
}

function openFault(run: RunState, found: StepState, actions: ReadonlyMap<string, Action>): OpenFault | null {
  const { step, origin } = found;
  if (step.kind !== "action" || origin === undefined) return null;
  const action = actions.get(step.action);
  if (action?.breaks === undefined) return null;
  const over = run.endedAt;
  const begun = begunAt(found);
  const lastsUntil = new Date(begun.getTime() + action.breaks.forSeconds(step.input) * 1000);
  const said = (run.faults ?? []).filter((one) => one.step === step.id);
  const inverse = action.undo.step(origin.before, step.input, { calls: [], acceptUnreachable: false });
  const by = inverse.kind === "step" ? actions.get(inverse.action) : undefined;
  if (inverse.kind !== "step" || by === undefined) {
    const isToldOf = inverse.kind === "nothing" || said.length > 0 || over === null || run.ending?.as === "verified";
    return isToldOf ? null : { run, step, back: null, says: inverse.says, dueAt: over };
  }
  const input = by.input.parse(inverse.input);
  const ended = [...run.steps.values()].some(
    (other) =>
      other.status === "done" &&
      other.step.kind === "action" &&
      other.step.action === by.id &&
      isDeepStrictEqual(by.input.parse(other.step.input), input),
  );
  if (ended) return null;
  const lifted = said.filter((one) => one.lifted).at(-1);
  const fault = { run, step, back: { action: by, input }, says: inverse.says };
  const dueAt = over !== null && over < lastsUntil ? over : lastsUntil;
  if (lifted === undefined) return { ...fault, dueAt };
  // A request that was on its way when the run ended may have arrived after it was lifted.
  const settledAt = new Date((over ?? begun).getTime() + step.budget.failSeconds * 1000);
  return found.status === "done" || lifted.at >= settledAt ? null : { ...fault, dueAt: settledAt };
}

function begunAt(found: StepState): Date {
  switch (found.status) {
    case "done":
      return found.startedAt;
    case "running":
      return found.since;
    case "failed":
    case "stopped":
    case "skipped":
      return found.at;
    case "waiting":
      return found.askedAt ?? new Date(0);
    default:
      return new Date(0);
  }
}
