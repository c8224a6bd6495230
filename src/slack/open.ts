import type { BlockAction } from "@slack/bolt";
import type {
  RenderCalendar,
  RenderHome,
  RenderIncident,
  RenderNotices,
  RenderReadiness,
} from "../../templates/messages/kit/view.ts";
import type { FormErrors, Reply, Request, SentForm } from "../command/command.ts";
import type { IncidentState } from "../incident/state.ts";
import { LifeboatError } from "../lib/errors.ts";
import { callFailureOf } from "../sinks/slack/call-failure.ts";
import { backoffSeconds } from "../sinks/slack/deliver.ts";
import { type Identity, learnIdentity, workspacesOf } from "../sinks/slack/identity.ts";
import type { About } from "../sinks/slack/places.ts";
import { announce } from "./announce.ts";
import { buildApp } from "./app.ts";
import { createClients } from "./clients.ts";
import { checkTokens } from "./config.ts";
import { HttpReceiver } from "./http-receiver.ts";
import type { Slack, SlackOptions } from "./index.ts";
import { takeAction } from "./listen/action.ts";
import type { ReadLine } from "./listen/delivery.ts";
import { tellThere } from "./listen/reply.ts";
import { createListener } from "./listen.ts";
import { createPeople } from "./people.ts";
import { createPublisher } from "./publish.ts";
import { createReachability } from "./reachability.ts";
import { SocketReceiver, type SocketsNow } from "./receiver.ts";
import { watchRoster } from "./roster-watch.ts";

/** What the Slack transport is made of, with what people can say and what they are shown given from outside. */
export interface SlackTransportOptions extends SlackOptions {
  readonly answer: (request: Request) => Promise<Reply>;
  readonly readLine: ReadLine;
  readonly checkForm: (sent: SentForm, required: readonly string[]) => FormErrors;
  readonly draw: RenderIncident;
  readonly drawHome: RenderHome;
  readonly renderNotices: RenderNotices;
  /** What stands in the canvas of an incident's channel since its newest draft; absent: nothing does. */
  readonly drawCanvas?: (state: IncidentState) => Promise<{ readonly title: string; readonly markdown: string }>;
  readonly drawCalendar: RenderCalendar;
  readonly drawReadiness: RenderReadiness;
}

/** Slack unreachable is asked again this often at the latest. */
const CONNECT_CAP_SECONDS = 10;
const DRAIN_SECONDS = 10;

export function openSlack(options: SlackTransportOptions): Slack {
  const { config, context, timeline, inbox, outbox, log } = options;
  checkTokens(config);
  const stopping = new AbortController();
  const reachability = createReachability({ log });
  const clients = createClients(config, log, reachability.fetch);
  const lockedOut = (says: string) => {
    log.error({ event: "slack.locked_out", says }, "slack refuses this app or its tokens");
    options.onLockedOut?.(says);
  };
  let who: Identity | null = null;
  let appId = config.appId;
  const identity = () => {
    if (who !== null) return who;
    throw new LifeboatError({ code: "slack-unknown", what: "Slack has not said yet who this bot is" });
  };
  const workspaces = () => (who === null ? [] : workspacesOf(who, config.allowed));
  const people = createPeople({
    client: clients.ask,
    catalog: context.catalog,
    workspaces,
    slackUnavailable: config.slackUnavailable,
    membershipSeconds: config.membershipSeconds,
    reachability,
    onChanged(user, isBlocked) {
      if (isBlocked) log.warn({ event: "slack.account_blocked", user }, "an account on a roster can't act");
      void publisher
        .accountChanged(user, isBlocked)
        .catch((error) => log.warn({ event: "slack.drawn_later", err: error, user }, "incidents are drawn later"));
    },
    log,
  });
  const publisher = createPublisher({
    timeline,
    incidents: context.incidents,
    outbox,
    catalog: context.catalog,
    clients,
    identity,
    draw: options.draw,
    drawHome: options.drawHome,
    renderNotices: options.renderNotices,
    drawCalendar: options.drawCalendar,
    drawReadiness: options.drawReadiness,
    ...(context.readiness && { readiness: context.readiness }),
    announceIn: config.announceIn,
    anchorIn: config.anchorIn ?? null,
    bridgeUrl: context.bridgeUrl ?? null,
    rate: config.rate ?? 1,
    practice: context.practice,
    log,
    onLockedOut: lockedOut,
    blocked: people.blocked,
    onUnreachable: (user) => void people.look(user),
    ...(options.drawCanvas && { drawCanvas: options.drawCanvas }),
  });
  const listener = createListener({
    clients,
    apiUrl: config.apiUrl,
    inbox,
    people,
    answer: options.answer,
    readLine: options.readLine,
    checkForm: options.checkForm,
    systemAt: async (channel) => ((await outbox.streamAt(channel))?.about as About | undefined)?.system ?? null,
    homeOpened: publisher.homeOpened,
    invited: publisher.invited,
    itself: () => who?.botUser ?? null,
    onLockedOut: lockedOut,
    tooOften: (user) => context.tally.add("refused/too-often", user, 3600),
    redact: options.redact,
    now: () => timeline.realNow(),
    log,
  });
  const receiver = receiverFor(options, {
    lockedOut,
    hello: (id) => {
      appId ??= id;
    },
    up: () =>
      void publisher
        .slackIsBack()
        .catch((error) => log.warn({ event: "slack.put_off_kept", err: error }, "messages that were put off wait on")),
  });
  const app = buildApp({
    config,
    receiver,
    log,
    identity,
    workspaces,
    appId: () => appId,
    keepEvent: listener.keepEvent,
    async tellStranger(body, text) {
      const pressed = body.type === "block_actions" ? takeAction(body as unknown as BlockAction) : null;
      if (pressed !== null)
        await tellThere({ clients, apiUrl: config.apiUrl, log }, pressed.delivery, { text, blocks: [] });
    },
  });
  listener.register(app);
  let open = false;
  let opening: Promise<void> = Promise.resolve();

  async function connect(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      try {
        who = await learnIdentity(clients.ask);
        break;
      } catch (error) {
        const failure = callFailureOf(error);
        if (failure.kind === "locked out") lockedOut(failure.says);
        else if (failures === 0)
          log.warn({ event: "slack.no_answer", says: failure.says }, "slack doesn't answer yet; retrying");
        const seconds =
          failure.kind === "locked out"
            ? 6 * CONNECT_CAP_SECONDS
            : Math.min(CONNECT_CAP_SECONDS, backoffSeconds(failures));
        await pause(seconds * 1000, stopping.signal);
      }
    }
    if (stopping.signal.aborted) return;
    await app.init();
    await Promise.all([app.start(), publisher.checkAnnounce()]);
    open = true;
    listener.worker.start();
    publisher.begin();
    void watchRoster({ people, catalog: context.catalog, rate: config.rate ?? 1, stopping: stopping.signal });
  }

  return {
    start() {
      publisher.follow();
      reachability.start(() => clients.act.auth.test());
      opening = connect().catch((error) =>
        log.fatal({ event: "slack.not_opened", err: error }, "the transport to slack could not be opened"),
      );
    },
    async stop() {
      stopping.abort();
      reachability.stop();
      await opening;
      if (open)
        await receiver
          .stop()
          .catch((error) =>
            log.warn({ event: "slack.close_failed", err: error }, "the transport to slack did not close cleanly"),
          );
      await listener.worker.stop(DRAIN_SECONDS);
      await publisher.stop();
    },
    ready: () => open && (receiver instanceof SocketReceiver ? isHeard(receiver.sockets()) : receiver.listening),
    sockets: () => (receiver instanceof SocketReceiver ? receiver.sockets() : null),
    calls: reachability.calls,
    accountStatus: people.accountStatus,
    announce: (message) =>
      announce({ clients, announceIn: config.announceIn, stopping: stopping.signal, log }, message),
    announcing: publisher.announcing,
    silentSince: () => reachability.silentSince(),
    blocked: people.blocked,
    channelOf: (incident) => outbox.placeOf(incident),
    rebuild: (incident) => publisher.rebuild(incident),
  };
}

/** The SDK ends a socket that answers no ping for 5 s; one that it kept beyond this is no way to people. */
const FRESH_SECONDS = 30;

function isHeard({ open, pongSeconds }: SocketsNow): boolean {
  return open > 0 && pongSeconds < FRESH_SECONDS;
}

interface Hooks {
  readonly lockedOut: (says: string) => void;
  readonly hello: (appId: string | null) => void;
  readonly up: () => void;
}

function receiverFor({ config, log, http }: SlackOptions, hooks: Hooks): SocketReceiver | HttpReceiver {
  const { transport } = config;
  const onRateLimited = () =>
    log.error({ event: "slack.events_held_back" }, "slack holds back events: over 30,000 in an hour");
  if (transport.kind === "http")
    return new HttpReceiver({
      signingSecrets: transport.signingSecrets,
      port: transport.port,
      host: transport.host,
      log,
      drainSeconds: DRAIN_SECONDS,
      ...(http && { http }),
      onRateLimited,
    });
  let before = 0;
  return new SocketReceiver({
    appToken: transport.appToken,
    apiUrl: config.apiUrl,
    log,
    drainSeconds: DRAIN_SECONDS,
    onFatal: ({ says }) => hooks.lockedOut(says),
    onState: (up, wanted) => {
      log.info({ event: "slack.sockets", up, wanted }, "sockets to slack");
      if (before === 0 && up > 0) hooks.up();
      before = up;
    },
    onHello: (connections, id) => {
      hooks.hello(id);
      if (connections !== null && connections > 8)
        log.warn(
          { event: "slack.many_sockets", connections },
          "slack counts many sockets of this app; over ten lose clicks",
        );
    },
    onRateLimited,
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
