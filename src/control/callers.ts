import { constants } from "node:fs";
import { chmod, lstat, mkdir, open, readdir, rmdir, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { isMissing } from "./missing.ts";

/**
 * Which user of this machine a caller is. Node can't ask a Unix socket for its peer's credentials, so the caller makes a file
 * whose name only it was told, in a folder where everyone may make files and no one may list, rename or remove those of
 * others; its owner is who made it.
 */
export interface Callers {
  /** Where a caller makes a file of this name. */
  pathOf(name: string): string;
  /**
   * The owner (uid) of the file, read once: it is removed, whatever it is. Null: it isn't there, is no plain file of one name,
   * others may write to it, or its content isn't `mark`.
   */
  ownerOf(name: string, mark: string): Promise<number | null>;
  /** Removes what callers left. */
  clean(): Promise<void>;
}

/** Everyone may make a file, no one but the owner of the folder may list them; only owners remove theirs (sticky). */
const FOLDER_MODE = 0o1733;
const LEFT_BEHIND_MS = 60_000;

/** @param folder made if it isn't there; what is in it belongs to the callers and goes. */
export async function openCallers(folder: string): Promise<Callers> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Not by mkdir: the process's umask would take away what others need.
  await chmod(folder, FOLDER_MODE);
  const pathOf = (name: string) => join(folder, basename(name));
  return {
    pathOf,
    async ownerOf(name, mark) {
      const path = pathOf(name);
      try {
        return await readOwner(path, mark);
      } finally {
        await unlink(path).catch(() => {});
      }
    },
    async clean() {
      const now = Date.now();
      for (const name of await readdir(folder)) {
        const path = join(folder, name);
        const seen = await lstat(path).catch(() => null);
        if (seen === null || now - seen.mtimeMs <= LEFT_BEHIND_MS) continue;
        // Never into a folder: what is in it may be made to lead elsewhere while it is removed.
        await (seen.isDirectory() ? rmdir(path) : unlink(path)).catch(() => {});
      }
    },
  };
}

async function readOwner(path: string, mark: string): Promise<number | null> {
  // A link is not followed, and a pipe doesn't make us wait. What was opened is what is asked: nothing can be put in its place.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const { uid, nlink, mode, size, isFile } = await statOf(file);
    if (!isFile || nlink !== 1 || (mode & 0o022) !== 0 || size !== mark.length) return null;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(mark.length), 0, mark.length, 0);
    return bytesRead === mark.length && buffer.toString("latin1") === mark ? uid : null;
  } finally {
    await file.close();
  }
}

async function statOf(file: Awaited<ReturnType<typeof open>>) {
  const seen = await file.stat();
  const { uid, nlink, mode, size } = seen;
  return { uid, nlink, mode, size, isFile: seen.isFile() };
}
