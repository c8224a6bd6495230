import { actorOf, type Command, type Reply, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act } from "../src/command/execute/act.ts";
import { userIn } from "../src/command/parse/tokens.ts";
import { nameIn, no, say, stop } from "../src/command/reply/say.ts";
import { incidentHere, incidentNamed, theIncident } from "../src/command/resolve/incident.ts";
import { personMeant } from "../src/command/resolve/person.ts";
import { namedIn, systemOf } from "../src/command/resolve/system.ts";
import { openActions } from "../src/incident/actions.ts";
import { incidentName } from "../src/incident/numbers.ts";
import { canAct, personOf } from "../src/incident/people.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { actionLine } from "../templates/messages/incident/action-items.ts";
import { actionAdded, actionDone, actionsOf, actionsOpen } from "../templates/messages/incident/answers.ts";
import { noIssueTracker, unknownActionCommand } from "../templates/messages/incident/command-refusals.ts";
import { actionForm } from "../templates/messages/incident/forms.ts";
import { safe } from "../templates/messages/kit/escape.ts";

/** Carried by the button of one item: `inc-7k2m9xqz/A1`. */
const DONE = "action.done";

export const action: Command = {
  verb: "action",
  aliases: ["actions", "action.add", DONE],
  summary: "Keep action items: add one with owner and due day, mark one done, or list what is open.",
  usage:
    "/dr action [add <what…> | done <item> [<note…>] | list] [--owner <@who>] [--due <YYYY-MM-DD>] [--issue <key>] [--link <url>] [--incident <id>]",
  examples: [
    "/dr action add Build a second standby --owner @sam --due 2026-12-24",
    "/dr action done A1",
    "/dr action done INC-42/A1 Built and tested",
    "/dr action list",
  ],
  reads: ({ words, verb, form }) =>
    form === null && verb !== DONE && ["", "list"].includes(words[0]?.toLowerCase() ?? ""),
  async handle(context, request) {
    if (request.verb === DONE) return done(context, request, request.actionValue ?? "", "");
    const [doing = "list", ...rest] = request.words;
    const said = request.rest.trim().slice(doing.length).trim();
    if (request.form !== null) return add(context, request, request.form.text ?? "");
    switch (doing.toLowerCase()) {
      case "list":
        return list(context, request);
      case "add":
        return add(context, request, said);
      case "done":
        return done(context, request, rest[0] ?? "", rest.slice(1).join(" "));
      default:
        return stop(unknownActionCommand(doing));
    }
  },
};

async function add(context: CommandContext, request: Request, text: string): Promise<Reply> {
  const incident = await theIncident(context, request, true);
  const people = namedIn(context, incident).people.filter(canAct);
  if (text.trim() === "" && request.form === null && request.canAskForm)
    return { kind: "form", form: actionForm(people, incident.id) };
  const given = (name: string) => {
    const value = request.form?.[name] ?? request.options[name];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
  };
  const [who, issue] = [given("owner"), given("issue")];
  const command = {
    type: "addAction",
    text,
    owner: who === null ? null : ownerMeant(context, incident, who),
    due: given("due"),
    link: issue === null ? given("link") : linkTo(context, issue),
  } as const;
  const acted = await act(context, request, incident.id, command);
  if (acted.kind === "refused") return no(acted.problem);
  const after = await context.incidents.read(incident.id);
  const item = after.actions?.at(-1);
  const line = item === undefined ? null : actionLine(item, (one) => nameIn(context, one));
  return say(actionAdded(incidentName(after), line));
}

/** `A1` of the incident that is meant, or `INC-42/A1`. */
async function done(context: CommandContext, request: Request, named: string, note: string): Promise<Reply> {
  const [of, id] = named.includes("/") ? (named.split("/", 2) as [string, string]) : [null, named];
  const incident = of === null ? await theIncident(context, request, true) : await incidentNamed(context, of);
  const acted = await act(context, request, incident.id, { type: "doneAction", action: id, note: note || null });
  if (acted.kind === "refused") return no(acted.problem);
  return say(actionDone(incidentName(incident), id));
}

/** Of this incident, where one is meant; else everything that is open. */
async function list(context: CommandContext, request: Request): Promise<Reply> {
  const named = request.options.incident;
  const here =
    typeof named === "string" ? await incidentNamed(context, named) : (await incidentHere(context, request))?.state;
  const names = (who: string) => nameIn(context, who);
  if (here)
    return say(
      actionsOf(
        incidentName(here),
        (here.actions ?? []).map((item) => actionLine(item, names)),
      ),
    );
  const open = (await context.incidents.current()).filter((state) => openActions(state).length > 0);
  const lines = open.flatMap((state) =>
    openActions(state).map((item) => `${safe(incidentName(state))}/${actionLine(item, names)}`),
  );
  return say(actionsOpen(lines.slice(0, 40)));
}

function ownerMeant(context: CommandContext, incident: IncidentState, word: string): string {
  const system = systemOf(context, incident);
  const user = userIn(word);
  if (user === null) return personMeant(system, ["", word], "`--owner @sam`").person.id;
  const actor = actorOf({ transport: "slack", slackUser: user, person: null, name: user, blocked: null });
  return personOf(actor, system)?.id ?? user;
}

function linkTo({ issueUrl }: CommandContext, issue: string): string {
  if (issueUrl == null) return stop(noIssueTracker());
  return issueUrl.replaceAll("{issue}", encodeURIComponent(issue));
}
