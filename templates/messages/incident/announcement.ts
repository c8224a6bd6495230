import type { Declared, IncidentState } from "../../../src/incident/state.ts";
import { context, header, section } from "../kit/blocks.ts";
import { plain, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import { statusWords } from "../kit/status.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, clock } from "../kit/when.ts";
import { named } from "./maintenance.ts";

/** Where the words were typed: that there is an incident, how bad, and where it is handled. */
export function announcement(state: IncidentState, declared: Declared, around: Surroundings): Message {
  const prefix = kindPrefix(declared.kind, around.practice);
  const where = placeWords(around);
  const by = declared.by.kind === "person" ? around.names(declared.by.person ?? declared.by.name) : "Lifeboat";
  const now = `*${state.severity}* · ${safe(around.system.title)} · ${statusWords(state.status)}`;
  return {
    text: `${prefix}${named(state)} incident, ${statusWords(state.status)}: ${safe(declared.title)} (${safe(around.system.title)}). Declared by ${by} at ${clock(declared.at)}. ${where}`,
    blocks: [
      header(`${prefix}${named(state)}: ${plain(declared.title)}`),
      section(`${now}\n${where}`),
      context(`Declared by ${by} ${at(declared.at)} · ${safe(state.id)}`),
    ],
  };
}

function placeWords({ channel, channelRefused }: Surroundings): string {
  if (channel) return `Follow it in <#${channel}>.`;
  return channelRefused != null
    ? `Follow it in this thread: Slack refused a channel (\`${channelRefused}\`).`
    : "It's handled here.";
}
