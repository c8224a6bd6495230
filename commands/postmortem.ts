import type { Command, Reply } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act } from "../src/command/execute/act.ts";
import { fileName } from "../src/command/reply/names.ts";
import { occasionsIn } from "../src/command/reply/occasions.ts";
import { confidential, nameIn, no } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { systemOf } from "../src/command/resolve/system.ts";
import { incidentName } from "../src/incident/numbers.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { draftPostmortem, type Postmortem } from "../src/report/postmortem.ts";
import { postmortemFile, postmortemReady } from "../templates/messages/incident/answers.ts";
import { plainWords } from "../templates/messages/kit/escape.ts";

export const postmortem: Command = {
  verb: "postmortem",
  aliases: ["post-mortem", "pm"],
  summary:
    "Draft the post-mortem in the incident's channel: Markdown with its picture to edit, or --html for one page to read and print.",
  usage: "/dr postmortem [<incident>] [--html]",
  examples: ["/dr postmortem", "/dr postmortem --html"],
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    const acted = await act(context, request, incident.id, { type: "draftPostmortem" });
    if (acted.kind === "refused") return no(acted.problem);
    const events = await context.timeline.read(incident.id);
    const { draft, template } = await draftOf(context, incident, events, request.caller.transport !== "cli");
    const html = request.options.html === true;
    const lines = postmortemReady(draft.report, draft.title, events.length, template?.problem ?? null);
    const file = fileOf(fileName(incident), html, draft, lines, await context.channelOf(incident.id));
    return { ...file, ...confidential(incident) };
  },
};

/** What the canvas of an incident's channel shows of its newest draft: everything up to that moment, in one text. */
export async function canvasDraft(
  context: CommandContext,
  incident: IncidentState,
): Promise<{ readonly title: string; readonly markdown: string }> {
  const newest = incident.drafts?.at(-1) ?? 0;
  const events = (await context.timeline.read(incident.id)).filter(({ version }) => version <= newest);
  const { draft } = await draftOf(context, incident, events, false);
  return { title: `${draft.report} ${incidentName(incident)}`, markdown: draft.markdown };
}

async function draftOf(
  context: CommandContext,
  incident: IncidentState,
  events: Awaited<ReturnType<CommandContext["timeline"]["read"]>>,
  pictures: boolean,
) {
  const system = systemOf(context, incident);
  const template = context.reportTemplate?.(system.id) ?? null;
  const draft = draftPostmortem({
    incident: incident.id,
    ...(incident.number !== undefined && { number: incident.number }),
    name: fileName(incident),
    events,
    plans: await context.incidents.plansOf(events),
    system,
    names: (who) => plainWords(nameIn(context, who)),
    practice: context.practice,
    pictures,
    overdue: await overdueIn(context, system),
    ...(template && { template: template.source }),
  });
  return { draft, template };
}

function fileOf(
  incident: string,
  html: boolean,
  draft: Postmortem,
  lines: readonly string[],
  channel: string | null,
): Reply {
  const name = `postmortem-${incident}`;
  if (html)
    return { kind: "file", name: `${name}.html`, content: draft.html, channel, message: postmortemFile(lines, true) };
  const message = postmortemFile(lines, false);
  return { kind: "file", name: `${name}.md`, content: draft.markdown, beside: draft.pictures, channel, message };
}

/** Titles of drills and verifications that are overdue. Surprises are not told: a post-mortem is read by many. */
async function overdueIn(context: CommandContext, system: ReturnType<typeof systemOf>): Promise<readonly string[]> {
  if ((system.calendar ?? []).length === 0) return [];
  const all = await occasionsIn(context.timeline, context.catalog, system, null);
  return all
    .filter(({ kind, overdueSince }) => kind !== "review" && kind !== "training" && overdueSince !== null)
    .map(({ title }) => title);
}
