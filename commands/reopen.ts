import { safe } from "../templates/messages/escape.ts";
import { reasonForm } from "../templates/messages/forms.ts";
import { act } from "./act.ts";
import type { Command } from "./command.ts";
import { theIncident } from "./meant.ts";
import { no, say, whereOf } from "./say.ts";

export const reopen: Command = {
  verb: "reopen",
  aliases: [],
  summary: "Reopen a resolved incident, with a reason.",
  usage: "/dr reopen [<incident>] <reason…>",
  examples: ["/dr reopen Errors are back since 03:10"],
  async handle(house, request) {
    const incident = await theIncident(house, request, true);
    const reason = (request.form?.reason ?? request.rest).trim();
    if (reason === "" && request.form === null && request.canAskForm) {
      const says = incident.declared?.title ?? incident.id;
      return { kind: "form", form: reasonForm("reopen", "Reopen the incident", "Reopen", incident.id, says) };
    }
    const acted = await act(house, request, incident.id, { type: "reopen", reason });
    if (acted.kind === "refused") return no(acted.problem);
    return say(`${await whereOf(house, incident.id)} is open again: ${safe(reason)}`);
  },
};
