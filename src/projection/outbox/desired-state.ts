import type { Pool, PoolClient } from "pg";
import { hashOf } from "../../lib/canonical.ts";
import { inTransaction, UNSHOWN } from "./sql.ts";

/** What streams want shown in Slack. */
export interface DesiredStates {
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

  /** Forgets what a stream (or every stream) was seen to show, so that all of it is sent again. */
  forget(stream?: string): Promise<void>;
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

export function createDesiredStates(pool: Pool): DesiredStates {
  const run = (text: string, values: unknown[] = []) => pool.query(text, values);
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
