import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { BotProcess } from "../session/bot-process.ts";

/** How the bot dies while something is played, and comes back. */
export interface Killed {
  /** For the bot. */
  readonly environment: Readonly<Record<string, string>>;
  /** From here on it dies once more. */
  again(): Promise<void>;
  /** Starts the bot again whenever it is gone while `work` is in progress, as a supervisor would. */
  supervised<T>(bot: BotProcess, work: () => Promise<T>): Promise<T>;
}

/** Any step that changes something, the first one that comes. */
export const FIRST_CHANGE = "*:after-apply";

/**
 * @param at `promote` (then after its request went out, before anyone knows), `promote:applied`, or `FIRST_CHANGE`;
 *   left out: it does not die
 */
export function killed(at: string | undefined, folder: string): Killed {
  const marker = join(folder, "killed");
  const environment: Record<string, string> =
    at === undefined
      ? {}
      : { LIFEBOAT_KILL_AT: at.includes(":") ? at : `${at}:after-apply`, LIFEBOAT_KILL_ONCE: marker };
  return {
    environment,
    again: () => rm(marker, { force: true }),
    async supervised(bot, work) {
      let over = false;
      const watch = async () => {
        while (at !== undefined && !over) {
          await bot.gone();
          if (!over) await bot.start();
        }
      };
      watch().catch(() => {});
      return work().finally(() => {
        over = true;
      });
    },
  };
}
