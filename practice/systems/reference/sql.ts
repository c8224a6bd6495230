import pg from "pg";

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** Some statements in one session on a server of this machine; the rows of the last one. */
export async function sql<Row>(
  port: number,
  login: Login,
  database: string,
  statements: readonly string[],
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const client = new pg.Client({
    host: "127.0.0.1",
    port,
    ...login,
    database,
    connectionTimeoutMillis: 3000,
    query_timeout: 20_000,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    let rows: Row[] = [];
    for (const [i, statement] of statements.entries()) {
      const last = i === statements.length - 1;
      rows = (await client.query(statement, last ? [...values] : [])).rows as Row[];
    }
    return rows;
  } finally {
    client.end().catch(() => {});
  }
}
