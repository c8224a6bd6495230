import { parseActionValue } from "../templates/messages/action-value.ts";
import { nextOwed } from "../templates/messages/owed.ts";
import { clock } from "../templates/messages/when.ts";
import { act } from "./act.ts";
import type { Command, Request } from "./command.ts";
import { systemOf } from "./incidents.ts";
import { theIncident } from "./meant.ts";
import { no, say, stop } from "./say.ts";

const MINUTES = 5;

export const snooze: Command = {
  verb: "snooze",
  aliases: ["later"],
  summary: "Snooze the reminder for the next update. The due time stays.",
  usage: "/dr snooze [<minutes>] [--incident <id>]",
  examples: ["/dr snooze", "/dr snooze 10"],
  async handle(house, request) {
    const incident = await theIncident(house, request, true);
    const owed = nextOwed(incident, { system: systemOf(house, incident) });
    const due = parseActionValue(request.carries).about[0] ?? owed?.id;
    if (due === undefined) return stop({ code: "due-unknown", what: "No update is due here" });
    const minutes = minutesIn(request);
    const acted = await act(house, request, incident.id, { type: "snooze", due, minutes });
    if (acted.kind === "refused") return no(acted.problem);
    const stays = owed?.id === due ? ` It stays due by ${clock(owed.dueAt)}.` : "";
    return say(`Next reminder in ${minutes} min.${stays}`);
  },
};

function minutesIn({ words }: Request): number {
  const [word] = words;
  if (word === undefined) return MINUTES;
  const minutes = /^(\d{1,3})(m|min)?$/.exec(word)?.[1];
  if (minutes !== undefined) return Number(minutes);
  return stop({ code: "minutes-unreadable", what: `"${word}" is not a number of minutes`, next: "`/dr snooze 10`" });
}
