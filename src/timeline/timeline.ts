import type pg from "pg";
import { sha256 } from "../lib/canonical.ts";
import { LifeboatError, type Problem } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { type Authenticity, broken } from "./authentic.ts";
import type { StoreClock } from "./clock.ts";
import type { Decided, Lease, Timeline } from "./contract.ts";
import {
  attemptDecision,
  brokenTimeline,
  type Decide,
  type InDoubtCommit,
  type StoreSession,
  Thrown,
} from "./decide.ts";
import type { Follower } from "./follow.ts";
import type { Guard } from "./guard.ts";
import { numberOf, streamNumbered } from "./numbers.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import { eventsAfter } from "./rows.ts";
import { createHeadSigner, type HeadSigner } from "./sign-heads.ts";
import { extended, holdsHead, type SeenStream, type StreamCache, unseen } from "./stream-cache.ts";
import { keepSummary, readHeads } from "./summaries.ts";
import { patiently } from "./transient-errors.ts";
import { seenHere, verifyChains } from "./verify.ts";

export interface TimelineParts {
  readonly pool: pg.Pool;
  readonly replica: number;
  readonly clock: StoreClock;
  readonly follower: Follower;
  readonly closed: AbortSignal;
  readonly log: Logger;
  /** How long a caller without a lease waits for a store that is away. */
  readonly callerSeconds: number;
  readonly authenticity: Authenticity;
  readonly streamCache: StreamCache;
  readonly guard: Guard;
  readonly pseudonyms: Pseudonyms;
  /** Called by the one who opened the store; filled here. */
  readonly rereading: Set<() => void>;
  /** Events of these types end something: the head of their stream is signed at once. */
  readonly signsAfter: readonly string[];
  readonly close: () => Promise<void>;
}

/** Events read and verified at a stretch: what else this process does (its leases, Slack's three seconds) comes between. */
const AT_A_STRETCH = 1000;

/** A stream as the store has it now, after what this process knows of it; every event was verified. */
async function readVerified(session: StoreSession, stream: string): Promise<SeenStream> {
  const { pool, streamCache, guard, authenticity } = session;
  const kept = streamCache.get(stream) ?? unseen();
  let seen = kept;
  let says: string | null = null;
  for (let full = true; full && says === null; ) {
    const more = await eventsAfter(pool, stream, seen.version, AT_A_STRETCH);
    says = broken(authenticity, seen, more);
    seen = extended(seen, await session.pseudonyms.shown(pool, more));
    full = more.length === AT_A_STRETCH;
  }
  if (seen === kept) return kept;
  const known = guard.known.get(stream);
  if (says !== null || (known !== undefined && (seen.version < known.version || !holdsHead(seen, known)))) {
    streamCache.forget(stream);
    await guard.check();
  }
  if (says !== null) throw new LifeboatError(guard.doubt() ?? brokenTimeline(stream, says));
  if (guard.doubt() !== null) return seen;
  if ((streamCache.get(stream)?.version ?? 0) < seen.version) streamCache.keep(stream, seen);
  guard.known.note(stream, seen);
  return seen;
}

export interface SigningTimeline extends Timeline {
  readonly signer: HeadSigner;
}

export function createTimeline(parts: TimelineParts): SigningTimeline {
  const {
    pool,
    replica,
    clock,
    follower,
    closed,
    log,
    callerSeconds,
    authenticity,
    streamCache,
    guard,
    pseudonyms,
    signsAfter,
  } = parts;
  const session = { pool, replica, clock, streamCache, authenticity, guard, pseudonyms };
  const signer = createHeadSigner({
    pool,
    keyring: authenticity.keyring,
    log,
    verifiedHead: async (stream) => {
      const seen = await readVerified(session, stream);
      return guard.doubt() !== null || seen.version === 0 ? null : seen;
    },
  });
  const tampering = new Set<(problem: Problem) => void>();
  const told = new Set<string>();
  const asked = <T>(what: string, attempt: () => Promise<T>, seconds = callerSeconds) =>
    patiently({ what, seconds, closed, log }, attempt).catch((error) => {
      if (error instanceof LifeboatError && error.problem.code === "timeline-broken") tampered(error.problem);
      throw error;
    });

  function tampered(problem: Problem): void {
    if (told.has(problem.where ?? "")) return;
    told.add(problem.where ?? "");
    log.error({ event: "record.tampered", problem }, "events of a timeline were changed by someone else");
    for (const met of tampering) met(problem);
  }

  return {
    async decide<T>(
      stream: string,
      decide: Decide<T>,
      { lease }: { readonly lease?: Lease } = {},
    ): Promise<Decided<T>> {
      const inDoubt: InDoubtCommit<T> = { pending: null };
      // A driver's result is written again until the store answers: a step must not fail because it could not be stored.
      const seconds = lease ? Number.POSITIVE_INFINITY : callerSeconds;
      try {
        let ended = false;
        const deciding: Decide<T> = (events, now) => {
          const decision = decide(events, now);
          ended = (decision.ended?.length ?? 0) > 0 || decision.events.some(({ type }) => signsAfter.includes(type));
          return decision;
        };
        // What is long is read before the stream is locked, not while everyone waits for it.
        if (streamCache.get(stream) === undefined && (guard.known.get(stream)?.version ?? 0) > AT_A_STRETCH)
          await asked(`reading ${stream}`, () => readVerified(session, stream), seconds);
        const attempt = () => attemptDecision(session, stream, deciding, lease, inDoubt);
        const decided = await asked(`writing to ${stream}`, attempt, seconds);
        if (decided.kind === "written" && decided.events.length > 0) signer.added(stream, ended);
        return decided;
      } catch (error) {
        throw error instanceof Thrown ? error.cause : error;
      }
    },

    read: (stream, afterVersion = 0) =>
      asked(`reading ${stream}`, async () => (await readVerified(session, stream)).events.slice(afterVersion)),

    streams: (prefix, limit = 100) =>
      asked("listing streams", async () => {
        const { rows } = await pool.query<{ id: string; version: number; updatedAt: Date }>(
          `select id, version, updated_at as "updatedAt" from lifeboat.stream where starts_with(id, $1)
            order by updated_at desc, id limit $2`,
          [prefix, limit],
        );
        return rows;
      }),

    heads: (prefix, after) =>
      asked("listing heads", () => readHeads(pool, authenticity.keyring, prefix, after ?? null)),

    keepSummary: (of) => asked("keeping a summary", () => keepSummary(pool, authenticity.keyring, of)),

    liveStreams: () =>
      asked("listing live runs", async () => {
        const sql = "select distinct stream from lifeboat.run where not done order by stream limit 1000";
        return (await pool.query<{ stream: string }>(sql)).rows.map(({ stream }) => stream);
      }),

    streamOfRun: (run) =>
      asked("finding a run", async () => {
        const { rows } = await pool.query<{ stream: string }>("select stream from lifeboat.run where id = $1", [run]);
        return rows[0]?.stream ?? null;
      }),

    numberOf: (stream) => asked("numbering", () => numberOf(pool, stream)),

    streamNumbered: (number) => asked("finding a number", () => streamNumbered(pool, number)),

    planOf: (run) =>
      asked("reading a plan", async () => {
        const { rows } = await pool.query<{ planHash: string; planBytes: Buffer }>(
          `select p.hash as "planHash", p.bytes as "planBytes" from lifeboat.run r
             join lifeboat.plan p on p.hash = r.plan_hash where r.id = $1`,
          [run],
        );
        const stored = rows[0];
        return stored !== undefined && sha256(stored.planBytes) === stored.planHash ? stored : null;
      }),

    follow: follower.follow,
    verify: (only) =>
      asked("verifying", () => verifyChains(pool, authenticity, { only, witnesses: seenHere(guard.known.all()) })),
    doubt: guard.doubt,
    onTampered: (met) => added(tampering, (problem: Problem) => met(problem)),
    onReread: (again) => added(parts.rereading, () => again()),
    onDoubt: guard.onDoubt,
    signer,
    now: clock.now,
    realNow: clock.realNow,
    onJump: clock.onJump,
    close: parts.close,
  };
}

function added<F>(set: Set<F>, one: F): () => void {
  set.add(one);
  return () => void set.delete(one);
}
