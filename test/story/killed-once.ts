import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { BotProcess } from "../../src/practice/bot-process.ts";

/**
 * Does something with a bot that is killed with kill -9 at a point (`promote:after-apply`, see `src/engine/kill-point.ts`) and
 * started again. Fails when the bot never came to that point. When what is done fails, the bot isn't started behind the back
 * of the next test.
 *
 * @param marker a file that doesn't outlive the test: that the bot was killed is noted there
 */
export async function killedOnce(
  bot: BotProcess,
  { at, marker }: { readonly at: string; readonly marker: string },
  during: () => Promise<unknown>,
): Promise<void> {
  await rm(marker, { force: true });
  await bot.stop();
  await bot.start(60, { LIFEBOAT_KILL_AT: at, LIFEBOAT_KILL_ONCE: marker });
  let over = false;
  const restarted = bot.gone().then(() => (over ? undefined : bot.start(60)));
  restarted.catch(() => {});
  try {
    await during();
    if (!existsSync(marker)) throw new Error(`The bot never came to ${at}.`);
    await restarted;
  } finally {
    over = true;
  }
}
