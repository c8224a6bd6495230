import { noHash } from "../../../src/timeline/chain.ts";
import type { StoredEvent } from "../../../src/timeline/contract.ts";
import type { SecondFactorRow } from "../../../src/timeline/second-factors.ts";

/**
 * The tables of the store, in memory. What happens between two requests happens to no one: each request is one synchronous step, as
 * a transaction is that holds its locks. JSON is kept as text, so that no process ever shares an object with another.
 */
export class MemoryDatabase {
  readonly streams = new Map<string, StreamRow>();
  readonly runs = new Map<string, RunRow>();
  readonly plans = new Map<string, Uint8Array>();
  /** Resource → run that holds it. */
  readonly resources = new Map<string, string>();
  readonly numbers = new Map<string, number>();
  readonly summaries = new Map<string, { version: number; hash: string; summary: string }>();
  readonly inbox: InboxRow[] = [];
  readonly schedule = new Map<string, { version: number; nextAt: number | null; claimedUntil: number }>();
  readonly tally = new Map<string, TallyRow>();
  readonly proofs = new Map<string, SecondFactorRow>();
  readonly drawn = new Map<string, DrawnRow>();
  readonly queues = new Map<string, QueueRow>();
  readonly items: ItemRow[] = [];
  readonly pages = new Map<string, { openedAt: number; shownHash: string | null }>();
  /** Replicas whose session is there. */
  readonly sessions = new Map<number, (notice: Notice) => void>();
  readonly #clock: () => number;
  #change = 0;
  #replica = 0;
  #id = 0;
  #number = 0;

  /** @param clock the database's, milliseconds since 1970 */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#clock();
  }

  /** Goes up with each write to a stream. */
  get lastChange(): number {
    return this.#change;
  }

  nextChange(): number {
    return ++this.#change;
  }

  nextReplica(): number {
    return ++this.#replica;
  }

  /** Of rows that are taken in the order in which they came. */
  nextId(): number {
    return ++this.#id;
  }

  numberOf(stream: string): number {
    const given = this.numbers.get(stream);
    if (given !== undefined) return given;
    this.#number += 1;
    this.numbers.set(stream, this.#number);
    return this.#number;
  }

  stream(id: string): StreamRow | undefined {
    return this.streams.get(id);
  }

  eventsAfter(id: string, version: number): StoredEvent[] {
    return (this.streams.get(id)?.events ?? []).filter((row) => row.version > version).map(eventOf);
  }

  notify(notice: Notice): void {
    for (const hear of this.sessions.values()) hear(notice);
  }
}

/** What PostgreSQL's NOTIFY carries here. It may be lost: a look stands behind it. */
export type Notice =
  | { readonly what: "changed"; readonly stream: string; readonly version: number }
  | { readonly what: "due" };

export interface EventRow extends Omit<StoredEvent, "data" | "actor"> {
  readonly data: string;
  readonly actor: string;
}

export interface StreamRow {
  readonly id: string;
  version: number;
  hash: string;
  updatedAt: Date;
  /** `nextChange` of the last write. */
  changed: number;
  readonly events: EventRow[];
}

export interface RunRow {
  readonly id: string;
  readonly stream: string;
  readonly planHash: string;
  epoch: number;
  owner: number | null;
  beatAt: number | null;
  wakeAt: number | null;
  done: boolean;
  deaths: number;
}

export interface InboxRow {
  readonly id: number;
  readonly key: string;
  readonly kind: string;
  readonly body: string;
  readonly receivedAt: Date;
  readonly receipt: string;
  attempts: number;
  nextAt: number;
  claimedUntil: number | null;
  doneAt: number | null;
  lastError: string | null;
}

export interface TallyRow {
  readonly what: string;
  readonly who: string;
  since: number;
  count: number;
  total: number;
  lastAt: number;
  last: string | null;
}

export interface DrawnRow {
  version: number;
  about: string;
  redrawAt: number | null;
}

/** A queue of the outbox. `-Infinity`: at any time. JSON is canonical text. */
export interface QueueRow {
  readonly queue: string;
  readonly sink: string;
  readonly stream: string | null;
  place: string | null;
  placeName: string | null;
  borrowed: boolean;
  makingSince: number | null;
  wanted: string | null;
  shown: string;
  setupAt: number;
  setupFailures: number;
  tokens: number;
  tokensAt: number;
  notBefore: number;
  failures: number;
  says: string | null;
  owner: string | null;
  claimedUntil: number;
}

/** Something to be shown outside. */
export interface ItemRow {
  readonly id: number;
  readonly sink: string;
  readonly stream: string;
  readonly key: string;
  version: number;
  queue: string;
  under: string | null;
  priority: number;
  broadcast: boolean;
  readonly once: boolean;
  desired: string;
  desiredHash: string;
  delivered: string | null;
  deliveredAs: string | null;
  deliveredHash: string | null;
  deliveredAt: number | null;
  sendingSince: number | null;
  sendingHash: string | null;
  plain: boolean;
  notBefore: number;
  tries: number;
  says: string | null;
  givenUpAt: number | null;
  recordedAt: number | null;
}

export function blankStream(id: string): StreamRow {
  return { id, version: 0, hash: noHash, updatedAt: new Date(0), changed: 0, events: [] };
}

export function blankQueue(queue: string, sink: string, stream: string | null = null): QueueRow {
  return {
    ...{ queue, sink, stream, place: null, placeName: null, borrowed: false, makingSince: null, wanted: null },
    ...{ shown: "{}", setupAt: Number.NEGATIVE_INFINITY, setupFailures: 0, tokens: 0 },
    ...{ tokensAt: Number.NEGATIVE_INFINITY, notBefore: Number.NEGATIVE_INFINITY, failures: 0, says: null },
    ...{ owner: null, claimedUntil: Number.NEGATIVE_INFINITY },
  };
}

export function rowOf(event: StoredEvent): EventRow {
  return { ...event, data: JSON.stringify(event.data), actor: JSON.stringify(event.actor) };
}

function eventOf(row: EventRow): StoredEvent {
  return { ...row, at: new Date(row.at), data: JSON.parse(row.data), actor: JSON.parse(row.actor) };
}
