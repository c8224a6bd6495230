import type pg from "pg";
import { LifeboatError, messageOf, type Problem } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { oneAtATime } from "../lib/one-at-a-time.ts";
import type { Head } from "./authentic.ts";
import type { Keyring } from "./keys.ts";
import type { KnownHeads } from "./known-heads.ts";
import { statementsOf } from "./statements.ts";

/** How a stream differs from what this process has seen of it. */
export interface Difference {
  readonly stream: string;
  readonly seen: Head;
  /** Null: the stream is gone. */
  readonly now: { readonly version: number } | null;
  readonly says: string;
}

/** Stops every change while the store is not the one this process knew: older, shorter or rewritten. */
export interface Guard {
  readonly known: KnownHeads;
  doubt(): Problem | null;
  onDoubt(changed: (doubt: Problem | null) => void): () => void;
  /** @throws LifeboatError `store-went-back` while it is in doubt */
  assert(): void;
  /** A difference that was met at work. @throws LifeboatError `store-went-back` */
  refuse(difference: Difference): never;
  /** Compares everything known with the store, and takes up an operator's acceptance. */
  check(): Promise<void>;
  /** Stops looking. What is known is on disk then. */
  close(): Promise<void>;
}

export interface GuardParts {
  readonly pool: pg.Pool;
  readonly known: KnownHeads;
  readonly keyring: Keyring;
  readonly log: Logger;
  /** An acceptance: what is in memory of the store that was is worth nothing. */
  readonly forget: () => void;
  /** What else is to be looked at as often. */
  readonly also?: () => Promise<void>;
  readonly everyMs?: number;
}

const LOOK_MS = 15_000;
const DOUBT_LOOK_MS = 1_000;

/** What one process saw, beside what the store says: a row for each known stream. */
const COMPARE = `
  select k.stream, s.version, e.hash
    from unnest($1::text[], $2::int[]) as k(stream, version)
    left join lifeboat.stream s on s.id = k.stream
    left join lifeboat.event e on e.stream = k.stream and e.version = k.version`;

interface Compared {
  readonly stream: string;
  readonly version: number | null;
  readonly hash: string | null;
}

export async function differences(
  db: Pick<pg.Pool, "query">,
  known: ReadonlyMap<string, Head>,
): Promise<readonly Difference[]> {
  // As it was when it was asked: what is known grows meanwhile.
  const then = new Map(known);
  const streams = [...then.keys()];
  if (streams.length === 0) return [];
  const { rows } = await db.query<Compared>(COMPARE, [streams, streams.map((stream) => then.get(stream)?.version)]);
  return rows.flatMap(({ stream, version, hash }) => {
    const seen = then.get(stream);
    return seen === undefined ? [] : (differenceOf(stream, seen, version, hash) ?? []);
  });
}

export function differenceOf(
  stream: string,
  seen: Head,
  version: number | null,
  hash: string | null | undefined,
): Difference | null {
  if (version === null) return { stream, seen, now: null, says: `${stream} is gone (event ${seen.version} was seen)` };
  const now = { version };
  if (version < seen.version)
    return { stream, seen, now, says: `${stream} ends at event ${version}, and event ${seen.version} was seen` };
  if (hash === seen.hash) return null;
  return {
    stream,
    seen,
    now,
    says: `event ${seen.version} of ${stream} is not the one that was seen: it was rewritten`,
  };
}

export function createGuard({ pool, known, keyring, log, forget, also, everyMs = LOOK_MS }: GuardParts): Guard {
  const listeners = new Set<(doubt: Problem | null) => void>();
  let doubt: Problem | null = null;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function becomes(next: Problem | null): void {
    if (next?.what === doubt?.what) return;
    doubt = next;
    if (next) log.error({ event: "record.store_went_back", problem: next }, "the store is not the one this bot knew");
    else log.warn({ event: "record.store_accepted" }, "the store was accepted; changes go on");
    for (const tell of listeners) tell(next);
    later();
  }

  async function look(): Promise<void> {
    let found = await differences(pool, known.all());
    const acceptances = (await statementsOf(pool, keyring, "acceptance")).good.map(({ statement }) => statement);
    if (found.length > 0) {
      const fresh = acceptances.filter(({ nonce }) => !known.isPast(nonce)).at(-1);
      if (fresh !== undefined) {
        known.accept(
          fresh.nonce,
          new Map(fresh.streams.map(({ stream, version, hash }) => [stream, { version, hash }])),
        );
        forget();
        found = await differences(pool, known.all());
      }
    }
    for (const { nonce } of acceptances) known.past(nonce);
    becomes(found.length === 0 ? null : wentBack(found));
    await also?.();
  }

  // A look that was begun before the call may have missed what was noted since, so it isn't enough.
  const looks = oneAtATime(() => look().finally(later));

  function later(): void {
    clearTimeout(timer);
    if (closed) return;
    timer = setTimeout(
      () =>
        void looks
          .run()
          .catch((error) =>
            log.debug(
              { event: "record.not_compared", error: messageOf(error) },
              "the store's heads could not be compared",
            ),
          ),
      doubt === null ? everyMs : DOUBT_LOOK_MS,
    ).unref();
  }

  return {
    known,
    doubt: () => doubt,
    onDoubt(changed) {
      const own = (next: Problem | null) => changed(next);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    assert() {
      if (doubt !== null) throw new LifeboatError(doubt);
    },
    refuse(difference) {
      const problem = wentBack([difference]);
      if (doubt === null) becomes(problem);
      throw new LifeboatError(doubt ?? problem);
    },
    check: looks.run,
    async close() {
      closed = true;
      clearTimeout(timer);
      await looks.settled();
      await known.flush();
    },
  };
}

function wentBack(found: readonly Difference[]): Problem {
  const [first] = found;
  const more = found.length > 1 ? `, and ${found.length - 1} more differ` : "";
  return {
    code: "store-went-back",
    where: "Timeline store",
    what: `The store isn't the one Lifeboat knew: ${first?.says}${more}`,
    stateNow: "Nothing changes until this is settled: no step, no approval, no new incident",
    next: 'Bring the newer store back; or look at the targets, then accept this one on the bot\'s host: lifeboat accept-store --reason "…"',
  };
}
