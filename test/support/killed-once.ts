import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { BotProcess } from "../../practice/session/bot-process.ts";

/** Bots that were started again with the next point to be killed at: they come to it once the marker is gone. */
const armed = new WeakMap<BotProcess, string>();

/**
 * Does something with a bot that is killed with kill -9 at a point (`promote:after-apply`, see `src/engine/kill-point.ts`) and
 * started again. Fails when the bot never came to that point. When what is done fails, the bot isn't started behind the back
 * of the next test.
 *
 * @param marker a file that doesn't outlive the test: that the bot was killed is noted there
 * @param environment what the bot was started with before: its catalogue
 * @param next the point of the call after this one, with the same marker: it then needs no start of its own
 */
export async function killedOnce(
  bot: BotProcess,
  {
    at,
    marker,
    next,
    environment = {},
  }: {
    readonly at: string;
    readonly marker: string;
    readonly next?: string | undefined;
    readonly environment?: Readonly<Record<string, string>>;
  },
  during: () => Promise<unknown>,
): Promise<void> {
  const start = (point?: string) =>
    bot.start(60, {
      ...environment,
      ...(point !== undefined && { LIFEBOAT_KILL_AT: point, LIFEBOAT_KILL_ONCE: marker }),
    });
  const isArmed = bot.running && armed.get(bot) === at;
  armed.delete(bot);
  if (!isArmed) await bot.stop();
  await rm(marker, { force: true });
  if (!isArmed) await start(at);
  let over = false;
  const restarted = bot.gone().then(async () => {
    if (over) return;
    await start(next);
    if (next !== undefined) armed.set(bot, next);
  });
  restarted.catch(() => {});
  try {
    await during();
    if (!existsSync(marker)) throw new Error(`The bot never came to ${at}.`);
    await restarted;
  } finally {
    over = true;
  }
}
