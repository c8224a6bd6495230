import { openBase } from "./bot/base.ts";
import { openWebhooks, startAlertIntake, startPager } from "./bot/inward.ts";
import { createAnchors, createComms, startFigures, startTelemetry } from "./bot/outward.ts";
import { createCalendarWorker, createReadiness } from "./bot/preparedness.ts";
import { actionPartsOf, createRunWorkers } from "./bot/runs.ts";
import { announceDoubt, recordStartWithoutSlack } from "./bot/store-doubt.ts";
import type { Config } from "./config.ts";
import { startControl } from "./control/index.ts";
import { createResponseMonitor } from "./engine/response-monitor.ts";
import type { Logger } from "./lib/log.ts";
import type { SecretBook } from "./lib/redact.ts";
import { createKeyCounters } from "./mfa/key-counters.ts";
import { createSecondFactors } from "./timeline/second-factors.ts";

export interface Bot {
  /** Reads the catalogue and the roster again, as when a file changed. */
  reload(): Promise<void>;
  /** Lets go of its runs, finishes what came in, and closes. */
  stop(): Promise<void>;
}

/**
 * Puts a bot together from its configuration and starts it. Waits for the store, never for Slack. Without a Slack in its
 * configuration it performs runs and answers the command line; that it was started so stands on the timeline.
 */
export async function startBot(config: Config, log: Logger, book: SecretBook): Promise<Bot> {
  const base = await openBase(config, log, book);
  const { catalog, context, health, incidents, metrics, page, reloader, slack, store } = base;
  const { timeline, keyring, pool } = store;
  const parts = await actionPartsOf(base);
  if (slack === null) await recordStartWithoutSlack(base);
  const { engine, splitBrain, probation, faultLifter, prober, drainSeconds } = createRunWorkers(base, parts);
  const comms = createComms(base);
  const calendar = createCalendarWorker(base);
  const readiness = createReadiness(base, parts);
  const anchors = createAnchors(base);
  const responses = createResponseMonitor({ timeline, incidents, systems: () => catalog.systems, log });
  announceDoubt(base);
  slack?.start();
  for (const worker of [engine, splitBrain, probation, faultLifter, prober, readiness, comms, calendar, anchors])
    worker.start();
  reloader.start();
  const paging = startPager(base);
  responses.start();
  const alerts = startAlertIntake(base);
  const webhooks = await openWebhooks(base, alerts, paging);
  const telemetry = await startTelemetry(base);
  const figures = await startFigures(base);
  const counters = createKeyCounters(createSecondFactors(pool, keyring, config.practice));
  const control = await startControl({ config: config.cli, context, counters, log });
  log.info(
    { event: "bot.started", practice: config.practice, systems: catalog.systems.length, drainSeconds },
    "the bot has started",
  );

  return {
    reload: async () => void (await reloader.now("signal", { kind: "bot" })),
    async stop() {
      await reloader.stop();
      await calendar.stop();
      await responses.stop();
      await telemetry?.stop();
      await figures?.stop();
      await readiness.stop();
      // People are heard until the steps under way have ended: a run can still be aborted.
      await engine.stop();
      // So are senders of alerts: an address that several bots share leads to this one, too.
      await webhooks?.close();
      await alerts.stop();
      await control.close();
      await slack?.stop();
      for (const worker of [splitBrain, probation, faultLifter, prober, anchors, comms]) await worker.stop();
      await paging?.stop();
      await health?.close();
      await metrics.settled();
      metrics.close();
      await store.close();
      await page.close();
    },
  };
}
