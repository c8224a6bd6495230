import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, realpath, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { finished } from "node:stream/promises";
import { LifeboatError, messageOf } from "../lib/errors.ts";

export interface WrittenFile {
  /** Below the pack's folder, with slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The files of a pack, written beside where it is to be and moved there whole. */
export interface PackFolder {
  /** Texts are written in UTF-8, one after the other: nothing is held whole. */
  file(path: string, content: Content): Promise<WrittenFile>;
  /** A file that is written line by line while something else is read. */
  open(path: string): Promise<OpenFile>;
  /** In the order of their paths' bytes. */
  files(): readonly WrittenFile[];
  /**
   * Moves everything to its place.
   * @throws LifeboatError `folder-not-empty`, when something came there meanwhile
   */
  done(): Promise<void>;
  /** Leaves nothing. */
  drop(): Promise<void>;
}

export type Content = string | Uint8Array | AsyncIterable<string> | Iterable<string>;

export interface OpenFile {
  write(text: string): Promise<void>;
  close(): Promise<WrittenFile>;
}

/** A pack names people and private incidents: it is for who made it, and for whom they give it to. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Begins a pack beside `out`, which must be an empty folder or nothing yet. Nothing that was there before is ever removed.
 * @throws LifeboatError `folder-not-empty`, `folder-unreadable`
 */
export async function packFolder(out: string): Promise<PackFolder> {
  const to = await placeOf(out);
  await mkdir(dirname(to), { recursive: true, mode: FOLDER_MODE });
  const beside = await mkdtemp(`${to}.partial-`);
  const written = new Map<string, WrittenFile>();

  async function open(path: string): Promise<OpenFile> {
    if (written.has(path)) throw new Error(`${path} is written already`);
    const place = join(beside, path);
    await mkdir(dirname(place), { recursive: true, mode: FOLDER_MODE });
    const stream = createWriteStream(place, { flags: "wx", mode: FILE_MODE });
    const hash = createHash("sha256");
    let bytes = 0;
    const failed = once(stream, "error").then(([error]) => Promise.reject(error));
    failed.catch(() => {});
    return {
      async write(text) {
        const part = Buffer.from(text, "utf8");
        hash.update(part);
        bytes += part.length;
        if (!stream.write(part)) await Promise.race([once(stream, "drain"), failed]);
      },
      async close() {
        stream.end();
        await finished(stream);
        const file = { path, bytes, sha256: hash.digest("hex") };
        written.set(path, file);
        return file;
      },
    };
  }

  return {
    open,
    async file(path, content) {
      const file = await open(path);
      if (typeof content === "string") await file.write(content);
      else if (content instanceof Uint8Array) await file.write(Buffer.from(content).toString("utf8"));
      else for await (const part of content) await file.write(part);
      return file.close();
    },
    files: () => [...written.values()].sort((one, other) => (one.path < other.path ? -1 : 1)),
    async done() {
      // Only an empty folder goes: something may have come into it meanwhile.
      await rmdir(to).catch((error) => {
        if (codeOf(error) !== "ENOENT") throw inTheWay(out, error);
      });
      await rename(beside, to);
    },
    drop: () => rm(beside, { recursive: true, force: true }),
  };
}

/** Where the pack is to be, whatever links lead there: nothing yet, or an empty folder. */
async function placeOf(out: string): Promise<string> {
  try {
    const place = await realpath(out);
    if ((await readdir(place)).length > 0) throw notEmpty(out);
    return place;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw inTheWay(out, error);
    return resolve(out);
  }
}

function inTheWay(out: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === "ENOTDIR" || code === "ENOTEMPTY" || code === "EEXIST") return notEmpty(out);
  if (error instanceof LifeboatError) return error;
  return new LifeboatError({
    code: "folder-unreadable",
    where: out,
    what: `Whether this folder is empty can't be told: ${messageOf(error)}`,
    next: "Give a new folder, where you may write",
  });
}

function notEmpty(out: string): LifeboatError {
  return new LifeboatError({
    code: "folder-not-empty",
    where: out,
    what: "Something is there already",
    next: "Give a new folder: a pack is never mixed with another",
  });
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException | null)?.code;
}
