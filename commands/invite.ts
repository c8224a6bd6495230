import { actorOf, type Command } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act } from "../src/command/execute/act.ts";
import { userIn } from "../src/command/parse/tokens.ts";
import { nameIn, no, say, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { personMeant } from "../src/command/resolve/person.ts";
import { systemOf } from "../src/command/resolve/system.ts";
import { personOf } from "../src/incident/people.ts";
import { invited } from "../templates/messages/incident/answers.ts";

export const invite: Command = {
  verb: "invite",
  aliases: [],
  summary: "Invite people into a private incident.",
  usage: "/dr invite <@who> [<@who>] [--reason <why…>] [--incident <id>]",
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
