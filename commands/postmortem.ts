import { draftPostmortem } from "../src/report/postmortem.ts";
import { plainWords, safe } from "../templates/messages/escape.ts";
import { said } from "../templates/messages/reply.ts";
import { act } from "./act.ts";
import type { Command } from "./command.ts";
import { fileName } from "./ids.ts";
import { systemOf } from "./incidents.ts";
import { theIncident } from "./meant.ts";
import { nameIn, no } from "./say.ts";

export const postmortem: Command = {
  verb: "postmortem",
  aliases: ["post-mortem", "pm"],
  summary: "Draft the post-mortem from the timeline, as a Markdown (or HTML) file in the incident's channel.",
  usage: "/dr postmortem [<incident>] [--html]",
  examples: ["/dr postmortem", "/dr postmortem --html"],
  async handle(house, request) {
    const incident = await theIncident(house, request, true);
    const acted = await act(house, request, incident.id, { type: "draftPostmortem" });
    if (acted.kind === "refused") return no(acted.problem);
    const events = await house.timeline.read(incident.id);
    const draft = draftPostmortem({
      incident: incident.id,
      ...(incident.number !== undefined && { number: incident.number }),
      events,
      plans: await house.incidents.plansOf(events),
      system: systemOf(house, incident),
      names: (who) => plainWords(nameIn(house, who)),
      practice: house.practice,
    });
    const html = request.options.html === true;
    return {
      kind: "file",
      name: `postmortem-${fileName(incident)}.${html ? "html" : "md"}`,
      content: html ? draft.html : draft.markdown,
      channel: await house.channelOf(incident.id),
      message: said([
        `Post-mortem draft of *${safe(draft.title)}* ready (${events.length} timeline events). Add what went well and the action items.`,
      ]),
    };
  },
};
