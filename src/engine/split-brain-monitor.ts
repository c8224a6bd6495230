import type { Action, Observation } from "../actions/contract.ts";
import type { Touch } from "../catalog/drill.ts";
import type { ActionStep, Plan } from "../catalog/types.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Incidents } from "../incidents/index.ts";
import { withDeadline } from "../lib/deadline.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { createProjector } from "../projection/projector.ts";
import type { StoredEvent, Timeline } from "../timeline/contract.ts";
import { kindOf } from "./look.ts";

export interface SplitBrainMonitorOptions {
  readonly timeline: Pick<Timeline, "decide" | "follow" | "now">;
  readonly incidents: Pick<Incidents, "read" | "toCatchUp">;
  readonly actions: ReadonlyMap<string, Action>;
  readonly secret: (name: string) => string;
  /** As the engine's. */
  readonly drillLimits: (plan: Plan, touch: Touch) => string | null;
  readonly practice: boolean;
  readonly log: Logger;
  /** How often each is looked at. */
  readonly everySeconds: number;
}

/**
 * Looks, for a while after a step was verified, whether what it must never lead to has come about: the old primary of a
 * promotion that is back and takes writes. What is to be looked at is computed from the timeline, so it survives a restart and
 * the end of the run. It only reads; any number of processes do so, and the one who sees it first writes it.
 */
export interface SplitBrainMonitor {
  start(): void;
  stop(): Promise<void>;
}

interface Watched {
  readonly stream: string;
  readonly run: string;
  readonly plan: Plan;
  readonly step: ActionStep;
  readonly action: Action;
  readonly until: number;
}

const LOOK_SECONDS = 15;

export function createSplitBrainMonitor(options: SplitBrainMonitorOptions): SplitBrainMonitor {
  const { timeline, incidents, actions, log } = options;
  const longest = Math.max(0, ...[...actions.values()].map(({ watch }) => watch?.forSeconds ?? 0));
  const watched = new Map<string, readonly Watched[]>();
  const projector = createProjector({
    name: "split-brain-monitor",
    timeline,
    log,
    look: learn,
    missed: async () => {
      const since = timeline.now().getTime() - longest * 1000;
      return (await incidents.toCatchUp()).flatMap(({ id, updatedAt }) => (updatedAt.getTime() >= since ? [id] : []));
    },
    round: lookAtAll,
    everyMs: options.everySeconds * 1000,
  });

  async function learn(stream: string): Promise<void> {
    const found = watchedIn(await incidents.read(stream), actions, timeline.now().getTime());
    if (found.length > 0) watched.set(stream, found);
    else watched.delete(stream);
  }

  async function lookAtAll(): Promise<void> {
    const now = timeline.now().getTime();
    const due = [...watched.values()].flat().filter(({ until }) => until > now);
    await Promise.all(
      due.map(async (one) => {
        const seen = await look(one).catch((error) => {
          log.debug(
            { event: "run.not_watched", run: one.run, step: one.step.id, error: messageOf(error) },
            "a promoted server could not be looked at",
          );
          return undefined;
        });
        if (seen !== undefined && !projector.stopping.aborted) await record(one, seen);
      }),
    );
  }

  async function look({ action, step, plan }: Watched): Promise<Observation | null> {
    const { practice } = options;
    return await withDeadline(
      `Watching "${step.title}"`,
      LOOK_SECONDS,
      async (signal) => {
        const ctx = { ...kindOf(plan, options), signal, log, practice, evidenceOf: () => null };
        return (await action.watch?.look(ctx, step.input)) ?? null;
      },
      projector.stopping,
    );
  }

  /** Read first: most looks find what is known already, and a lock of the stream is not taken for them. */
  async function record(one: Watched, seen: Observation | null): Promise<void> {
    const known = (await incidents.read(one.stream)).runs.get(one.run)?.splits ?? [];
    const stands = known.some(({ step, over }) => step === one.step.id && over === null);
    if (stands === (seen !== null)) return;
    await timeline.decide(one.stream, (events) => ({ events: saying(one, seen, events), value: null }));
    const about = { run: one.run, step: one.step.id };
    if (seen === null) log.warn({ event: "run.split_brain_over", ...about }, "split brain is over");
    else log.error({ event: "run.split_brain", ...about, says: seen.says }, "two servers take writes");
  }

  return { start: projector.start, stop: projector.stop };
}

/** Verified steps of real runs whose action has something to be watched for, and whose time is not over. */
function watchedIn(state: IncidentState, actions: ReadonlyMap<string, Action>, now: number): readonly Watched[] {
  return [...state.runs.values()].flatMap((run) =>
    [...run.steps.values()].flatMap((found): Watched[] => {
      if (run.dryRun || found.status !== "done" || found.step.kind !== "action") return [];
      const action = actions.get(found.step.action);
      if (action?.watch === undefined) return [];
      const until = found.at.getTime() + action.watch.forSeconds * 1000;
      return until > now ? [{ stream: state.id, run: run.id, plan: run.plan, step: found.step, action, until }] : [];
    }),
  );
}

/** Decided where it is written: two processes that see the same write it once. */
function saying({ run, step }: Watched, seen: Observation | null, events: readonly StoredEvent[]) {
  const said = events.filter(
    (event) =>
      event.run === run &&
      /^split-brain\.(seen|over)$/.test(event.type) &&
      (event.data as { step?: unknown }).step === step.id,
  );
  const stands = said.at(-1)?.type === "split-brain.seen";
  if (stands === (seen !== null)) return [];
  const key = `${run}/${step.id}/watch/${said.length + 1}`;
  const actor = { kind: "bot" };
  return seen === null
    ? [{ type: "split-brain.over", data: { step: step.id }, key, run, actor }]
    : [{ type: "split-brain.seen", data: { step: step.id, ...seen }, key, run, actor }];
}
