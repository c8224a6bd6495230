import { chainHash } from "./chain.ts";
import type { StoredEvent } from "./contract.ts";
import type { Keyring, NotAuthentic } from "./keys.ts";

/** The head of a stream: its last version and that event's hash. */
export interface Head {
  readonly version: number;
  readonly hash: string;
}

/** Heads of the streams as the migration found them, signed: what is below them was written before events had a MAC. */
export interface Seals {
  readonly heads: ReadonlyMap<string, Head>;
  /** Events below them, all streams together. */
  readonly events: number;
}

export const noSeals: Seals = { heads: new Map(), events: 0 };

/** What decisions and `verify` ask of every event. */
export interface Authenticity {
  readonly keyring: Keyring;
  readonly seals: Seals;
}

const SAYS: Record<NotAuthentic, string> = {
  missing: "no process of Lifeboat wrote it: it has no authentication code",
  "unknown-key": "it's authenticated with a key that isn't given here (LIFEBOAT_EVENT_KEYS)",
  wrong: "no process of Lifeboat wrote it: its authentication code is wrong",
};

/** Null, or why an event whose hash holds wasn't written by a process with a key. Without keys this can't be told: null. */
export function notAuthentic({ keyring, seals }: Authenticity, event: StoredEvent): string | null {
  const sealed = seals.heads.get(event.stream);
  if (sealed !== undefined && event.version <= sealed.version && !event.mac) {
    if (event.version < sealed.version || event.hash === sealed.hash) return null;
    return "it isn't what stood here when the timeline was sealed: the timeline was rewritten";
  }
  if (!keyring.authenticates) return event.mac ? null : SAYS.missing;
  const why = keyring.check(event.hash, event.macKey, event.mac);
  return why === null ? null : SAYS[why];
}

/** Null when these events continue the chain from `start`, each as it was written by a process with a key; else what is wrong. */
export function broken(around: Authenticity, start: Head, events: readonly StoredEvent[]): string | null {
  let last = start;
  for (const event of events) {
    const says = wrongAt(around, last, event);
    if (says !== null) return `event ${event.version}: ${says}`;
    last = event;
  }
  return null;
}

function wrongAt(around: Authenticity, last: Head, event: StoredEvent): string | null {
  if (event.version !== last.version + 1) return `the events before it are missing, back to ${last.version}`;
  if (event.previousHash !== last.hash) return "it doesn't follow the event before it";
  if (chainHash(event) !== event.hash) return "it was changed after it was written";
  return notAuthentic(around, event);
}
