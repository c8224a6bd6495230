import type { ShownMessage, View } from "../../../templates/messages/kit/view.ts";
import type { IncidentState } from "../../incident/state.ts";
import type { DesiredMessage, DesiredState } from "../../projection/outbox/desired-state.ts";
import type { DesiredCanvas } from "../../sinks/slack/canvas.ts";
import { isSlackChannel } from "../../sinks/slack/names.ts";
import { type About, announceQueue, type DesiredChannel, directQueue, ownQueue } from "../../sinks/slack/places.ts";
import { channelName, topicText, truncateMessage } from "../../sinks/slack/truncate.ts";

/** A draft for the canvas of an incident's own channel. `before`: the keys of earlier ones. */
export interface CanvasDraft extends Readonly<Record<"key" | "title" | "markdown", string>> {
  readonly before: readonly string[];
}

/** Each draft is a message of its own, sent once: what stood in an older one is Slack's to keep. */
export function canvasKey(draft: number): string {
  return `canvas:${draft}`;
}

/** A view as the outbox takes it. What has no place to be shown in (nowhere was announced, an account that is gone) is left out. */
export function desiredStateOf(
  state: IncidentState,
  view: View,
  announceIn: string | null,
  unreachable: ReadonlySet<string> = new Set(),
  canvas: CanvasDraft | null = null,
): DesiredState {
  const { declared } = state;
  const announce = announcedIn(declared?.announceIn ?? null, announceIn);
  const own = view.channel === null ? null : ownQueue(state.id);
  const queueOf = ({ in: place }: ShownMessage) => {
    if (typeof place === "object") return "person" in place ? directQueue(place.person) : place.channel;
    return place === "incident" ? (own ?? announce) : announce;
  };
  const shown = reachedBy(view.messages, unreachable);
  const messages: DesiredMessage[] = shown.flatMap((message) => {
    const queue = queueOf(message);
    return queue === null ? [] : [wanted(message, queue)];
  });
  const places = shown.flatMap(({ in: place }) => (typeof place === "object" ? [place] : []));
  const elsewhere = new Set(places.flatMap((place) => ("channel" in place ? [place.channel] : [])));
  const direct = new Set(places.flatMap((place) => ("person" in place ? [place.person] : [])));
  if (canvas !== null && own !== null) {
    const { key, ...draft } = canvas;
    const desired: DesiredCanvas = { canvas: draft };
    messages.push({ key, queue: own, under: null, priority: 2, broadcast: false, once: true, desired });
  }
  return {
    stream: state.id,
    version: state.version,
    about: { system: state.declared?.system ?? "", live: state.status !== "closed" } satisfies About,
    redrawAt: view.redrawAt,
    queues: [
      ...(own === null ? [] : [{ queue: own, own: true, place: null, wanted: channelOf(view) }]),
      ...[...new Set([...(announce === null ? [] : [announce]), ...elsewhere])].map(sharedQueue),
      ...[...direct].map((user) => ({ queue: directQueue(user), own: false, place: null, wanted: null })),
    ],
    messages,
  };
}

/** What is said of the workspace and not of an incident: where incidents are announced, and to people. */
export function noticesState(
  stream: string,
  version: number,
  messages: readonly ShownMessage[],
  announceIn: string | null,
  unreachable: ReadonlySet<string> = new Set(),
): DesiredState {
  const announce = announceQueue(announceIn);
  const placed = reachedBy(messages, unreachable).flatMap((message) => {
    const { in: place } = message;
    const queue = typeof place === "object" && "person" in place ? directQueue(place.person) : announce;
    return queue === null ? [] : [wanted(message, queue)];
  });
  return {
    stream,
    version,
    about: { system: "", live: false } satisfies About,
    redrawAt: null,
    queues: [...new Set(placed.map(({ queue }) => queue))].map(sharedQueue),
    messages: placed,
  };
}

/** Without direct messages to accounts that read nothing. */
function reachedBy(messages: readonly ShownMessage[], unreachable: ReadonlySet<string>): readonly ShownMessage[] {
  return messages.filter(
    ({ in: place }) => !(typeof place === "object" && "person" in place && unreachable.has(place.person)),
  );
}

function sharedQueue(queue: string): DesiredState["queues"][number] {
  return { queue, own: false, place: isSlackChannel(queue) ? queue : null, wanted: null };
}

/** Where it was typed; but what was typed in direct messages is for more than those two. */
export function announcedIn(typedIn: string | null, announceIn: string | null): string | null {
  const usual = announceQueue(announceIn);
  if (typedIn === null || !isSlackChannel(typedIn)) return usual;
  return typedIn.startsWith("D") ? (usual ?? typedIn) : typedIn;
}

function wanted(shown: ShownMessage, queue: string): DesiredMessage {
  return {
    key: shown.key,
    queue,
    under: shown.under,
    priority: shown.priority,
    broadcast: shown.broadcast ?? false,
    once: shown.once ?? false,
    desired: truncateMessage(shown.message),
  };
}

function channelOf(view: View): DesiredChannel | null {
  if (view.channel === null) return null;
  const { name, since, private: hidden, archived, topic, bookmarks, invite, pinned } = view.channel;
  return {
    name: channelName(name),
    ...(since && { since: Math.floor(since.getTime() / 1000) }),
    ...(hidden && { private: true as const }),
    ...(archived && { archived: true as const }),
    topic: topicText(topic),
    bookmarks,
    invite: [...new Set(invite)],
    pinned,
  };
}
