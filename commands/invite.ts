import { personOf } from "../src/incident/people.ts";
import { invited } from "../templates/messages/incident/answers.ts";
import { act } from "./act.ts";
import { actorOf, type Command } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { systemOf } from "./incidents.ts";
import { nameIn, no, say, whereOf } from "./say.ts";
import { theIncident } from "./the-incident.ts";
import { userIn } from "./tokens.ts";
import { personMeant } from "./who.ts";

export const invite: Command = {
  verb: "invite",
  aliases: [],
  summary: "Invite people into a private incident.",
  usage: "/dr invite <@who> [<@who>] [--reason <why>] [--incident <id>]",
  examples: ["/dr invite @sam", "/dr invite @sam @vera --reason They own the database"],
  everyMember: true,
  async handle(context, request) {
    const incident = await theIncident(context, request);
    const who = request.words.map((word) => memberMeant(context, incident, word));
    const { reason } = request.options;
    const command = { type: "addMembers", who, reason: typeof reason === "string" ? reason : null } as const;
    const acted = await act(context, request, incident.id, command);
    if (acted.kind === "refused") return no(acted.problem);
    return say(
      invited(
        who.map((one) => nameIn(context, one)),
        await whereOf(context, incident.id),
      ),
    );
  },
};

/** Someone on the roster by their id there; any other account of the workspace by its own. */
function memberMeant(context: CommandContext, incident: Parameters<typeof systemOf>[1], word: string): string {
  const system = systemOf(context, incident);
  const user = userIn(word);
  if (user === null) return personMeant(system, ["", word], "`/dr invite @sam`").person.id;
  const actor = actorOf({ transport: "slack", slackUser: user, person: null, name: user, blocked: null });
  return personOf(actor, system)?.id ?? user;
}
