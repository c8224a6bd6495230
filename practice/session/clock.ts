import { setTimeout as pause } from "node:timers/promises";
import { LifeboatError } from "../../src/lib/errors.ts";
import { asOwner } from "../../src/timeline/database.ts";

/** The clock of a practice store, moved by the owner of that store: nothing of it is in the product. */
export interface PracticeClock {
  /** How far it is ahead of real time, seconds. */
  aheadSeconds(): Promise<number>;
  /**
   * Moves it forward. What is in progress in real time (a step, a process) is waited for, so that no deadline of the outside world
   * is skipped. @returns how far it is ahead now, seconds
   * @throws LifeboatError `clock-not-moved`
   */
  moveForward(seconds: number): Promise<number>;
}

/** A year and a day at once. */
const SECONDS_MAX = 366 * 86_400;
const WAIT_SECONDS = 10;
const LOOK_AGAIN_MS = 200;

type Query = { query<R>(text: string): Promise<{ rows: R[] }> };

/** `ownerUrl`: of the embedded store that practice made. */
export function createPracticeClock(ownerUrl: string): PracticeClock {
  const asked = <T>(work: (client: Query) => Promise<T>) =>
    asOwner(ownerUrl, "practice-clock", (client) => work(client as unknown as Query));
  return {
    aheadSeconds: () => asked(aheadOf),
    async moveForward(seconds) {
      if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > SECONDS_MAX)
        throw notMoved("The clock moves forward by 1 second to 366 days", "Give a time in between, such as 2h or 30d");
      const until = performance.now() + WAIT_SECONDS * 1000;
      for (;;) {
        const ahead = await asked((client) => moved(client, seconds));
        if (ahead !== null) return ahead;
        if (performance.now() > until)
          throw notMoved("A step is in progress, and it runs in real time", "Wait until it is over, or abort the run");
        await pause(LOOK_AGAIN_MS);
      }
    },
  };
}

/** Null: a run is driven at this moment. */
async function moved(client: Query, seconds: number): Promise<number | null> {
  await client.query("begin");
  await client.query("lock table lifeboat.run in exclusive mode");
  const { rows } = await client.query("select from lifeboat.run where not done and owner is not null limit 1");
  if (rows.length > 0) {
    await client.query("rollback");
    return null;
  }
  const ahead = (await aheadOf(client)) + seconds;
  await client.query(
    `create or replace function lifeboat.clock() returns timestamptz language sql volatile parallel safe
       as 'select pg_catalog.clock_timestamp() + interval ''${ahead} seconds'''`,
  );
  await client.query("notify lifeboat_clock");
  await client.query("commit");
  return ahead;
}

/** Where it was ever moved, the function says by how much. */
async function aheadOf(client: Query): Promise<number> {
  const { rows } = await client.query<{ body: string }>(
    "select prosrc as body from pg_proc where proname = 'clock' and pronamespace = 'lifeboat'::regnamespace",
  );
  return Number(/interval '(\d+) seconds'/.exec(rows[0]?.body ?? "")?.[1] ?? 0);
}

function notMoved(what: string, next: string): LifeboatError {
  return new LifeboatError({ code: "clock-not-moved", where: "The practice clock", what, next });
}
