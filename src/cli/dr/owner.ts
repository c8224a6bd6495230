import { constants } from "node:fs";
import { open, unlink } from "node:fs/promises";

/**
 * Makes the file the bot named, so that its owner says which user this is. Where it can't be made, the bot is told nothing by it.
 * Answers with how it is taken away again, should the bot not have done it.
 */
export async function showOwner(path: string, mark: string): Promise<() => Promise<void>> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(path, flags, 0o644).catch(() => null);
  if (file === null) return async () => {};
  try {
    // The bot is another user and has to read it, whatever the umask here is.
    await file.chmod(0o644);
    await file.write(mark);
  } finally {
    await file.close();
  }
  return () => unlink(path).catch(() => {});
}
