import type { Action } from "../actions/contract.ts";
import type { Observations } from "../catalog/binding.ts";
import type { Touch } from "../catalog/drill.ts";
import { lookOf } from "../catalog/prepare.ts";
import type { Scalar } from "../catalog/reference.ts";
import { rolesOf, type TargetLook } from "../catalog/roles.ts";
import type { ActionStep, Plan, System } from "../catalog/types.ts";
import { moveOf } from "../incident/moves.ts";
import { changesThings } from "../incident/order.ts";
import { isOnProbation, type Look, movedOn, seenAt, windowEnd } from "../incident/probation.ts";
import type { RunState } from "../incident/state.ts";
import type { Incidents } from "../incidents/index.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { createProjector, type Projector } from "../projection/projector.ts";
import type { Timeline } from "../timeline/contract.ts";
import { jobOf, observe } from "./look.ts";

export interface ProbationMonitorOptions {
  readonly timeline: Pick<Timeline, "follow" | "now">;
  readonly incidents: Pick<Incidents, "read" | "decide" | "toCatchUp" | "recentMoves">;
  readonly actions: ReadonlyMap<string, Action>;
  readonly systems: () => readonly System[];
  /** Values of production's variables, and of the drill environment's. */
  readonly variables: (drill: boolean) => ReadonlyMap<string, ReadonlyMap<string, Scalar>>;
  readonly lookAt: (targets: readonly TargetLook[], drill: boolean) => Promise<Observations>;
  /** As the engine's. */
  readonly secret: (name: string) => string;
  readonly drillLimits: (plan: Plan, touch: Touch) => string | null;
  readonly practice: boolean;
  readonly log: Logger;
  readonly everySeconds: number;
}

/** A move is looked at for so long in search of a standby, unless the same is moved again. */
const STANDBY_SECONDS = 3 * 86_400;
/** A check that fails once may be a hiccup: so many looks in a row make the new side unhealthy, or healthy again. */
const IN_A_ROW = 2;
const OBSERVE_SECONDS = 10;

/** What this process has counted of one run. */
interface Counted {
  asked: number;
  failed: number;
  row: number;
  last: boolean | null;
}

/**
 * Watches the new side after a move: its web checks and error rates, who is active, and whether a standby follows. What it sees is computed from the timeline
 * and the catalogue, so it survives a restart and the end of the run. It only reads; any number of processes look, and the one who sees a change
 * first writes it.
 */
export function createProbationMonitor(options: ProbationMonitorOptions): Projector {
  const { timeline, incidents, log } = options;
  const watched = new Map<string, readonly string[]>();
  const counted = new Map<string, Counted>();

  async function learn(stream: string): Promise<void> {
    const { runs } = await incidents.read(stream);
    const found = [...runs.values()].filter((run) => isWatched(run, timeline.now())).map(({ id }) => id);
    if (found.length > 0) watched.set(stream, found);
    else watched.delete(stream);
  }

  async function lookAtAll(): Promise<void> {
    const all = [...watched].flatMap(([stream, runs]) => runs.map((run) => ({ stream, run })));
    await Promise.all(
      all.map(async ({ stream, run }) => {
        await lookAtRun(stream, run).catch((error) =>
          log.debug({ event: "run.probation_not_looked", run, says: messageOf(error) }, "a move could not be watched"),
        );
      }),
    );
  }

  async function lookAtRun(stream: string, id: string): Promise<void> {
    const state = await incidents.read(stream);
    const run = state.runs.get(id);
    if (run === undefined || !isWatched(run, timeline.now())) {
      counted.delete(id);
      return;
    }
    const since = await movedSince(run);
    // What is being moved is neither here nor there.
    if (since === "in progress") return;
    if (since === "moved") {
      await write(stream, id, (now) => movedOn(now));
      watched.set(
        stream,
        (watched.get(stream) ?? []).filter((one) => one !== id),
      );
      return;
    }
    if (!isOnProbation(run) && run.standby?.streams === true) return;
    const look = await lookAt(run);
    if (projector.stopping.aborted || seenAt(run, look, timeline.now()).length === 0) return;
    await write(stream, id, (now, at) => seenAt(now, look, at));
    if (look.healthy === false)
      log.warn({ event: "run.probation_unhealthy", run: id, says: look.says }, "the new side is not healthy");
  }

  /** Keyed by how many events of the kind there are: two processes that see the same write it once. */
  async function write(
    stream: string,
    id: string,
    eventsOf: (run: RunState, now: Date) => ReturnType<typeof seenAt>,
  ): Promise<void> {
    await incidents.decide(stream, (now, known, at) => {
      const run = now.runs.get(id);
      const events = run === undefined ? [] : eventsOf(run, at);
      const before = known.filter((one) => one.run === id && /^(probation|standby)\./.test(one.type)).length;
      return {
        events: events.map((event, n) => ({
          ...event,
          ...{ key: `${id}/probation/${before + n + 1}`, run: id, actor: { kind: "bot" } },
        })),
        value: null,
      };
    });
  }

  /** Whether the same was moved again, in whichever incident. */
  async function movedSince(run: RunState): Promise<"moved" | "in progress" | null> {
    const own = moveOf(run);
    if (own === null) return null;
    const seconds = (timeline.now().getTime() - own.at.getTime()) / 1000;
    const { verified, underWay } = await incidents.recentMoves(run.plan.system, seconds);
    const isSame = (one: { readonly run: string; readonly resources: readonly string[] }) =>
      one.run !== run.id && one.resources.some((resource) => own.resources.includes(resource));
    if (verified.some((one) => isSame(one) && one.at > own.at)) return "moved";
    return underWay.some(isSame) ? "in progress" : null;
  }

  async function lookAt(run: RunState): Promise<Look> {
    const [checks, roles] = await Promise.all([isOnProbation(run) ? askChecks(run) : [], lookAtRoles(run)]);
    const failures = [...checks.filter(({ ok }) => !ok).map(({ says }) => says), ...roles.failures];
    const counts = counted.get(run.id) ?? { asked: 0, failed: 0, row: 0, last: null };
    const well = failures.length === 0;
    counts.asked += checks.length + roles.asked;
    counts.failed += failures.length;
    counts.row = counts.last === well ? counts.row + 1 : 1;
    counts.last = well;
    counted.set(run.id, counts);
    const before = run.probation?.healthy ?? null;
    // The first look is enough to call it healthy, and never enough to alarm people.
    const sure = counts.row >= IN_A_ROW || (before === null && well);
    const healthy = sure ? well : before;
    const says = healthy ? [] : well ? (run.probation?.says ?? []) : failures.slice(0, 5);
    return { healthy, says, standby: roles.standby, asked: counts.asked, failed: counts.failed };
  }

  /** The looks at health that ended the run, web checks and figures of Prometheus: what it called healthy is asked again. */
  async function askChecks(run: RunState): Promise<readonly { readonly ok: boolean; readonly says: string }[]> {
    const around = { ...options, observeSeconds: OBSERVE_SECONDS };
    const asked = checksOf(run, options.actions).map(async (step) => {
      try {
        const job = jobOf(step, options.actions, run.plan);
        const seen = await observe(job, around, { evidenceOf: () => null }, projector.stopping);
        const checks = job.action.ready(seen, job.input, { evidenceOf: () => null });
        return checks.map(({ ok, says }) => ({ ok, says }));
      } catch (error) {
        projector.stopping.throwIfAborted();
        return [{ ok: false, says: `${step.title}: ${messageOf(error)}` }];
      }
    });
    return (await Promise.all(asked)).flat();
  }

  async function lookAtRoles(run: RunState) {
    const nothing = { asked: 0, failures: [] as readonly string[], standby: null };
    const system = options.systems().find(({ id }) => id === run.plan.system);
    const target = system?.targets?.find(({ id }) => id === run.moves?.target);
    if (system === undefined || target === undefined) return nothing;
    const drill = run.plan.drill?.on === "environment";
    const seen = await options.lookAt([lookOf(system, target, options.variables(drill).get(system.id))], drill);
    const found = rolesOf(target, seen.get(target.id) ?? new Map());
    if (!found.ok) return { asked: 1, failures: [found.problem.what], standby: null };
    const { active, standby, says } = found.roles;
    const to = run.plan.direction?.to;
    const at = target.members.find(({ id }) => id === active)?.site;
    const failures =
      at === to?.id ? [] : [`${target.title} is active in ${siteTitle(system, at)}, not in ${to?.title}`];
    const follows = standby.length > 0;
    return {
      ...{ asked: 1, failures },
      standby: {
        streams: follows,
        says: follows ? `${standby.join(", ")} follows ${active}` : `nothing follows ${active} (${says})`,
      },
    };
  }

  const projector = createProjector({
    name: "probation-monitor",
    timeline,
    log,
    look: learn,
    missed: async () => {
      const since = timeline.now().getTime() - STANDBY_SECONDS * 1000;
      return (await incidents.toCatchUp()).flatMap(({ id, updatedAt }) => (updatedAt.getTime() >= since ? [id] : []));
    },
    round: lookAtAll,
    everyMs: options.everySeconds * 1000,
  });
  return projector;
}

/** Its window is open, or nothing follows its active side yet, or people have still to commit to it: until it is moved again. */
function isWatched(run: RunState, now: Date): boolean {
  const end = windowEnd(run);
  if (end === null || run.endedAt === null || run.probation?.moved) return false;
  const recent = now.getTime() - run.endedAt.getTime() < STANDBY_SECONDS * 1000;
  return isOnProbation(run) || (recent && (run.standby?.streams !== true || run.committed === undefined));
}

function siteTitle({ sites }: System, id: string | null | undefined): string {
  return sites?.find((one) => one.id === id)?.title ?? id ?? "no site";
}

/** Looks at the health of the service that were verified after the last change. */
function checksOf(run: RunState, actions: ReadonlyMap<string, Action>): readonly ActionStep[] {
  const steps = [...run.steps.values()];
  const last = steps.findLastIndex(({ step, status }) => status === "done" && changesThings(step));
  return steps
    .slice(last + 1)
    .flatMap(({ step, status }) =>
      status === "done" && step.kind === "action" && actions.get(step.action)?.probation === true ? [step] : [],
    );
}
