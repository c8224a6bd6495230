import { nearest } from "../src/catalog/suggest.ts";
import type { Person, Role, System } from "../src/catalog/types.ts";
import { actorOf, type Command, type Reply, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act } from "../src/command/execute/act.ts";
import { nameIn, no, say, stop } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { personMeant } from "../src/command/resolve/person.ts";
import { namedIn, systemOf } from "../src/command/resolve/system.ts";
import { personOf } from "../src/incident/people.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { roleGiven, roleList } from "../templates/messages/incident/answers.ts";
import { unknownRole, unknownRoleCommand } from "../templates/messages/incident/command-refusals.ts";
import { roleForm } from "../templates/messages/incident/forms.ts";
import { parseActionValue } from "../templates/messages/kit/action-value.ts";
import { refused } from "../templates/messages/refused.ts";

export const role: Command = {
  verb: "role",
  aliases: ["roles"],
  summary: "Take or hand over a role in this incident; with nothing, list roles.",
  usage: "/dr role [take <role> | assign <role> <person>] [--note <words…>] [--incident <id>]",
  examples: ["/dr role", "/dr role take incident-commander", "/dr role assign incident-commander @ana"],
  reads: ({ words, form, actionValue }) => words.length === 0 && form === null && actionValue === null,
  async handle(context, request) {
    const incident = await theIncident(context, request);
    const system = systemOf(context, incident);
    const pressed = parseActionValue(request.actionValue);
    const carried = pressed.incident === null ? undefined : pressed.about[0];
    const [doing, ...words] = wordsOf(request.form) ?? (carried ? ["take", carried] : request.words);
    if (doing === undefined)
      return request.canAskForm && request.actionValue !== null
        ? { kind: "form", form: roleForm(incident.id, namedIn(context, incident)) }
        : list(context, incident, system);
    switch (doing.toLowerCase()) {
      case "take":
        return give(context, request, incident, roleNamed(system, words), caller(request, system));
      case "assign":
      case "hand":
      case "handover":
      case "give": {
        const to = words.filter((word) => word.toLowerCase() !== "to");
        const who = personMeant(system, to, "`/dr role assign <role> @sam`");
        return give(context, request, incident, roleNamed(system, to.slice(0, to.length - who.words)), who.person);
      }
      default:
        return stop(unknownRoleCommand(doing));
    }
  },
};

async function give(
  context: CommandContext,
  request: Request,
  incident: IncidentState,
  role: Role,
  person: Person,
): Promise<Reply> {
  const typed = request.form?.note?.trim() || request.options.note;
  const note = typeof typed === "string" ? typed : null;
  const acted = await act(context, request, incident.id, {
    type: "assignRole",
    role: role.id,
    person: person.id,
    note,
  });
  if (acted.kind === "refused") return no(acted.problem);
  const before = acted.state.roles.get(role.id);
  const from = before && before !== person.id ? nameIn(context, before) : null;
  const mine = personOf(actorOf(request.caller), systemOf(context, incident))?.id === person.id;
  return say(roleGiven(role, person.name, mine, from));
}

/** A form that was sent, as the words it stands for. */
function wordsOf(form: Request["form"]): readonly string[] | null {
  if (!form?.role) return null;
  return form.person ? ["assign", form.role, form.person] : ["take", form.role];
}

function list(context: CommandContext, incident: IncidentState, system: System): Reply {
  const roles = system.roles.filter(({ perIncident }) => perIncident);
  const held = roles.map((role) => {
    const holder = incident.roles.get(role.id);
    return { role, holder: holder ? nameIn(context, holder) : null };
  });
  return say(roleList(system, held));
}

function caller(request: Request, system: System): Person {
  return personOf(actorOf(request.caller), system) ?? stop(refused({ code: "not-on-roster", system: system.title }));
}

/** A role by its id or title, or by a word of it that fits only one. */
function roleNamed(system: System, words: readonly string[]): Role {
  const roles = system.roles.filter(({ perIncident }) => perIncident);
  const asked = words.join(" ").toLowerCase();
  const exact = roles.find(({ id, title }) => [id.toLowerCase(), title.toLowerCase()].includes(asked));
  const part = asked === "" ? [] : roles.filter(({ id, title }) => `${id} ${title}`.toLowerCase().includes(asked));
  const found = exact ?? (part.length === 1 ? part[0] : undefined);
  if (found) return found;
  const near = nearest(
    asked,
    roles.map(({ id }) => id),
  );
  return stop(unknownRole(asked, roles, near));
}
