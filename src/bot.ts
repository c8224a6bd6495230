import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { seatFactsOf } from "../commands/seats.ts";
import { pageWords } from "../templates/messages/comms/page-text.ts";
import { checkpointMail } from "../templates/messages/incident/checkpoint.ts";
import { storeAccepted, storeInDoubt, tampered } from "../templates/messages/incident/store-in-doubt.ts";
import { actions, cards } from "./actions/index.ts";
import { alertPaths } from "./alerts/config.ts";
import { startAlerts } from "./alerts/index.ts";
import { lookByPlanning } from "./alerts/look.ts";
import { lockerOf, publishTo } from "./aws-places.ts";
import { readCalendar } from "./calendar/read.ts";
import { peopleNotes, seatsOf, unfilledSeats } from "./calendar/seats.ts";
import { createCalendar } from "./calendar/worker.ts";
import { conformanceOf } from "./catalog/conformance.ts";
import { drainSecondsOf } from "./catalog/drain.ts";
import { drillLimits } from "./catalog/drill.ts";
import { liveCatalog, systemsById } from "./catalog/live.ts";
import { loadCatalog } from "./catalog/load.ts";
import type { System } from "./catalog/types.ts";
import { versionNumber } from "./cli/version.ts";
import type { CommandContext } from "./command/context.ts";
import { WORKSPACE } from "./command/execute/record.ts";
import { startedAs, startOccasion } from "./command/execute/start-occasion.ts";
import { runnable } from "./command/resolve/system.ts";
import { commandContextOf, groundsOf, readCatalog, refuseDrillsOnProduction, secretsOf } from "./command-context.ts";
import { openPage } from "./comms/page/serve.ts";
import { createCommsWorker } from "./comms/worker.ts";
import type { Config } from "./config.ts";
import { rosterAccountStatus } from "./control/account-status.ts";
import { startControl } from "./control/index.ts";
import { createEngine } from "./engine/engine.ts";
import { createFaultLifter } from "./engine/fault-lifter.ts";
import { type AccountStatus, defaultSettings } from "./engine/ports.ts";
import { createProbationMonitor } from "./engine/probation-monitor.ts";
import { createResponseMonitor } from "./engine/response-monitor.ts";
import { createSplitBrainMonitor } from "./engine/split-brain-monitor.ts";
import { createTriageProber } from "./engine/triage-prober.ts";
import { createAnchorWorker } from "./evidence/anchors.ts";
import { serveHealth, slackHealth, storeHealth } from "./health.ts";
import { createHttpAddresses } from "./http/addresses.ts";
import { PAGERDUTY_WEBHOOK, SLACK_EVENTS } from "./http/paths.ts";
import { serveWebhooks } from "./http/webhooks.ts";
import { ANCHORS } from "./incident/anchors.ts";
import type { Actor } from "./incident/events.ts";
import { withoutAccounts } from "./incident/people.ts";
import { createIncidents } from "./incidents/index.ts";
import { type Problem, sayProblem } from "./lib/errors.ts";
import type { Logger } from "./lib/log.ts";
import type { SecretBook } from "./lib/redact.ts";
import { createMetrics } from "./metrics/index.ts";
import { createKeyCounters } from "./mfa/key-counters.ts";
import { pageableIn } from "./paging/config.ts";
import { startPaging } from "./paging/index.ts";
import { peopleInEvents } from "./people-in-events.ts";
import { createDeliveries, postedOf } from "./projection/deliveries.ts";
import { createOutbox } from "./projection/outbox.ts";
import { readOutboxNow } from "./projection/outbox-now.ts";
import { dropAtStart, pruneDelivered } from "./projection/prune.ts";
import { publishedFigures } from "./published-figures.ts";
import { keepAnswers } from "./readiness/kept-answers.ts";
import { createReadinessWorker } from "./readiness/worker.ts";
import { createReloader, printsOf } from "./reload.ts";
import { prepareScripts } from "./script-host.ts";
import { createEmail, type Mail } from "./sinks/mail/email.ts";
import { createStatuspage } from "./sinks/statuspage/statuspage.ts";
import { createSlack } from "./slack/index.ts";
import { signedHeads } from "./timeline/checkpoints.ts";
import { openStore } from "./timeline/index.ts";
import { createReadinessLooks } from "./timeline/readiness-looks.ts";
import { redacted } from "./timeline/redacted.ts";
import { createSchedule } from "./timeline/schedule.ts";
import { createSecondFactors } from "./timeline/second-factors.ts";

export interface Bot {
  /** Reads the catalogue and the roster again, as when a file changed. */
  reload(): Promise<void>;
  /** Lets go of its runs, finishes what came in, and closes. */
  stop(): Promise<void>;
}

/** Further than any clock is off. */
const PRACTICE_AHEAD_MS = 60_000;
/** For so long, by the store's clock, it is known who can approve. */
const SEATS_KEPT_MS = 120_000;

/**
 * Puts a bot together from its configuration and starts it. Waits for the store, never for Slack. Without a Slack in its
 * configuration it performs runs and answers the command line; that it was started so stands on the timeline.
 */
export async function startBot(config: Config, log: Logger, book: SecretBook): Promise<Bot> {
  const prints = await printsOf(config.catalog.systemsFolder);
  const catalog = liveCatalog(readCatalog(config, log));
  // Before anything else, and with what it last said: it is read when everything else is down.
  const http = createHttpAddresses(log, [
    ...(config.slack?.transport.kind === "http" ? [SLACK_EVENTS] : []),
    ...(config.paging?.webhook ? [PAGERDUTY_WEBHOOK] : []),
    ...Object.entries(config.alerts).flatMap(([sender, accepted]) =>
      accepted.length > 0 ? [`/alerts/${sender}`] : [],
    ),
    ...alertPaths(config.alerts),
  ]);
  const page = await openPage({ ...config.comms.page, http, log });
  const opened = await openStore({
    ...config.store,
    people: peopleInEvents(() => ({ systems: catalog.ever, runbooks: [] })),
    signsAfter: ["incident.resolved", "incident.closed"],
    log,
  });
  const metrics = createMetrics({
    version: versionNumber(),
    read: (incident) => incidents.read(incident),
    now: {
      current: () => incidents.current(),
      store: async () => {
        const { ok, says } = await storeHealth(pool);
        if (!ok) throw new Error(says);
      },
      inbox: () => inbox.now(),
      outbox: () => readOutboxNow(pool),
      doubt: () => timeline.doubt() !== null,
      slack: () =>
        slack && {
          connected: slack.ready(),
          silentSince: slack.silentSince(),
          sockets: slack.sockets(),
          calls: slack.calls,
        },
      catalogue: () => ({ systems: catalog.systems.length }),
      readiness: () => context.readiness.of(catalog.systems),
    },
    log,
  });
  const store = { ...opened, timeline: metrics.counted(redacted(opened.timeline, book.redact)) };
  const { timeline, leases, inbox, pool } = store;
  const outbox = createOutbox(pool);
  const deliveries = createDeliveries(pool);
  const incidents = createIncidents({
    timeline,
    channels: {
      channelsOf: (ids) => outbox.placesOf(ids),
      incidentAt: async (channel) => (await outbox.streamAt(channel))?.stream ?? null,
    },
    log,
  });
  const mail = config.comms.mail === null ? null : createEmail(config.comms.mail);

  const reloader = createReloader({
    folder: config.catalog.systemsFolder,
    live: catalog,
    prints,
    read: (home) => loadCatalog(home, cards),
    mayUse: ({ environment }) => (environment === "practice") === config.practice,
    check: (next) => refuseDrillsOnProduction({ ...context, catalog: next }),
    timeline,
    log,
  });
  const gone = async (system: System, person: string) => (await accountStatus.gone?.(system, person)) ?? null;
  const reload = (actor: Actor) => reloader.now("command", actor);
  const context = commandContextOf(
    config,
    catalog,
    store,
    outbox,
    incidents,
    log,
    book,
    reload,
    () => slack?.blocked() ?? new Set(),
    gone,
  );
  refuseDrillsOnProduction(context);
  const secrets = secretsOf(config, catalog, book);
  const secret = secrets.forActions;
  const scriptUser = await prepareScripts(config.scriptUser, catalog, log);
  const drainSeconds = config.drainSeconds ?? drainSecondsOf(catalog, cards);
  const mayDrill = drillLimits(() => groundsOf(context));
  const slack =
    config.slack &&
    createSlack({ config: config.slack, context, timeline, inbox, outbox, http, redact: book.redact, log });
  const accountStatus: AccountStatus = slack?.accountStatus ?? rosterAccountStatus(config.slackUnavailable);
  if (slack === null) await recordStartWithoutSlack(context, log);
  const engine = createEngine({
    timeline,
    leases,
    actions,
    systems: systemsById(catalog),
    accountStatus,
    conformance: (plan, origin) => conformanceOf(plan, context, origin),
    log,
    practice: config.practice,
    secret,
    drillLimits: mayDrill,
    ...(scriptUser && { scriptUser }),
    settings: { drainMs: drainSeconds * 1000 },
  });
  const health =
    config.health === null
      ? null
      : await serveHealth(
          http,
          config.health,
          {
            live: () => storeHealth(pool),
            ready: () => {
              const doubt = timeline.doubt();
              if (doubt !== null) return { ok: false, says: sayProblem(doubt) };
              if (slack === null) return { ok: true, says: "This bot runs without Slack." };
              return slackHealth(slack);
            },
            undelivered: async () => {
              const found = await deliveries.undelivered();
              const sinks = [...new Set(found.map(({ sink }) => sink))];
              return found.length === 0 ? null : `Not delivered: ${found.length} (${sinks.join(", ")}).`;
            },
          },
          metrics,
        );
  const comms = createCommsWorker({
    timeline,
    incidents,
    deliveries,
    schedule: createSchedule(pool),
    systems: () => catalog.systems,
    sinks: [...(mail ? [mail] : []), ...(config.comms.statuspage ? [createStatuspage(config.comms.statuspage)] : [])],
    page,
    practice: config.practice,
    rules: { archiveAfterSeconds: config.archiveAfterSeconds },
    log,
  });
  const calendar = createCalendar({
    timeline,
    incidents,
    schedule: createSchedule(pool),
    systems: () => runnable(context),
    start: (system, start) => startOccasion(context, gone, system, start),
    startedAs: (key) => startedAs(context, key),
    seats: async (system) => ({ ...(await seatFactsOf(context, system)), pageable: pageableIn(config.paging, system) }),
    present: async (system) => withoutAccounts(system, (await context.unreachable?.()) ?? new Set()),
    // In practice time passes when someone moves the clock: until then nothing begins by itself.
    waits: () => config.practice && timeline.now().getTime() - timeline.realNow().getTime() < PRACTICE_AHEAD_MS,
    log,
  });
  const monitor = createSplitBrainMonitor({
    timeline,
    incidents,
    actions,
    secret,
    drillLimits: mayDrill,
    practice: config.practice,
    log,
    everySeconds: config.watchSeconds,
  });
  const faultLifter = createFaultLifter({
    ...{ timeline, incidents, schedule: createSchedule(pool), actions, secret, log },
    ...{ drillLimits: mayDrill, practice: config.practice },
  });
  const probation = createProbationMonitor({
    timeline,
    incidents,
    actions,
    systems: () => catalog.systems,
    variables: (drill) => (drill && context.drillVariables) || context.variables,
    lookAt: (targets, drill) => context.lookAt?.(targets, drill) ?? Promise.resolve(new Map()),
    secret,
    drillLimits: mayDrill,
    practice: config.practice,
    log,
    everySeconds: config.watchSeconds,
  });
  const prober = createTriageProber({
    timeline,
    incidents,
    catalog,
    cards,
    actions,
    variables: () => context.variables,
    secret,
    practice: config.practice,
    log,
  });
  // Every check of a system asks for it, and Slack is asked about each person.
  const people = keepAnswers(
    async (system: System) => {
      const facts = await seatFactsOf(context, system);
      // In practice people set up an authenticator when they are first asked for a code.
      const known = config.practice ? { ...facts, enrolled: null } : facts;
      const state = await readCalendar(timeline, system.id);
      const now = timeline.now();
      const seats = seatsOf(system, state, known, now);
      return { unfilled: unfilledSeats(seats), notes: peopleNotes(system, state, seats, now) };
    },
    SEATS_KEPT_MS,
    () => timeline.now().getTime(),
  );
  const readiness = createReadinessWorker({
    timeline,
    incidents,
    catalog,
    book: context.readiness,
    looks: createReadinessLooks(pool),
    parts: () => ({
      ...{ catalog, cards, variables: context.variables, ownSites: config.sites },
      people,
      ...(context.drillVariables && { drillVariables: context.drillVariables }),
      lookAt: async (targets, drill) => (await context.lookAt?.(targets, drill)) ?? new Map(),
      around: {
        ...{ actions, log, secret, practice: config.practice, drillLimits: mayDrill },
        ...{ observeSeconds: defaultSettings.observeSeconds, ...(scriptUser && { scriptUser }) },
      },
    }),
    log,
  });
  const sayDoubt = (doubt: Problem | null) =>
    void slack?.announce(doubt === null ? storeAccepted() : storeInDoubt(doubt));
  if (timeline.doubt() !== null) sayDoubt(timeline.doubt());
  timeline.onDoubt(sayDoubt);
  timeline.onTampered((problem) => void slack?.announce(tampered(problem)));
  const counters = createKeyCounters(createSecondFactors(pool, store.keyring, config.practice));
  const anchors = createAnchorWorker({
    settings: { ...config.anchors, channel: slack === null ? null : config.anchors.channel },
    timeline,
    keyring: store.keyring,
    heads: () => signedHeads(pool, store.keyring),
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
  slack?.start();
  engine.start();
  monitor.start();
  probation.start();
  faultLifter.start();
  prober.start();
  readiness.start();
  comms.start();
  calendar.start();
  anchors.start();
  reloader.start();
  const paging =
    config.paging === null || !catalog.systems.some((system) => system.paging)
      ? null
      : startPaging({
          config: config.paging,
          timeline,
          inbox,
          deliveries,
          incidents,
          systems: systemsById(catalog, ({ paging }) => paging !== undefined),
          books: () => catalog.runbooks,
          secret: secrets.forPaging,
          words: pageWords(config.practice),
          log,
        });
  const responses = createResponseMonitor({ timeline, incidents, systems: () => catalog.systems, log });
  responses.start();
  const alerts = startAlerts({
    config: config.alerts,
    timeline,
    incidents,
    inbox,
    tally: context.tally,
    systems: () => catalog.systems,
    books: () => catalog.runbooks,
    look: lookByPlanning(context),
    log,
  });
  const routes = [...(paging?.route ? [paging.route] : []), ...alerts.routes];
  const webhooks =
    config.webhooks === null || routes.length === 0
      ? null
      : await serveWebhooks({ ...config.webhooks, routes, http, log });
  const { telemetry: told } = config;
  const drop = (butOf: readonly string[]) => dropAtStart(pool, log, ["webhook", "otlp"], butOf);
  const isTold = told.webhooksFile !== null || told.traces !== null;
  if (!isTold) await drop([]);
  const telemetry = !isTold
    ? null
    : await (await import("./telemetry/index.ts")).startTelemetry({
        config: told,
        ...{ timeline, incidents, deliveries, log },
        prune: (sinks, days) => pruneDelivered(pool, sinks, days),
        drop,
        workspace: WORKSPACE,
        environment: process.env,
        noted: book.note,
        practice: config.practice,
        version: versionNumber(),
      });
  const { cloudwatch } = config;
  const published =
    cloudwatch === null
      ? null
      : (await import("./telemetry/cloudwatch.ts")).createPublisher({
          figures: () =>
            publishedFigures({ systems: () => catalog.systems, timeline, incidents, readiness: context.readiness }),
          publish: (points) => publishTo(cloudwatch, points, { practice: config.practice, log }),
          log,
        });
  published?.start();
  const control = await startControl({ config: config.cli, context, counters, log });
  log.info(
    { event: "bot.started", practice: config.practice, systems: catalog.systems.length, drainSeconds },
    "the bot has started",
  );

  return {
    reload: async () => void (await reloader.now("signal", { kind: "bot" })),
    async stop() {
      await reloader.stop();
      await webhooks?.close();
      await calendar.stop();
      await alerts.stop();
      await responses.stop();
      await telemetry?.stop();
      await published?.stop();
      await readiness.stop();
      // People are heard until the steps under way have ended: a run can still be aborted.
      await engine.stop();
      await control.close();
      await slack?.stop();
      await monitor.stop();
      await probation.stop();
      await faultLifter.stop();
      await prober.stop();
      await anchors.stop();
      await comms.stop();
      mail?.close();
      await paging?.stop();
      await health?.close();
      await metrics.settled();
      metrics.close();
      await store.close();
      await page.close();
    },
  };
}

/**
 * Who starts such a bot holds the service's authority while no one in Slack sees it. Slack is told once it is back. While the store is
 * in doubt nothing is written at all: then it's recorded as soon as the store is accepted, before anything else can be.
 */
async function recordStartWithoutSlack({ timeline }: CommandContext, log: Logger): Promise<void> {
  const event = {
    type: "bot.startedWithoutSlack",
    data: { user: userName(), host: hostname() },
    key: `bot.startedWithoutSlack/${randomUUID()}`,
    actor: { kind: "bot" } as const,
  };
  const write = () => timeline.decide(WORKSPACE, () => ({ events: [event], value: null }));
  if (timeline.doubt() === null) {
    await write();
    return;
  }
  timeline.onDoubt((doubt) => {
    if (doubt !== null) return;
    write().catch((error) => log.error({ event: "bot.start_not_recorded", err: error }, "the start is not recorded"));
  });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? "unknown"}`;
  }
}
