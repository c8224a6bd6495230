import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import type { Catalog } from "./catalog/types.ts";
import { LifeboatError } from "./lib/errors.ts";
import { type Containment, containment } from "./lib/launch.ts";
import type { Logger } from "./lib/log.ts";
import { removeLeftFolders } from "./lib/own-folder.ts";

export interface ScriptUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Before anything is started: removes what scripts of processes that were killed have left, and says what this machine
 * can't hold back. Null: scripts run as the user Lifeboat runs as.
 *
 * @throws LifeboatError where scripts are to run as someone they can't run as
 */
export async function prepareScripts(
  user: string | null,
  { systems }: Pick<Catalog, "systems">,
  log: Logger,
): Promise<ScriptUser | null> {
  const removed = await removeLeftFolders();
  if (removed > 0) log.info({ event: "scripts.folders_removed", removed }, "folders of ended scripts removed");
  const found = user === null ? null : await findUser(user);
  if (systems.every(({ scripts }) => scripts.length === 0)) return found;
  const how = await containment();
  for (const { event, says } of weaknesses(how, found !== null, await isEnvironmentReadable()))
    log.warn({ event, says }, "scripts are less contained here than they could be");
  return found;
}

interface Weakness {
  readonly event: string;
  readonly says: string;
}

/** What scripts could do here that they should not, and what prevents it. */
export function weaknesses(how: Containment, otherUser: boolean, readable: boolean): readonly Weakness[] {
  const found: Weakness[] = [];
  if (how === "group")
    found.push({
      event: "scripts.not_contained",
      says: "A script that leaves its process group can't be found on this machine: it may outlive its time. Run Lifeboat on Linux.",
    });
  if (how !== "namespace" && !otherUser && readable)
    found.push({
      event: "scripts.same_user",
      says:
        "Scripts run as the same user as Lifeboat and can read its secrets in /proc. Start Lifeboat with a node executable that its user " +
        "can't read (mode 0711, owned by root), as the image does; or as root with LIFEBOAT_SCRIPT_USER.",
    });
  return found;
}

/** The kernel gives /proc/<pid>/environ to root where the executable may not be read: others of this user can't read it then. */
export async function isEnvironmentReadable(): Promise<boolean> {
  const found = await stat(`/proc/${process.pid}/environ`).catch(() => null);
  return found !== null && found.uid === process.getuid?.();
}

async function findUser(name: string): Promise<ScriptUser> {
  if (process.getuid?.() !== 0)
    throw new LifeboatError({
      code: "script-user",
      where: "LIFEBOAT_SCRIPT_USER",
      what: "Only root may start scripts as another user",
      next: "Run Lifeboat as root, or unset it",
    });
  const ask = async (option: string) => Number((await promisify(execFile)("id", [option, "--", name])).stdout);
  try {
    const [uid, gid] = await Promise.all([ask("-u"), ask("-g")]);
    if (Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0) return { uid, gid };
  } catch {
    // Told below: there is no such user.
  }
  throw new LifeboatError({
    code: "script-user",
    where: "LIFEBOAT_SCRIPT_USER",
    what: `"${name}" is no user of this machine, or is root`,
    allowed: "A user that has no other purpose: useradd --system lifeboat-scripts",
  });
}
