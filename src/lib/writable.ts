import { lstatSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The file, or the first folder above it up to and including the one that holds all systems, that other users of this
 * machine may write to; null: none. A group counts as other users unless it is root's or one of ours. A folder with the
 * sticky bit does not count: others can't put another file in the place of one that is there.
 *
 * @param path absolute, links resolved; without a `system.yml` in a folder above it only its own folder is looked at
 */
export function writableByOthers(path: string): string | null {
  return [path, ...foldersOf(path)].find(isOpen) ?? null;
}

function foldersOf(path: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    folders.push(folder);
    if (look(join(folder, "system.yml"))?.isFile()) return [...folders, dirname(folder)];
  }
  return folders.slice(0, 1);
}

function isOpen(path: string): boolean {
  const found = look(path);
  if (!found || found.isSymbolicLink() || (found.isDirectory() && (found.mode & 0o1000) !== 0)) return false;
  if ((found.mode & 0o002) !== 0) return true;
  const ours = [0, process.getgid?.(), ...(process.getgroups?.() ?? [])];
  return (found.mode & 0o020) !== 0 && !ours.includes(found.gid);
}

function look(path: string) {
  return lstatSync(path, { throwIfNoEntry: false });
}
