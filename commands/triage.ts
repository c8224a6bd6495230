import type { Command, Reply, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act } from "../src/command/execute/act.ts";
import { startProposed } from "../src/command/execute/start-proposed.ts";
import { no, say, stop, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { runnable, systemNamed } from "../src/command/resolve/system.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { idFor } from "../src/lib/id-for.ts";
import { triageStarted } from "../templates/messages/incident/answers.ts";
import { noIncidentOf } from "../templates/messages/incident/command-refusals.ts";
import { parseActionValue } from "../templates/messages/kit/action-value.ts";
import { pressOnly } from "../templates/messages/kit/command-refusals.ts";

export const triage: Command = {
  verb: "triage",
  aliases: ["triage.answer", "triage.start"],
  summary: "Find out what is wrong, question by question: what can be seen is looked at, and a runbook is proposed.",
  usage: "/dr triage [<system>] [--incident <id>]",
  examples: ["/dr triage"],
  startsRuns: true,
  async handle(context, request) {
    if (request.verb === "triage.answer") return answer(context, request);
    if (request.verb === "triage.start") return start(context, request);
    const incident = await incidentFor(context, request);
    const acted = await act(context, request, incident.id, { type: "startTriage", triage: idFor("tri", request.key) });
    if (acted.kind === "refused") return no(acted.problem);
    return say(triageStarted(await whereOf(context, incident.id)));
  },
};

/** The open incident of the system that is named, else the one that is meant. */
async function incidentFor(context: CommandContext, request: Request): Promise<IncidentState> {
  if (request.words.length === 0) return theIncident(context, request);
  const system = systemNamed(runnable(context), request.words.join(" "));
  const open = (await context.incidents.open()).filter(({ state }) => state.declared?.system === system.id);
  const here = open.find(({ channel }) => channel !== null && channel === request.place.channel) ?? open[0];
  if (here !== undefined) return here.state;
  return stop(noIncidentOf(system));
}

/** Carries incident, walk, question and answer. */
async function answer(context: CommandContext, request: Request): Promise<Reply> {
  const [incident, walk, question, chosen] = carried(request, 4);
  const state = await theIncident(context, request);
  const books = context.catalog.runbooks.filter(({ system }) => system === state.declared?.system);
  const command = { type: "answerTriage", triage: walk, question, answer: chosen, books } as const;
  const acted = await act(context, request, incident, command);
  return acted.kind === "refused" ? no(acted.problem) : { kind: "nothing" };
}

/** Carries incident, walk and mode: what was proposed is requested like any run. */
async function start(context: CommandContext, request: Request): Promise<Reply> {
  const [, walk, mode] = carried(request, 3);
  const state = await theIncident(context, request);
  const proposed = state.triages?.find(({ id }) => id === walk)?.concluded?.runbook;
  return startProposed(context, request, state, proposed, mode, "triage");
}

function carried({ actionValue }: Request, count: number): readonly [string, string, string, string] {
  const { incident, about } = parseActionValue(actionValue);
  const [a = "", b = "", c = "", d = ""] = [incident ?? "", ...about];
  if ([a, b, c, d].slice(0, count).includes("")) return stop(pressOnly("`/dr triage` begins one"));
  return [a, b, c, d];
}
