import type { Actor } from "../../../src/incident/events.ts";
import type { Change, IncidentState } from "../../../src/incident/state.ts";
import { section } from "../kit/blocks.ts";
import { cut, ended, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { ShownMessage, Surroundings } from "../kit/view.ts";
import { between } from "../kit/when.ts";
import { clockStart } from "../run/deadline.ts";

/** What everyone who follows an incident has to know, a line each, where it is followed: a topic and an edited card ring no phone. */
export function renderChanges(state: IncidentState, around: Surroundings): readonly ShownMessage[] {
  return (state.changes ?? []).map((change, n): ShownMessage => {
    const text = `${kindPrefix(state.declared?.kind ?? "real", around.practice)}${changeWords(state, change, around)}`;
    const message = { text, blocks: [section(`${markOf(change, around)} ${text}`)] };
    return { key: `change:${n + 1}`, in: "incident", under: null, priority: 1, message, once: true };
  });
}

function changeWords(state: IncidentState, { what, from, to, by, at, says }: Change, around: Surroundings): string {
  const who = whoIs(by, around);
  const why = says === null ? "" : `: ${ended(safe(cut(says, 500)))}`;
  switch (what) {
    case "severity":
      return `Severity ${safe(from)} → ${safe(to)}, by ${who}${why || "."}`;
    case "status":
      return `Status ${safe(from)} → ${safe(to)}, by ${who}.`;
    case "resolved": {
      const since = clockStart(state);
      return `Resolved by ${who}${since === null ? "" : ` after ${between(since, at)}`}${why || "."}`;
    }
    case "reopened":
      return `Reopened by ${who}${why || "."}`;
    default:
      return what satisfies never;
  }
}

function markOf({ what, from, to }: Change, { system }: Surroundings): string {
  if (what === "resolved") return "✅";
  if (what === "reopened") return "🔁";
  if (what === "status") return "🔹";
  const rank = (severity: string) => system.severities.findIndex(({ id }) => id === severity);
  return rank(to) < rank(from) ? "🔺" : "🔻";
}

function whoIs(by: Actor, around: Surroundings): string {
  return by.kind === "person" ? around.names(by.person ?? by.slackUser ?? by.name) : "Lifeboat";
}
