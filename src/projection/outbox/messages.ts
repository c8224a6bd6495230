import type { Pool } from "pg";
import { DUE, touches, UNSHOWN } from "./sql.ts";

/** The messages of a queue, from the attempt to what came of it. */
export interface Messages {
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

export function createMessages(pool: Pool): Messages {
  const run = (text: string, values: unknown[] = []) => pool.query(text, values);
  return {
    async pending(queue) {
      const { rows } = await run(PENDING, [queue]);
      return rows;
    },

    sending: (item, owner) =>
      touches(
        pool,
        // What is about to be sent, which is not what is desired where that has changed since it was read.
        `update lifeboat.outbox set sending_since = now(), sending_hash = $3 where id = $1 and delivered_as is null
         and exists (select from lifeboat.outbox_queue where queue = outbox.queue and owner = $2)`,
        [item.id, owner, item.desiredHash],
      ),
    editing: (item, owner) =>
      touches(
        pool,
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
  };
}

const LATER = `tries = tries + 1, says = $2, not_before = now() + make_interval(secs => $3)`;

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
