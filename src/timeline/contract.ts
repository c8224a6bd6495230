import type { Problem } from "../lib/errors.ts";

/**
 * What the rest of the source may ask of the timeline. It knows no event names: an event here is a type and a JSON value.
 */
export interface StoredEvent {
  readonly stream: string;
  readonly version: number;
  readonly key: string;
  readonly run: string | null;
  readonly type: string;
  readonly data: unknown;
  readonly actor: unknown;
  /** The database's clock at the append, millisecond precision (what the hash covers). */
  readonly at: Date;
  /** SHA-256 of the event before it in the stream; 64 zeros for the first. */
  readonly previousHash: string;
  readonly hash: string;
  /** HMAC-SHA256 over the hash by the process that wrote it, and the id of its key. None: written before there was one. */
  readonly mac?: string | null;
  readonly macKey?: string | null;
}

export interface EventToAppend {
  readonly type: string;
  readonly data: unknown;
  readonly actor: unknown;
  readonly key: string;
  readonly run?: string | null;
  /** It is written with the stream's number as `number` of its data (an object). */
  readonly numbered?: true;
}

/** What a decision asks to be written, all in its one transaction. */
export interface Decision<T> {
  readonly events: readonly EventToAppend[];
  /** New runs, with the canonical bytes of their plans. Refused when another live run holds a resource. */
  readonly runs?: readonly NewRun[];
  /** Runs that end with these events: their resources are free again and no replica drives them. */
  readonly ended?: readonly string[];
  readonly value: T;
}

export interface NewRun {
  readonly id: string;
  readonly planHash: string;
  readonly planBytes: Uint8Array;
  readonly resources: readonly string[];
}

/** Proof that this process holds a run now; every driver write is checked against it. Only `claim` makes one. */
export interface Lease {
  readonly run: string;
  readonly stream: string;
  readonly epoch: string;
  /** So many holders in a row were lost without letting go of it. */
  readonly deaths: number;
  readonly planHash: string;
  /** As they are stored: the one who drives it checks that they have that hash. */
  readonly planBytes: Uint8Array;
}

export type Decided<T> =
  | { readonly kind: "written"; readonly value: T; readonly events: readonly StoredEvent[] }
  /** The lease is no longer ours: nothing was written. */
  | { readonly kind: "lost" }
  /** Another live run holds the resource: nothing was written. */
  | { readonly kind: "held"; readonly resource: string; readonly run: string };

export interface Timeline {
  /**
   * The one way to write: locks the stream (created when new), hands the decision every event on it and the database's
   * clock, and commits what it returns or nothing. An event whose key is already on the stream is left out silently, so
   * a repeat is harmless. With a lease, nothing is written unless it is still held.
   * Retries only what is known not to have committed; an in-doubt COMMIT is settled by the keys.
   */
  decide<T>(
    stream: string,
    decide: (events: readonly StoredEvent[], now: Date) => Decision<T>,
    options?: { readonly lease?: Lease },
  ): Promise<Decided<T>>;

  read(stream: string, afterVersion?: number): Promise<readonly StoredEvent[]>;
  /** Streams whose id starts with the prefix, newest first. */
  streams(prefix: string, limit?: number): Promise<readonly { id: string; version: number; updatedAt: Date }[]>;
  /**
   * The heads of all streams whose id starts with the prefix, each with the summary that was kept of it, if one holds for that
   * very head. `after`, the `mark` of an earlier answer: only what changed since. Heads are not verified; `read` is.
   */
  heads(prefix: string, after?: string): Promise<Heads>;
  /** Keeps what was derived from the verified events of a stream up to a head. A cache: the events stay the record. */
  keepSummary(of: HeadSummary): Promise<void>;
  /** Streams that have a run which is not over. */
  liveStreams(): Promise<readonly string[]>;
  streamOfRun(run: string): Promise<string | null>;
  /** What people call a stream by, unique in the store. One that has none is given it now. */
  numberOf(stream: string): Promise<number>;
  streamNumbered(number: number): Promise<string | null>;
  /** Null: there is none, or what is stored is not what has that hash. */
  planOf(run: string): Promise<{ planHash: string; planBytes: Uint8Array } | null>;

  /**
   * Calls back, at least once per change and soon after it, with the stream that changed and the version it has at least;
   * polling stands behind NOTIFY. What this process wrote itself is told, too.
   */
  follow(changed: (stream: string, version: number) => void): () => void;

  /** Walks the hash chain and the authentication of every event, and says what is wrong with them, if anything is. */
  verify(stream?: string): Promise<Verification>;

  /** Why nothing may change now: the store isn't the one this process knew. Null: all is well. */
  doubt(): Problem | null;
  /** Calls back when that changes. */
  onDoubt(changed: (doubt: Problem | null) => void): () => void;
  /** Calls back, once for each stream, when events are met that no process of Lifeboat wrote. Other streams go on. */
  onTampered(met: (problem: Problem) => void): () => void;
  /**
   * Calls back when whatever was kept of events is to be read again: a store that came back older was accepted, or someone was
   * forgotten.
   */
  onReread(again: () => void): () => void;

  /** The store's clock, estimated between contacts: the database's own, which only practice can move. */
  now(): Date;
  /** Real time by the database's clock, which no one moves: for what is compared with times of the world outside. */
  realNow(): Date;
  /** Calls back when the store's clock jumped, which only practice makes it do: what sleeps until a moment looks again. */
  onJump(jumped: () => void): () => void;
  close(): Promise<void>;
}

export interface Heads {
  /** For the next call: it then answers with what changed since this one. */
  readonly mark: string;
  /** False: only what changed since `after` is here. */
  readonly all: boolean;
  readonly heads: readonly SummarizedHead[];
}

export interface SummarizedHead {
  readonly id: string;
  readonly version: number;
  readonly hash: string;
  readonly updatedAt: Date;
  /** Absent: none was kept of this head, or what is there was made by no one with a key. */
  readonly summary?: unknown;
}

export interface HeadSummary {
  readonly stream: string;
  readonly version: number;
  readonly hash: string;
  /** A JSON value that names no person: it is not hidden as events are. */
  readonly summary: unknown;
}

export interface Verification {
  readonly ok: boolean;
  readonly streams: number;
  readonly events: number;
  /** Of those, written before events were authenticated, and covered by the signed seal of the migration. */
  readonly sealed: number;
  /** Of those, authenticated by a key. Null: no key was given, so no one could look. */
  readonly authenticated: number | null;
  /** Heads whose signature holds and that the events agree with. */
  readonly signedHeads: number;
  readonly problems: readonly { readonly stream: string; readonly version: number; readonly says: string }[];
}

/** Runs as the engine's drivers share them. Numbers and rules: `docs/internals.md`, "Who drives a run?". */
export interface Leases {
  /** Free or abandoned runs that are due, at most `room`. Also this replica's contact with the store. */
  claim(room: number): Promise<readonly Lease[]>;
  /** Says which of these leases are still ours; beats only what is really being driven. */
  beat(leases: readonly Lease[]): Promise<ReadonlySet<string>>;
  /** Lets go until `wakeAt` (or the next event on the run). False: something happened since version `seen`; look again. */
  release(lease: Lease, seen: number, wakeAt: Date | null): Promise<boolean>;
  /** Calls back when a run may have become due. */
  onDue(due: () => void): () => void;
}

/** What came in from outside, written before it is acknowledged. */
export interface Inbox {
  /**
   * False: it is here already. With `claimSeconds` the receiver has claimed it too and handles it itself at once, so that
   * `take` gives it to another process only if this one dies.
   */
  receive(key: string, kind: string, body: unknown, claimSeconds?: number): Promise<boolean>;
  /**
   * Items no one has finished, oldest first; each is claimed for `claimSeconds`. With `kind`, only kinds that start so:
   * every transport takes up its own.
   */
  take(
    limit: number,
    claimSeconds: number,
    kind?: string,
  ): Promise<readonly { key: string; kind: string; body: unknown; attempts: number; receivedAt: Date }[]>;
  done(key: string): Promise<void>;
  failed(key: string, why: string): Promise<void>;
}

/** Counts in the store, the same for every process: how often someone did something within a time. */
export interface Tally {
  /**
   * Adds one and says how many there are now in the current window of so many seconds, which begins with the first.
   * `last`: kept beside it for the one who looks into it, at most 200 characters.
   */
  add(what: string, who: string, seconds: number, last?: string): Promise<number>;
  /** Everything counted under names that begin so, the newest first, at most 100. */
  read(prefix: string): Promise<readonly Tallied[]>;
}

export interface Tallied {
  readonly what: string;
  readonly who: string;
  /** Within the current window, and ever. */
  readonly count: number;
  readonly total: number;
  readonly lastAt: Date;
  readonly last: string | null;
}
