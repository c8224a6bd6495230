import type pg from "pg";
import { sha256 } from "../lib/canonical.ts";
import { type Authenticity, type Head, notAuthentic } from "./authentic.ts";
import { chainHash, noHash } from "./chain.ts";
import type { StoredEvent, Verification } from "./contract.ts";
import type { Keyring } from "./keys.ts";
import { strangePeople } from "./pseudonyms.ts";
import { eventColumns } from "./rows.ts";
import { strangeEntries } from "./second-factors.ts";
import { type HeadStatement, statementsOf } from "./statements.ts";

type Problem = Verification["problems"][number];

const page = 2_000;
/** More than so many of one stream are counted and not listed. */
const LISTED = 20;

/** A head someone vouches for from outside the events: signed, or seen by this host. */
export interface Witness extends Head {
  readonly stream: string;
  /** "a head signed at …", "this host". */
  readonly by: string;
}

export interface VerifyOptions {
  readonly only?: string | undefined;
  /** Heads from outside the store: what this host remembers, what an auditor kept. */
  readonly witnesses?: readonly Witness[];
}

/** Walks every stream (or one) in one snapshot: links, contents, authentication, heads, signatures, and the bytes of plans. */
export async function verifyChains(
  pool: pg.Pool,
  around: Authenticity,
  { only, witnesses = [] }: VerifyOptions = {},
): Promise<Verification> {
  const client = await pool.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const heads = await client.query<{ id: string; version: number; hash: string }>(
      "select id, version, head_hash as hash from lifeboat.stream where $1::text is null or id = $1 order by id",
      [only ?? null],
    );
    const problems: Problem[] = await strayEvents(client, only);
    const signed = await signedHeads(client, around, only, problems);
    const sealed = [...around.seals.heads].map(([stream, head]) => ({
      stream,
      ...head,
      by: "the seal of the migration",
    }));
    const vouched = byStream(
      [...signed, ...sealed, ...witnesses].filter(({ stream }) => only === undefined || stream === only),
    );
    const count = { events: 0, sealed: 0 };
    for (const head of heads.rows) {
      const found: Problem[] = [];
      await walk(client, around, head, vouched.get(head.id) ?? [], found, count);
      problems.push(...shortened(head.id, found));
      vouched.delete(head.id);
    }
    for (const [stream, gone] of vouched) {
      const newest = newestOf(gone);
      problems.push({ stream, version: 0, says: `it's gone: ${newest.by} names its event ${newest.version}` });
    }
    problems.push(...(await badPlans(client, only)));
    if (only === undefined && around.keyring.authenticates) problems.push(...(await strangers(client, around.keyring)));
    await client.query("commit");
    client.release();
    return {
      ok: problems.length === 0,
      streams: heads.rows.length,
      ...count,
      authenticated: around.keyring.authenticates ? count.events - count.sealed : null,
      signedHeads: signed.length,
      problems,
    };
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Heads whose signature holds. A signature by a key that isn't given says nothing, and that is said. */
async function signedHeads(
  client: pg.PoolClient,
  { keyring }: Authenticity,
  only: string | undefined,
  problems: Problem[],
): Promise<Witness[]> {
  if (keyring.publicKeys.size === 0) return [];
  const heads = await statementsOf(client, keyring, "head", only ?? null);
  const seals = await statementsOf(client, keyring, "seal");
  for (const row of [...heads.bad, ...seals.bad]) {
    const says = keyring.publicKeys.has(row.key)
      ? "a signed statement was changed after it was signed"
      : `a statement is signed with the key ${row.key}, which isn't given here (LIFEBOAT_VERIFY_KEYS)`;
    problems.push({ stream: row.stream ?? "(all)", version: 0, says });
  }
  if (seals.good.length + seals.bad.length === 0)
    problems.push({ stream: "(all)", version: 0, says: "the seal of the migration is gone" });
  return heads.good.map(({ statement }) => witnessOf(statement));
}

export function seenHere(known: ReadonlyMap<string, Head>): Witness[] {
  return [...known].map(([stream, head]) => ({ stream, ...head, by: "what this host has seen" }));
}

export function witnessOf({ stream, version, hash, at }: HeadStatement): Witness {
  return { stream, version, hash, by: `a head signed at ${at}` };
}

async function walk(
  client: pg.PoolClient,
  around: Authenticity,
  head: { id: string; version: number; hash: string },
  witnesses: readonly Witness[],
  problems: Problem[],
  count: { events: number; sealed: number },
): Promise<void> {
  let last: Head = { version: 0, hash: noHash };
  const wanted = new Set(witnesses.map(({ version }) => version));
  const met = new Map<number, string>();
  for (let pending = pageAfter(client, head.id, 0); ; ) {
    const { rows } = await pending;
    const end = rows.at(-1);
    const more = end !== undefined && rows.length === page;
    // The next page is read while this one is hashed.
    if (more) pending = pageAfter(client, head.id, end.version);
    for (const event of rows) {
      for (const says of wrongWith(around, event, last))
        problems.push({ stream: head.id, version: event.version, says });
      if (!event.mac) count.sealed += 1;
      if (wanted.has(event.version)) met.set(event.version, event.hash);
      last = event;
    }
    count.events += rows.length;
    if (more) continue;
    if (last.version !== head.version || last.hash !== head.hash) problems.push(wrongEnd(head, last));
    problems.push(...againstWitnesses(head, last, witnesses, met));
    return;
  }
}

function againstWitnesses(
  { id, version }: { id: string; version: number },
  last: Head,
  witnesses: readonly Witness[],
  met: ReadonlyMap<number, string>,
): Problem[] {
  const beyond = witnesses.filter((witness) => witness.version > last.version);
  const found: Problem[] = [];
  if (beyond.length > 0) {
    const newest = newestOf(beyond);
    const how = version === last.version ? "its tail was cut off and its head set back" : "its tail was cut off";
    found.push({
      stream: id,
      version: last.version,
      says: `it ends here, and ${newest.by} names event ${newest.version}: ${how}`,
    });
  }
  const other = witnesses.find((one) => one.version <= last.version && met.get(one.version) !== one.hash);
  if (other !== undefined)
    found.push({
      stream: id,
      version: other.version,
      says: `it isn't the event ${other.by} names: the timeline was rewritten`,
    });
  return found;
}

function newestOf(witnesses: readonly Witness[]): Witness {
  return witnesses.reduce((newest, one) => (one.version > newest.version ? one : newest));
}

function byStream(witnesses: readonly Witness[]): Map<string, Witness[]> {
  const found = new Map<string, Witness[]>();
  for (const one of witnesses) found.set(one.stream, [...(found.get(one.stream) ?? []), one]);
  return found;
}

function shortened(stream: string, found: readonly Problem[]): readonly Problem[] {
  if (found.length <= LISTED) return found;
  const says = `${found.length - LISTED} more things are wrong with it`;
  return [...found.slice(0, LISTED), { stream, version: found[LISTED]?.version ?? 0, says }];
}

function pageAfter(client: pg.PoolClient, stream: string, version: number): Promise<{ rows: StoredEvent[] }> {
  const asked = client.query<StoredEvent>({
    name: "lifeboat-verify",
    text: `select ${eventColumns} from lifeboat.event where stream = $1 and version > $2 order by version limit ${page}`,
    values: [stream, version],
  });
  // No one may come to wait for a page that was requested ahead.
  asked.catch(() => {});
  return asked;
}

function wrongWith(around: Authenticity, event: StoredEvent, last: Head): string[] {
  const says: string[] = [];
  if (event.version !== last.version + 1) says.push(`the events before it are missing, back to ${last.version}`);
  if (event.previousHash !== last.hash) says.push("it doesn't follow the event before it");
  if (chainHash(event) !== event.hash) says.push(moved(event) ?? "it was changed after it was written");
  const forged = notAuthentic(around, event);
  if (forged !== null) says.push(forged);
  return says;
}

/** Its place is in its hash: one that is whole in another place was moved from there. */
function moved(event: StoredEvent): string | null {
  for (let away = 1; away <= 64; away++) {
    for (const version of [event.version - away, event.version + away])
      if (version > 0 && chainHash({ ...event, version }) === event.hash)
        return `it was written as event ${version} and moved here`;
  }
  return null;
}

function wrongEnd(head: { id: string; version: number }, last: Head): Problem {
  const says =
    last.version < head.version
      ? `the stream ends at ${last.version}, its head says ${head.version}: its tail was cut off`
      : last.version > head.version
        ? `the stream goes on to ${last.version}, its head says ${head.version}: its head was set back`
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

/** What is believed beside the events, written past Lifeboat: what people prove with, and who an opaque id means. */
async function strangers(client: pg.PoolClient, keyring: Keyring): Promise<Problem[]> {
  const proofs = await strangeEntries(client, keyring);
  const people = await strangePeople(client, keyring);
  return [
    ...proofs.map(({ holder, version }) => ({
      stream: `what ${holder} proves with`,
      version,
      says: "no process of Lifeboat wrote this entry; it counts for nothing",
    })),
    ...people.map((id) => ({
      stream: id,
      version: 0,
      says: "no process of Lifeboat said who this is; it shows no one",
    })),
  ];
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
