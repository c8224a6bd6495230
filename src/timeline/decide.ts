import type pg from "pg";
import { sha256 } from "../lib/canonical.ts";
import { LifeboatError, type Problem } from "../lib/errors.ts";
import { type Authenticity, broken } from "./authentic.ts";
import { linked } from "./chain.ts";
import type { StoreClock } from "./clock.ts";
import type { Decided, Decision, Lease, NewRun, StoredEvent } from "./contract.ts";
import { differenceOf, type Guard } from "./guard.ts";
import { withNumber } from "./numbers.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import { eventsAfter } from "./rows.ts";
import { extended, holdsHead, type SeenStream, type StreamCache, unseen } from "./stream-cache.ts";
import { isReadOnly, isRefusal, isTransient } from "./transient-errors.ts";

export type Decide<T> = (events: readonly StoredEvent[], now: Date) => Decision<T>;

/** What was asked to be committed when the connection broke: the next attempt looks whether it was. */
export interface InDoubtCommit<T> {
  pending: { readonly value: T; readonly events: readonly StoredEvent[] } | null;
}

export interface StoreSession {
  readonly pool: pg.Pool;
  readonly streamCache: StreamCache;
  readonly authenticity: Authenticity;
  readonly guard: Guard;
  readonly pseudonyms: Pseudonyms;
  readonly clock: StoreClock;
  readonly replica: number;
}

interface Head {
  readonly version: number;
  readonly hash: string;
  readonly clock: Date;
  readonly realClock: Date;
  readonly leased: boolean;
}

// The clock is read after the lock was waited for; a driver's write is its heartbeat too, in real time.
const lockStream = `
  with s as materialized (select id, version, head_hash from lifeboat.stream where id = $1 for update),
  l as (update lifeboat.run r set beat_at = clock_timestamp() from s
         where r.id = $2 and r.stream = s.id and r.epoch = $3::bigint and r.owner = $4 and not r.done returning r.id)
  select s.version, s.head_hash as hash, lifeboat.clock() as clock, pg_catalog.clock_timestamp() as "realClock",
         ($2::text is null or exists (select 1 from l)) as leased
    from s`;

// Runs that others drive, or no one, are due again: what was appended may concern them.
const append = `
  with e as (
    insert into lifeboat.event (stream, version, key, run, type, data, actor, at, previous_hash, hash, mac, mac_key)
    select $1, x.version, x.key, x.run, x.type, coalesce(x.data, 'null'), coalesce(x.actor, 'null'), x.at, x."previousHash", x.hash,
           x.mac, x."macKey"
      from jsonb_to_recordset($2::jsonb) as x(version int, key text, run text, type text, data jsonb, actor jsonb,
           at timestamptz, "previousHash" text, hash text, mac text, "macKey" text)),
  w as (update lifeboat.run set wake_at = lifeboat.clock() where stream = $1 and not done and id is distinct from $3)
  update lifeboat.stream set version = $4, head_hash = $5, updated_at = $6, changed = pg_current_xact_id() where id = $1`;

/**
 * One attempt at one decision: everything in one transaction, committed or not at all. What `decide` throws is
 * the cause of a `Thrown`, after a rollback. The connection goes back to the pool only when its state is known.
 */
export async function attemptDecision<T>(
  session: StoreSession,
  stream: string,
  decide: Decide<T>,
  lease: Lease | undefined,
  inDoubt: InDoubtCommit<T>,
): Promise<Decided<T>> {
  session.guard.assert();
  const client = await session.pool.connect();
  try {
    const { news, decided } = await inTransaction(client, session, stream, decide, lease, inDoubt);
    // The answer does not wait for the notice.
    if (news) void told(client, stream, news).finally(() => client.release());
    else client.release();
    return decided;
  } catch (error) {
    // A no of the server, or a throw of our own, leaves the connection whole; anything else does not. One that takes no writes any more
    // leads to a server that was demoted.
    const isLost = isTransient(error) && (!isRefusal(error) || isReadOnly(error));
    client.release(isLost ? true : !(await rolledBack(client)));
    throw error;
  }
}

interface News {
  readonly version: number;
  /** Runs may have become due for the one who is free. */
  readonly due: boolean;
}

/** Wraps what the caller's function threw, so that it is never taken for an error of the store and tried again. */
export class Thrown extends Error {}

async function inTransaction<T>(
  client: pg.PoolClient,
  session: StoreSession,
  stream: string,
  decide: Decide<T>,
  lease: Lease | undefined,
  inDoubt: InDoubtCommit<T>,
): Promise<{ readonly decided: Decided<T>; readonly news?: News }> {
  const head = await locked(client, session, stream, lease);
  const seen = await upToDate(client, session, stream, head);
  if (inDoubt.pending && holds(seen, inDoubt.pending.events)) {
    await client.query("rollback");
    return { decided: { kind: "written", ...inDoubt.pending }, news: { version: seen.version, due: true } };
  }
  if (!head.leased) {
    await client.query("rollback");
    return { decided: { kind: "lost" } };
  }
  const decision = decided(decide, seen.events, head.clock);
  const { keyring } = session.authenticity;
  const appended = await withNumber(client, stream, decision.events, seen.keys);
  const { hide, show, learn } = await session.pseudonyms.hiding(client, appended);
  const stored = linked(stream, seen, seen.keys, appended, head.clock, keyring, hide);
  const events = stored.map(show);
  const { runs = [], ended = [] } = decision;
  if (events.length + runs.length + ended.length === 0) {
    await client.query("rollback");
    return { decided: { kind: "written", value: decision.value, events } };
  }
  if (ended.length > 0) await end(client, stream, ended);
  for (const run of runs) {
    const holder = await open(client, stream, run);
    if (holder === null) continue;
    await client.query("rollback");
    return { decided: { kind: "held", ...holder } };
  }
  inDoubt.pending = { value: decision.value, events };
  await write(client, stream, stored, lease);
  learn();
  const after = extended(seen, events);
  session.streamCache.keep(stream, after);
  session.guard.known.note(stream, after);
  return {
    decided: { kind: "written", value: decision.value, events },
    news: { version: seen.version + events.length, due: lease === undefined || runs.length > 0 },
  };
}

async function locked(
  client: pg.PoolClient,
  session: StoreSession,
  stream: string,
  lease: Lease | undefined,
): Promise<Head> {
  const query = {
    name: "lifeboat-lock",
    text: lockStream,
    values: [stream, lease?.run ?? null, lease?.epoch ?? null, session.replica],
  };
  const sentAt = performance.now();
  const begun = client.query("begin");
  const [, found] = await bothOf(begun, client.query<Head>(query));
  let head = found.rows[0];
  if (head === undefined) {
    await client.query("insert into lifeboat.stream (id) values ($1) on conflict do nothing", [stream]);
    head = (await client.query<Head>(query)).rows[0];
  }
  if (head === undefined)
    throw new LifeboatError({ code: "stream-missing", what: `No stream ${stream} after making it` });
  session.clock.heard(head.clock, sentAt, head.realClock);
  return { ...head, clock: session.clock.decides(head.clock, head.realClock) };
}

/**
 * The stream's events up to its head, from this process's memory where that still agrees with the store. What is decided on
 * was verified, each event once in the life of this process, and holds whatever of it any process here has seen before.
 */
async function upToDate(client: pg.PoolClient, session: StoreSession, stream: string, head: Head): Promise<SeenStream> {
  const { streamCache, guard, authenticity } = session;
  const known = guard.known.get(stream);
  if (known !== undefined && head.version < known.version) guard.refuse(wentBackOf(stream, known, head.version, null));
  const kept = streamCache.get(stream);
  if (kept?.version === head.version && kept.hash === head.hash) return kept;
  let says = "";
  for (const start of kept && kept.version < head.version ? [kept, unseen()] : [unseen()]) {
    const more = await eventsAfter(client, stream, start.version);
    const seen = extended(start, await session.pseudonyms.shown(client, more));
    if (known !== undefined && start.version < known.version && !holdsHead(seen, known))
      guard.refuse(wentBackOf(stream, known, head.version, "other"));
    says = broken(authenticity, start, more) ?? wrongEnd(authenticity, stream, seen, head) ?? "";
    if (says !== "") continue;
    streamCache.keep(stream, seen);
    guard.known.note(stream, seen);
    return seen;
  }
  streamCache.forget(stream);
  throw new LifeboatError(brokenTimeline(stream, says));
}

function wentBackOf(stream: string, known: { version: number; hash: string }, version: number, hash: string | null) {
  const difference = differenceOf(stream, known, version, hash);
  if (difference === null) throw new Error("A difference that is none");
  return difference;
}

function wrongEnd({ seals }: Authenticity, stream: string, seen: SeenStream, head: Head): string | null {
  if (seen.version !== head.version || seen.hash !== head.hash)
    return `the events end at ${seen.version}, and the stream's head says ${head.version}`;
  const sealed = seals.heads.get(stream);
  return sealed === undefined || seen.version >= sealed.version
    ? null
    : `the events end at ${seen.version}, and ${sealed.version} were there when the timeline was sealed`;
}

/** What no one decides on, and no one is shown as if it had happened. */
export function brokenTimeline(stream: string, says: string): Problem {
  return {
    code: "timeline-broken",
    where: stream,
    what: `The record of ${stream} was tampered with: ${says}`,
    stateNow: "Nothing is decided on it",
    next: "Run lifeboat verify, and restore the store from a backup",
  };
}

function decided<T>(decide: Decide<T>, events: readonly StoredEvent[], now: Date): Decision<T> {
  try {
    return decide(events, now);
  } catch (error) {
    throw new Thrown("decide threw", { cause: error });
  }
}

function holds(seen: SeenStream, pending: readonly StoredEvent[]): boolean {
  const last = pending.at(-1);
  return last !== undefined && seen.events[last.version - 1]?.hash === last.hash;
}

async function end(client: pg.PoolClient, stream: string, runs: readonly string[]): Promise<void> {
  await client.query(
    `with d as (update lifeboat.run set done = true, owner = null, wake_at = null
                 where stream = $1 and id = any($2) returning id)
     delete from lifeboat.run_resource where run in (select id from d)`,
    [stream, runs],
  );
}

/** Null, or who holds what the run needs. A run that is already there is left as it is. */
async function open(
  client: pg.PoolClient,
  stream: string,
  { id, planHash, planBytes, resources }: NewRun,
): Promise<{ resource: string; run: string } | null> {
  if (sha256(planBytes) !== planHash) {
    throw new LifeboatError({
      code: "plan-hash",
      where: id,
      what: `The plan's bytes do not have the hash ${planHash}`,
    });
  }
  await client.query("insert into lifeboat.plan (hash, bytes) values ($1, $2) on conflict do nothing", [
    planHash,
    Buffer.from(planBytes),
  ]);
  const made = await client.query(
    "insert into lifeboat.run (id, stream, plan_hash) values ($1, $2, $3) on conflict do nothing",
    [id, stream, planHash],
  );
  if (made.rowCount === 0) return alreadyOn(client, stream, id);
  // In one order for everyone, so that two runs that want the same things never wait for each other in a circle.
  const wanted = [...new Set(resources)].sort();
  const { rows } = await client.query<{ resource: string }>(
    `insert into lifeboat.run_resource (resource, run) select r, $2 from unnest($1::text[]) r order by r
     on conflict do nothing returning resource`,
    [wanted, id],
  );
  const taken = new Set(rows.map((row) => row.resource));
  const lacking = wanted.find((resource) => !taken.has(resource));
  if (lacking === undefined) return null;
  const held = await client.query<{ run: string }>("select run from lifeboat.run_resource where resource = $1", [
    lacking,
  ]);
  return { resource: lacking, run: held.rows[0]?.run ?? "unknown" };
}

async function alreadyOn(client: pg.PoolClient, stream: string, run: string): Promise<null> {
  const { rows } = await client.query<{ stream: string }>("select stream from lifeboat.run where id = $1", [run]);
  if (rows[0]?.stream === stream) return null;
  throw new LifeboatError({ code: "run-elsewhere", where: run, what: `The run belongs to ${rows[0]?.stream}` });
}

async function write(
  client: pg.PoolClient,
  stream: string,
  events: readonly StoredEvent[],
  lease: Lease | undefined,
): Promise<void> {
  const last = events.at(-1);
  if (last === undefined) return committed(await client.query("commit"));
  const written = client.query({
    name: "lifeboat-append",
    text: append,
    values: [stream, JSON.stringify(events), lease?.run ?? null, last.version, last.hash, last.at.toISOString()],
  });
  const [, result] = await bothOf(written, client.query("commit"));
  committed(result);
}

/** COMMIT of a transaction that failed answers ROLLBACK, without an error. */
function committed(result: { command: string }): void {
  if (result.command !== "COMMIT") {
    throw Object.assign(new Error("The transaction was rolled back at COMMIT, connection terminated"), {
      code: "08007",
    });
  }
}

/**
 * After the commit and apart from it: a transaction that notifies would wait for every other one. If this is lost, the
 * followers' own look finds the change.
 */
async function told(client: pg.PoolClient, stream: string, { version, due }: News): Promise<void> {
  await client
    .query({
      name: "lifeboat-tell",
      text: "select pg_notify('lifeboat_changed', $1), case when $2 then pg_notify('lifeboat_due', '') end",
      values: [`${version} ${stream}`, due],
    })
    .catch(() => {});
}

/** Two queries sent together. Both are waited for, so that no rejection is left alone; the first error is thrown. */
async function bothOf<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === "rejected") throw a.reason;
  if (b.status === "rejected") throw b.reason;
  return [a.value, b.value];
}

async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  return client.query("rollback").then(
    () => true,
    () => false,
  );
}
