import { appendFile, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import type { PracticeEnvironment } from "../../practice/systems/practice/index.ts";

/** What a server was told that changes it, by its own log. */
export interface Statement {
  readonly node: string;
  readonly port: number;
  readonly what: "promote" | "fence";
  /** By the clock of this machine, milliseconds since 1970. */
  readonly at: number;
}

/** Follows the logs of the servers, whatever is done to them: a rebuilt server begins a new one. */
export interface StatementLog {
  readonly statements: readonly Statement[];
  stop(): Promise<void>;
}

const LOOK_MS = 100;
/** What the product sends; what the practice environment does to its own servers is sent without parameters or by another name. */
const SENT: readonly (readonly [Statement["what"], RegExp])[] = [
  ["promote", /^(\d+\.\d+) \S*lifeboat\S* LOG: {2}execute [^:]*: select pg_promote\(true/],
  ["fence", /^(\d+\.\d+) \S*lifeboat\S* LOG: {2}statement: alter system set default_transaction_read_only/],
];

export async function logStatements(environment: PracticeEnvironment): Promise<StatementLog> {
  const statements: Statement[] = [];
  const reading = environment.nodes.map(({ name, port, folder }) => {
    const file = join(folder, "server.log");
    let from = 0;
    let id = 0n;
    let rest = "";
    return async () => {
      const seen = await stat(file, { bigint: true }).catch(() => null);
      if (seen === null) return;
      if (seen.ino !== id || seen.size < BigInt(from)) [from, id, rest] = [0, seen.ino, ""];
      if (seen.size === BigInt(from)) return;
      const handle = await open(file, "r").catch(() => null);
      if (handle === null) return;
      try {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(Number(seen.size) - from), 0, null, from);
        from += bytesRead;
        const lines = (rest + buffer.subarray(0, bytesRead).toString("utf8")).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          for (const [what, pattern] of SENT) {
            const at = pattern.exec(line)?.[1];
            if (at !== undefined) statements.push({ node: name, port, what, at: Number(at) * 1000 });
          }
        }
      } finally {
        await handle.close();
      }
    };
  });
  for (const node of environment.nodes) {
    await appendFile(join(node.folder, "postgresql.conf"), "log_statement = 'all'\nlog_line_prefix = '%n %a '\n");
    const client = new pg.Client({ connectionString: node.url(), connectionTimeoutMillis: 5000 });
    await client.connect();
    await client.query("select pg_reload_conf()");
    await client.end();
  }
  let stopped = false;
  const following = (async () => {
    while (!stopped) {
      for (const read of reading) await read();
      await pause(LOOK_MS);
    }
  })();
  return {
    statements,
    async stop() {
      stopped = true;
      await following;
    },
  };
}
