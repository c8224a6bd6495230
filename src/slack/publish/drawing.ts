import type { ShownMessage, View } from "../../../templates/messages/view.ts";
import type { IncidentState } from "../../incident/state.ts";
import type { Drawing, WantedMessage } from "../../timeline/outbox.ts";
import { channelName, topicText, truncateMessage } from "../truncate.ts";
import { isSlackChannel } from "./names.ts";

/** What is kept beside a drawn incident, to answer for it without reading its events. */
export interface About {
  readonly system: string;
  /** Not closed: a channel that disappears is made again. */
  readonly live: boolean;
}

/** The furniture of a channel, as the outbox keeps it. */
export interface WantedChannel {
  readonly name: string;
  /** When the incident was declared, in seconds since 1970. Absent: written by an older version. */
  readonly since?: number;
  readonly private?: true;
  readonly topic: string;
  readonly bookmarks: readonly { readonly title: string; readonly link: string }[];
  readonly invite: readonly string[];
  readonly pinned: readonly string[];
}

/** A view as the outbox takes it. What has no place to be shown in (nowhere was announced, an account that is gone) is left out. */
export function drawingOf(
  state: IncidentState,
  view: View,
  announceIn: string | null,
  unreachable: ReadonlySet<string> = new Set(),
): Drawing {
  const { declared } = state;
  const announce = announcedIn(declared?.announceIn ?? null, announceIn);
  const own = view.channel === null ? null : ownLane(state.id);
  const laneOf = ({ in: place }: ShownMessage) => {
    if (typeof place === "object") return "person" in place ? directLane(place.person) : place.channel;
    return place === "incident" ? (own ?? announce) : announce;
  };
  const shown = view.messages.filter(
    ({ in: place }) => !(typeof place === "object" && "person" in place && unreachable.has(place.person)),
  );
  const messages: WantedMessage[] = shown.flatMap((message) => {
    const lane = laneOf(message);
    return lane === null ? [] : [wanted(message, lane)];
  });
  const places = shown.flatMap(({ in: place }) => (typeof place === "object" ? [place] : []));
  const elsewhere = new Set(places.flatMap((place) => ("channel" in place ? [place.channel] : [])));
  const direct = new Set(places.flatMap((place) => ("person" in place ? [place.person] : [])));
  return {
    stream: state.id,
    version: state.version,
    about: { system: state.declared?.system ?? "", live: state.status !== "closed" } satisfies About,
    redrawAt: view.redrawAt,
    lanes: [
      ...(own === null ? [] : [{ lane: own, own: true, place: null, wanted: channelOf(view) }]),
      ...[...new Set([...(announce === null ? [] : [announce]), ...elsewhere])].map(sharedLane),
      ...[...direct].map((user) => ({ lane: directLane(user), own: false, place: null, wanted: null })),
    ],
    messages,
  };
}

/** What is told of the house and not of an incident: where incidents are announced, and to people. */
export function houseDrawing(
  stream: string,
  version: number,
  messages: readonly ShownMessage[],
  announceIn: string | null,
): Drawing {
  const announce = announceLane(announceIn);
  const placed = messages.flatMap((message) => {
    const { in: place } = message;
    const lane = typeof place === "object" && "person" in place ? directLane(place.person) : announce;
    return lane === null ? [] : [wanted(message, lane)];
  });
  return {
    stream,
    version,
    about: { system: "", live: false } satisfies About,
    redrawAt: null,
    lanes: [...new Set(placed.map(({ lane }) => lane))].map(sharedLane),
    messages: placed,
  };
}

function sharedLane(lane: string): Drawing["lanes"][number] {
  return { lane, own: false, place: isSlackChannel(lane) ? lane : null, wanted: null };
}

/** Where it was typed; but what was typed in direct messages is for more than those two. */
export function announcedIn(typedIn: string | null, announceIn: string | null): string | null {
  const usual = announceLane(announceIn);
  if (typedIn === null || !isSlackChannel(typedIn)) return usual;
  return typedIn.startsWith("D") ? (usual ?? typedIn) : typedIn;
}

/** Where incidents are announced that were declared nowhere: the channel's id, or its name until Slack has said its id. */
export function announceLane(announceIn: string | null): string | null {
  if (announceIn === null) return null;
  return isSlackChannel(announceIn) ? announceIn : `named:${announceIn}`;
}

/** The name of the channel a lane is for, where its id has to be asked for; or null. */
export function namedOf(lane: string): string | null {
  return /^named:(.+)$/.exec(lane)?.[1] ?? null;
}

/** An incident's own lane; every other lane is called by its channel's id. */
export function ownLane(incident: string): string {
  return `incident:${incident}`;
}

/** A person's direct messages; the channel is opened when there is something to say. */
export function directLane(user: string): string {
  return `direct:${user}`;
}

/** Whose direct messages a lane is, or null. */
export function directOf(lane: string): string | null {
  return /^direct:(.+)$/.exec(lane)?.[1] ?? null;
}

function wanted(shown: ShownMessage, lane: string): WantedMessage {
  return {
    key: shown.key,
    lane,
    under: shown.under,
    priority: shown.priority,
    broadcast: shown.broadcast ?? false,
    once: shown.once ?? false,
    wanted: truncateMessage(shown.message),
  };
}

function channelOf(view: View): WantedChannel | null {
  if (view.channel === null) return null;
  const { name, since, private: hidden, topic, bookmarks, invite, pinned } = view.channel;
  return {
    name: channelName(name),
    ...(since && { since: Math.floor(since.getTime() / 1000) }),
    ...(hidden && { private: true as const }),
    topic: topicText(topic),
    bookmarks,
    invite: [...new Set(invite)],
    pinned,
  };
}
