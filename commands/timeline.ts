import type { Command } from "../src/command/command.ts";
import { fileName, namesOf } from "../src/command/reply/names.ts";
import { confidential, nameIn, say, stop } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { lastEntries, line, planIn, transcript } from "../src/report/transcript.ts";
import { timelineFile, timelineShown } from "../templates/messages/incident/answers.ts";
import { notACount } from "../templates/messages/incident/command-refusals.ts";
import { withCommands } from "../templates/messages/kit/escape.ts";

/** More than this is not read on a phone. */
const SHOWN = 25;

export const timeline: Command = {
  verb: "timeline",
  aliases: ["tl"],
  summary: "What happened, in order: the latest here, all of it as a file.",
  usage: "/dr timeline [<incident>] [--last <count>] [--file]",
  examples: ["/dr timeline", "/dr timeline --last 50", "/dr timeline --file"],
  reads: ({ options }) => options.file !== true && options.last === undefined,
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    const events = await context.timeline.read(incident.id);
    const names = (who: string) => plainName(nameIn(context, who));
    const count = countIn(request.options.last);
    const title = incident.declared?.title ?? incident.id;
    if (request.options.file === true || (count !== null && count > 100)) {
      const told = transcript(events, await context.incidents.plansOf(events), names);
      const content = `${title} (${namesOf(incident)})\n\n${told.join("\n")}\n`;
      const message = timelineFile(title, told.length);
      const channel = await context.channelOf(incident.id);
      return {
        kind: "file",
        name: `timeline-${fileName(incident)}.txt`,
        content,
        message,
        channel,
        ...confidential(incident),
      };
    }
    const last = lastEntries(events, planIn(incident), names, (count ?? SHOWN) + 1);
    const shown = last.slice(-(count ?? SHOWN)).map(line);
    return say(timelineShown(title, shown.map(withCommands), last.length === shown.length));
  },
};

function countIn(last: string | true | undefined): number | null {
  if (last === undefined) return null;
  const count = Number(last);
  if (Number.isInteger(count) && count > 0) return count;
  return stop(notACount(String(last)));
}

/** A file shows names, not Slack's markup. */
function plainName(mrkdwn: string): string {
  return mrkdwn
    .replace(/^<@([^>]+)>$/, "@$1")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}
