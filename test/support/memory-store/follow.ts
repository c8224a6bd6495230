import type { StoreClock } from "../../../src/timeline/clock.ts";
import type { MemoryDatabase, Notice } from "./database.ts";
import type { Link } from "./link.ts";

export interface Follower {
  follow(changed: (stream: string, version: number) => void): () => void;
  hear(notice: Notice): void;
  close(): void;
}

const POLL_MS = 1_000;

/** Tells of every change at least once: notices make it quick, a look once a second makes it certain. */
export function createFollower(database: MemoryDatabase, link: Link, clock: StoreClock): Follower {
  const followers = new Set<(stream: string, version: number) => void>();
  const told = new Map<string, number>();
  let seen = database.lastChange;
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let closed = false;

  function tell(stream: string, version: number): void {
    if ((told.get(stream) ?? -1) >= version) return;
    told.set(stream, version);
    for (const changed of followers) changed(stream, version);
  }

  async function look(): Promise<void> {
    const sentAt = performance.now();
    const found = await link.ask("looking at what changed", () => ({
      now: database.now(),
      change: database.lastChange,
      streams: [...database.streams.values()].flatMap(({ id, version, changed }) =>
        changed > seen ? [{ id, version }] : [],
      ),
    }));
    clock.heard(new Date(found.now), sentAt, new Date(found.now));
    seen = found.change;
    for (const { id, version } of found.streams) tell(id, version);
  }

  function soon(): void {
    if (closed || looking || followers.size === 0) return;
    looking = true;
    clearTimeout(timer);
    void look()
      .catch(() => {})
      .finally(() => {
        looking = false;
        if (!closed) timer = setTimeout(soon, POLL_MS);
      });
  }

  return {
    follow(changed) {
      const own = (stream: string, version: number) => changed(stream, version);
      followers.add(own);
      soon();
      return () => void followers.delete(own);
    },
    hear(notice) {
      if (notice.what === "changed") tell(notice.stream, notice.version);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      followers.clear();
    },
  };
}
