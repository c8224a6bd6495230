import type { Command, Request } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say, stop } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { systemOf } from "../src/command/resolve/system.ts";
import { snoozed } from "../templates/messages/comms/answers.ts";
import { notMinutes } from "../templates/messages/comms/command-refusals.ts";
import { nextDueUpdate } from "../templates/messages/comms/due-updates.ts";
import { parseActionValue } from "../templates/messages/kit/action-value.ts";
import { refused } from "../templates/messages/refused.ts";

const MINUTES = 5;

export const snooze: Command = {
  verb: "snooze",
  aliases: ["later"],
  summary: "Snooze the reminder for the next update. The due time stays.",
  usage: "/dr snooze [<minutes>] [--incident <id>]",
  examples: ["/dr snooze", "/dr snooze 10"],
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    const dueUpdate = nextDueUpdate(incident, { system: systemOf(context, incident) });
    const due = parseActionValue(request.actionValue).about[0] ?? dueUpdate?.id;
    if (due === undefined) return stop(refused({ code: "due-unknown" }));
    const minutes = minutesIn(request);
    const acted = await act(context, request, incident.id, { type: "snooze", due, minutes });
    if (acted.kind === "refused") return no(acted.problem);
    return say(snoozed(minutes, dueUpdate?.id === due ? dueUpdate.dueAt : null));
  },
};

function minutesIn({ words }: Request): number {
  const [word] = words;
  if (word === undefined) return MINUTES;
  const minutes = /^(\d{1,3})(m|min)?$/.exec(word)?.[1];
  if (minutes !== undefined) return Number(minutes);
  return stop(notMinutes(word));
}
