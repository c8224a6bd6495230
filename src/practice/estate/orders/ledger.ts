import { appendFileSync, createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";

export interface Acknowledged {
  /** Chosen by the application before it wrote. */
  readonly id: string;
  /** When the database's acknowledgement arrived, ISO 8601. */
  readonly at: string;
}

/** What the application was told is safe: one JSON line per row, only ever added to. */
export interface Ledger {
  add(id: string, at: number): void;
  read(): AsyncIterable<Acknowledged>;
  readonly count: number;
}

export function createLedger(file: string): Ledger {
  let count = 0;
  return {
    add(id, at) {
      appendFileSync(file, `${JSON.stringify({ id, at: new Date(at).toISOString() })}\n`, { mode: 0o600 });
      count += 1;
    },
    async *read() {
      if (!existsSync(file)) return;
      for await (const line of createInterface({ input: createReadStream(file) })) {
        if (line.endsWith("}")) yield JSON.parse(line) as Acknowledged;
      }
    },
    get count() {
      return count;
    },
  };
}
