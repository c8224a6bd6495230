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
export interface RecentStreams {
  get(stream: string): SeenStream | undefined;
  keep(stream: string, seen: SeenStream): void;
  forget(stream: string): void;
  clear(): void;
}

export function createRecentStreams(most = 200): RecentStreams {
  const streams = new Map<string, SeenStream>();
  return {
    get: (stream) => streams.get(stream),
    keep(stream, seen) {
      streams.delete(stream);
      streams.set(stream, seen);
      const oldest = streams.keys().next().value;
      if (streams.size > most && oldest !== undefined) streams.delete(oldest);
    },
    forget: (stream) => void streams.delete(stream),
    clear: () => streams.clear(),
  };
}
