import { calendarStream, isCalendar, systemOfCalendar } from "../calendar/events.ts";
import { blankCalendar, type CalendarState, foldCalendar } from "../calendar/state.ts";
import type { System } from "../catalog/types.ts";
import { delegationsNow } from "../incident/delegation.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Incidents } from "../incidents/index.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Deliveries, DueItem } from "../projection/deliveries.ts";
import { createTasks } from "../projection/flights.ts";
import { keepFolds } from "../projection/kept-folds.ts";
import { createProjector, isIncident } from "../projection/projector.ts";
import { createDeliveryWorker, type Later, type Sent } from "../projection/worker.ts";
import type { PagerDuty } from "../sinks/pagerduty/client.ts";
import { deliver } from "../sinks/pagerduty/deliver.ts";
import type { DesiredPage } from "../sinks/pagerduty/desired-page.ts";
import { PagerDutyError } from "../sinks/pagerduty/errors.ts";
import type { Timeline } from "../timeline/contract.ts";
import { type DesiredItem, desiredPages, isAwaited, type PageWords } from "./desired-pages.ts";
import { createOnCall, policyFor, summonsFor } from "./on-call.ts";
import { recordFailed, recordSent, recordSummons } from "./record.ts";
import { type SeatPageWords, seatPages } from "./seat-pages.ts";

export interface PagerOptions {
  readonly timeline: Pick<Timeline, "follow" | "decide" | "now" | "read" | "onReread">;
  readonly deliveries: Deliveries;
  readonly incidents: Pick<Incidents, "read" | "toCatchUp">;
  readonly systems: Pick<ReadonlyMap<string, System>, "get" | "values">;
  /** PagerDuty as a system sees it; throws what to set when a secret is missing. */
  readonly account: (system: System) => PagerDuty;
  readonly words: PageWords & SeatPageWords;
  readonly log: Logger;
  readonly settings?: Partial<PagerSettings>;
}

export interface PagerSettings {
  readonly pollMs: number;
  /** Back-off after a failure: this doubled with each, up to the last. Seconds. */
  readonly firstRetrySeconds: number;
  readonly lastRetrySeconds: number;
  /** How long PagerDuty may take to say who is on call. */
  readonly onCallSeconds: number;
}

const usual: PagerSettings = { pollMs: 1_000, firstRetrySeconds: 1, lastRetrySeconds: 30, onCallSeconds: 3 };
/** What a person has to put right is tried less often. */
const REFUSED_SECONDS = 60;
/** What was over for longer when this process began had its pages ended by another. */
const OVER_SECONDS = 86_400;
const SINK = "pagerduty";

/**
 * PagerDuty as a projection of the timeline, as Slack is: whenever an incident changes, what should be shown is drawn again
 * and the difference is told, by whichever process has the page. Nothing waits for it.
 */
export interface Pager {
  start(): void;
  /** Begins nothing more, and takes no failure of what is in progress for PagerDuty's. */
  leave(): void;
  stop(): Promise<void>;
}

export function createPager(options: PagerOptions): Pager {
  const { timeline, deliveries, log } = options;
  const settings = { ...usual, ...options.settings };
  const onCall = createOnCall(settings.onCallSeconds);
  const asking = createTasks();
  const calendars = keepFolds<CalendarState>(timeline, blankCalendar, (before, more) => foldCalendar(more, before));
  const projector = createProjector({
    name: "pager",
    timeline,
    log,
    concerns: (stream) => isIncident(stream) || isCalendar(stream),
    look: (stream) => (isCalendar(stream) ? drawSeats(stream) : draw(stream)),
    missed: async () => {
      const since = timeline.now().getTime() - OVER_SECONDS * 1000;
      const found = await options.incidents.toCatchUp();
      const incidents = found.flatMap(({ id, over, updatedAt }) => (!over || updatedAt.getTime() >= since ? [id] : []));
      return [...incidents, ...[...options.systems.values()].map(({ id }) => calendarStream(id))];
    },
    round: () => worker.round(),
    everyMs: settings.pollMs,
  });
  const worker = createDeliveryWorker({
    ...{ deliveries, log, ended: projector.wake },
    sinks: [{ name: SINK, send, delayed }],
  });

  async function draw(stream: string): Promise<void> {
    const state = await options.incidents.read(stream);
    const system = options.systems.get(state.declared?.system ?? "");
    if (system?.paging === undefined) return;
    summon(stream, state, system);
    await enqueue(stream, state.version, desiredPages(state, system, options.words, timeline.now()));
  }

  async function drawSeats(stream: string): Promise<void> {
    const system = options.systems.get(systemOfCalendar(stream));
    if (system?.paging === undefined) return;
    const state = await calendars.read(stream);
    await enqueue(stream, state.version, seatPages(system, state, options.words));
  }

  async function enqueue(stream: string, version: number, wanted: readonly DesiredItem[]): Promise<void> {
    const items = wanted.map(({ key, wanted: desired }) => ({ sink: SINK, queue: key, key, once: false, desired }));
    await deliveries.enqueue(stream, version, items);
    projector.wake();
  }

  /** Finds out who is on call for every question that is open and does not say so yet. */
  function summon(stream: string, state: IncidentState, system: System): void {
    for (const run of state.runs.values())
      for (const step of run.steps.values()) {
        if (step.status !== "gate" || !isAwaited(state, run, step.gate)) continue;
        const { gate } = step;
        const { level } = gate;
        const role = level === 0 ? gate.role : (gate.escalate[level - 1]?.role ?? gate.role);
        if (gate.summons.some((one) => one.level === level)) continue;
        const policy = system.paging === undefined ? null : policyFor(role, system.paging);
        const ask = async () => {
          const answer = policy === null ? null : await onCall(() => options.account(system), policy);
          if (projector.stopping.aborted) return;
          const summons = summonsFor({ run, gate, level, role }, system, answer, delegationsNow(state, timeline.now()));
          await recordSummons(timeline, stream, { run: run.id, step: gate.step, ask: gate.ask }, summons);
        };
        asking.start(`${gate.ask}/${level}`, () =>
          ask().catch((error) => {
            log.error({ event: "paging.on_call_not_recorded", err: error, stream }, "on call not recorded; retrying");
            projector.changedLater(stream);
          }),
        );
      }
  }

  /** The timeline says it before the outbox does: after a crash between the two PagerDuty is looked at again, and it is said once. */
  async function send(item: DueItem): Promise<Sent> {
    try {
      if (await deliver(await accountOf(item), item)) await recordSent(timeline, item);
      return { how: "delivered", told: item.desired, reference: null, says: null };
    } catch (error) {
      const seconds = pauseAfter(error, item.tries);
      return { how: "later", sure: false, says: messageOf(error), seconds, error };
    }
  }

  async function delayed(item: DueItem, { error }: Later): Promise<void> {
    if (rings(item) && !projector.stopping.aborted) await recordFailed(timeline, item, error);
  }

  async function accountOf({ stream }: DueItem): Promise<PagerDuty> {
    const id = isCalendar(stream)
      ? systemOfCalendar(stream)
      : ((await options.incidents.read(stream)).declared?.system ?? "");
    const system = options.systems.get(id);
    if (system === undefined) throw new Error(`The system of ${stream} is no longer in the catalogue`);
    return options.account(system);
  }

  function pauseAfter(error: unknown, tries: number): number {
    const { firstRetrySeconds, lastRetrySeconds } = settings;
    const doubled = Math.min(lastRetrySeconds, firstRetrySeconds * 2 ** Math.min(tries, 20));
    const jittered = doubled * (0.75 + Math.random() / 2);
    if (!(error instanceof PagerDutyError)) return jittered;
    if (error.afterSeconds !== null) return Math.max(error.afterSeconds, jittered);
    return error.refused ? Math.max(jittered, Math.min(REFUSED_SECONDS, 2 * lastRetrySeconds)) : jittered;
  }

  return {
    start: projector.start,
    leave: projector.leave,
    async stop() {
      await projector.stop();
      await Promise.all([worker.settled(), asking.settled()]);
    },
  };
}

/** It makes phones ring. */
function rings({ desired }: DueItem): boolean {
  const page = desired as DesiredPage;
  return (page.kind === "alarm" || page.kind === "summons") && page.open;
}
