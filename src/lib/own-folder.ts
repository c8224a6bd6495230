import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify, lookAtProcess, type ProcessIdentity } from "./processes.ts";

const PREFIX = "lifeboat-script-";
const WHOSE = "process.json";
/** No child is given more time: what is older and says nothing of its processes belongs to none. */
const OLDEST_SECONDS = 26 * 3600;

/** A private folder for one child, removed with it. */
export interface OwnFolder {
  readonly path: string;
  /** Notes who works in it, so that no one removes it under them. */
  usedBy(child: ProcessIdentity): Promise<void>;
  remove(): Promise<void>;
}

export async function ownFolder(): Promise<OwnFolder> {
  const path = await mkdtemp(join(tmpdir(), PREFIX));
  const own = await identify(process.pid, "", OLDEST_SECONDS);
  const note = (processes: readonly ProcessIdentity[]) => writeFile(join(path, WHOSE), JSON.stringify(processes));
  await note([own]);
  return {
    path,
    usedBy: (child) => note([own, child]),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/**
 * Removes what processes that were killed have left behind: folders of this user only, and only where everyone who
 * worked in them is known to be gone.
 * @returns how many
 */
export async function removeLeftFolders(): Promise<number> {
  const names = (await readdir(tmpdir()).catch(() => [])).filter((name) => name.startsWith(PREFIX));
  let removed = 0;
  for (const name of names) {
    const path = join(tmpdir(), name);
    if (!(await isLeft(path))) continue;
    await rm(path, { recursive: true, force: true });
    removed++;
  }
  return removed;
}

async function isLeft(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null);
  if (!found?.isDirectory() || (found.uid !== process.getuid?.() && process.getuid?.() !== 0)) return false;
  const processes = await whoWorksIn(path);
  if (processes === null) return Date.now() - found.mtimeMs > OLDEST_SECONDS * 1000;
  const lives = await Promise.all(processes.map(lookAtProcess));
  return lives.every((life) => life === "gone");
}

/** Null: it does not say, or not so that it can be read. */
async function whoWorksIn(path: string): Promise<readonly ProcessIdentity[] | null> {
  try {
    const read = JSON.parse(await readFile(join(path, WHOSE), "utf8")) as unknown;
    return Array.isArray(read) && read.length > 0 ? (read as ProcessIdentity[]) : null;
  } catch {
    return null;
  }
}
