import { severityNamed } from "../src/incident/severity.ts";
import { safe } from "../templates/messages/escape.ts";
import { act } from "./act.ts";
import type { Command } from "./command.ts";
import { systemOf } from "./incidents.ts";
import { theIncident } from "./meant.ts";
import { no, say, stop, whereOf } from "./say.ts";

export const severity: Command = {
  verb: "severity",
  aliases: ["sev"],
  summary: "Change the severity, P0 to P3, with a reason.",
  usage: "/dr severity <P0-P3> [<reason…>] [--incident <id>]",
  examples: ["/dr severity P0 All checkouts fail"],
  async handle(house, request) {
    const incident = await theIncident(house, request);
    const system = systemOf(house, incident);
    const [asked = "", ...words] = request.words;
    const to = severityNamed(system, asked);
    if (to === null)
      return stop({
        code: "severity-unknown",
        what: asked === "" ? `It is ${incident.severity} now` : `There is no severity "${asked}"`,
        allowed: `Severities: ${system.severities.map(({ id, title }) => `${id} (${title})`).join(", ")}`,
        next: "`/dr severity P0 <why>`",
      });
    const reason = words.length > 0 ? request.rest.replace(/^\S+\s*/, "") : null;
    const acted = await act(house, request, incident.id, { type: "changeSeverity", to, reason });
    if (acted.kind === "refused") return no(acted.problem);
    return say(`${await whereOf(house, incident.id)} is ${to} now${reason ? `: ${safe(reason)}` : "."}`);
  },
};
