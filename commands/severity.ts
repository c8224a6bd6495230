import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say, stop, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { systemOf } from "../src/command/resolve/system.ts";
import { severityNamed } from "../src/incident/severity.ts";
import { severityChanged } from "../templates/messages/incident/answers.ts";
import { SEVERITY_HINT, severityNow, unknownSeverity } from "../templates/messages/incident/command-refusals.ts";
import { severityHelp } from "../templates/messages/incident/contacts.ts";
import { severityForm } from "../templates/messages/incident/forms.ts";
import { actionValue } from "../templates/messages/kit/action-value.ts";

export const severity: Command = {
  verb: "severity",
  aliases: ["sev"],
  summary: "Change the severity, P0 to P3, with a reason.",
  usage: "/dr severity <P0-P3> [<reason…>] [--incident <id>]",
  examples: ["/dr severity P0 All checkouts fail"],
  async handle(context, request) {
    const incident = await theIncident(context, request);
    const system = systemOf(context, incident);
    const [typed = "", ...words] = request.words;
    if (typed === "" && request.form === null && request.canAskForm)
      return { kind: "form", form: severityForm(actionValue(incident.id), system, incident.severity) };
    const asked = request.form?.severity ?? typed;
    const to = severityNamed(system, asked);
    if (to === null)
      return stop(
        asked === ""
          ? severityNow(incident.severity, severityHelp(system))
          : unknownSeverity(asked, severityHelp(system), SEVERITY_HINT),
      );
    const said = words.length > 0 ? request.rest.replace(/^\S+\s*/, "") : null;
    const reason = request.form?.reason ?? said;
    const acted = await act(context, request, incident.id, { type: "changeSeverity", to, reason });
    if (acted.kind === "refused") return no(acted.problem);
    return say(severityChanged(await whereOf(context, incident.id), to, reason));
  },
};
