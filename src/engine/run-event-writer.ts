import type { Plan } from "../catalog/types.ts";
import type { NewEvent } from "../incident/events.ts";
import { blankIncident, evolve } from "../incident/evolve.ts";
import type { IncidentState, RunState } from "../incident/state.ts";
import { decodePlan } from "../incidents/index.ts";
import { sha256 } from "../lib/canonical.ts";
import { LifeboatError } from "../lib/errors.ts";
import type { Lease, StoredEvent, Timeline } from "../timeline/contract.ts";

/** The run is someone else's now: everything this process does for it stops, and nothing more is written. */
export class LeaseLost extends Error {
  constructor(run: string) {
    super(`The lease on ${run} is no longer ours.`);
  }
}

export interface Writing {
  readonly events: readonly NewEvent[];
  /** What follows at once, decided as if `events` were written, and written with them in one commit. */
  readonly then?: (run: RunState, now: Date, state: IncidentState) => readonly NewEvent[];
  /** The run is over: its resources become free with these events. */
  readonly ends?: boolean;
}

/**
 * One run's timeline under one lease: what is true now, and the only way the engine writes.
 *
 * Writes of a run go one after another, and each is decided on the newest state inside the transaction that writes it, so
 * a pause, an abort or a denial that came first is always seen.
 */
export interface RunEventWriter {
  readonly lease: Lease;
  state(): IncidentState;
  run(): RunState;
  /** Reads what has happened since, beside the writes. What was written here is known already. */
  refresh(): Promise<void>;
  /** Null from `decide`: nothing is written, and the answer is false. Rejects with `LeaseLost`. */
  write(decide: (run: RunState, now: Date, state: IncidentState) => Writing | null): Promise<boolean>;
  /** This process has written the end: the run's resources are free. */
  ended(): boolean;
  /** Milliseconds since the store last confirmed that the lease is ours; counts while the process is frozen, too. */
  confirmedAgeMs(): number;
  /** To be taken before the store is asked: a process may stand still between its answer and the moment it reads it. */
  asking(): Asked;
  /** The store has confirmed it to who asked then. */
  proven(asked: Asked): void;
}

/** When the store was asked, milliseconds, by two clocks: the steady one may stand still while the machine sleeps. */
export interface Asked {
  readonly steady: number;
  readonly wall: number;
}

const NEVER: Asked = { steady: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY };

export function openRunEventWriter(timeline: Timeline, lease: Lease): RunEventWriter {
  const plans = new Map([[lease.planHash, planOf(lease)]]);
  let state = blankIncident(lease.stream);
  let ended = false;
  let queue: Promise<unknown> = Promise.resolve();
  let proof = NEVER;

  const absorb = (events: readonly StoredEvent[]) => {
    for (const event of events) if (event.version > state.version) state = evolve(state, event, plans);
  };
  const asking = () => ({ steady: performance.now(), wall: Date.now() });
  const proven = (asked: Asked) => {
    if (asked.steady > proof.steady) proof = asked;
  };
  const runIn = (known: IncidentState) => {
    const found = known.runs.get(lease.run);
    if (!found) throw new LifeboatError({ code: "run-missing", what: `${lease.stream} does not tell of ${lease.run}` });
    return found;
  };
  const run = () => runIn(state);
  const following = ({ events, then }: Writing, now: Date): readonly NewEvent[] => {
    if (then === undefined) return [];
    const written = (before: IncidentState, event: NewEvent) =>
      evolve(before, { ...event, run: event.run ?? null, version: before.version + 1, at: now }, plans);
    const after = events.reduce(written, state);
    return then(runIn(after), now, after);
  };
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work, work);
    queue = turn.catch(() => {});
    return turn;
  };
  return {
    lease,
    state: () => state,
    run,
    async refresh() {
      const events = await patiently(() => timeline.read(lease.stream, state.version));
      await readOrigin(timeline, plans, lease.planHash);
      absorb(events);
    },
    write: (decide) =>
      inTurn(async () => {
        const asked = asking();
        const decided = await timeline.decide(
          lease.stream,
          (events, now) => {
            absorb(events);
            const writing = decide(run(), now, state);
            return {
              events: writing === null ? [] : [...writing.events, ...following(writing, now)],
              ...(writing?.ends ? { ended: [lease.run] } : {}),
              value: { written: writing !== null, ends: writing?.ends ?? false },
            };
          },
          { lease },
        );
        if (decided.kind !== "written") throw new LeaseLost(lease.run);
        proven(asked);
        absorb(decided.events);
        ended ||= decided.value.ends;
        return decided.value.written;
      }),
    ended: () => ended,
    confirmedAgeMs: () => Math.max(performance.now() - proof.steady, Date.now() - proof.wall),
    asking,
    proven,
  };
}

/** The plan of the run that this one takes a step back of, before anything is folded: without it that run would have no steps. */
async function readOrigin(timeline: Timeline, plans: Map<string, Plan>, own: string): Promise<void> {
  const undoes = plans.get(own)?.undoes;
  if (undoes === undefined || plans.size > 1) return;
  const stored = await patiently(() => timeline.planOf(undoes.run));
  if (stored !== null) plans.set(stored.planHash, decodePlan(stored.planBytes));
}

/** The plan as it was approved: the bytes have to have the hash that was shown. */
function planOf(lease: Lease): Plan {
  if (sha256(lease.planBytes) !== lease.planHash) {
    throw new LifeboatError({
      code: "plan-changed",
      where: lease.run,
      what: "The stored plan isn't the approved one: it was changed or damaged. It won't run",
      stateNow: "`/dr timeline` shows what was done before; nothing more will be.",
      next: "Abort the run, check the store (`lifeboat verify`), and request it again.",
    });
  }
  return decodePlan(lease.planBytes);
}

/** A store that is away is waited for: the run is ours until the store itself says otherwise. */
async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof LifeboatError && error.problem.code === "store-away")) throw error;
    }
  }
}
