import type { System } from "../../../src/catalog/types.ts";
import type { ActionItem, IncidentState } from "../../../src/incident/state.ts";
import type { SystemReadiness } from "../../../src/readiness/state.ts";
import type { OpenBefore } from "../incident/action-items.ts";
import type { OccasionNow } from "../incident/calendar.ts";
import type { Block, Message } from "./message.ts";

/**
 * What a place in Slack should look like, as a value: drawn from the state and nothing else. `src/slack/publish.ts` compares
 * it with what is shown already and makes up the difference, so a desired state says what is wanted, never what to do.
 * The same state, surroundings and time give the same view.
 */
export interface View {
  /** The incident's own channel; null: it has none, and `in: "incident"` is shown where it was announced. */
  readonly channel: ChannelView | null;
  readonly messages: readonly ShownMessage[];
  /** When the desired state will look different though nothing happens (something falls due); null: never. */
  readonly redrawAt: Date | null;
}

export interface ChannelView {
  /** Wanted name; the one Slack gave is kept by the publisher. At most 80 of `a-z 0-9 - _`. */
  readonly name: string;
  /** When it was declared: a channel of this name that is older belongs to something else. Absent: no one looks. */
  readonly since?: Date;
  /** Only whom it is shown to may see it in Slack. */
  readonly private?: true;
  /** It is to be archived once everything stands in it. */
  readonly archived?: true;
  readonly topic: string;
  readonly bookmarks: readonly { readonly title: string; readonly link: string }[];
  /** Slack user ids to have in the channel. No one is ever removed. */
  readonly invite: readonly string[];
  /** Keys of messages to pin. */
  readonly pinned: readonly string[];
}

export interface ShownMessage {
  /** Stable inside the incident: `card`, `run:run-7k2m9x`, `gate:<ask>`. The same key is the same message for ever. */
  readonly key: string;
  /** Where it was announced, the incident's own channel, another channel by its id, or a person's direct messages (Slack user id). */
  readonly in: "announce" | "incident" | { readonly channel: string } | { readonly person: string };
  /** Key of the message whose thread this is in, or null. The root has to be among the messages, in the same place. */
  readonly under: string | null;
  /**
   * 0: someone is waiting for it (a prompt for a decision, its outcome): posted and edited at once.
   * 1: news. 2: may lag (a live list of steps).
   */
  readonly priority: 0 | 1 | 2;
  readonly message: Message;
  /** A thread's reply that is also shown in the channel. */
  readonly broadcast?: boolean;
  /** Said once and never edited, whatever later desired states say. */
  readonly once?: boolean;
}

/** What a desired state may know beside the state. */
export interface Surroundings {
  readonly system: System;
  readonly now: Date;
  readonly practice: boolean;
  /** A person id, Slack user id or anything recorded as "who", as Slack should show it: a mention, or an escaped name. */
  readonly names: (who: string) => string;
  /** Id of the incident's own channel, once it exists: `<#C…>`. */
  readonly channel: string | null;
  /** Slack's word for why it makes no channel for this incident; null or absent: it did, or was not asked yet. */
  readonly channelRefused?: string | null;
  /** Where the video bridge of an incident is, with `{incident}` in place of its name; null or absent: there is none. */
  readonly bridgeUrl?: string | null;
  /** What earlier incidents of the same component left to do; absent: nothing. */
  readonly openBefore?: readonly OpenBefore[];
  /** Where it was typed nothing can be posted, so it is announced in another channel. */
  readonly redirected?: { readonly from: string; readonly to: string; readonly error: string } | null;
}

/** What the Home tab of one person is drawn from. */
export interface HomeSituation {
  readonly slackUser: string;
  /** Person id on each system's roster: system id → person id. Systems without this person are absent. */
  readonly personIn: ReadonlyMap<string, string>;
  readonly systems: readonly System[];
  /** Incidents still open, or with a review still due, newest first, with their channel where they have one. */
  readonly incidents: readonly { readonly state: IncidentState; readonly channel: string | null }[];
  /** The calendars of this person's systems, what is overdue first; absent: they have none. */
  readonly occasions?: readonly OccasionNow[];
  /** How ready this person's systems are; absent: no one knows. */
  readonly readiness?: readonly SystemReadiness[];
  /** This person's open action items; absent: none. */
  readonly actions?: readonly { readonly state: IncidentState; readonly item: ActionItem }[];
  readonly now: Date;
  readonly practice: boolean;
  readonly names: (who: string) => string;
  /** Why incidents can't be announced at the moment; null or absent: they can. */
  readonly announceProblem?: string | null;
}

/** `templates/messages/render.ts`, `home.ts` and `enrolled.ts`: what the publisher is given. */
export type RenderIncident = (state: IncidentState, around: Surroundings) => View;
export type RenderHome = (situation: HomeSituation) => readonly Block[];

/** What happened in the workspace and not in an incident, as the timeline holds it; what is not to be told is left out. */
export type RenderNotices = (
  events: readonly { readonly type: string; readonly version: number; readonly data: unknown }[],
  around: NoticeSurroundings,
) => readonly ShownMessage[];

/** What people are told of a system's calendar, from new events of its stream. */
export type RenderCalendar = (
  system: System,
  events: readonly {
    readonly type: string;
    readonly version: number;
    readonly data: unknown;
    readonly actor: unknown;
  }[],
  around: NoticeSurroundings,
) => readonly ShownMessage[];

/** How ready a system is, from the stream that says so. */
export type RenderReadiness = (
  events: readonly { readonly type: string; readonly version: number; readonly data: unknown; readonly at: Date }[],
  around: NoticeSurroundings,
) => readonly ShownMessage[];

export interface NoticeSurroundings {
  readonly systems: readonly System[];
  readonly practice: boolean;
  readonly names: (who: string) => string;
}
