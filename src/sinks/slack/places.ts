import { isSlackChannel } from "./names.ts";

/** What is kept beside a drawn incident, to answer for it without reading its events. */
export interface About {
  readonly system: string;
  /** Not closed: a channel that disappears is made again. */
  readonly live: boolean;
}

/** The topic, bookmarks and pins of a channel, as the outbox keeps it. */
export interface DesiredChannel {
  readonly name: string;
  /** When the incident was declared, in seconds since 1970. Absent: written by an older version. */
  readonly since?: number;
  readonly private?: true;
  readonly archived?: true;
  readonly topic: string;
  readonly bookmarks: readonly { readonly title: string; readonly link: string }[];
  readonly invite: readonly string[];
  readonly pinned: readonly string[];
}

/** Where incidents are announced that were declared nowhere: the channel's id, or its name until Slack has said its id. */
export function announceQueue(announceIn: string | null): string | null {
  if (announceIn === null) return null;
  return isSlackChannel(announceIn) ? announceIn : `named:${announceIn}`;
}

/** The name of the channel a queue is for, where its id has to be asked for; or null. */
export function namedOf(queue: string): string | null {
  return /^named:(.+)$/.exec(queue)?.[1] ?? null;
}

/** An incident's own queue; every other queue is called by its channel's id. */
export function ownQueue(incident: string): string {
  return `incident:${incident}`;
}

/** A person's direct messages; the channel is opened when there is something to say. */
export function directQueue(user: string): string {
  return `direct:${user}`;
}

/** Whose direct messages a queue is, or null. */
export function directOf(queue: string): string | null {
  return /^direct:(.+)$/.exec(queue)?.[1] ?? null;
}
