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
  /** These are lost and people know it: from now on they are no longer counted on. */
  writeOff(ids: readonly string[]): void;
  read(): AsyncIterable<Acknowledged>;
  readonly count: number;
}

export function createLedger(file: string): Ledger {
  let count = 0;
  const given = new Set<string>();
  return {
    add(id, at) {
      appendFileSync(file, `${JSON.stringify({ id, at: new Date(at).toISOString() })}\n`, { mode: 0o600 });
      count += 1;
    },
    writeOff(ids) {
      appendFileSync(file, ids.map((id) => `${JSON.stringify({ id, writtenOff: true })}\n`).join(""));
      for (const id of ids) given.add(id);
    },
    async *read() {
      if (!existsSync(file)) return;
      for await (const line of createInterface({ input: createReadStream(file) })) {
        const row = line.endsWith("}") ? (JSON.parse(line) as Partial<Acknowledged>) : {};
        if (row.id !== undefined && row.at !== undefined && !given.has(row.id)) yield { id: row.id, at: row.at };
      }
    },
    get count() {
      return count;
    },
  };
}
