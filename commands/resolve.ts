import type { Command, Request } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { resolved } from "../templates/messages/incident/answers.ts";
import { resolveAnyway, resolveForm, summaryIn } from "../templates/messages/incident/forms.ts";

/** The button below the question whether to resolve although a move is on probation; its form is that of `incident.resolve`. */
const ANYWAY = "incident.resolveAnyway";
const LABEL = "Resolve anyway";

export const resolve: Command = {
  verb: "resolve",
  aliases: ["incident.resolve", ANYWAY],
  summary: "Resolve the incident. Refused while a run is in progress; --anyway while a move is on probation.",
  usage: "/dr resolve [<incident>] [--anyway] [<what ended it…>]",
  examples: ["/dr resolve Running on the standby since 02:55, orders flow"],
  async handle(context, request) {
    const incident = await theIncident(context, request);
    if (request.actionValue !== null && request.form === null && request.canAskForm)
      return { kind: "form", form: resolveForm(incident.id, request.verb, typedBefore(request)) };
    const summary = (request.form?.summary ?? request.rest).trim() || null;
    const anyway = request.verb === ANYWAY || request.options.anyway === true;
    const acted = await act(context, request, incident.id, { type: "resolve", summary, anyway });
    if (acted.kind === "refused" && acted.problem.code === "on-probation")
      return {
        ...no(acted.problem, resolveAnyway(ANYWAY, incident.id, summary)),
        instead: { verb: ANYWAY, label: LABEL },
      };
    if (acted.kind === "refused") return no(acted.problem);
    return say(resolved(await whereOf(context, incident.id), incident.id));
  },
};

/** What was typed when it was refused: the button below the refusal brings it back. */
function typedBefore({ verb, actionValue }: Request): string | null {
  return verb === ANYWAY ? summaryIn(actionValue) : null;
}
