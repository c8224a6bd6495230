import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { closed } from "../templates/messages/incident/answers.ts";
import { closeForm } from "../templates/messages/incident/forms.ts";

export const close: Command = {
  verb: "close",
  aliases: ["incident.close"],
  summary: "Close a resolved incident: its post-mortem is drafted, or you say why there is none.",
  usage: "/dr close [<incident>] [--no-postmortem <why…>]",
  examples: ["/dr close", "/dr close INC-42 --no-postmortem 'A false alarm'"],
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    const typed = request.form?.reason ?? request.options["no-postmortem"];
    const waived = typeof typed === "string" && typed.trim() !== "" ? typed.trim() : null;
    const needsReason = incident.draftedAt === undefined && incident.status === "resolved";
    if (waived === null && needsReason && request.form === null && request.canAskForm)
      return { kind: "form", form: closeForm(incident.id) };
    const acted = await act(context, request, incident.id, { type: "close", waived });
    if (acted.kind === "refused") return no(acted.problem);
    return say(closed(await whereOf(context, incident.id)));
  },
};
