import { setTimeout as pause } from "node:timers/promises";
import { LifeboatError } from "../../src/lib/errors.ts";
import type { StoredEvent } from "../../src/timeline/contract.ts";
import type { Store } from "../../src/timeline/index.ts";
import type { PracticeClock } from "./clock.ts";

/** Lets practice time pass as a calendar needs it: from one moment at which something is due to the next. */
export interface Time {
  now(): Promise<Date>;
  /** Passes to this moment. What is started on the way is answered before time goes on. */
  until(end: Date): Promise<void>;
  /** Everything at once: what was due between is looked at afterwards, as by a bot that was down. */
  jump(seconds: number): Promise<void>;
  /** Resolves when nothing is due any more, and nothing that was started goes on. */
  settled(): Promise<void>;
  /** The first event of a stream like that, also one that is there already. @throws LifeboatError `not-recorded` */
  recorded(stream: string, what: string, isIt: (event: StoredEvent) => boolean): Promise<StoredEvent>;
}

export interface TimeOptions {
  readonly store: Pick<Store, "pool" | "timeline">;
  readonly clock: PracticeClock;
  /** The calendar's stream. */
  readonly stream: string;
  /** Answers what the calendar started; resolves when its run is over. */
  readonly answer: (started: StartedRun) => Promise<void>;
  /** Told of every new event of the calendar, in order, before time goes on. */
  readonly heard: (event: StoredEvent) => Promise<void>;
}

export interface StartedRun {
  readonly occasion: string;
  readonly slot: string;
  readonly incident: string;
  readonly run: string;
}

/** How long a bot may take for what is due, real time. It may be restarting. */
const PATIENCE_MS = 90_000;
const LOOK_MS = 50;

export function createTime({ store, clock, stream, answer, heard }: TimeOptions): Time {
  const { pool, timeline } = store;
  let read = 0;

  async function asked<T>(sql: string, values: readonly unknown[] = []): Promise<T | undefined> {
    return (await pool.query(sql, [...values])).rows[0] as T | undefined;
  }

  async function now(): Promise<Date> {
    const row = await asked<{ at: Date }>("select lifeboat.clock() as at");
    return row?.at ?? new Date(Number.NaN);
  }

  /** When the calendar has to be looked at next, as the one who looked last has noted it; undefined: it is being looked at. */
  async function dueAt(): Promise<Date | null | undefined> {
    const row = await asked<{ at: Date | null; isDue: boolean }>(
      `select next_at as at, coalesce(next_at <= lifeboat.clock(), false) or claimed_until > clock_timestamp() as "isDue"
         from lifeboat.schedule where stream = $1`,
      [stream],
    );
    return row === undefined || row.isDue ? undefined : row.at;
  }

  async function listen(): Promise<readonly StoredEvent[]> {
    const events = await timeline.read(stream);
    for (const event of events.slice(read)) {
      read += 1;
      await heard(event);
    }
    return events;
  }

  async function settled(): Promise<Date | null> {
    let until = performance.now() + PATIENCE_MS;
    for (;;) {
      const [going] = goingOn(await listen());
      if (going !== undefined) {
        await answer(going);
        await ended(going);
        until = performance.now() + PATIENCE_MS;
        continue;
      }
      const at = await dueAt();
      // What was started between the two looks is recorded before the calendar says when it is due next.
      if (at !== undefined && goingOn(await listen()).length === 0) return at;
      if (performance.now() > until) throw late("what is due on the calendar was not looked at");
      await pause(LOOK_MS);
    }
  }

  async function ended({ occasion, slot, run }: StartedRun): Promise<void> {
    await recorded(stream, `what became of ${occasion} of ${slot}`, ({ type, data }) => {
      const said = data as { run?: string | null };
      return (type === "occasion.done" || type === "occasion.missed") && said.run === run;
    });
  }

  async function recorded(id: string, what: string, isIt: (event: StoredEvent) => boolean): Promise<StoredEvent> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = (await timeline.read(id)).find(isIt);
      if (found !== undefined) return found;
      if (performance.now() > until) throw late(`${what} was not recorded`);
      await pause(LOOK_MS);
    }
  }

  return {
    now,
    recorded,
    settled: async () => void (await settled()),
    async jump(seconds) {
      await clock.moveForward(seconds);
      await settled();
    },
    async until(end) {
      for (;;) {
        const due = await settled();
        const left = (date: Date, from: Date) => Math.ceil((date.getTime() - from.getTime()) / 1000);
        const at = await now();
        if (at >= end) return;
        const next = due !== null && due < end ? due : end;
        await clock.moveForward(Math.max(1, left(next, at)));
      }
    },
  };
}

/** Started by the calendar, without an end so far. */
function goingOn(events: readonly StoredEvent[]): readonly StartedRun[] {
  const over = new Set(
    events.flatMap(({ type, data }) =>
      type === "occasion.done" || type === "occasion.missed" ? [(data as { run: string | null }).run] : [],
    ),
  );
  return events.flatMap(({ type, data }) => {
    const started = data as StartedRun;
    return type === "occasion.started" && !over.has(started.run) ? [started] : [];
  });
}

function late(what: string): LifeboatError {
  return new LifeboatError({
    code: "not-recorded",
    where: "The practice year",
    what: `Within ${PATIENCE_MS / 1000} s ${what}`,
    next: "Read bot.log in the folder of practice",
  });
}
