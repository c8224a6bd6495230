/**
 * A second reading of the timeline that shares no code with the first: what an auditor could write from the description
 * alone. Run: node --import tsx test/support/independent-verifier.ts postgres://…
 */
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import pg from "pg";

function ordered(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(ordered).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const object = value as Record<string, unknown>;
  const members = Object.keys(object)
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => `${JSON.stringify(name)}:${ordered(object[name])}`);
  return `{${members.join()}}`;
}

/** A row of `lifeboat.stream`. */
export interface HeadText {
  readonly id: string;
  readonly version: number;
  readonly head_hash: string;
}

/** A row of `lifeboat.event`. `data` and `actor` are JSON, `at` is ISO 8601 with milliseconds. */
export interface EventText {
  readonly stream: string;
  readonly version: number;
  readonly key: string;
  readonly run: string | null;
  readonly type: string;
  readonly data: string;
  readonly actor: string;
  readonly at: string;
  readonly previous_hash: string;
  readonly hash: string;
}

/** What is wrong with these rows; events by stream and version. */
export function complaintsOf(heads: Iterable<HeadText>, events: Iterable<EventText>): string[] {
  const found: string[] = [];
  const ends = new Map<string, { version: number; hash: string }>();
  for (const row of events) {
    const { stream, version, key, run, type, at } = row;
    const end = ends.get(stream) ?? { version: 0, hash: "0".repeat(64) };
    const said = { stream, version, key, run, type, data: JSON.parse(row.data), actor: JSON.parse(row.actor), at };
    const hash = createHash("sha256")
      .update(ordered({ ...said, previousHash: row.previous_hash }))
      .digest("hex");
    if (version !== end.version + 1) found.push(`${stream} ${version}: gap`);
    if (row.previous_hash !== end.hash) found.push(`${stream} ${version}: link`);
    if (row.hash !== hash) found.push(`${stream} ${version}: content`);
    ends.set(stream, { version, hash: row.hash });
  }
  for (const head of heads) {
    const end = ends.get(head.id);
    if (end?.version !== head.version || end?.hash !== head.head_hash) found.push(`${head.id}: head`);
  }
  return found;
}

export async function complaints(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const heads = await client.query<HeadText>("select id, version, head_hash from lifeboat.stream");
    const events = await client.query<EventText>(
      `select stream, version, key, run, type, data::text, actor::text, previous_hash, hash,
              to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
         from lifeboat.event order by stream collate "C", version`,
    );
    return complaintsOf(heads.rows, events.rows);
  } finally {
    await client.end();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const found = await complaints(process.argv[2] ?? "");
  console.log(found.length === 0 ? "The timeline is whole." : found.join("\n"));
  process.exitCode = found.length === 0 ? 0 : 1;
}
