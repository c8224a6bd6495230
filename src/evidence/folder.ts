import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { finished } from "node:stream/promises";
import { LifeboatError } from "../lib/errors.ts";

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
  /** Moves everything to its place. */
  done(): Promise<void>;
  /** Leaves nothing. */
  drop(): Promise<void>;
}

export type Content = string | Uint8Array | AsyncIterable<string> | Iterable<string>;

export interface OpenFile {
  write(text: string): Promise<void>;
  close(): Promise<WrittenFile>;
}

/** @throws LifeboatError `folder-not-empty` */
export async function packFolder(out: string): Promise<PackFolder> {
  const there = await readdir(out).catch(() => []);
  if (there.length > 0)
    throw new LifeboatError({
      code: "folder-not-empty",
      where: out,
      what: "There is something in this folder already",
      next: "Give a new folder: a pack is never mixed with another",
    });
  const beside = `${resolve(out)}.partial`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { recursive: true });
  const written = new Map<string, WrittenFile>();

  async function open(path: string): Promise<OpenFile> {
    if (written.has(path)) throw new Error(`${path} is written already`);
    const place = join(beside, path);
    await mkdir(dirname(place), { recursive: true });
    const stream = createWriteStream(place);
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
      await rm(out, { recursive: true, force: true });
      await rename(beside, out);
    },
    drop: () => rm(beside, { recursive: true, force: true }),
  };
}
