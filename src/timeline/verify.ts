import type pg from "pg";
import { sha256 } from "../lib/canonical.ts";
import { chainHash, noHash } from "./chain.ts";
import type { StoredEvent, Verification } from "./contract.ts";
import { eventColumns } from "./rows.ts";

type Problem = Verification["problems"][number];

const page = 2_000;

/** Walks every stream (or one) in one snapshot: links, contents, heads, and the bytes of the plans its runs name. */
export async function verifyChains(pool: pg.Pool, only?: string): Promise<Verification> {
  const client = await pool.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const heads = await client.query<{ id: string; version: number; hash: string }>(
      "select id, version, head_hash as hash from lifeboat.stream where $1::text is null or id = $1 order by id",
      [only ?? null],
    );
    const problems: Problem[] = await strayEvents(client, only);
    let events = 0;
    for (const head of heads.rows) events += await walk(client, head, problems);
    problems.push(...(await badPlans(client, only)));
    await client.query("commit");
    client.release();
    return { ok: problems.length === 0, streams: heads.rows.length, events, problems };
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function walk(
  client: pg.PoolClient,
  head: { id: string; version: number; hash: string },
  problems: Problem[],
): Promise<number> {
  let last = { version: 0, hash: noHash };
  let count = 0;
  for (let pending = pageAfter(client, head.id, 0); ; ) {
    const { rows } = await pending;
    const end = rows.at(-1);
    const more = end !== undefined && rows.length === page;
    // The next page is read while this one is hashed.
    if (more) pending = pageAfter(client, head.id, end.version);
    for (const event of rows) {
      for (const says of wrongWith(event, last)) problems.push({ stream: head.id, version: event.version, says });
      last = event;
    }
    count += rows.length;
    if (more) continue;
    if (last.version !== head.version || last.hash !== head.hash) problems.push(wrongEnd(head, last));
    return count;
  }
}

function pageAfter(client: pg.PoolClient, stream: string, version: number): Promise<{ rows: StoredEvent[] }> {
  const asked = client.query<StoredEvent>({
    name: "lifeboat-verify",
    text: `select ${eventColumns} from lifeboat.event where stream = $1 and version > $2 order by version limit ${page}`,
    values: [stream, version],
  });
  // Nobody may come to wait for a page that was asked for ahead.
  asked.catch(() => {});
  return asked;
}

function wrongWith(event: StoredEvent, last: { version: number; hash: string }): string[] {
  const says: string[] = [];
  if (event.version !== last.version + 1) says.push(`the events before it are missing, back to ${last.version}`);
  if (event.previousHash !== last.hash) says.push("it does not follow the event before it");
  if (chainHash(event) !== event.hash) says.push("it was changed after it was written");
  return says;
}

function wrongEnd(head: { id: string; version: number }, last: { version: number }): Problem {
  const says =
    last.version < head.version
      ? `the stream ends at ${last.version}, its head says ${head.version}: its tail was cut off`
      : "the stream's head does not name its last event";
  return { stream: head.id, version: last.version, says };
}

async function strayEvents(client: pg.PoolClient, only?: string): Promise<Problem[]> {
  const { rows } = await client.query<{ stream: string; version: number }>(
    `select distinct on (stream) stream, version from lifeboat.event e where ($1::text is null or stream = $1)
        and not exists (select 1 from lifeboat.stream s where s.id = e.stream) order by stream, version`,
    [only ?? null],
  );
  return rows.map((row) => ({ ...row, says: "the stream has events and no head" }));
}

async function badPlans(client: pg.PoolClient, only?: string): Promise<Problem[]> {
  const { rows } = await client.query<{ stream: string; hash: string; bytes: Buffer }>(
    `select distinct on (p.hash) r.stream, p.hash, p.bytes from lifeboat.run r join lifeboat.plan p on p.hash = r.plan_hash
      where $1::text is null or r.stream = $1 order by p.hash`,
    [only ?? null],
  );
  return rows
    .filter((row) => sha256(row.bytes) !== row.hash)
    .map((row) => ({ stream: row.stream, version: 0, says: `the plan ${row.hash} was changed after it was stored` }));
}
