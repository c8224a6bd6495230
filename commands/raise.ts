import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say, stop, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { systemOf } from "../src/command/resolve/system.ts";
import { severityNamed, usualSeverity } from "../src/incident/severity.ts";
import { raised } from "../templates/messages/incident/answers.ts";
import { refused } from "../templates/messages/refused.ts";

export const raise: Command = {
  verb: "raise",
  aliases: ["incident.raise"],
  summary: "Turn maintenance into an incident: the timeline carries over, a channel opens, on-call is paged.",
  usage: "/dr raise [<P0-P3>] [<why…>] [--incident <id>]",
  examples: ["/dr raise P1 Orders fail since the switchover"],
  async handle(context, request) {
    const state = await theIncident(context, request);
    const system = systemOf(context, state);
    const known = system.severities.map(({ id }) => id);
    const [first = "", ...rest] = request.words;
    const said = severityNamed(system, first);
    if (said === null && /^p\d$/i.test(first))
      return stop(refused({ code: "severity-unknown", system: system.title, severity: first, known }));
    const severity = said ?? usualSeverity(system);
    const reason = (said === null ? request.words : rest).join(" ").trim();
    const announceIn = request.place.channel;
    const wish = { type: "raise", severity, reason: reason === "" ? null : reason, announceIn } as const;
    const acted = await act(context, request, state.id, wish);
    if (acted.kind === "refused") return no(acted.problem);
    const channel = await context.channelOf(state.id);
    return say(raised(severity, channel === null ? null : await whereOf(context, state.id)));
  },
};
