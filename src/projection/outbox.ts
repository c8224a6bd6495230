import type { Pool, PoolClient } from "pg";
import { hashOf } from "../lib/canonical.ts";

/**
 * The outbox as Slack uses it: messages in places that have to be made first, with threads, a pace and edits. What sinks without such
 * places use of the same tables is in `deliveries.ts`. A message is a JSON value with a key, a place is a queue. Several processes share it: a
 * queue is worked on by one at a time, and every write about a queue says nothing (and returns false) when the queue has passed to another.
 */
export interface Outbox {
  /**
   * Writes down a desired state of a stream. False: a desired state of a later version is there, and nothing was written.
   * Messages that are no longer drawn stay as they are.
   */
  want(desiredState: DesiredState): Promise<boolean>;
  /** How far a stream has been drawn, and what was noted about it. */
  drawn(stream: string): Promise<Drawn | null>;
  /** Streams that look different by now though nothing happened to them. */
  dueForRedraw(): Promise<readonly string[]>;
  /** Streams drawn at an older version than this one: what was missed while no one was listening. */
  versions(streams: readonly string[]): Promise<ReadonlyMap<string, number>>;

  /** Queues with something to do now and no one doing it. */
  claim(owner: string, seconds: number, limit: number): Promise<readonly string[]>;
  queue(queue: string): Promise<Queue | null>;
  /** Extends the claim. */
  hold(queue: string, owner: string, seconds: number): Promise<boolean>;
  /** Lets go, and leaves word of how many messages could be sent at once now. */
  release(queue: string, owner: string, tokens: number): Promise<void>;
  /** The place answers again: what was put off because of it is due now. */
  retryNow(): Promise<void>;

  making(queue: string, owner: string): Promise<boolean>;
  made(queue: string, owner: string, place: string, name: string): Promise<boolean>;
  /**
   * A stream's own place can't be made: its queue only edits what was sent there before, and `says` why. What it should show is
   * drawn into another queue from now on.
   */
  unmade(queue: string, owner: string, place: string, says: string): Promise<boolean>;
  /**
   * A shared place takes nothing: what is meant for it goes to `place`. Streams with something due there are sent again as a whole,
   * so that no thread is torn; those streams.
   */
  redirected(queue: string, owner: string, place: string, says: string): Promise<readonly string[]>;
  /** Nothing is read there any more: what waits for it is dropped, and nothing is tried for so long. */
  closed(queue: string, owner: string, says: string, seconds: number): Promise<boolean>;
  closedQueues(): Promise<readonly string[]>;
  /** A redirected or closed place takes messages again; what was sent elsewhere stays there. */
  restored(queue: string): Promise<void>;
  /** The place is gone: forget it and everything that was in it, so that all is made again. */
  lost(queue: string, owner: string): Promise<boolean>;
  /** `failed`: it is tried again because something went wrong, not because it is too early. */
  setUp(
    queue: string,
    owner: string,
    shown: unknown,
    retryInSeconds: number | null,
    failed: boolean,
    /** What was to be shown when this began: what has changed since is due at once. */
    wanted: unknown,
  ): Promise<boolean>;
  /** Nothing more in this queue for so long. With `failed`, it also counts as a failure of the queue. */
  /** What failed side by side counts once: while a queue is put off already, no further failure is counted. */
  putOff(queue: string, owner: string, seconds: number, says: string, failed: boolean): Promise<boolean>;
  answered(queue: string): Promise<void>;

  /** Messages of the queue that are not shown as wanted, oldest first. */
  pending(queue: string): Promise<readonly Item[]>;
  /** Before sending: from now on "no one knows" until one of the next four is called. */
  sending(item: Item, owner: string): Promise<boolean>;
  /** Before an edit: until it is `delivered` no one knows which of both is shown, so it's edited again, also where the old text is wanted back. */
  editing(item: Item, owner: string): Promise<boolean>;
  delivered(id: string, as: string, hash: string): Promise<void>;
  /** It was certainly not sent, or may be sent again. */
  failed(id: string, says: string, seconds: number): Promise<void>;
  /** It was refused so often that it isn't tried any more, until something else is desired or a person asks for it. */
  giveUp(id: string, says: string): Promise<void>;
  /** It may or may not have been sent: looked for before it is sent again. */
  unclear(id: string, says: string, seconds: number): Promise<void>;
  /** Looked for and not there: may be sent. */
  notSent(id: string): Promise<void>;
  wordsOnly(id: string): Promise<void>;
  /** What was shown is gone; it is sent again. */
  gone(id: string): Promise<void>;

  /** What is left of a pace that processes share, kept in a queue of its own: full when no one has spent of it. */
  tokens(queue: string, pace: SharedPace): Promise<number>;
  /** Takes one, unless fewer than `least` are left. */
  spend(queue: string, pace: SharedPace, least: number): Promise<boolean>;

  placeOf(stream: string): Promise<string | null>;
  streamAt(place: string): Promise<{ readonly stream: string; readonly about: unknown } | null>;
  /** What each of these messages is called outside; those not there yet are absent. */
  deliveredAs(stream: string, keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Of these streams; one that has no place of its own is absent. */
  placesOf(streams: readonly string[]): Promise<ReadonlyMap<string, string>>;
  places(): Promise<ReadonlyMap<string, string>>;

  /** Forgets what a stream (or every stream) was seen to show, so that all of it is sent again. */
  forget(stream?: string): Promise<void>;

  opened(reader: string): Promise<void>;
  /** Readers who opened their page within so many seconds, and what they see. */
  readers(seconds: number): Promise<readonly { readonly reader: string; readonly shownHash: string | null }[]>;
  pageShown(reader: string, hash: string): Promise<void>;
}

export interface SharedPace {
  readonly perSecond: number;
  readonly burst: number;
}

export interface DesiredState {
  readonly stream: string;
  readonly version: number;
  readonly about: unknown;
  readonly redrawAt: Date | null;
  readonly queues: readonly {
    readonly queue: string;
    readonly own: boolean;
    readonly place: string | null;
    readonly wanted: unknown;
  }[];
  readonly messages: readonly DesiredMessage[];
}

export interface DesiredMessage {
  readonly key: string;
  readonly queue: string;
  readonly under: string | null;
  readonly priority: number;
  readonly broadcast: boolean;
  readonly once: boolean;
  readonly desired: unknown;
}

export interface Drawn {
  readonly version: number;
  readonly about: unknown;
}

export interface Queue {
  readonly queue: string;
  readonly stream: string | null;
  readonly place: string | null;
  readonly placeName: string | null;
  /** The place is another one's: a stream's own could not be made, or a shared one takes nothing. */
  readonly borrowed: boolean;
  /** What went wrong last, in the words of the place. */
  readonly says: string | null;
  readonly makingSince: Date | null;
  readonly wanted: unknown;
  readonly shown: unknown;
  readonly setupDue: boolean;
  readonly setupFailures: number;
  readonly tokens: number;
  readonly tokensAgoMs: number;
  /** Milliseconds until it may be worked on; 0 or less: now. */
  readonly waitMs: number;
  readonly failures: number;
}

/** Times are milliseconds of the database's clock since 1970, or how many of them remain. */
export interface Item {
  readonly id: string;
  readonly stream: string;
  readonly key: string;
  readonly under: string | null;
  /** What the root of its thread is called outside; null: not there, or not in a thread. */
  readonly rootAs: string | null;
  readonly priority: number;
  readonly broadcast: boolean;
  readonly once: boolean;
  readonly desired: unknown;
  readonly desiredHash: string;
  readonly deliveredAs: string | null;
  readonly deliveredHash: string | null;
  readonly deliveredAgoMs: number | null;
  readonly sendingSince: Date | null;
  readonly sendingHash: string | null;
  readonly plain: boolean;
  readonly waitMs: number;
  /** How often it failed in a row. */
  readonly tries: number;
}

export function createOutbox(pool: Pool): Outbox {
  const run = (text: string, values: unknown[] = []) => pool.query(text, values);
  const touched = async (text: string, values: unknown[]) => ((await run(text, values)).rowCount ?? 0) > 0;
  const ofQueue = (set: string, queue: string, owner: string, values: unknown[] = []) =>
    touched(`update lifeboat.outbox_queue set ${set} where queue = $1 and owner = $2`, [queue, owner, ...values]);

  return {
    want: (desiredState) => inTransaction(pool, (client) => want(client, desiredState)),

    async drawn(stream) {
      const { rows } = await run("select version, about from lifeboat.outbox_stream where stream = $1", [stream]);
      return rows[0] ?? null;
    },

    async dueForRedraw() {
      const { rows } = await run(
        "select stream from lifeboat.outbox_stream where redraw_at <= (select lifeboat.clock())",
      );
      return rows.map((row) => row.stream);
    },

    async versions(streams) {
      const { rows } = await run("select stream, version from lifeboat.outbox_stream where stream = any($1)", [
        streams,
      ]);
      return new Map(rows.map((row) => [row.stream, row.version]));
    },

    async claim(owner, seconds, limit) {
      const { rows } = await run(CLAIM, [owner, seconds, limit]);
      return rows.map((row) => row.queue);
    },

    async queue(queue) {
      const { rows } = await run(QUEUE_ROW, [queue]);
      return rows[0] ?? null;
    },

    hold: (queue, owner, seconds) =>
      ofQueue("claimed_until = now() + make_interval(secs => $3)", queue, owner, [seconds]),
    async release(queue, owner, tokens) {
      await ofQueue("owner = null, claimed_until = '-infinity', tokens = $3, tokens_at = now()", queue, owner, [
        tokens,
      ]);
    },

    async retryNow() {
      await run(
        "update lifeboat.outbox_queue set not_before = '-infinity', furnish_at = '-infinity' where failures > 0 or furnish_failures > 0",
      );
      await run(`update lifeboat.outbox set not_before = '-infinity' where sink = 'slack' and tries > 0 and ${DUE}`);
    },

    making: (queue, owner) => ofQueue("making_since = coalesce(making_since, now())", queue, owner),
    made: (queue, owner, place, name) =>
      ofQueue(
        "place = $3, place_name = $4, borrowed = false, making_since = null, failures = 0, says = null",
        queue,
        owner,
        [place, name],
      ),
    unmade: (queue, owner, place, says) =>
      ofQueue(
        "place = $3, place_name = '', borrowed = true, making_since = null, failures = 0, says = $4",
        queue,
        owner,
        [place, says],
      ),
    redirected: (queue, owner, place, says) =>
      inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          `update lifeboat.outbox_queue set place = $3, borrowed = true, failures = 0, says = $4, not_before = '-infinity'
           where queue = $1 and owner = $2`,
          [queue, owner, place, says],
        );
        if (rowCount === 0) return [];
        const { rows } = await client.query(`select distinct stream from lifeboat.outbox where queue = $1 and ${DUE}`, [
          queue,
        ]);
        const streams = rows.map((row) => row.stream as string);
        await client.query(
          `update lifeboat.outbox set ${UNSHOWN}, sending_since = null where queue = $1 and stream = any($2)`,
          [queue, streams],
        );
        return streams;
      }),
    closed: (queue, owner, says, seconds) =>
      inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          `update lifeboat.outbox_queue set place = null, borrowed = true, failures = 0, says = $3,
           not_before = now() + make_interval(secs => $4) where queue = $1 and owner = $2`,
          [queue, owner, says, seconds],
        );
        if (rowCount === 0) return false;
        await client.query("delete from lifeboat.outbox where queue = $1 and delivered_as is null", [queue]);
        return true;
      }),
    async closedQueues() {
      const { rows } = await run(
        "select queue from lifeboat.outbox_queue where stream is null and borrowed and not_before > now()",
      );
      return rows.map((row) => row.queue);
    },
    async restored(queue) {
      await run(
        "update lifeboat.outbox_queue set place = case when place is null then null else queue end, not_before = now(), borrowed = false, says = null where queue = $1 and stream is null and borrowed",
        [queue],
      );
    },
    lost: (queue, owner) =>
      inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          "update lifeboat.outbox_queue set place = null, borrowed = false, making_since = null, shown = '{}' where queue = $1 and owner = $2",
          [queue, owner],
        );
        if (rowCount === 0) return false;
        await client.query(`update lifeboat.outbox set ${UNSHOWN}, sending_since = null where queue = $1`, [queue]);
        return true;
      }),
    setUp: (queue, owner, shown, retryInSeconds, failed, wanted) =>
      ofQueue(
        `shown = $3, furnish_failures = case when $5::boolean then furnish_failures + 1 else 0 end,
         furnish_at = case when $4::float8 is null or (not $5::boolean and wanted is distinct from $6::jsonb) then '-infinity' else now() + make_interval(secs => $4::float8) end`,
        queue,
        owner,
        [JSON.stringify(shown), retryInSeconds, failed, JSON.stringify(wanted)],
      ),
    putOff: (queue, owner, seconds, says, failed) =>
      ofQueue(
        `not_before = greatest(not_before, now() + make_interval(secs => $3)), says = $4,
         failures = failures + case when not_before > now() then 0 else $5 end`,
        queue,
        owner,
        [seconds, says, failed ? 1 : 0],
      ),
    async answered(queue) {
      await run("update lifeboat.outbox_queue set failures = 0, says = null where queue = $1 and failures > 0", [
        queue,
      ]);
    },

    async pending(queue) {
      const { rows } = await run(PENDING, [queue]);
      return rows;
    },

    sending: (item, owner) =>
      touched(
        // What is about to be sent, which is not what is desired where that has changed since it was read.
        `update lifeboat.outbox set sending_since = now(), sending_hash = $3 where id = $1 and delivered_as is null
         and exists (select from lifeboat.outbox_queue where queue = outbox.queue and owner = $2)`,
        [item.id, owner, item.desiredHash],
      ),
    editing: (item, owner) =>
      touched(
        `update lifeboat.outbox set delivered_hash = '' where id = $1 and delivered_as is not null
         and exists (select from lifeboat.outbox_queue where queue = outbox.queue and owner = $2)`,
        [item.id, owner],
      ),
    async delivered(id, as, hash) {
      await run(
        `update lifeboat.outbox set delivered_as = $2, delivered_hash = $3, delivered_at = now(), sending_since = null, sending_hash = null,
         tries = 0, says = null where id = $1`,
        [id, as, hash],
      );
    },
    async failed(id, says, seconds) {
      await run(`update lifeboat.outbox set sending_since = null, sending_hash = null, ${LATER} where id = $1`, [
        id,
        says,
        seconds,
      ]);
    },
    async giveUp(id, says) {
      await run(
        `update lifeboat.outbox set sending_since = null, sending_hash = null, tries = tries + 1, says = $2, given_up_at = now() where id = $1`,
        [id, says],
      );
    },
    async unclear(id, says, seconds) {
      await run(`update lifeboat.outbox set ${LATER} where id = $1`, [id, says, seconds]);
    },
    async notSent(id) {
      await run("update lifeboat.outbox set sending_since = null, sending_hash = null where id = $1", [id]);
    },
    async wordsOnly(id) {
      await run("update lifeboat.outbox set plain = true, sending_since = null, sending_hash = null where id = $1", [
        id,
      ]);
    },
    async gone(id) {
      await run(`update lifeboat.outbox set ${UNSHOWN}, sending_since = null where id = $1`, [id]);
    },

    async tokens(queue, { perSecond, burst }) {
      const { rows } = await run(`select ${REFILLED} as tokens from lifeboat.outbox_queue where queue = $1`, [
        queue,
        burst,
        perSecond,
      ]);
      return rows[0]?.tokens ?? burst;
    },
    spend: (queue, { perSecond, burst }, least) =>
      touched(
        `insert into lifeboat.outbox_queue (queue, tokens, tokens_at) values ($1, $2::float8 - 1, now())
         on conflict (queue) do update set tokens = ${REFILLED} - 1, tokens_at = now() where ${REFILLED} >= $4::float8`,
        [queue, burst, perSecond, least],
      ),

    async placeOf(stream) {
      const { rows } = await run("select place from lifeboat.outbox_queue where stream = $1 and not borrowed", [
        stream,
      ]);
      return rows[0]?.place ?? null;
    },
    async streamAt(place) {
      const { rows } = await run(
        "select s.stream, s.about from lifeboat.outbox_queue l join lifeboat.outbox_stream s using (stream) where l.place = $1 and not l.borrowed",
        [place],
      );
      return rows[0] ?? null;
    },
    async deliveredAs(stream, keys) {
      const { rows } = await run(
        "select key, delivered_as from lifeboat.outbox where sink = 'slack' and stream = $1 and key = any($2) and delivered_as is not null",
        [stream, keys],
      );
      return new Map(rows.map((row) => [row.key, row.delivered_as]));
    },
    async places() {
      const { rows } = await run(
        "select stream, place from lifeboat.outbox_queue where stream is not null and place is not null and not borrowed",
      );
      return new Map(rows.map((row) => [row.stream, row.place]));
    },
    async placesOf(streams) {
      const { rows } = await run(
        "select stream, place from lifeboat.outbox_queue where stream = any($1) and place is not null and not borrowed",
        [streams],
      );
      return new Map(rows.map((row) => [row.stream, row.place]));
    },

    forget: (stream) =>
      inTransaction(pool, async (client) => {
        // First, as a desired state does: the two wait for each other and never in a circle.
        await client.query("update lifeboat.outbox_stream set version = -1 where $1::text is null or stream = $1", [
          stream ?? null,
        ]);
        await client.query(
          `update lifeboat.outbox_queue set place = null, borrowed = false, making_since = null, shown = '{}'
           where stream is not null and ($1::text is null or stream = $1)`,
          [stream ?? null],
        );
        // Sent at some time, as far as anyone knows: each is looked for in its place before it is sent.
        await client.query(
          `update lifeboat.outbox set ${UNSHOWN}, sending_since = 'epoch' where sink = 'slack' and ($1::text is null or stream = $1)`,
          [stream ?? null],
        );
      }),

    async opened(reader) {
      await run(
        `insert into lifeboat.outbox_page (reader, opened_at) values ($1, now())
         on conflict (reader) do update set opened_at = now(), shown_hash = null`,
        [reader],
      );
    },
    async readers(seconds) {
      const { rows } = await run(
        `select reader, shown_hash as "shownHash" from lifeboat.outbox_page where opened_at > now() - make_interval(secs => $1)`,
        [seconds],
      );
      return rows;
    },
    async pageShown(reader, hash) {
      await run("update lifeboat.outbox_page set shown_hash = $2 where reader = $1", [reader, hash]);
    },
  };
}

async function want(client: PoolClient, desiredState: DesiredState): Promise<boolean> {
  const { stream, version, about, redrawAt } = desiredState;
  const { rowCount } = await client.query(
    `insert into lifeboat.outbox_stream (stream, version, about, redraw_at) values ($1, $2, $3, $4)
     on conflict (stream) do update set version = $2, about = $3, redraw_at = $4, drawn_at = now()
     where outbox_stream.version <= $2`,
    [stream, version, JSON.stringify(about), redrawAt],
  );
  if (rowCount === 0) return false;
  for (const { queue, own, place, wanted } of desiredState.queues)
    if (own) await client.query(WANT_OWN_QUEUE, [queue, stream, wanted === null ? null : JSON.stringify(wanted)]);
    else await client.query(WANT_SHARED_QUEUE, [queue, place]);
  const closed = await closedAmong(client, desiredState);
  const messages = desiredState.messages.filter(({ queue }) => !closed.has(queue));
  if (messages.length > 0)
    await client.query(WANT_MESSAGES, [
      stream,
      JSON.stringify(messages.map((message) => ({ ...message, hash: hashOf(message.desired) }))),
      version,
    ]);
  return true;
}

/** What was rendered before a place was found closed is not wanted there after it. The rows stay as they are until the commit. */
async function closedAmong(client: PoolClient, { queues }: DesiredState): Promise<ReadonlySet<string>> {
  const { rows } = await client.query(
    `select queue, ${CLOSED} as closed from lifeboat.outbox_queue where queue = any($1) order by queue for share`,
    [queues.filter(({ own }) => !own).map(({ queue }) => queue)],
  );
  return new Set(rows.flatMap((row) => (row.closed ? [row.queue] : [])));
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const note = (error: Error) => {
    broken = error;
  };
  client.on("error", note);
  try {
    await client.query("begin");
    const value = await work(client);
    await client.query("commit");
    return value;
  } catch (error) {
    await client.query("rollback").catch(note);
    throw error;
  } finally {
    client.off("error", note);
    client.release(broken);
  }
}

const WANT_OWN_QUEUE = `
  insert into lifeboat.outbox_queue (queue, stream, wanted) values ($1, $2, $3)
  on conflict (queue) do update set wanted = excluded.wanted,
    furnish_at = case when outbox_queue.furnish_failures = 0 then '-infinity' else outbox_queue.furnish_at end
  where outbox_queue.wanted is distinct from excluded.wanted`;
const WANT_SHARED_QUEUE = `insert into lifeboat.outbox_queue (queue, place) values ($1, $2) on conflict (queue) do nothing`;

const CLOSED = "(stream is null and borrowed and place is null and not_before > now())";
const NEVER_SENT = "(outbox.delivered_as is null and outbox.sending_since is null)";

/**
 * The order of the desired state is the order of the ids, so that what stands first is sent first. What was never sent goes where it is
 * drawn now; what is somewhere stays there.
 */
const WANT_MESSAGES = `
  insert into lifeboat.outbox (sink, stream, version, key, queue, under, priority, broadcast, once, desired, desired_hash)
  select 'slack', $1, $3, m.key, m.queue, m.under, m.priority, m.broadcast, m.once, m.desired, m.hash
  from rows from (jsonb_to_recordset($2::jsonb)
    as (key text, queue text, under text, priority smallint, broadcast boolean, once boolean, desired jsonb, hash text))
    with ordinality as m(key, queue, under, priority, broadcast, once, desired, hash, place)
  order by m.place
  on conflict (sink, stream, key) do update set priority = excluded.priority, desired = excluded.desired, desired_hash = excluded.desired_hash,
    version = excluded.version, given_up_at = null,
    desired_at = case when outbox.delivered_hash is distinct from outbox.desired_hash then outbox.desired_at else now() end,
    queue = case when ${NEVER_SENT} then excluded.queue else outbox.queue end,
    under = case when ${NEVER_SENT} then excluded.under else outbox.under end,
    broadcast = case when ${NEVER_SENT} then excluded.broadcast else outbox.broadcast end
  where (outbox.desired_hash <> excluded.desired_hash and not (outbox.once and outbox.delivered_as is not null))
    or (outbox.queue <> excluded.queue and ${NEVER_SENT})`;

const DUE = `outbox.delivered_hash is distinct from outbox.desired_hash and outbox.given_up_at is null
  and not (outbox.once and outbox.delivered_as is not null)`;
/** $2: burst, $3: gained in a second. */
const REFILLED = `least($2::float8, outbox_queue.tokens + greatest(0, extract(epoch from now() - outbox_queue.tokens_at)::float8) * $3::float8)`;
const UNSHOWN = `delivered_as = null, delivered_hash = null, delivered_at = null, sending_hash = null, plain = false, tries = 0, given_up_at = null, not_before = '-infinity'`;
const LATER = `tries = tries + 1, says = $2, not_before = now() + make_interval(secs => $3)`;
const NEEDS_SETUP = `l.stream is not null and not l.borrowed and l.wanted is not null
  and l.wanted is distinct from l.shown -> 'wanted'`;

const CLAIM = `
  update lifeboat.outbox_queue set owner = $1, claimed_until = now() + make_interval(secs => $2)
  where queue in (
    select l.queue from lifeboat.outbox_queue l
    where l.sink = 'slack' and (l.owner is null or l.claimed_until < now()) and l.not_before <= now()
      and (exists (select from lifeboat.outbox where outbox.queue = l.queue and ${DUE} and outbox.not_before <= now()
          and not (l.borrowed and l.stream is not null and outbox.delivered_as is null))
        or (${NEEDS_SETUP} and l.furnish_at <= now()))
    order by (select min(priority) from lifeboat.outbox where outbox.queue = l.queue and ${DUE}) nulls last
    limit $3
    for update of l skip locked)
  returning queue`;

const QUEUE_ROW = `
  select queue, stream, place, place_name as "placeName", borrowed, says, making_since as "makingSince", wanted, shown,
    (${NEEDS_SETUP}) and furnish_at <= now() as "setupDue", furnish_failures as "setupFailures", tokens,
    case when tokens_at = '-infinity' then 0 else extract(epoch from now() - tokens_at)::float8 * 1000 end as "tokensAgoMs",
    case when not_before = '-infinity' then 0 else extract(epoch from not_before - now())::float8 * 1000 end as "waitMs",
    failures
  from lifeboat.outbox_queue l where queue = $1`;

const PENDING = `
  select outbox.id::text, outbox.stream, outbox.key, outbox.under, root.delivered_as as "rootAs", outbox.priority,
    outbox.broadcast, outbox.once, outbox.desired, outbox.desired_hash as "desiredHash", outbox.delivered_as as "deliveredAs",
    outbox.delivered_hash as "deliveredHash", extract(epoch from now() - outbox.delivered_at)::float8 * 1000 as "deliveredAgoMs",
    outbox.sending_since as "sendingSince", outbox.sending_hash as "sendingHash", outbox.plain,
    case when outbox.not_before = '-infinity' then 0
      else extract(epoch from outbox.not_before - now())::float8 * 1000 end as "waitMs",
    outbox.tries
  from lifeboat.outbox left join lifeboat.outbox root on root.sink = 'slack' and root.stream = outbox.stream and root.key = outbox.under
  where outbox.queue = $1 and ${DUE}
  order by outbox.id`;
