import type { Json } from "./objects.ts";
import type { Store } from "./store.ts";

/** One thing that crossed the wire between the workspace and the bot. */
export interface Entry extends Json {
  readonly n: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: "call" | "envelope" | "response_url" | "socket";
  readonly name: string;
  /** Which Socket Mode connection, `http`, or null for calls. */
  readonly connection: string | null;
  readonly milliseconds: number | null;
  /** Slack's error word, or null when all is well; undefined while it is in progress. */
  error: string | null | undefined;
  readonly sent: unknown;
  readonly answered: unknown;
}

const KEPT = 500;

/** Remembers the last 500 things that crossed the wire. Tokens are never among them: headers are not kept. */
export class Inspector {
  readonly entries: Entry[] = [];
  private readonly store: Store;
  private readonly record: (entry: Entry) => void;
  private n = 0;

  /** `record` is given everything once it is known how it ended. */
  constructor(store: Store, record: (entry: Entry) => void = () => {}) {
    this.store = store;
    this.record = record;
  }

  note(what: Pick<Entry, "kind" | "name"> & Partial<Omit<Entry, "n" | "at">>): Entry {
    const entry: Entry = {
      connection: null,
      milliseconds: null,
      error: null,
      sent: null,
      answered: null,
      ...what,
      n: ++this.n,
      at: this.store.now(),
    } as Entry;
    this.entries.push(entry);
    if (this.entries.length > KEPT) this.entries.shift();
    if (entry.error !== undefined) this.record(entry);
    this.store.announce({ kind: "inspected", entry });
    return entry;
  }

  /** The same entry again, with what became known since. */
  complete(entry: Entry, known: Partial<Entry>): void {
    Object.assign(entry, known);
    if (entry.error !== undefined) this.record(entry);
    this.store.announce({ kind: "inspected", entry });
  }
}
