import { actorOf, type Command, type Reply, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act } from "../src/command/execute/act.ts";
import { comingMoment, pickedIn } from "../src/command/parse/fields.ts";
import { nearLine } from "../src/command/reply/near-line.ts";
import { no, say, stop } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { namedIn } from "../src/command/resolve/system.ts";
import { fitting } from "../src/comms/choice.ts";
import { type Composition, compose, prefilled, type Writing } from "../src/comms/compose.ts";
import { sayTime } from "../src/comms/facts.ts";
import { NEXT_UPDATE, type Template } from "../src/comms/template.ts";
import { nextUpdateAt } from "../src/incident/cadence.ts";
import { mayNotTell } from "../src/incident/decide/comms.ts";
import type { IncidentStatus } from "../src/incident/events.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { idFor } from "../src/lib/id-for.ts";
import { updatePreview, updateSent } from "../templates/messages/comms/answers.ts";
import {
  templateUnfitting,
  unknownTemplate,
  updateIncomplete,
  updateReachesNoOne,
} from "../templates/messages/comms/command-refusals.ts";
import { fieldId, PREVIEW, updateForm } from "../templates/messages/comms/update-form.ts";
import { safe } from "../templates/messages/kit/escape.ts";
import { refused } from "../templates/messages/refused.ts";

export const update: Command = {
  verb: "update",
  aliases: ["tell", PREVIEW],
  summary: "Tell people how it stands: choose whom, fill in, see it as they will, send.",
  usage: "/dr update [--template <id>] [--incident <id>] [<what is new…>]",
  examples: ["/dr update", "/dr update --template executives-progress The standby takes orders again"],
  checkForm: (context, { form }) => comingMoment(form, fieldId(NEXT_UPDATE), context.timeline.now()),
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    const writing = writingOf(context, incident);
    const { caller, key } = request;
    const { now, system } = writing;
    const refusal = mayNotTell(incident, { now, system, actor: actorOf(caller), blocked: caller.blocked, key });
    if (refusal !== null) return stop(refused(refusal));
    const templates = fitting(context.comms.templates, incident, system);
    const template = chosen(templates, request, context.comms.templates.for(system.id), incident.status);
    const values = valuesOf(template, request, writing);
    const composed = compose(template, values, writing);
    if (request.form !== null && request.verb !== PREVIEW) return send(context, request, incident, composed);
    return request.canAskForm
      ? draft(incident, templates, template, values, composed, nextUpdateIn(template, request, writing))
      : atCommandLine(incident, composed);
  },
};

function writingOf(context: CommandContext, state: IncidentState): Writing {
  const { timeline, practice, comms } = context;
  const { reach, pageLink } = comms;
  return { state, system: namedIn(context, state), now: timeline.now(), practice, reach, pageLink };
}

/** What was chosen or named, else what fits best. `all`: what would be true at another moment too. */
function chosen(
  templates: readonly Template[],
  { form, options }: Request,
  all: readonly Template[],
  status: IncidentStatus,
): Template {
  const asked = form?.template ?? options.template;
  const found = typeof asked === "string" && asked !== "" ? templates.find(({ id }) => id === asked) : templates[0];
  if (found !== undefined) return found;
  const other = all.find(({ id }) => id === asked);
  if (other !== undefined) return stop(templateUnfitting(other, status));
  const ids = templates.map(({ id }) => id);
  const named = typeof asked === "string" && asked !== "" ? asked : null;
  return stop(unknownTemplate(named, ids, named === null ? null : nearLine(named, ids, "update --template ")));
}

/** What stands in the form, else what was typed behind the command, else what is known. */
function valuesOf(template: Template, { form, rest }: Request, writing: Writing): Record<string, string> {
  const offered = prefilled(template, writing);
  const free = template.fields.find(({ name, required }) => required && offered[name] === "")?.name;
  return Object.fromEntries(
    template.fields.map(({ name }) => {
      const typed = name === free && form === null ? rest.trim() : "";
      const given = form?.[fieldId(name)];
      const picked = name === NEXT_UPDATE && given !== undefined ? pickedIn(given) : null;
      return [name, picked ? sayTime(picked, writing.now) : (given ?? (typed || offered[name] || ""))];
    }),
  );
}

/**
 * What stands in the picker of when people hear again: what was picked, else what the cadence promises; null: nothing. Undefined where a
 * template offers other words for it, which are typed.
 */
function nextUpdateIn(template: Template, { form }: Request, writing: Writing): Date | null | undefined {
  const offered = prefilled(template, writing)[NEXT_UPDATE];
  const due = nextUpdateAt(writing.state, writing.system, writing.now);
  if (offered === undefined || (offered !== "" && (due === null || offered !== sayTime(due, writing.now))))
    return undefined;
  return pickedIn(form?.[fieldId(NEXT_UPDATE)] ?? "") ?? due;
}

function draft(
  incident: IncidentState,
  templates: readonly Template[],
  template: Template,
  values: Readonly<Record<string, string>>,
  { destinations, preview, missing }: Composition,
  nextUpdate: Date | null | undefined,
): Reply {
  const form = updateForm({
    incident: incident.id,
    choices: templates.map(({ id, title }) => ({ value: id, says: title })),
    template: template.id,
    fields: template.fields.map((field) => ({
      ...{ ...field, value: values[field.name] ?? "" },
      ...(field.name === NEXT_UPDATE && nextUpdate !== undefined && { moment: nextUpdate }),
    })),
    destinations,
    preview,
    missing: missing.map(({ label }) => label),
  });
  return { kind: "form", form };
}

/** Where no form can be opened nothing is sent unseen: it is shown, and a button opens the form. */
function atCommandLine(incident: IncidentState, { preview, update: { title } }: Composition): Reply {
  const words =
    "slack" in preview ? preview.slack.split("\n") : [preview.subject, ...preview.text.split("\n")].map(safe);
  return say(updatePreview(incident.id, title, words));
}

async function send(
  context: CommandContext,
  request: Request,
  incident: IncidentState,
  composed: Composition,
): Promise<Reply> {
  const { missing, destinations } = composed;
  if (missing.length > 0) return stop(updateIncomplete(missing.map(({ label }) => label)));
  if (destinations.every(({ why }) => why !== null)) return stop(updateReachesNoOne(destinations[0]?.why ?? null));
  const posted = { update: idFor("upd", request.key), ...composed.update };
  const acted = await act(context, request, incident.id, { type: "postUpdate", update: posted });
  if (acted.kind === "refused") return no(acted.problem);
  return say(updateSent(posted.title, destinations));
}
