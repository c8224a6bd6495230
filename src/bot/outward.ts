import { checkpointMail } from "../../templates/messages/incident/checkpoint.ts";
import { lockerOf, publishTo } from "../aws-places.ts";
import { versionNumber } from "../cli/version.ts";
import { WORKSPACE } from "../command/execute/record.ts";
import { createCommsWorker } from "../comms/worker.ts";
import { createAnchorWorker } from "../evidence/anchors.ts";
import { ANCHORS } from "../incident/anchors.ts";
import { postedOf } from "../projection/deliveries.ts";
import { dropAtStart, pruneDelivered } from "../projection/prune.ts";
import { publishedFigures } from "../published-figures.ts";
import { createEmail, type Mail } from "../sinks/mail/email.ts";
import { createStatuspage } from "../sinks/statuspage/statuspage.ts";
import { signedHeads } from "../timeline/checkpoints.ts";
import { createSchedule } from "../timeline/schedule.ts";
import type { Base } from "./base.ts";
import type { Worker } from "./worker.ts";

/** Status updates by mail, status page and Statuspage, their reminders, and channels that are archived. */
export function createComms({ config, catalog, incidents, deliveries, store, page, log }: Base): Worker {
  const { mail, statuspage } = config.comms;
  const email = mail === null ? null : createEmail(mail);
  const worker = createCommsWorker({
    timeline: store.timeline,
    incidents,
    deliveries,
    schedule: createSchedule(store.pool),
    systems: () => catalog.systems,
    sinks: [...(email ? [email] : []), ...(statuspage ? [createStatuspage(statuspage)] : [])],
    page,
    practice: config.practice,
    rules: { archiveAfterSeconds: config.archiveAfterSeconds },
    log,
  });
  return {
    start: () => worker.start(),
    async stop() {
      await worker.stop();
      email?.close();
    },
  };
}

/** Signed heads of the record, put where its operator isn't alone in control. */
export function createAnchors({ config, deliveries, store, slack, log }: Base): Worker {
  const { timeline, keyring, pool } = store;
  return createAnchorWorker({
    settings: { ...config.anchors, channel: slack === null ? null : config.anchors.channel },
    timeline,
    keyring,
    heads: () => signedHeads(pool, keyring),
    posted: () => postedOf(pool, ANCHORS),
    ...(config.anchors.lock && { lock: lockerOf(config.anchors.lock, { practice: config.practice, log }) }),
    send: (version, key, to, checkpoint) => {
      const mail: Mail = { to, hidden: false, ...checkpointMail(checkpoint, config.practice), conversation: ANCHORS };
      return deliveries.enqueue(ANCHORS, version, [
        { sink: "email", queue: `${ANCHORS}/email`, key, once: true, desired: mail },
      ]);
    },
    log,
  });
}

/** Webhooks and traces, running. What an earlier configuration left to send and this one doesn't name is dropped. */
export async function startTelemetry(base: Base): Promise<Pick<Worker, "stop"> | null> {
  const { config, book, incidents, deliveries, store, log } = base;
  const { timeline, pool } = store;
  const { webhooksFile, traces } = config.telemetry;
  const drop = (butOf: readonly string[]) => dropAtStart(pool, log, ["webhook", "otlp"], butOf);
  if (webhooksFile === null && traces === null) {
    await drop([]);
    return null;
  }
  const telemetry = await import("../telemetry/index.ts");
  return telemetry.startTelemetry({
    config: config.telemetry,
    ...{ timeline, incidents, deliveries, log },
    prune: (sinks, days) => pruneDelivered(pool, sinks, days),
    drop,
    workspace: WORKSPACE,
    environment: process.env,
    noted: book.note,
    practice: config.practice,
    version: versionNumber(),
  });
}

/** Figures in CloudWatch, where they are wanted. */
export async function startFigures(base: Base): Promise<Pick<Worker, "stop"> | null> {
  const { config, catalog, context, incidents, store, log } = base;
  const { cloudwatch } = config;
  if (cloudwatch === null) return null;
  const { createPublisher } = await import("../telemetry/cloudwatch.ts");
  const publisher = createPublisher({
    figures: () =>
      publishedFigures({
        systems: () => catalog.systems,
        ...{ timeline: store.timeline, incidents, readiness: context.readiness },
      }),
    publish: (points) => publishTo(cloudwatch, points, { practice: config.practice, log }),
    log,
  });
  publisher.start();
  return publisher;
}
