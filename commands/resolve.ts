import { actionValue } from "../templates/messages/action-value.ts";
import { resolveForm } from "../templates/messages/forms.ts";
import { act } from "./act.ts";
import type { Command } from "./command.ts";
import { theIncident } from "./meant.ts";
import { no, say, whereOf } from "./say.ts";

export const resolve: Command = {
  verb: "resolve",
  aliases: ["incident.resolve"],
  summary: "Resolve the incident. Refused while a run is in progress.",
  usage: "/dr resolve [<incident>] [<what ended it…>]",
  examples: ["/dr resolve Running on the standby since 02:55, orders flow"],
  async handle(house, request) {
    const incident = await theIncident(house, request);
    if (request.carries !== null && request.form === null && request.canAskForm)
      return { kind: "form", form: resolveForm(incident.id) };
    const summary = (request.form?.summary ?? request.rest).trim() || null;
    const acted = await act(house, request, incident.id, { type: "resolve", summary });
    if (acted.kind === "refused") return no(acted.problem);
    return say(
      [
        `${await whereOf(house, incident.id)} is resolved.`,
        "Next: the post-mortem, drafted from the timeline with `/dr postmortem`. Not over? `/dr reopen <why>`.",
      ],
      { label: "Draft post-mortem", verb: "postmortem", carries: actionValue(incident.id), style: "primary" },
    );
  },
};
