import { sha256 } from "../../../src/lib/canonical.ts";
import { LifeboatError } from "../../../src/lib/errors.ts";
import type { Logger } from "../../../src/lib/log.ts";
import { broken, noSeals } from "../../../src/timeline/authentic.ts";
import { linked } from "../../../src/timeline/chain.ts";
import type { StoreClock } from "../../../src/timeline/clock.ts";
import type {
  Decided,
  Decision,
  EventToAppend,
  Lease,
  NewRun,
  StoredEvent,
  Timeline,
  Verification,
} from "../../../src/timeline/contract.ts";
import type { Keyring } from "../../../src/timeline/keys.ts";
import { extended, type SeenStream, unseen } from "../../../src/timeline/stream-cache.ts";
import { patiently } from "../../../src/timeline/transient-errors.ts";
import { blankStream, type MemoryDatabase, rowOf } from "./database.ts";
import type { Follower } from "./follow.ts";
import type { Link } from "./link.ts";

export interface MemoryTimelineParts {
  readonly database: MemoryDatabase;
  readonly link: Link;
  readonly clock: StoreClock;
  readonly follower: Follower;
  readonly replica: number;
  readonly keyring: Keyring;
  readonly closed: AbortSignal;
  readonly log: Logger;
  /** How long a caller without a lease waits for a store that is away. */
  readonly callerSeconds: number;
  readonly close: () => Promise<void>;
}

type Decide<T> = (events: readonly StoredEvent[], now: Date) => Decision<T>;

/** Wraps what the caller's function threw, so that it is never taken for an error of the store and tried again. */
class Thrown extends Error {}

/** `Timeline` on tables in memory, with its promises: `test/timeline/contract/` holds it and PostgreSQL's against the same tests. */
export function createMemoryTimeline(parts: MemoryTimelineParts): Timeline {
  const { database, link, clock, follower, replica, keyring, closed, log, callerSeconds } = parts;
  const cache = new Map<string, SeenStream>();
  const authenticity = { keyring, seals: noSeals };
  const tampering = new Set<(problem: LifeboatError["problem"]) => void>();
  const asked = <T>(what: string, work: () => T, seconds = callerSeconds, interactive = false) =>
    patiently({ what, seconds, closed, log }, async () => {
      const sentAt = performance.now();
      const { now, answer } = await link.ask(what, () => ({ now: database.now(), answer: work() }), interactive);
      clock.heard(new Date(now), sentAt, new Date(now));
      return answer;
    });

  /** The stream up to its head, each event verified once in the life of this process. */
  function upToDate(stream: string): SeenStream {
    const { version, hash } = database.stream(stream) ?? blankStream(stream);
    const kept = cache.get(stream);
    if (kept?.version === version && kept.hash === hash) return kept;
    const start = kept !== undefined && kept.version < version ? kept : unseen();
    const more = database.eventsAfter(stream, start.version);
    const seen = extended(start, more);
    const says = broken(authenticity, start, more) ?? wrongEnd(seen, version, hash);
    if (says !== null) {
      cache.delete(stream);
      throw brokenTimeline(stream, says);
    }
    cache.set(stream, seen);
    return seen;
  }

  function attempt<T>(stream: string, decide: Decide<T>, lease: Lease | undefined, inDoubt: InDoubt<T>): Decided<T> {
    const seen = upToDate(stream);
    const now = new Date(database.now());
    const last = inDoubt.pending?.events.at(-1);
    if (inDoubt.pending && last && seen.events[last.version - 1]?.hash === last.hash)
      return { kind: "written", ...inDoubt.pending };
    const held = lease === undefined ? undefined : heldRun(lease);
    if (held === null) return { kind: "lost" };
    const { events: wanted, runs = [], ended = [], value } = decided(decide, seen.events, now);
    const hadNumber = database.numbers.has(stream);
    const events = linked(stream, seen, seen.keys, numbered(stream, wanted, seen.keys), now, keyring);
    if (events.length + runs.length + ended.length === 0) return { kind: "written", value, events };
    const holder = refusedBy(stream, runs, ended, hadNumber);
    if (holder !== null) return { kind: "held", ...holder };

    if (held !== undefined) held.beatAt = database.now();
    for (const run of ended) endRun(stream, run);
    for (const run of runs) openRun(stream, run);
    inDoubt.pending = { value, events };
    if (events.length > 0) append(stream, events, lease);
    cache.set(stream, extended(seen, events));
    const version = seen.version + events.length;
    database.notify({ what: "changed", stream, version });
    if (lease === undefined || runs.length > 0) database.notify({ what: "due" });
    return { kind: "written", value, events };
  }

  /** What is rolled back gives the number back, and leaves a gap. */
  function refusedBy(stream: string, runs: readonly NewRun[], ended: readonly string[], hadNumber: boolean) {
    let written = false;
    try {
      const holder = holderOf(stream, runs, ended);
      written = holder === null;
      return holder;
    } finally {
      if (!written && !hadNumber) database.numbers.delete(stream);
    }
  }

  /** Null: it is no longer ours. */
  function heldRun({ run, stream, epoch }: Lease) {
    const row = database.runs.get(run);
    const isOurs =
      row !== undefined && row.stream === stream && String(row.epoch) === epoch && row.owner === replica && !row.done;
    return isOurs ? row : null;
  }

  function numbered(stream: string, events: readonly EventToAppend[], keys: ReadonlySet<string>) {
    if (!events.some((event) => event.numbered === true && !keys.has(event.key))) return events;
    const number = database.numberOf(stream);
    return events.map((event) =>
      event.numbered === true ? { ...event, data: { ...(event.data as object), number } } : event,
    );
  }

  /** Who holds what one of these runs needs, once those that end have let go; null: no one. */
  function holderOf(stream: string, runs: readonly NewRun[], ended: readonly string[]) {
    const free = new Set(ended.filter((run) => database.runs.get(run)?.stream === stream));
    const taken = new Map([...database.resources].filter(([, run]) => !free.has(run)));
    for (const { id, planHash, planBytes, resources } of runs) {
      if (sha256(planBytes) !== planHash)
        throw new LifeboatError({ code: "plan-hash", where: id, what: "The plan's bytes do not have their hash" });
      const there = database.runs.get(id);
      if (there !== undefined && there.stream !== stream)
        throw new LifeboatError({ code: "run-elsewhere", where: id, what: `The run belongs to ${there.stream}` });
      if (there !== undefined) continue;
      for (const resource of [...new Set(resources)].sort()) {
        const run = taken.get(resource);
        if (run !== undefined) return { resource, run };
        taken.set(resource, id);
      }
    }
    return null;
  }

  function endRun(stream: string, id: string): void {
    const run = database.runs.get(id);
    if (run?.stream !== stream) return;
    Object.assign(run, { done: true, owner: null, wakeAt: null });
    for (const [resource, holder] of database.resources) if (holder === id) database.resources.delete(resource);
  }

  function openRun(stream: string, { id, planHash, planBytes, resources }: NewRun): void {
    if (database.runs.has(id)) return;
    if (!database.plans.has(planHash)) database.plans.set(planHash, Uint8Array.from(planBytes));
    const free = { epoch: 0, owner: null, beatAt: null, wakeAt: database.now(), done: false, deaths: 0 };
    database.runs.set(id, { id, stream, planHash, ...free });
    for (const resource of resources) database.resources.set(resource, id);
  }

  function append(stream: string, events: readonly StoredEvent[], lease: Lease | undefined): void {
    const row = database.stream(stream) ?? blankStream(stream);
    const last = events.at(-1) as StoredEvent;
    row.events.push(...events.map(rowOf));
    Object.assign(row, { version: last.version, hash: last.hash, updatedAt: last.at, changed: database.nextChange() });
    database.streams.set(stream, row);
    for (const run of database.runs.values())
      if (run.stream === stream && !run.done && run.id !== lease?.run) run.wakeAt = database.now();
  }

  const timeline: Timeline = {
    async decide(stream, decide, { lease } = {}) {
      const inDoubt: InDoubt<never> = { pending: null };
      const seconds = lease ? Number.POSITIVE_INFINITY : callerSeconds;
      try {
        return await asked(
          `writing to ${stream}`,
          () => attempt(stream, decide as Decide<never>, lease, inDoubt),
          seconds,
          true,
        );
      } catch (error) {
        if (error instanceof LifeboatError && error.problem.code === "timeline-broken")
          for (const met of tampering) met(error.problem);
        throw error instanceof Thrown ? error.cause : error;
      }
    },
    read: (stream, afterVersion = 0) => asked(`reading ${stream}`, () => upToDate(stream).events.slice(afterVersion)),
    streams: (prefix, limit = 100) =>
      asked("listing streams", () =>
        [...database.streams.values()]
          .filter(({ id }) => id.startsWith(prefix))
          .sort((one, other) => other.updatedAt.getTime() - one.updatedAt.getTime() || (one.id < other.id ? -1 : 1))
          .slice(0, limit)
          .map(({ id, version, updatedAt }) => ({ id, version, updatedAt })),
      ),
    heads: (prefix, after) =>
      asked("listing heads", () => ({
        mark: String(database.lastChange),
        all: after === undefined,
        heads: [...database.streams.values()]
          .filter(({ id, changed }) => id.startsWith(prefix) && changed > Number(after ?? -1))
          .map(({ id, version, hash, updatedAt }) => {
            const kept = database.summaries.get(id);
            const holds = kept?.version === version && kept.hash === hash;
            return { id, version, hash, updatedAt, ...(holds && { summary: JSON.parse(kept.summary) }) };
          }),
      })),
    keepSummary: ({ stream, version, hash, summary }) =>
      asked("keeping a summary", () => {
        database.summaries.set(stream, { version, hash, summary: JSON.stringify(summary) });
      }),
    liveStreams: () =>
      asked("listing live runs", () =>
        [...new Set([...database.runs.values()].flatMap(({ done, stream }) => (done ? [] : [stream])))].sort(),
      ),
    streamOfRun: (run) => asked("finding a run", () => database.runs.get(run)?.stream ?? null),
    numberOf: (stream) => asked("numbering", () => database.numberOf(stream)),
    streamNumbered: (number) =>
      asked("finding a number", () => [...database.numbers].find(([, given]) => given === number)?.[0] ?? null),
    planOf: (run) =>
      asked("reading a plan", () => {
        const planHash = database.runs.get(run)?.planHash ?? "";
        const bytes = database.plans.get(planHash);
        return bytes !== undefined && sha256(bytes) === planHash ? { planHash, planBytes: Buffer.from(bytes) } : null;
      }),
    follow: follower.follow,
    verify: (only) => asked("verifying", () => verification(database, keyring, only)),
    doubt: () => null,
    onDoubt: () => () => {},
    onTampered(met) {
      tampering.add(met);
      return () => void tampering.delete(met);
    },
    onReread: () => () => {},
    now: clock.now,
    realNow: clock.realNow,
    onJump: clock.onJump,
    close: parts.close,
  };
  return timeline;
}

interface InDoubt<T> {
  pending: { readonly value: T; readonly events: readonly StoredEvent[] } | null;
}

function decided<T>(decide: Decide<T>, events: readonly StoredEvent[], now: Date): Decision<T> {
  try {
    return decide(events, now);
  } catch (error) {
    throw new Thrown("decide threw", { cause: error });
  }
}

function wrongEnd(seen: SeenStream, version: number, hash: string): string | null {
  const ends = seen.version === version && seen.hash === hash;
  return ends ? null : `the events end at ${seen.version}, and the stream's head says ${version}`;
}

function brokenTimeline(stream: string, says: string): LifeboatError {
  const what = `The record of ${stream} was tampered with: ${says}`;
  return new LifeboatError({ code: "timeline-broken", where: stream, what });
}

function verification(database: MemoryDatabase, keyring: Keyring, only?: string): Verification {
  const streams = [...database.streams.values()].filter(({ id }) => only === undefined || id === only);
  const problems = streams.flatMap(({ id, version, hash }) => {
    const events = database.eventsAfter(id, 0);
    const says =
      broken({ keyring, seals: noSeals }, unseen(), events) ?? wrongEnd(extended(unseen(), events), version, hash);
    return says === null ? [] : [{ stream: id, version, says }];
  });
  const events = streams.reduce((sum, one) => sum + one.events.length, 0);
  const ok = problems.length === 0;
  return { ok, streams: streams.length, events, sealed: 0, authenticated: events, signedHeads: 0, problems };
}
