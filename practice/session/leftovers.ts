import { readdir, realpath, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LifeboatError } from "../../src/lib/errors.ts";
import { endServerOf } from "../environment/leftovers.ts";
import { BOT_PID } from "./bot-process.ts";
import { endNoted, notedIn } from "./pidfile.ts";

/** Name of the note of who practises in a folder. */
export const HOST_PID = "practice.pid";

/**
 * Empties a folder practice wrote in before: when that practice was killed (`kill -9`), its bot and its servers may still
 * work there, and would go on writing, and start again what is ended. So the bot first, then every PostgreSQL whose data
 * is here. Nothing but what was started from this folder is touched.
 *
 * @throws LifeboatError `practice-runs` where that practice lives
 */
export async function clearFolder(folder: string): Promise<void> {
  const real = await realpath(folder).catch(() => null);
  if (real === null) return;
  const host = await notedIn(join(real, HOST_PID));
  if (host !== null && host !== process.pid)
    throw new LifeboatError({
      code: "practice-runs",
      where: real,
      what: `Practice is already running there (process ${host})`,
      next: "Use the page that is open, or end it with Ctrl-C first",
    });
  const files = await readdir(real, { recursive: true }).catch(() => []);
  const named = (name: string) => files.filter((file) => file === name || file.endsWith(`/${name}`));
  await Promise.all(named(BOT_PID).map((file) => endNoted(join(real, file))));
  await Promise.all(named("postmaster.pid").map((file) => endServerOf(dirname(join(real, file)))));
  // The supervisor of a killed environment may be emptying it at this very moment.
  await rm(real, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}
