import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { Logger } from "../lib/log.ts";
import type { Inbox } from "./contract.ts";
import { jsonSafe, jsonSafeText } from "./json-safe.ts";
import type { Keyring } from "./keys.ts";
import { patiently } from "./transient-errors.ts";

/** An item taken so often is left alone: it may be what ends the process that takes it. */
export const attemptsMax = 5;

/** Slack waits 3 s for an acknowledgement: the one who receives must know before that. */
const receiveSeconds = 2.5;

export interface GivenUp {
  readonly key: string;
  readonly kind: string;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly receivedAt: Date;
}

/** What came in and is not done yet. */
export interface InboxNow {
  readonly waiting: number;
  /** Age of the oldest that is still tried, seconds; 0: nothing waits. */
  readonly oldestSeconds: number;
  readonly givenUp: number;
}

export interface VisibleInbox extends Inbox {
  /** One question to the store, not repeated. */
  now(): Promise<InboxNow>;
  /** Items that were tried as often as they are going to be, newest first: a person should look. */
  givenUp(limit?: number): Promise<readonly GivenUp[]>;
}

export interface InboxParts {
  readonly pool: pg.Pool;
  readonly closed: AbortSignal;
  readonly log: Logger;
  readonly callerSeconds: number;
  readonly keyring: Keyring;
  /** Real time. */
  readonly now: () => Date;
}

type Taken = Awaited<ReturnType<Inbox["take"]>>[number];

/** As it is stored: `sealedAt` is when it came in, by who received it. */
interface Row extends Omit<Taken, "receivedAt"> {
  readonly sealedAt: Date | null;
  readonly mac: string | null;
  readonly macKey: string | null;
}

// The receipt tells our own lost attempt from someone else's delivery.
const receive = `
  insert into lifeboat.inbox (key, kind, body, attempts, claimed_until, receipt, sealed_at, mac, mac_key)
  values ($1, $2, $3, case when $4::float8 is null then 0 else 1 end, clock_timestamp() + $4 * interval '1s', $5, $6, $7, $8)
  on conflict (key) do update set receipt = excluded.receipt where inbox.receipt = excluded.receipt`;

/** What carries no seal at all is left to a bot of before migration 0200, which received it, for as long as a delivery may be done at all. */
const UNSEALED_SECONDS = 900;

const take = `
  with due as (select id from lifeboat.inbox
                where done_at is null and attempts < ${attemptsMax} and next_at <= clock_timestamp()
                  and (claimed_until is null or claimed_until < clock_timestamp()) and starts_with(kind, $3)
                  and (mac is not null or received_at < clock_timestamp() - interval '${UNSEALED_SECONDS} seconds')
                order by id for update skip locked limit $1),
  taken as (update lifeboat.inbox i set claimed_until = clock_timestamp() + $2 * interval '1s', attempts = attempts + 1
              from due where i.id = due.id returning i.*)
  select key, kind, body, attempts, sealed_at as "sealedAt", mac, mac_key as "macKey" from taken order by id`;

const dropped = `
  update lifeboat.inbox set done_at = clock_timestamp(), claimed_until = null, last_error = 'no process of Lifeboat received it'
   where key = any($1) and done_at is null`;

// What was done two weeks ago is no longer redelivered by anyone, and may hold personal data.
const done = `
  with old as (delete from lifeboat.inbox where done_at < clock_timestamp() - interval '14 days')
  update lifeboat.inbox set done_at = clock_timestamp(), claimed_until = null where key = $1 and done_at is null`;

const failed = `
  update lifeboat.inbox set claimed_until = null, last_error = left($2, 2000),
         next_at = clock_timestamp() + least(300, 2 ^ attempts) * interval '1s' where key = $1 and done_at is null`;

const givenUp = `
  select key, kind, attempts, last_error as "lastError", received_at as "receivedAt" from lifeboat.inbox
   where done_at is null and attempts >= ${attemptsMax} and (claimed_until is null or claimed_until < clock_timestamp())
   order by id desc limit $1`;

const now = `
  select count(*) filter (where attempts < ${attemptsMax})::int as waiting,
         coalesce(extract(epoch from clock_timestamp() - min(received_at) filter (where attempts < ${attemptsMax})), 0)::float8 as "oldestSeconds",
         count(*) filter (where attempts >= ${attemptsMax} and (claimed_until is null or claimed_until < clock_timestamp()))::int as "givenUp"
    from lifeboat.inbox where done_at is null`;

export function createInbox({ pool, closed, log, callerSeconds, keyring, now: clock }: InboxParts): VisibleInbox {
  const asked = <T>(what: string, seconds: number, attempt: () => Promise<T>) =>
    patiently({ what, seconds, closed, log }, attempt);
  return {
    receive(key, kind, body, claimSeconds) {
      const item = { key: jsonSafeText(key), kind, body: JSON.stringify(jsonSafe(body)), sealedAt: clock() };
      const { mac, macKey } = keyring.seal(PURPOSE, saidBy({ ...item, body: JSON.parse(item.body) }));
      const values = [item.key, kind, item.body, claimSeconds ?? null, randomUUID(), item.sealedAt, mac, macKey];
      return asked("receiving", receiveSeconds, async () => {
        const query = { name: "lifeboat-receive", text: receive, values, query_timeout: 2_000 };
        return (await pool.query(query)).rowCount === 1;
      });
    },
    take: (limit, claimSeconds, kind = "") =>
      asked("taking from the inbox", callerSeconds, async () => {
        const { rows } = await pool.query<Row>({
          name: "lifeboat-take",
          text: take,
          values: [limit, claimSeconds, kind],
        });
        const forged = rows.filter((row) => !isOurs(keyring, row)).map(({ key }) => key);
        if (forged.length > 0) {
          log.error(
            { event: "inbox.not_authentic", keys: forged },
            "the inbox holds what no process of lifeboat received",
          );
          await pool.query(dropped, [forged]);
        }
        return rows.flatMap(({ sealedAt, mac: _, macKey: __, ...row }) =>
          sealedAt === null || forged.includes(row.key) ? [] : [{ ...row, receivedAt: sealedAt }],
        );
      }),
    done: (key) =>
      asked("finishing an inbox item", callerSeconds, async () => {
        await pool.query({ name: "lifeboat-done", text: done, values: [jsonSafeText(key)] });
      }),
    failed: (key, why) =>
      asked("failing an inbox item", callerSeconds, async () => {
        await pool.query({ name: "lifeboat-failed", text: failed, values: [jsonSafeText(key), jsonSafeText(why)] });
      }),
    async now() {
      const { rows } = await pool.query<InboxNow>(now);
      return rows[0] as InboxNow;
    },
    givenUp: (limit = 50) =>
      asked("looking for stuck inbox items", callerSeconds, async () => {
        const { rows } = await pool.query<GivenUp>(givenUp, [limit]);
        return rows;
      }),
  };
}

const PURPOSE = "inbox";

function isOurs(keyring: Keyring, row: Row): boolean {
  const { sealedAt, mac, macKey } = row;
  return sealedAt !== null && keyring.sealed(PURPOSE, saidBy({ ...row, sealedAt }), macKey, mac);
}

/** What the HMAC is over. */
function saidBy({ key, kind, body, sealedAt }: Pick<Row, "key" | "kind" | "body"> & { readonly sealedAt: Date }) {
  return { key, kind, body, at: sealedAt.toISOString() };
}

/** In the migration's own transaction, as the owner: what waits then was received by a bot of before. */
export async function sealInbox(db: Pick<pg.Pool, "query">, keyring: Keyring): Promise<void> {
  const { rows } = await db.query<Pick<Row, "key" | "kind" | "body"> & { sealedAt: Date }>(
    `select key, kind, body, received_at as "sealedAt" from lifeboat.inbox where done_at is null`,
  );
  for (const row of rows) {
    const { mac, macKey } = keyring.seal(PURPOSE, saidBy(row));
    await db.query("update lifeboat.inbox set sealed_at = $2, mac = $3, mac_key = $4 where key = $1", [
      row.key,
      row.sealedAt,
      mac,
      macKey,
    ]);
  }
}
