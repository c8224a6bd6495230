import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { reopened } from "../templates/messages/incident/answers.ts";
import { reasonForm } from "../templates/messages/kit/form.ts";

export const reopen: Command = {
  verb: "reopen",
  aliases: [],
  summary: "Reopen a resolved incident, with a reason.",
  usage: "/dr reopen [<incident>] <reason…>",
  examples: ["/dr reopen Errors are back since 03:10"],
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    const reason = (request.form?.reason ?? request.rest).trim();
    if (reason === "" && request.form === null && request.canAskForm) {
      const says = incident.declared?.title ?? incident.id;
      return { kind: "form", form: reasonForm("reopen", "Reopen the incident", "Reopen", incident.id, says) };
    }
    const acted = await act(context, request, incident.id, { type: "reopen", reason });
    if (acted.kind === "refused") return no(acted.problem);
    return say(reopened(await whereOf(context, incident.id), reason));
  },
};
