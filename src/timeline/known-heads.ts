import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Head } from "./authentic.ts";

/**
 * The newest verified head of every stream this process has seen, in memory and in a file of the state folder, which
 * outlives the process and is no part of the store: what a store that came back older is compared with.
 */
export interface KnownHeads {
  get(stream: string): Head | undefined;
  /** Kept when it is newer than what is known. Written to disk within 100 ms. */
  note(stream: string, head: Head): void;
  all(): ReadonlyMap<string, Head>;
  /** An operator's acceptance, by its nonce: from here on these heads are the newest, and no others were seen. */
  accept(nonce: string, heads: ReadonlyMap<string, Head>): void;
  /** Acceptances that were there before: they excuse nothing that happens after them. */
  past(nonce: string): void;
  isPast(nonce: string): boolean;
  /** Resolves when everything is on disk. */
  flush(): Promise<void>;
}

type Line =
  | { readonly stream: string; readonly version: number; readonly hash: string }
  | { readonly past: string }
  | { readonly accepted: string; readonly heads: readonly (readonly [string, Head])[] };

const WRITE_MS = 100;
/** A longer file is written again when it's opened. */
const LONG_BYTES = 1_000_000;

/** `folder` null: memory only. @throws LifeboatError `state-folder` when it can't be written to */
export async function openKnownHeads(folder: string | null, log: Logger): Promise<KnownHeads> {
  const heads = new Map<string, Head>();
  const past = new Set<string>();
  const file = folder === null ? null : join(folder, "known-heads.jsonl");
  const lines = await linesOf(folder, file);
  for (const line of lines.folded) fold(line);
  if (file !== null && lines.bytes > LONG_BYTES) await shorten(file);
  let unwritten: Line[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let warned = false;

  function fold(line: Line): boolean {
    if ("past" in line) {
      if (past.has(line.past)) return false;
      past.add(line.past);
    } else if ("accepted" in line) {
      past.add(line.accepted);
      heads.clear();
      for (const [stream, head] of line.heads) heads.set(stream, head);
    } else {
      const known = heads.get(line.stream);
      if (known !== undefined && known.version >= line.version) return false;
      heads.set(line.stream, { version: line.version, hash: line.hash });
    }
    return true;
  }

  /** What another process appends in this moment it still knows itself, and appends what comes after to the new file. */
  async function shorten(to: string): Promise<void> {
    const now: Line[] = [
      ...[...past].map((nonce) => ({ past: nonce })),
      ...[...heads].map(([stream, head]) => ({ stream, ...head })),
    ];
    const fresh = `${to}.${process.pid}`;
    await writeFile(fresh, now.map((line) => `${JSON.stringify(line)}\n`).join(""), { mode: 0o600 });
    await rename(fresh, to);
  }

  function put(line: Line): void {
    if (!fold(line) || file === null) return;
    unwritten.push(line);
    timer ??= setTimeout(() => void flush(), WRITE_MS).unref();
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const text = unwritten.map((line) => `${JSON.stringify(line)}\n`).join("");
    unwritten = [];
    if (file === null || text === "") return writing;
    writing = writing
      .then(() => appendFile(file, text))
      .catch((error) => {
        if (!warned)
          log.error({ event: "record.state_unwritable", err: error }, "the newest heads can't be written to disk");
        warned = true;
      });
    return writing;
  }

  return {
    get: (stream) => heads.get(stream),
    note: (stream, { version, hash }) => version > 0 && put({ stream, version, hash }),
    all: () => heads,
    accept: (nonce, now) => put({ accepted: nonce, heads: [...now] }),
    past: (nonce) => put({ past: nonce }),
    isPast: (nonce) => past.has(nonce),
    flush,
  };
}

interface Lines {
  readonly folded: readonly Line[];
  readonly bytes: number;
}

async function linesOf(folder: string | null, file: string | null): Promise<Lines> {
  if (folder === null || file === null) return { folded: [], bytes: 0 };
  try {
    await mkdir(folder, { recursive: true });
    await appendFile(file, "", { mode: 0o600 });
    const text = await readFile(file, "utf8");
    return { folded: text.split("\n").flatMap(lineOf), bytes: text.length };
  } catch (error) {
    throw new LifeboatError(
      {
        code: "state-folder",
        where: folder,
        what: `The newest heads of the record can't be kept here (${messageOf(error)})`,
        next: "Set LIFEBOAT_STATE to a folder the bot may write to and that outlives it",
      },
      { cause: error },
    );
  }
}

/** A line that was cut by a crash says nothing; the others do. */
function lineOf(text: string): Line[] {
  try {
    return text === "" ? [] : [JSON.parse(text) as Line];
  } catch {
    return [];
  }
}
