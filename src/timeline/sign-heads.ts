import type pg from "pg";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Head } from "./authentic.ts";
import type { Keyring } from "./keys.ts";
import { keepStatement } from "./statements.ts";

/**
 * Signs heads at sensible times: at the end of a run, at the close of an incident, every few minutes where something was
 * added, and when the process leaves. Never per event: a signature costs more than an append.
 */
export interface HeadSigner {
  /** Something was added. `now`: it ended something, so its head is signed at once. */
  added(stream: string, now: boolean): void;
  /** Signs what was added since. */
  close(): Promise<void>;
}

export interface HeadSignerParts {
  readonly pool: pg.Pool;
  readonly keyring: Keyring;
  /** The head of a stream whose every event was verified; null: there is none. Nothing else is signed. */
  readonly verifiedHead: (stream: string) => Promise<Head | null>;
  readonly log: Logger;
  readonly everyMs?: number;
}

const EVERY_MS = 5 * 60_000;
const AT_ONCE = 100;

/** Streams with events above their newest signed head: also those a process left behind that was killed. */
const UNSIGNED = `
  select s.id from lifeboat.stream s
   where s.version > coalesce((select max(h.version) from lifeboat.signed_statement h
                                where h.kind = 'head' and h.stream = s.id), 0)
   order by s.updated_at limit ${AT_ONCE}`;

export function createHeadSigner({
  pool,
  keyring,
  verifiedHead,
  log,
  everyMs = EVERY_MS,
}: HeadSignerParts): HeadSigner {
  const pending = new Set<string>();
  const signed = new Map<string, number>();
  let signing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function sign(stream: string): Promise<void> {
    const head = await verifiedHead(stream);
    if (head === null || head.version <= (signed.get(stream) ?? 0)) return;
    await keep(stream, head);
    signed.set(stream, head.version);
    pending.delete(stream);
  }

  /** By the store's clock, once its transaction has a number, as events: an export that waits for what began before its end has it, too. */
  async function keep(stream: string, { version, hash }: Head): Promise<void> {
    const client = await pool.connect();
    let failed = true;
    try {
      await client.query("begin");
      const { rows } = await client.query<{ at: Date }>("select lifeboat.clock() as at from pg_current_xact_id()");
      const at = (rows[0]?.at ?? new Date()).toISOString();
      await keepStatement(client, keyring, { statement: "lifeboat/head/1", stream, version, hash, at });
      await client.query("commit");
      failed = false;
    } finally {
      client.release(failed);
    }
  }

  function queue(work: () => Promise<void>): Promise<void> {
    signing = signing
      .then(work)
      .catch((error) =>
        log.debug({ event: "record.not_signed", error: messageOf(error) }, "a head could not be signed"),
      );
    return signing;
  }

  async function signAll(streams: Iterable<string>): Promise<void> {
    // One that was tampered with is not signed, and keeps no one else from it.
    for (const stream of [...streams])
      await sign(stream).catch((error) =>
        log.warn({ event: "record.not_signed", stream, error: messageOf(error) }, "a head was not signed"),
      );
  }

  function later(): void {
    if (closed) return;
    timer = setTimeout(() => {
      void queue(async () => {
        const { rows } = await pool.query<{ id: string }>(UNSIGNED);
        await signAll(rows.map(({ id }) => id));
      }).finally(later);
    }, everyMs).unref();
  }

  const able = keyring.signs !== null;
  if (able) later();
  return {
    added(stream, atOnce) {
      if (!able) return;
      pending.add(stream);
      if (atOnce) void queue(() => sign(stream));
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await queue(() => signAll(pending));
    },
  };
}
