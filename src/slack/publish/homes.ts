import type { WebClient } from "@slack/web-api";
import { PLAIN_HOME } from "../../../templates/messages/incident/home.ts";
import type { Block } from "../../../templates/messages/kit/message.ts";
import type { RenderHome } from "../../../templates/messages/kit/view.ts";
import type { Catalog } from "../../catalog/types.ts";
import { bySoonest, occasionsIn } from "../../command/reply/occasions.ts";
import { openActions } from "../../incident/actions.ts";
import { unreviewed } from "../../incident/break-glass.ts";
import { mayKnowOf } from "../../incident/members.ts";
import type { IncidentState } from "../../incident/state.ts";
import { type Incidents, isOpen } from "../../incidents/index.ts";
import { hashOf } from "../../lib/canonical.ts";
import type { Logger } from "../../lib/log.ts";
import type { Outbox } from "../../projection/outbox.ts";
import type { Readiness } from "../../readiness/state.ts";
import { callFailureOf } from "../../sinks/slack/call-failure.ts";
import { namesIn } from "../../sinks/slack/names.ts";
import { truncateHome } from "../../sinks/slack/truncate.ts";
import type { Timeline } from "../../timeline/contract.ts";
import { systemsOf } from "../roster.ts";

export interface HomesOptions {
  readonly timeline: Pick<Timeline, "now" | "read">;
  readonly outbox: Pick<Outbox, "opened" | "readers" | "pageShown">;
  readonly catalog: Catalog;
  readonly client: WebClient;
  readonly incidents: Pick<Incidents, "current" | "withChannels">;
  readonly draw: RenderHome;
  /** Absent: nothing proves it. */
  readonly readiness?: Pick<Readiness, "of">;
  readonly practice: boolean;
  readonly log: Logger;
  /** Why incidents can't be announced at the moment, or null. */
  readonly announceProblem: () => string | null;
}

/** Home tabs: drawn when someone opens theirs, and again on every change for the one who opened it within the hour. */
export interface Homes {
  opened(user: string): Promise<void>;
  changed(): void;
  stop(): Promise<void>;
}

/** Slack's words for blocks it does not take. @see https://docs.slack.dev/reference/methods/views.publish */
const UNREADABLE = new Set(["invalid_arguments", "invalid_blocks", "view_too_large"]);
const OPEN_SECONDS = 3600;
const COALESCE_MS = 3000;

export function createHomes(options: HomesOptions): Homes {
  const { outbox, log } = options;
  let timer: NodeJS.Timeout | null = null;
  let working: Promise<void> = Promise.resolve();

  async function publish(user: string, shownHash: string | null): Promise<void> {
    const blocks = truncateHome(options.draw(await situationOf(options, user)));
    const hash = hashOf(blocks);
    if (hash === shownHash) return;
    await show(user, blocks).catch((error) => {
      const failure = callFailureOf(error);
      if (failure.kind !== "refused" || !UNREADABLE.has(failure.error)) throw error;
      log.error({ event: "slack.home_refused", error: failure.error, says: failure.says }, "slack refuses a home tab");
      return show(user, PLAIN_HOME);
    });
    await outbox.pageShown(user, hash);
  }

  async function show(user: string, blocks: readonly Block[]): Promise<void> {
    const view = { type: "home", blocks } as unknown as Parameters<WebClient["views"]["publish"]>[0]["view"];
    await options.client.views.publish({ user_id: user, view });
  }

  async function again(): Promise<void> {
    for (const { reader, shownHash } of await outbox.readers(OPEN_SECONDS)) await publish(reader, shownHash);
  }

  const told = (error: unknown) =>
    log.warn({ event: "slack.home_not_shown", says: callFailureOf(error).says }, "a home tab could not be shown");

  return {
    async opened(user) {
      await outbox.opened(user);
      await publish(user, null).catch(told);
    },
    changed() {
      timer ??= setTimeout(() => {
        timer = null;
        working = working.then(again).catch(told);
      }, COALESCE_MS);
    },
    async stop() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await working;
    },
  };
}

async function situationOf(options: HomesOptions, user: string) {
  const { catalog, incidents, timeline } = options;
  const current = await incidents.current();
  const mine = systemsOf(catalog, user);
  const now = timeline.now();
  const may = (state: IncidentState) => {
    const found = mine.find(({ system }) => system.id === state.declared?.system);
    return mayKnowOf(state, found?.system, { person: found?.person.id ?? null, slackUser: user });
  };
  return {
    slackUser: user,
    personIn: new Map(mine.map(({ system, person }) => [system.id, person.id])),
    systems: catalog.systems,
    incidents: await incidents.withChannels(
      current.filter((state) => may(state) && (isOpen(state) || unreviewed(state).length > 0)),
    ),
    actions: current
      .filter(may)
      .flatMap((state) => openActions(state).map((item) => ({ state, item })))
      .filter(({ item: { owner } }) => owner === user || mine.some(({ person }) => person.id === owner)),
    occasions: (
      await Promise.all(
        mine
          .filter(({ system }) => system.environment === (options.practice ? "practice" : "production"))
          .map(({ system, person }) => occasionsIn(timeline, catalog, system, person.id)),
      )
    )
      .flat()
      .sort(bySoonest),
    readiness: (await options.readiness?.of(mine.map(({ system }) => system))) ?? [],
    now,
    announceProblem: options.announceProblem(),
    practice: options.practice,
    names: namesIn(catalog.systems),
  };
}
