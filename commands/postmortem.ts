import { draftPostmortem } from "../src/report/postmortem.ts";
import { plainWords, safe } from "../templates/messages/escape.ts";
import { said } from "../templates/messages/reply.ts";
import { act } from "./act.ts";
import type { Command } from "./command.ts";
import { fileName } from "./ids.ts";
import { systemOf } from "./incidents.ts";
import { nameIn, no } from "./say.ts";
import { theIncident } from "./the-incident.ts";

export const postmortem: Command = {
  verb: "postmortem",
  aliases: ["post-mortem", "pm"],
  summary: "Draft the post-mortem from the timeline, as a Markdown (or HTML) file in the incident's channel.",
  usage: "/dr postmortem [<incident>] [--html]",
  examples: ["/dr postmortem", "/dr postmortem --html"],
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    const acted = await act(context, request, incident.id, { type: "draftPostmortem" });
    if (acted.kind === "refused") return no(acted.problem);
    const events = await context.timeline.read(incident.id);
    const draft = draftPostmortem({
      incident: incident.id,
      ...(incident.number !== undefined && { number: incident.number }),
      events,
      plans: await context.incidents.plansOf(events),
      system: systemOf(context, incident),
      names: (who) => plainWords(nameIn(context, who)),
      practice: context.practice,
    });
    const html = request.options.html === true;
    return {
      kind: "file",
      name: `postmortem-${fileName(incident)}.${html ? "html" : "md"}`,
      content: html ? draft.html : draft.markdown,
      channel: await context.channelOf(incident.id),
      message: said([
        `Post-mortem draft of *${safe(draft.title)}* ready (${events.length} timeline events). Add what went well and the action items.`,
      ]),
    };
  },
};
