import { seatFactsOf } from "../../commands/seats.ts";
import { cards } from "../actions/index.ts";
import { readCalendar } from "../calendar/read.ts";
import { peopleNotes, seatsOf, unfilledSeats } from "../calendar/seats.ts";
import { createCalendar } from "../calendar/worker.ts";
import type { System } from "../catalog/types.ts";
import { aheadIn } from "../command/execute/ahead.ts";
import { startedAs, startOccasion } from "../command/execute/start-occasion.ts";
import { runnable } from "../command/resolve/system.ts";
import { defaultSettings } from "../engine/ports.ts";
import { withoutAccounts } from "../incident/people.ts";
import { pageableIn } from "../paging/config.ts";
import { keepAnswers } from "../readiness/kept-answers.ts";
import { createReadinessWorker } from "../readiness/worker.ts";
import { createReadinessLooks } from "../timeline/readiness-looks.ts";
import { createSchedule } from "../timeline/schedule.ts";
import type { Base } from "./base.ts";
import type { ActionParts } from "./runs.ts";
import type { Worker } from "./worker.ts";

/** Further than any clock is off. */
const PRACTICE_AHEAD_MS = 60_000;
/** For so long, by the store's clock, it is known who can approve. */
const SEATS_KEPT_MS = 120_000;

/** Drills, tests and reviews at their hours. */
export function createCalendarWorker({ config, context, incidents, store, gone, log }: Base): Worker {
  const { timeline, pool } = store;
  return createCalendar({
    timeline,
    incidents,
    schedule: createSchedule(pool),
    systems: () => runnable(context),
    start: (system, start) => startOccasion(context, gone, system, start),
    startedAs: (key) => startedAs(context, key),
    seats: async (system) => ({ ...(await seatFactsOf(context, system)), pageable: pageableIn(config.paging, system) }),
    ahead: aheadIn(context),
    present: async (system) => withoutAccounts(system, (await context.unreachable?.()) ?? new Set()),
    // In practice time passes when someone moves the clock: until then nothing begins by itself.
    waits: () => config.practice && timeline.now().getTime() - timeline.realNow().getTime() < PRACTICE_AHEAD_MS,
    log,
  });
}

/** Whether every runbook could run now, and has the people it needs. */
export function createReadiness(base: Base, parts: ActionParts): Worker {
  const { config, catalog, context, incidents, store, log } = base;
  const people = peopleOf(base);
  return createReadinessWorker({
    timeline: store.timeline,
    incidents,
    catalog,
    book: context.readiness,
    looks: createReadinessLooks(store.pool),
    parts: () => ({
      ...{ catalog, cards, variables: context.variables, ownSites: config.sites },
      people,
      ...(context.drillVariables && { drillVariables: context.drillVariables }),
      lookAt: async (targets, drill) => (await context.lookAt?.(targets, drill)) ?? new Map(),
      around: { ...parts, observeSeconds: defaultSettings.observeSeconds },
    }),
    log,
  });
}

/** Every check of a system asks for it, and Slack is asked about each person. */
function peopleOf({ config, context, store: { timeline } }: Base) {
  return keepAnswers(
    async (system: System) => {
      const facts = await seatFactsOf(context, system);
      // In practice people set up an authenticator when they are first asked for a code.
      const known = config.practice ? { ...facts, enrolled: null } : facts;
      const state = await readCalendar(timeline, system.id);
      const now = timeline.now();
      const seats = seatsOf(system, state, known, now);
      return { unfilled: unfilledSeats(seats), notes: peopleNotes(system, state, seats, now) };
    },
    SEATS_KEPT_MS,
    () => timeline.now().getTime(),
  );
}
