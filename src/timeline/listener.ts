import { setTimeout as pause } from "node:timers/promises";
import type pg from "pg";
import type { Logger } from "../lib/log.ts";
import { connection } from "./database.ts";
import { clientClassFor } from "./primary.ts";

/** The class of the session advisory locks that say "this replica lives": (class, replica). */
export const replicaLockClass = 4713;

const again = 300;
const pulse = 5_000;

/**
 * The one connection that is kept: it listens, and holds this replica's advisory lock so that its death is noticed at
 * once. It needs a session of its own (no PgBouncer in transaction mode). Without it polling and the lease still hold.
 */
export interface Listener {
  on(channel: "lifeboat_changed" | "lifeboat_due" | "lifeboat_clock", heard: (payload: string) => void): () => void;
  /** Calls back after every (re)connect: notices sent meanwhile are lost, so look for yourself. */
  onConnect(connected: () => void): () => void;
  close(): Promise<void>;
}

export function openListener(url: string, name: string, replica: number, log: Logger): Listener {
  const heard = new Map<string, Set<(payload: string) => void>>();
  const connected = new Set<() => void>();
  const closed = new AbortController();

  async function session(): Promise<void> {
    const Client = clientClassFor(url);
    const client = new Client({ ...connection(url, name), query_timeout: 3_000 });
    const ended = new Promise<void>((end) => {
      client.on("error", () => end());
      client.on("end", () => end());
    });
    client.on("notification", ({ channel, payload }) => {
      for (const tell of heard.get(channel) ?? []) tell(payload ?? "");
    });
    try {
      await client.connect();
      await client.query("listen lifeboat_changed");
      await client.query("listen lifeboat_due");
      await client.query("listen lifeboat_clock");
      let locked = await tryLock(client, replica);
      for (const tell of connected) tell();
      for (;;) {
        // The lock may still be held by our own last session, until the server has noticed that it is gone.
        const over = await Promise.race([ended.then(() => true), nap(locked ? pulse : 1_000, closed.signal)]);
        if (over || closed.signal.aborted) return;
        if (locked) await client.query("select 1");
        else locked = await tryLock(client, replica);
      }
    } finally {
      await Promise.race([client.end().catch(() => {}), nap(1_000)]);
    }
  }

  const running = (async () => {
    while (!closed.signal.aborted) {
      await session().catch((error) =>
        log.debug({ event: "store.listener_lost", err: error }, "the store's listener lost its connection"),
      );
      await nap(again, closed.signal);
    }
  })();

  return {
    on(channel, tell) {
      const set = heard.get(channel) ?? new Set();
      heard.set(channel, set.add(tell));
      return () => void set.delete(tell);
    },
    onConnect(tell) {
      connected.add(tell);
      return () => void connected.delete(tell);
    },
    async close() {
      closed.abort();
      await Promise.race([running, nap(1_500)]);
    },
  };
}

async function tryLock(client: pg.Client, replica: number): Promise<boolean> {
  const { rows } = await client.query("select pg_try_advisory_lock($1::int, $2::int) as locked", [
    replicaLockClass,
    replica,
  ]);
  return rows[0].locked;
}

/** False after `ms`, or as soon as `stop` aborts. */
async function nap(ms: number, stop?: AbortSignal): Promise<false> {
  await pause(ms, undefined, { ref: stop !== undefined, ...(stop ? { signal: stop } : {}) }).catch(() => {});
  return false;
}
