import pg from "pg";
import { loadCatalog } from "../../src/catalog/load.ts";
import type { Audited } from "../support/auditor.ts";
import { asSuperuser } from "../support/postgres.ts";
import type { SoakEnvironment } from "./environment.ts";

type Database = Audited["database"];
type StreamText = Database["streams"] extends ReadonlyMap<string, infer S> ? S : never;
type EventText = StreamText["events"][number];

/** Bodies of what was kept before Slack was told so. */
export async function heardBy({ postgres }: Pick<SoakEnvironment, "postgres">): Promise<readonly string[]> {
  const rows = await asSuperuser<{ body: string }>(postgres.url, "select body::text from lifeboat.inbox");
  return rows.map(({ body }) => body);
}

/** What the store and Slack hold, as rows: read past the product, by the login that owns the store. */
export async function recorded({
  postgres,
  practice,
}: Pick<SoakEnvironment, "postgres" | "practice">): Promise<Audited> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  const rows = async <R extends object>(sql: string): Promise<readonly R[]> => (await client.query<R>(sql)).rows;
  try {
    const events = await rows<EventText>(
      `select stream, version, key, run, type, data::text, actor::text, at, previous_hash as "previousHash", hash
         from lifeboat.event order by stream collate "C", version`,
    );
    const heads = await rows<Pick<StreamText, "id" | "version" | "hash">>(
      "select id, version, head_hash as hash from lifeboat.stream",
    );
    const runs = await rows<{ id: string; stream: string; done: boolean; planHash: string }>(
      `select id, stream, done, plan_hash as "planHash" from lifeboat.run order by id`,
    );
    const plans = await rows<{ hash: string; bytes: Buffer }>("select hash, bytes from lifeboat.plan");
    const inbox = await rows<Database["inbox"][number]>(
      `select key, extract(epoch from done_at)::float8 as "doneAt", attempts from lifeboat.inbox order by id`,
    );
    const items = await rows<Database["items"][number]>(
      `select sink, stream, key, queue, desired::text, desired_hash as "desiredHash", delivered_hash as "deliveredHash",
              delivered_as as "deliveredAs", extract(epoch from given_up_at)::float8 as "givenUpAt", once from lifeboat.outbox order by id`,
    );
    const drawn = await rows<{ stream: string; version: number }>("select stream, version from lifeboat.outbox_stream");
    const people = await rows<{ id: string; identity: string }>("select id, identity from lifeboat.person");
    const now = Date.now();
    const { messages } = practice.workspace.snapshot();
    return {
      time: { now, epoch: now },
      database: {
        streams: new Map(heads.map((head) => [head.id, { ...head, events: of(events, head.id) }])),
        runs: new Map(runs.map((run) => [run.id, run])),
        plans: new Map(plans.map(({ hash, bytes }) => [hash, bytes])),
        inbox,
        items,
        drawn: new Map(drawn.map(({ stream, version }) => [stream, { version }])),
      },
      // What the servers were told is held against the intents in `audit.ts`: here targets are of another kind.
      world: { ledger: [], hung: [], history: [] },
      slack: {
        hung: [],
        messages: messages.map(({ channel, ts, text, metadata }) => ({ channel, ts, text, key: keyOf(metadata) })),
      },
      processes: [],
      forged: new Set(),
      acknowledged: [],
      writers: new Map(),
      people: { deactivatedAt: new Map(), roles: rolesBy(practice.systemFolder, people) },
    };
  } finally {
    await client.end();
  }
}

function of(events: readonly EventText[], id: string): readonly EventText[] {
  return events.filter(({ stream }) => stream === id);
}

function keyOf(metadata: unknown): string | null {
  const { event_payload: payload } = (metadata ?? {}) as { event_payload?: { key?: string } };
  return payload?.key ?? null;
}

/** By what stands for a person in events, and by their id where that stands there itself. */
function rolesBy(
  systemFolder: string,
  people: readonly { readonly id: string; readonly identity: string }[],
): ReadonlyMap<string, readonly string[]> {
  const roster = loadCatalog(systemFolder).catalog.systems.flatMap((system) => system.people);
  const roles = new Map(roster.map((person) => [person.id, person.roles]));
  for (const { id, identity } of people) {
    const own = roles.get(identity);
    if (own !== undefined) roles.set(id, own);
  }
  return roles;
}
