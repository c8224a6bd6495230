import { safe } from "../templates/messages/kit/escape.ts";
import { act } from "./act.ts";
import type { Command } from "./command.ts";
import { no, say, whereOf } from "./say.ts";
import { theIncident } from "./the-incident.ts";

export const signOff: Command = {
  verb: "sign-off",
  aliases: ["attest"],
  summary: "Sign off a record that is over: your attestation stands on its timeline and in evidence packs.",
  usage: "/dr sign-off [--incident <id>] <what you attest…>",
  examples: ["/dr sign-off The results are complete, and I accept the open items"],
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    const acted = await act(context, request, incident.id, { type: "signOff", statement: request.rest.trim() });
    if (acted.kind === "refused") return no(acted.problem);
    const covered = acted.state.signOffs?.at(-1);
    return say([
      `${await whereOf(context, incident.id)} is signed off: ${safe(covered?.statement ?? "")}`,
      `Covers: events 1 to ${covered?.version ?? 0}`,
    ]);
  },
};
