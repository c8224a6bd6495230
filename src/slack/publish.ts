import { randomUUID } from "node:crypto";
import { openBefore } from "../../templates/messages/incident/action-items.ts";
import type {
  RenderCalendar,
  RenderHome,
  RenderIncident,
  RenderNotices,
  RenderReadiness,
} from "../../templates/messages/kit/view.ts";
import { calendarStream, isCalendar, systemOfCalendar } from "../calendar/events.ts";
import type { Catalog } from "../catalog/types.ts";
import { WORKSPACE } from "../command/execute/record.ts";
import { componentOf } from "../incident/actions.ts";
import { ANCHORS } from "../incident/anchors.ts";
import { withoutAccounts } from "../incident/people.ts";
import type { IncidentState } from "../incident/state.ts";
import { type Incidents, isOpen } from "../incidents/index.ts";
import type { Logger } from "../lib/log.ts";
import type { Outbox } from "../projection/outbox.ts";
import { createProjector, isIncident } from "../projection/projector.ts";
import { isReadiness, type Readiness, readinessStream } from "../readiness/state.ts";
import { createAccounts } from "../sinks/slack/accounts.ts";
import { createEditBudget } from "../sinks/slack/budget.ts";
import { announceProblem } from "../sinks/slack/channel.ts";
import type { Identity } from "../sinks/slack/identity.ts";
import { namesIn } from "../sinks/slack/names.ts";
import { directOf, directQueue, ownQueue } from "../sinks/slack/places.ts";
import { Bell, CLAIM_SECONDS, workQueue } from "../sinks/slack/queue.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { Clients } from "./clients.ts";
import { announcedIn, type CanvasDraft, canvasKey, desiredStateOf, noticesState } from "./publish/desired-state.ts";
import { createHomes, type Homes } from "./publish/homes.ts";

export interface PublisherOptions {
  readonly timeline: Pick<Timeline, "read" | "follow" | "now">;
  readonly incidents: Incidents;
  readonly outbox: Outbox;
  readonly catalog: Catalog;
  readonly clients: Clients;
  readonly identity: () => Identity;
  readonly draw: RenderIncident;
  readonly drawHome: RenderHome;
  readonly renderNotices: RenderNotices;
  readonly drawCalendar: RenderCalendar;
  /** Of the stream that says how ready a system is. */
  readonly drawReadiness: RenderReadiness;
  readonly readiness?: Pick<Readiness, "of">;
  readonly announceIn: string | null;
  /** Where checkpoints of the record are posted; null or absent: nowhere. */
  readonly anchorIn?: string | null;
  /** Where the video bridge of an incident is; null or absent: there is none. */
  readonly bridgeUrl?: string | null;
  /** How many times as fast as Slack documents; 1 outside practice. */
  readonly rate: number;
  readonly practice: boolean;
  readonly log: Logger;
  readonly onLockedOut: (says: string) => void;
  /** Accounts Slack says may do nothing; absent: no one knows. */
  readonly blocked?: () => ReadonlySet<string>;
  /** An account takes no direct messages. */
  readonly onUnreachable?: (user: string) => void;
  /** What stands in the canvas of an incident's channel since its newest draft; absent: nothing does. */
  readonly drawCanvas?: (state: IncidentState) => Promise<{ readonly title: string; readonly markdown: string }>;
}

/**
 * Slack as a projection of the timeline: whenever an incident changes it is drawn again, and what Slack shows is brought in
 * line with the desired state, channel by channel, at Slack's pace, by whichever process has the channel. Nothing waits for it.
 */
export interface Publisher {
  /** Begins to draw at once. */
  follow(): void;
  /** Begins to send: Slack is there, and says who we are. */
  begin(): void;
  stop(): Promise<void>;
  /** Slack answers again: nothing waits out its back-off. */
  slackIsBack(): Promise<void>;
  homeOpened(user: string): Promise<void>;
  /** The bot was invited to a channel: what is typed there can be answered there. */
  invited(channel: string): Promise<void>;
  /** An account may do something, or nothing, other than before: who is named is drawn again. */
  accountChanged(user: string, isBlocked: boolean): Promise<void>;
  /** Asks Slack whether incidents can be announced where they should be. */
  checkAnnounce(): Promise<void>;
  /** Why they can't, as it was last seen. `ever`: they could at some time since the start. */
  readonly announcing: { readonly problem: string | null; readonly ever: boolean };
  /** Forgets what Slack was seen to show of an incident (or of all) and shows all of it again. */
  rebuild(incident?: string): Promise<void>;
}

const QUEUES_AT_ONCE = 20;
const ANNOUNCE_CHECK_MS = 300_000;
const ANNOUNCE_AGAIN_MS = 30_000;

export function createPublisher(options: PublisherOptions): Publisher {
  const { timeline, incidents, outbox, catalog, log } = options;
  const owner = `publisher-${randomUUID()}`;
  const announcing = { problem: null as string | null, ever: false, askedAt: Number.NEGATIVE_INFINITY };
  const homes: Homes = createHomes({
    ...options,
    client: options.clients.act,
    draw: options.drawHome,
    announceProblem: () => announcing.problem,
  });
  const accounts = createAccounts(options.clients.ask);
  const queues = new Map<string, { bell: Bell; work: Promise<void>; again: boolean }>();
  const edits = createEditBudget(
    outbox,
    () => {
      const { team, enterprise } = options.identity();
      return team ?? enterprise ?? "";
    },
    options.rate,
  );
  const projector = createProjector({
    name: "slack",
    timeline,
    log,
    concerns: (stream) =>
      isIncident(stream) || isCalendar(stream) || isReadiness(stream) || stream === WORKSPACE || stream === ANCHORS,
    look: (stream) =>
      isIncident(stream) ? drawOne(stream) : isReadiness(stream) ? drawReadiness(stream) : drawNotices(stream),
    missed,
    round,
  });
  const { stopping, changed } = projector;
  const blocked = options.blocked ?? (() => new Set<string>());
  let sending = false;

  /** What was told before is told; nothing of it changes. */
  async function drawNotices(stream: string): Promise<void> {
    const seen = (await outbox.drawn(stream))?.version ?? 0;
    const events = await timeline.read(stream, seen);
    const version = events.at(-1)?.version ?? seen;
    if (version === seen) return;
    const { systems } = catalog;
    const around = { systems, practice: options.practice, names: namesIn(systems) };
    const system = isCalendar(stream) ? systems.find(({ id }) => id === systemOfCalendar(stream)) : undefined;
    const messages =
      stream === WORKSPACE || stream === ANCHORS
        ? options.renderNotices(events, around)
        : system === undefined
          ? []
          : options.drawCalendar(system, events, around);
    const channel = stream === ANCHORS ? (options.anchorIn ?? null) : options.announceIn;
    await outbox.want(noticesState(stream, version, messages, channel, blocked()));
    homes.changed();
    projector.wake();
  }

  async function drawReadiness(stream: string): Promise<void> {
    const events = await timeline.read(stream);
    const version = events.at(-1)?.version ?? 0;
    if (version === ((await outbox.drawn(stream))?.version ?? 0)) return;
    const { systems } = catalog;
    // Who has left isn't called upon.
    const present = systems.map((system) => withoutAccounts(system, blocked()));
    const around = { systems: present, practice: options.practice, names: namesIn(systems) };
    const messages = options.drawReadiness(events, around);
    await outbox.want(noticesState(stream, version, messages, options.announceIn, blocked()));
    homes.changed();
    projector.wake();
  }

  /** Asked for while it is open only: that is when someone can learn from it. */
  async function leftBefore(state: IncidentState) {
    if (state.declared?.kind !== "real" || !isOpen(state)) return [];
    return openBefore(await incidents.current(), state, componentOf(state));
  }

  async function drawOne(incident: string): Promise<void> {
    const state = await incidents.read(incident);
    const system = catalog.systems.find(({ id }) => id === state.declared?.system);
    if (state.declared === null || system === undefined) return;
    const typedIn = announcedIn(state.declared.announceIn, options.announceIn);
    const [own, typed, closed] = await Promise.all([
      outbox.queue(ownQueue(incident)),
      typedIn === null ? null : outbox.queue(typedIn),
      outbox.closedQueues(),
    ]);
    const unreachable = new Set([...closed.flatMap((queue) => directOf(queue) ?? []), ...blocked()]);
    const view = options.draw(state, {
      system: withoutAccounts(system, unreachable),
      now: timeline.now(),
      practice: options.practice,
      names: namesIn([system]),
      channel: own === null || own.borrowed ? null : own.place,
      bridgeUrl: options.bridgeUrl ?? null,
      openBefore: await leftBefore(state),
      channelRefused: own?.borrowed ? (own.says ?? "refused") : null,
      redirected:
        typedIn !== null && typed?.borrowed && typed.place !== null
          ? { from: typedIn, to: typed.place, error: typed.says ?? "refused" }
          : null,
    });
    const canvas = view.channel === null || own === null || own.borrowed ? null : await drawnCanvas(state);
    const drawn = desiredStateOf(state, view, options.announceIn, unreachable, canvas);
    await outbox.want(drawn);
    homes.changed();
    for (const { queue } of drawn.queues) queues.get(queue)?.bell.ring();
    projector.wake();
  }

  /** The newest draft, until it is where it should be: people go on writing in it, so it is never drawn twice. */
  async function drawnCanvas(state: IncidentState): Promise<CanvasDraft | null> {
    const { drawCanvas } = options;
    const drafts = state.drafts ?? [];
    const newest = drafts.at(-1);
    if (drawCanvas === undefined || newest === undefined) return null;
    const key = canvasKey(newest);
    if ((await outbox.deliveredAs(state.id, [key])).has(key)) return null;
    return { key, before: drafts.slice(0, -1).map(canvasKey), ...(await drawCanvas(state)) };
  }

  /** People who are still asked something would be asked in vain by someone who reads nothing. */
  async function redrawLive(): Promise<void> {
    for (const { id } of await incidents.current()) changed(id);
  }

  async function checkAnnounce(): Promise<void> {
    announcing.askedAt = performance.now();
    const { announceIn } = options;
    const problem = await announceProblem({ outbox, client: options.clients.ask, announceIn }).catch(() => undefined);
    if (problem === undefined) return;
    if (problem !== announcing.problem) {
      if (problem === null) log.info({ event: "slack.announce_channel_found" }, "incidents can be announced");
      else log.error({ event: "slack.announce_channel_missing", says: problem }, "incidents can't be announced");
      announcing.problem = problem;
      homes.changed();
    }
    announcing.ever ||= problem === null;
  }

  /** `every`: milliseconds since it was last asked before it is asked again. */
  function checkAnnounceSoon(every: number): void {
    if (stopping.aborted || !sending || performance.now() - announcing.askedAt < every) return;
    void checkAnnounce();
  }

  async function missed(): Promise<readonly string[]> {
    const streams = await incidents.toCatchUp();
    const drawn = await outbox.versions(streams.map(({ id }) => id));
    const own = catalog.systems.flatMap(({ id }) => [calendarStream(id), readinessStream(id)]);
    return [
      WORKSPACE,
      ANCHORS,
      ...own,
      ...streams.flatMap(({ id, version }) => ((drawn.get(id) ?? -1) < version ? [id] : [])),
    ];
  }

  async function round(): Promise<void> {
    checkAnnounceSoon(announcing.problem === null ? ANNOUNCE_CHECK_MS : ANNOUNCE_AGAIN_MS);
    for (const incident of await outbox.dueForRedraw()) changed(incident);
    if (!sending) return;
    for (const queue of await outbox.claim(owner, CLAIM_SECONDS, QUEUES_AT_ONCE)) {
      const running = queues.get(queue);
      // It was let go of and claimed again before its worker had ended: the claim is ours, so someone has to use it.
      if (running) running.again = true;
      else work(queue);
    }
  }

  function work(queue: string): void {
    const bell = new Bell();
    const deps = {
      outbox,
      owner,
      edits,
      rate: options.rate,
      log,
      client: options.clients.bulk,
      identity: options.identity,
      announceIn: options.announceIn,
      onLockedOut: options.onLockedOut,
      // The channel is named in what is said elsewhere, so its incident is drawn once more.
      onPlace: changed,
      accounts,
      onUnreachable(user: string) {
        options.onUnreachable?.(user);
        void redrawLive().catch((error) =>
          log.warn({ event: "slack.drawn_later", err: error }, "incidents are drawn later"),
        );
      },
      onAnnounceLost: () => checkAnnounceSoon(ANNOUNCE_AGAIN_MS),
      stopping,
    };
    const done = workQueue(deps, queue, bell)
      .catch((error) =>
        log.error({ event: "slack.queue_failed", err: error, queue }, "a channel could not be worked on; retrying"),
      )
      .finally(() => {
        queues.delete(queue);
        if (entry.again && !stopping.aborted) work(queue);
        else if (bell.rung) projector.wake();
      });
    const entry = { bell, work: done, again: false };
    queues.set(queue, entry);
  }

  return {
    follow: projector.start,
    begin() {
      sending = true;
      projector.wake();
    },
    async stop() {
      await projector.stop();
      await Promise.allSettled([...queues.values()].map(({ work }) => work));
      await homes.stop();
    },
    async slackIsBack() {
      await outbox.retryNow();
      projector.wake();
    },
    homeOpened: (user) => homes.opened(user),
    invited: (channel) => outbox.restored(channel),
    async accountChanged(user, isBlocked) {
      if (!isBlocked) await outbox.restored(directQueue(user));
      await redrawLive();
    },
    checkAnnounce,
    announcing,
    async rebuild(incident) {
      await outbox.forget(incident);
      if (incident === undefined) projector.catchUp();
      else changed(incident);
    },
  };
}
