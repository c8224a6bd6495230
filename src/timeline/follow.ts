import type pg from "pg";
import type { Logger } from "../lib/log.ts";
import type { StoreClock } from "./clock.ts";
import type { Listener } from "./listener.ts";

/** Tells of every change at least once: notices make it quick, a look once a second makes it certain. */
export interface Follower {
  follow(changed: (stream: string, version: number) => void): () => void;
  close(): Promise<void>;
}

interface Looked {
  readonly clock: Date;
  readonly realClock: Date;
  readonly horizon: string;
  readonly id: string | null;
  readonly version: number | null;
}

// A transaction not yet visible at the last look has an id at or above that look's horizon, however long it takes. A
// horizon below ours means another database (restored, replaced): then everything is new.
const look = `
  select lifeboat.clock() as clock, pg_catalog.clock_timestamp() as "realClock", pg_snapshot_xmin(pg_current_snapshot())::text as horizon, s.id, s.version
    from (select 1) one left join lifeboat.stream s
      on s.changed >= $1::xid8 or pg_snapshot_xmin(pg_current_snapshot()) < $1::xid8`;

export const horizonNow = "select pg_snapshot_xmin(pg_current_snapshot())::text as horizon";

export function openFollower(
  pool: pg.Pool,
  listener: Listener,
  clock: StoreClock,
  log: Logger,
  start: string,
  pollMs = 1_000,
): Follower {
  const followers = new Set<(stream: string, version: number) => void>();
  let told = new Map<string, number>();
  let horizon = start;
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function tell(stream: string, version: number): void {
    if ((told.get(stream) ?? -1) >= version) return;
    told.set(stream, version);
    for (const changed of followers) {
      try {
        changed(stream, version);
      } catch (error) {
        log.error({ event: "store.follower_failed", err: error, stream }, "a follower of the timeline failed");
      }
    }
  }

  async function lookOnce(): Promise<void> {
    const sentAt = performance.now();
    const query = { name: "lifeboat-look", text: look, values: [horizon], query_timeout: 3_000 };
    const { rows } = await pool.query<Looked>(query);
    const first = rows[0];
    if (first === undefined) return;
    clock.heard(first.clock, sentAt, first.realClock);
    if (BigInt(first.horizon) < BigInt(horizon)) told = new Map();
    const found = rows.flatMap(({ id, version }) => (id === null || version === null ? [] : [{ id, version }]));
    for (const { id, version } of found) tell(id, version);
    // Only what the next look may find again needs to be remembered.
    told = new Map(found.map(({ id, version }) => [id, Math.max(version, told.get(id) ?? 0)]));
    horizon = first.horizon;
  }

  function soon(): void {
    if (closed || followers.size === 0 || looking) return;
    clearTimeout(timer);
    looking = lookOnce()
      .catch((error) => log.debug({ event: "store.not_read", err: error }, "the timeline could not be read; retrying"))
      .finally(() => {
        looking = undefined;
        if (!closed && followers.size > 0) timer = setTimeout(soon, pollMs);
      });
  }

  const unheard = listener.on("lifeboat_changed", (payload) => {
    const space = payload.indexOf(" ");
    if (space > 0) tell(payload.slice(space + 1), Number(payload.slice(0, space)));
  });
  const unconnected = listener.onConnect(soon);
  const unmoved = listener.on("lifeboat_clock", soon);

  return {
    follow(changed) {
      // Each has its own identity, so that the same function may follow twice.
      const follower = (stream: string, version: number) => changed(stream, version);
      followers.add(follower);
      soon();
      return () => {
        followers.delete(follower);
      };
    },
    async close() {
      closed = true;
      unheard();
      unconnected();
      unmoved();
      clearTimeout(timer);
      await looking;
    },
  };
}
