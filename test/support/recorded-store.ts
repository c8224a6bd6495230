import type { Plan } from "../../src/catalog/types.ts";
import { canonicalBytes } from "../../src/lib/canonical.ts";
import { linked, noHash } from "../../src/timeline/chain.ts";
import type { StoredEvent } from "../../src/timeline/contract.ts";
import { createPseudonyms, type PeopleInEvents } from "../../src/timeline/pseudonyms.ts";
import { keepStatement } from "../../src/timeline/statements.ts";
import { asSuperuser, storeOn } from "./postgres.ts";
import { testKeyring } from "./record-keys.ts";
import type { RecordedIncident } from "./recorded-incident.ts";

/** An event as a test tells it, with its own time: the store's clock knows only now. */
export interface PastEvent {
  readonly type: string;
  readonly data: unknown;
  readonly at: Date;
  readonly key?: string;
  readonly run?: string | null;
  readonly actor?: unknown;
}

/** Writes streams with the times they are told with, chained, authenticated and under opaque ids as a bot would have; a head of each is signed. */
export async function storeWith(
  url: string,
  streams: Readonly<Record<string, readonly PastEvent[]>>,
  plans: Iterable<[string, Plan]>,
  people: PeopleInEvents | null = null,
): Promise<void> {
  const store = await storeOn(url);
  try {
    for (const [hash, plan] of plans)
      await store.pool.query("insert into lifeboat.plan (hash, bytes) values ($1, $2) on conflict do nothing", [
        hash,
        canonicalBytes(plan),
      ]);
    for (const [stream, events] of Object.entries(streams)) {
      const stored = await chained(store.pool, stream, events, people);
      await append(url, stream, stored);
      const last = stored.at(-1);
      if (last === undefined) continue;
      const { version, hash, at } = last;
      const head = { statement: "lifeboat/head/1" as const, stream, version, hash, at: at.toISOString() };
      await keepStatement(store.pool, testKeyring, head);
    }
  } finally {
    await store.close();
  }
}

async function chained(
  pool: Parameters<ReturnType<typeof createPseudonyms>["hiding"]>[0],
  stream: string,
  events: readonly PastEvent[],
  people: PeopleInEvents | null,
): Promise<readonly StoredEvent[]> {
  const pseudonyms = createPseudonyms(testKeyring, people);
  const stored: StoredEvent[] = [];
  for (const [n, past] of events.entries()) {
    const { at, key = `${stream}/${n + 1}`, actor = { kind: "bot" }, ...rest } = past;
    const event = { ...rest, key, actor };
    const { hide } = await pseudonyms.hiding(pool, [event]);
    const head = { version: n, hash: stored.at(-1)?.hash ?? noHash };
    stored.push(...linked(stream, head, new Set(), [event], at, testKeyring, hide));
  }
  return stored;
}

async function append(url: string, stream: string, events: readonly StoredEvent[]): Promise<void> {
  const last = events.at(-1);
  await asSuperuser(url, "insert into lifeboat.stream (id) values ($1)", [stream]);
  await asSuperuser(
    url,
    `insert into lifeboat.event (stream, version, key, run, type, data, actor, at, previous_hash, hash, mac, mac_key)
     select $1, x.version, x.key, x.run, x.type, x.data, x.actor, x.at, x."previousHash", x.hash, x.mac, x."macKey"
       from jsonb_to_recordset($2::jsonb) as x(version int, key text, run text, type text, data jsonb, actor jsonb,
            at timestamptz, "previousHash" text, hash text, mac text, "macKey" text)`,
    [stream, JSON.stringify(events)],
  );
  await asSuperuser(url, "update lifeboat.stream set version = $2, head_hash = $3, updated_at = $4 where id = $1", [
    ...[stream, last?.version, last?.hash],
    last?.at,
  ]);
}

/** The events of a story, as many days later as wanted, under another id. */
export function eventsOf(story: RecordedIncident, daysLater = 0): readonly PastEvent[] {
  const later = daysLater * 86_400_000;
  const shifted = (data: unknown) => {
    const { impactStartedAt } = data as { impactStartedAt?: string | null };
    if (!impactStartedAt) return data;
    return { ...(data as object), impactStartedAt: new Date(Date.parse(impactStartedAt) + later).toISOString() };
  };
  return story.events.map(({ type, data, at, run, actor }) => ({
    ...{ type, data: shifted(data), run, actor },
    at: new Date(at.getTime() + later),
  }));
}
