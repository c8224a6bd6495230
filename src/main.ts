import { setTimeout as pause } from "node:timers/promises";
import { startBot } from "./bot.ts";
import { loadConfig } from "./config.ts";
import { messageOf } from "./lib/errors.ts";
import { createLog } from "./lib/log.ts";
import { createSecretBook } from "./lib/redact.ts";
import { warnOfRenamed } from "./renamed-settings.ts";
import { ownSecretsIn } from "./secrets.ts";

/** `--no-slack`: performs runs and answers the command line, with no one's Slack tokens. */
const slack = !process.argv.slice(2).includes("--no-slack");
const loaded = loadConfig(process.env, { slack, bot: true });
if (!loaded.ok) {
  process.stderr.write(loaded.problems);
  process.exit(2);
}
const { config } = loaded;
const book = createSecretBook();
for (const value of ownSecretsIn(process.env)) book.note(value);
const log = createLog(config.logLevel, "lifeboat", book.redact);
warnOfRenamed(log, loaded.renamed);
if (!slack)
  log.warn(
    { event: "bot.without_slack", socket: config.cli.socket },
    "this bot runs without slack; whoever started it is on the timeline",
  );

/** No one knows what state a process is in after this. Another replica, or the next start, goes on from the timeline. */
process.on("unhandledRejection", (error) => {
  log.fatal({ event: "bot.failed", err: error }, "unhandled rejection; this process ends");
  process.exit(1);
});

const starting = startBot(config, log, book);

/** How long a bot that is told to stop may still be starting. One that waits for its store would wait for ever. */
const STARTING_SECONDS = 5;

// From the first moment on: a bot that is told to stop while it starts leaves as cleanly as any other.
let leaving = false;
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    if (leaving) process.exit(1);
    leaving = true;
    log.info({ event: "bot.stopping", signal }, "stopping: runs are let go, what came in is finished");
    const late = pause(STARTING_SECONDS * 1000, null, { ref: false });
    Promise.race([starting, late])
      .then((started) => started?.stop())
      .then(
        () => process.exit(0),
        (error) => {
          log.error({ event: "bot.stop_failed", err: error }, "stopping was not clean");
          process.exit(1);
        },
      );
  });
}

const bot = await starting.catch((error) => {
  // At a terminal the mistakes of a catalogue are read as `lifeboat lint` prints them, not in one line of JSON.
  if (process.stderr.isTTY) process.stderr.write(`${messageOf(error)}\n`);
  else log.fatal({ event: "bot.start_failed", err: error }, "the bot could not start");
  process.exit(1);
});

// In practice the terminal that is closed takes everything with it.
if (!config.practice)
  process.on("SIGHUP", () => {
    bot
      .reload()
      .catch((error) =>
        log.error({ event: "catalogue.not_reloaded", err: error }, "the catalogue could not be reloaded"),
      );
  });
