import type { Pool } from "pg";
import { hashOf } from "../lib/canonical.ts";

/**
 * What a pager outside should show, beside what it was last told. It knows no pager: what is wanted is a JSON value under
 * a key. Several processes share it, and each item is told by one at a time.
 */
export interface Pages {
  /** Writes down what a stream wants shown at this version. What an older version wanted never replaces it. */
  want(stream: string, version: number, items: readonly WantedItem[]): Promise<void>;
  /** Items to be told now that nobody is telling. */
  claim(owner: string, seconds: number, limit: number): Promise<readonly DueItem[]>;
  /** It was told this; if something else is wanted by now, it is due again at once. */
  told(item: DueItem, owner: string): Promise<void>;
  /** Not before so many seconds. */
  later(item: DueItem, owner: string, seconds: number, says: string): Promise<void>;
}

export interface WantedItem {
  readonly key: string;
  readonly wanted: unknown;
}

export interface DueItem {
  readonly key: string;
  readonly stream: string;
  readonly version: number;
  readonly wanted: unknown;
  readonly hash: string;
  /** What it was told last, or null. */
  readonly told: unknown;
  /** It was tried before: the outside may know of it though it never answered. */
  readonly tried: boolean;
  readonly failures: number;
}

const WANT = `
  insert into lifeboat.page (key, stream, version, wanted, wanted_hash)
  select i.key, $1, $2, i.wanted, i.hash from jsonb_to_recordset($3::jsonb) as i(key text, wanted jsonb, hash text)
  on conflict (key) do update
     set version = excluded.version, wanted = excluded.wanted, wanted_hash = excluded.wanted_hash,
         not_before = '-infinity', failures = 0
   where page.version < excluded.version and page.wanted_hash <> excluded.wanted_hash`;

const CLAIM = `
  with due as (select key, tried from lifeboat.page
                where told_hash is distinct from wanted_hash and not_before <= clock_timestamp()
                  and (owner is null or claimed_until < clock_timestamp())
                order by not_before, key limit $3 for update skip locked)
  update lifeboat.page p set owner = $1, claimed_until = clock_timestamp() + $2 * interval '1s', tried = true
    from due where p.key = due.key
  returning p.key, p.stream, p.version, p.wanted, p.wanted_hash as hash, p.told, due.tried, p.failures`;

const TOLD = `
  update lifeboat.page set told = $3, told_hash = $4, failures = 0, says = null, not_before = '-infinity', owner = null
   where key = $1 and owner = $2`;

const LATER = `
  update lifeboat.page set failures = failures + 1, says = left($4, 2000), owner = null,
         not_before = case when wanted_hash = $5 then clock_timestamp() + $3 * interval '1s' else '-infinity' end
   where key = $1 and owner = $2`;

export function createPages(pool: Pool): Pages {
  return {
    async want(stream, version, items) {
      if (items.length === 0) return;
      const rows = items.map(({ key, wanted }) => ({ key, wanted, hash: hashOf(wanted) }));
      await pool.query(WANT, [stream, version, JSON.stringify(rows)]);
    },
    async claim(owner, seconds, limit) {
      return (await pool.query<DueItem>(CLAIM, [owner, seconds, limit])).rows;
    },
    async told(item, owner) {
      await pool.query(TOLD, [item.key, owner, JSON.stringify(item.wanted), item.hash]);
    },
    async later(item, owner, seconds, says) {
      await pool.query(LATER, [item.key, owner, seconds, says, item.hash]);
    },
  };
}
