import type { Command, Reply } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say, stop, surroundings, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import type { IncidentStatus } from "../src/incident/events.ts";
import { isLive } from "../src/incident/status.ts";
import { undeliveredLines } from "../templates/messages/comms/undelivered.ts";
import { notDeclared, statusChanged } from "../templates/messages/incident/answers.ts";
import { statusCard } from "../templates/messages/incident/card.ts";
import { section } from "../templates/messages/kit/blocks.ts";
import { refused } from "../templates/messages/refused.ts";
import { progressLines } from "../templates/messages/run/progress.ts";
import { stepList } from "../templates/messages/run/steps.ts";

const OPEN = ["investigating", "identified", "mitigating", "monitoring"] as const satisfies readonly IncidentStatus[];

export const status: Command = {
  verb: "status",
  aliases: ["st"],
  summary: "Show severity, roles, runs and steps. With a word, set the status.",
  usage: "/dr status [<incident>] [investigating | identified | mitigating | monitoring]",
  examples: ["/dr status", "/dr status INC-42", "/dr status mitigating"],
  reads: ({ words }) => words.length === 0,
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    const { declared } = incident;
    const [word] = request.words;
    if (word !== undefined) {
      const to = OPEN.find((one) => one === word.toLowerCase());
      if (to === undefined) return stop(refused({ code: "status-unknown", to: word, known: OPEN }));
      const acted = await act(context, request, incident.id, { type: "changeStatus", to });
      return acted.kind === "refused" ? no(acted.problem) : say(statusChanged(await whereOf(context, incident.id), to));
    }
    if (declared === null) return say(notDeclared());
    const around = surroundings(context, incident, await context.channelOf(incident.id));
    const card = statusCard(incident, declared, around);
    const live = [...incident.runs.values()].filter(isLive);
    const lists = live.map((run) => {
      const { text, blocks } = stepList(run, around);
      return { text, blocks: [section(progressLines(incident, run, around).join("\n")), ...blocks] };
    });
    const failing = undeliveredLines((await context.deliveries?.undelivered(incident.id)) ?? []);
    return {
      kind: "private",
      message: {
        text: [card.text, ...failing, ...lists.map(({ text }) => text)].join("\n"),
        blocks: [
          ...card.blocks,
          ...(failing.length === 0 ? [] : [section(failing.join("\n"))]),
          ...lists.flatMap(({ blocks }) => blocks),
        ].slice(0, 50),
      },
    } satisfies Reply;
  },
};
