import { answer, checkForm, readLine } from "../../commands/index.ts";
import { canvasDraft } from "../../commands/postmortem.ts";
import { renderNotices } from "../../templates/messages/approval/enrolled.ts";
import { renderCalendar } from "../../templates/messages/incident/calendar-notices.ts";
import { renderHome } from "../../templates/messages/incident/home.ts";
import { renderReadiness } from "../../templates/messages/incident/readiness.ts";
import type { Message } from "../../templates/messages/kit/message.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import type { CommandContext } from "../command/context.ts";
import type { HttpAddresses } from "../http/addresses.ts";
import type { Logger } from "../lib/log.ts";
import type { Redact } from "../lib/redact.ts";
import type { Outbox } from "../projection/outbox.ts";
import type { Inbox, Timeline } from "../timeline/contract.ts";
import type { SlackConfig } from "./config.ts";
import { openSlack } from "./open.ts";
import type { AccountStatus } from "./people.ts";
import type { CallOutcome } from "./reachability.ts";
import type { SocketsNow } from "./receiver.ts";

export type { Workspace } from "../sinks/slack/identity.ts";
export type { SlackConfig } from "./config.ts";

export interface SlackOptions {
  readonly config: SlackConfig;
  readonly context: CommandContext;
  readonly timeline: Timeline;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly log: Logger;
  /** Takes secrets out of what people say, before it is kept or answered. */
  readonly redact: Redact;
  /** What this process serves. Absent: deliveries over HTTP are served by themselves. */
  readonly http?: HttpAddresses;
  /** Slack does not let the bot in (a revoked token, an uninstalled app). It keeps trying. */
  readonly onLockedOut?: (says: string) => void;
}

export interface Slack {
  /** Returns at once. Slack is tried in the background for as long as it takes; nothing else waits for it. */
  start(): void;
  /** Acknowledges and handles what has come in, lets go of every channel, closes. */
  stop(): Promise<void>;
  /** People's clicks reach us now. */
  ready(): boolean;
  /** Since when Slack has answered nothing, once that is certain; null: it answers. */
  silentSince(): Date | null;
  /** Null: deliveries come over HTTP. */
  sockets(): SocketsNow | null;
  /** How calls of the Web API ended since the start. */
  readonly calls: Readonly<Record<CallOutcome, number>>;
  /** The engine's port: does an approval of this person count now, and can they answer at all? */
  readonly accountStatus: AccountStatus;
  /** Posts where incidents are announced, past the store. Tried on until it is there; never rejects. */
  announce(message: Message): Promise<void>;
  /** Why incidents can't be announced where they should be, as last seen; `ever`: they could since the start. */
  readonly announcing: { readonly problem: string | null; readonly ever: boolean };
  /** Accounts of rosters that may do nothing by Slack's last word. */
  blocked(): ReadonlySet<string>;
  /** An incident's own channel, once it exists. */
  channelOf(incident: string): Promise<string | null>;
  /** Shows an incident (or all) again from its events, whatever Slack was seen to show. */
  rebuild(incident?: string): Promise<void>;
}

export function createSlack(options: SlackOptions): Slack {
  return openSlack({
    ...options,
    answer: (request) => answer(options.context, request),
    readLine,
    checkForm: (sent, required) => checkForm(options.context, sent, required),
    draw: renderIncident,
    drawHome: renderHome,
    renderNotices: renderNotices,
    drawCanvas: (state) => canvasDraft(options.context, state),
    drawCalendar: renderCalendar,
    drawReadiness: renderReadiness,
  });
}
