import type { Pool } from "pg";

/** The home tabs people have open, and what each was last shown. */
export interface HomeTabs {
  opened(reader: string): Promise<void>;
  /** Readers who opened their page within so many seconds, and what they see. */
  readers(seconds: number): Promise<readonly { readonly reader: string; readonly shownHash: string | null }[]>;
  pageShown(reader: string, hash: string): Promise<void>;
}

export function createHomeTabs(pool: Pool): HomeTabs {
  const run = (text: string, values: unknown[] = []) => pool.query(text, values);
  return {
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
