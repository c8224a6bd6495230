import { type Plans, plansNeeded } from "../incident/evolve.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Decided, Decision, StoredEvent, Timeline } from "../timeline/contract.ts";
import { blank, type Folded, foldOn, startIn } from "./folded.ts";
import { createPlanCache, type PlanOfRun } from "./plans.ts";

/** Incidents as they are now, each folded on from where it was last looked at. */
export interface Reader {
  /** As the record has it now. Reads only what was appended since. */
  read(id: string): Promise<Folded>;
  /** As it was last read or decided on, without a look at the store. */
  kept(id: string): Folded | undefined;
  /** Decides on the incident as these very events make it, in the transaction that writes (`Timeline.decide`). */
  decide<T>(
    id: string,
    decide: (state: IncidentState, events: readonly StoredEvent[], now: Date) => Decision<T>,
  ): Promise<Decided<T>>;
  /** The plans that these events name. */
  plansOf(events: readonly StoredEvent[]): Promise<Plans>;
}

type Source = Pick<Timeline, "read" | "decide" | "planOf" | "onReread" | "numberOf">;

/** So many incidents are kept, the ones looked at last; `stays`: those that are kept whatever their number. */
const KEPT = 200;
/** A plan is stored in the transaction of the run that names it, so one look for it is enough. */
const TRIES = 5;

export function createReader(timeline: Source, stays: (id: string) => boolean = () => false): Reader {
  const plans = createPlanCache(timeline);
  const known = new Map<string, Folded>();
  const reading = new Map<string, Promise<Folded>>();
  let generation = 0;
  timeline.onReread(() => {
    generation += 1;
    known.clear();
  });

  function keep(id: string, folded: Folded): void {
    if (folded.hash === null || (known.get(id)?.state.version ?? 0) > folded.state.version) return;
    known.delete(id);
    known.set(id, folded);
    let over = known.size - KEPT;
    for (const old of known.keys()) {
      if (over-- <= 0) break;
      if (old !== id && !stays(old)) known.delete(old);
    }
  }

  async function readOn(id: string): Promise<Folded> {
    const begun = generation;
    const from = known.get(id) ?? blank(id);
    const events = await timeline.read(id, from.state.version);
    const complete = await plans.learn(plansNeeded(events));
    const folded = await numbered(foldOn(from, events, plans.plans));
    // What was read before it all changed is not gone on from.
    if (begun !== generation) return readOn(id);
    // Without a plan its run has no steps: that is not what later events are folded on.
    if (complete) keep(id, folded);
    return folded;
  }

  /** What was declared before numbers stood on timelines has one beside it. */
  async function numbered(folded: Folded): Promise<Folded> {
    const { state } = folded;
    if (state.declared === null || state.number !== undefined) return folded;
    return { ...folded, state: { ...state, number: await timeline.numberOf(state.id) } };
  }

  function folded(id: string, events: readonly StoredEvent[]): Folded | { readonly lacking: readonly PlanOfRun[] } {
    const from = startIn(known.get(id), id, events);
    const more = events.slice(from.state.version);
    const wanted = plansNeeded(more);
    const lacking = plans.unknown(wanted);
    if (lacking.length > 0) return { lacking };
    const made = foldOn(from, more, plans.plans);
    if (wanted.every(({ planHash }) => plans.plans.has(planHash))) keep(id, made);
    return made;
  }

  /** One after the other, so that each goes on from the one before. */
  function read(id: string): Promise<Folded> {
    const before = reading.get(id) ?? Promise.resolve();
    const next = before.then(
      () => readOn(id),
      () => readOn(id),
    );
    reading.set(id, next);
    const forget = () => {
      if (reading.get(id) === next) reading.delete(id);
    };
    next.then(forget, forget);
    return next;
  }

  return {
    read,
    kept: (id) => known.get(id),
    async plansOf(events) {
      await plans.learn(plansNeeded(events));
      return plans.plans;
    },
    async decide(id, decide) {
      // Whatever is long is read before the stream is locked.
      if (!known.has(id)) await read(id);
      for (let tries = 1; ; tries++) {
        let lacking: readonly PlanOfRun[] = [];
        const decided = await timeline.decide(id, (events, now) => {
          const made = folded(id, events);
          if ("state" in made) return decide(made.state, events, now);
          ({ lacking } = made);
          return { events: [], value: null as never };
        });
        // A run that was requested since we looked: its plan is read first.
        if (lacking.length === 0) return decided;
        if (tries === TRIES) throw new Error(`The plans of ${id} can't be read`);
        await plans.learn(lacking);
      }
    },
  };
}
