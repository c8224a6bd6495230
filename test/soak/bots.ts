import { setTimeout as pause } from "node:timers/promises";
import type { BotProcess } from "../../practice/session/bot-process.ts";

/** A bot that is started again whenever it is gone, as an orchestrator does. */
export interface SupervisedBot {
  readonly name: string;
  /** Null: it is between two lives. */
  readonly pid: number | null;
  /** How it ended where no one had ended it: what a bot must never do. */
  readonly endedByItself: readonly string[];
  readonly starts: number;
  /** `kill -9`. Resolves when it is gone; it comes back by itself. */
  kill(): Promise<void>;
  /** SIGTERM. The same. */
  restart(): Promise<void>;
  /** While it is so, its end is no one's fault. */
  excuse(is: boolean): void;
  freeze(): void;
  thaw(): void;
  /** Resolves once it says that it is ready. */
  ready(): Promise<void>;
  /** Asks it to leave, and starts it no more. */
  stop(): Promise<void>;
}

const BETWEEN_MS = 300;
const LOOK_MS = 100;

export function supervise(name: string, bot: BotProcess, readySeconds: number): SupervisedBot {
  const endedByItself: string[] = [];
  let starts = 1;
  let over = false;
  let isExpected = false;
  let isExcused = false;
  const watching = (async () => {
    while (!over) {
      await bot.gone();
      if (over) return;
      if (!isExpected && !isExcused) endedByItself.push(`${name} ended with ${bot.ended}`);
      isExpected = false;
      await pause(BETWEEN_MS);
      if (over) return;
      starts += 1;
      // Not ready in time is no reason to begin again: a store that is away is waited for.
      await bot.start(readySeconds).catch(() => {});
    }
  })();
  const ended = async (how: () => Promise<void>) => {
    if (!bot.running) return;
    isExpected = true;
    await how();
  };
  const signal = (what: NodeJS.Signals) => {
    if (bot.running && bot.pid !== null) process.kill(bot.pid, what);
  };
  const isReady = () =>
    fetch(`http://127.0.0.1:${bot.environment.LIFEBOAT_INTERNAL_LISTEN}/ready`, { signal: AbortSignal.timeout(1000) })
      .then(({ ok }) => ok)
      .catch(() => false);
  return {
    name,
    endedByItself,
    get pid() {
      return bot.running ? bot.pid : null;
    },
    get starts() {
      return starts;
    },
    kill: () => ended(() => bot.kill()),
    restart: () => ended(() => bot.stop()),
    excuse(is) {
      isExcused = is;
    },
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    async ready() {
      const until = performance.now() + readySeconds * 1000;
      while (!(await isReady())) {
        if (performance.now() > until) throw new Error(`The ${name} bot isn't ready after ${readySeconds} s`);
        await pause(LOOK_MS);
      }
    },
    async stop() {
      over = true;
      signal("SIGCONT");
      await bot.stop();
      await watching;
      bot.close();
    },
  };
}
