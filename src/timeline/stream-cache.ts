import type { Head } from "./authentic.ts";
import { noHash } from "./chain.ts";
import type { StoredEvent } from "./contract.ts";

/** A stream as this process last saw it committed. */
export interface SeenStream {
  readonly version: number;
  readonly hash: string;
  readonly events: readonly StoredEvent[];
  /** Keys known to be committed. Shared with later sights of the stream, so it may be ahead of `events`. */
  readonly keys: Set<string>;
}

export const unseen = (): SeenStream => ({ version: 0, hash: noHash, events: [], keys: new Set() });

export function extended(seen: SeenStream, more: readonly StoredEvent[]): SeenStream {
  for (const event of more) seen.keys.add(event.key);
  const last = more.at(-1);
  if (last === undefined) return seen;
  return { version: last.version, hash: last.hash, events: [...seen.events, ...more], keys: seen.keys };
}

/** Whether a stream as it was just read still holds what was seen of it before. */
export function holdsHead(stream: Pick<SeenStream, "version" | "events">, head: Head): boolean {
  return head.version === 0 || stream.events[head.version - 1]?.hash === head.hash;
}

/** The streams this process worked on last, so that a decision reads only what is new. Every event in it was verified. */
export interface StreamCache {
  get(stream: string): SeenStream | undefined;
  keep(stream: string, seen: SeenStream): void;
  forget(stream: string): void;
  clear(): void;
}

/** Events of all of them together; an event takes about 1.5 kB. The stream worked on last is kept however long it is. */
const MOST_EVENTS = 200_000;

export function createStreamCache(most = 200, mostEvents = MOST_EVENTS): StreamCache {
  const streams = new Map<string, SeenStream>();
  let events = 0;
  const drop = (stream: string) => {
    events -= streams.get(stream)?.events.length ?? 0;
    streams.delete(stream);
  };
  return {
    get: (stream) => streams.get(stream),
    keep(stream, seen) {
      drop(stream);
      streams.set(stream, seen);
      events += seen.events.length;
      for (const oldest of streams.keys()) {
        if (oldest === stream || (streams.size <= most && events <= mostEvents)) break;
        drop(oldest);
      }
    },
    forget: drop,
    clear() {
      streams.clear();
      events = 0;
    },
  };
}
