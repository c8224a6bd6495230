import pg from "pg";
import type { DatabaseHost } from "../../environment/database.ts";
import type { Losses as CountedLosses } from "../../environment/system-environment.ts";
import type { Application } from "./application.ts";

/** What the application was told is safe, against what is there. */
export interface Losses extends CountedLosses {
  readonly present: number;
  /** From the last kept row before the first lost one to the last lost one; null when nothing is lost. */
  readonly lostSeconds: number | null;
}

/** Compares the application's ledger with the rows on one server. Rejects when either does not answer. */
export async function countLosses(application: Application, host: DatabaseHost): Promise<Losses> {
  const acknowledged = await application.ledger();
  const absent = new Set(
    await absentFrom(
      host,
      acknowledged.map((row) => row.id),
    ),
  );
  const lost = acknowledged.filter((row) => absent.has(row.id));
  return {
    acknowledged: acknowledged.length,
    present: acknowledged.length - lost.length,
    lost: lost.length,
    lostIds: lost.map((row) => row.id),
    lostSeconds: secondsLost(
      acknowledged.filter((row) => !absent.has(row.id)).map((row) => Date.parse(row.at)),
      lost.map((row) => Date.parse(row.at)),
    ),
  };
}

async function absentFrom(host: DatabaseHost, ids: readonly string[]): Promise<readonly string[]> {
  const client = new pg.Client({
    connectionString: host.url("orders"),
    connectionTimeoutMillis: 1000,
    query_timeout: 10_000,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ id: string }>(
      "select listed::text as id from unnest($1::bigint[]) listed where not exists (select from orders where id = listed)",
      [ids],
    );
    return rows.map((row) => row.id);
  } finally {
    client.end().catch(() => {});
  }
}

function secondsLost(kept: readonly number[], lost: readonly number[]): number | null {
  if (lost.length === 0) return null;
  const [first, last] = [lost.reduce((a, b) => Math.min(a, b)), lost.reduce((a, b) => Math.max(a, b))];
  const before = kept.filter((at) => at <= first).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return (last - (before === Number.NEGATIVE_INFINITY ? first : before)) / 1000;
}
