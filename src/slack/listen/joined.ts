import { JOINED } from "../../../templates/messages/kit/action-value.ts";
import { doneAt, type Interaction, NOTHING_TYPED } from "./delivery.ts";

export interface Joined {
  readonly user?: string;
  readonly channel: string;
  readonly inviter?: string;
  readonly event_ts?: string;
}

/** Someone came into a channel. In an incident's they are offered what they missed. */
export function takeJoined(event: Joined): Interaction | null {
  if (event.user === undefined) return null;
  return {
    key: `slack:joined:${event.channel}:${event.user}:${event.event_ts ?? ""}`,
    kind: "slack.joined",
    delivery: {
      user: event.user,
      channel: event.channel,
      thread: null,
      verb: "catchup",
      ...NOTHING_TYPED,
      form: null,
      carries: JOINED,
      responseUrl: null,
      about: null,
      ...doneAt(event.event_ts),
    },
    live: { trigger: null, view: null },
  };
}
