import type { Command } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { channelWords, say } from "../src/command/reply/say.ts";
import { mayKnow } from "../src/command/resolve/system.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { isLive } from "../src/incident/status.ts";
import { isOpen } from "../src/incidents/index.ts";
import { incidentList } from "../templates/messages/incident/answers.ts";
import { named } from "../templates/messages/incident/maintenance.ts";
import type { Open } from "../templates/messages/incident/situation.ts";
import { safe } from "../templates/messages/kit/escape.ts";
import { runStatusWords, statusWords } from "../templates/messages/kit/status.ts";
import { stamp } from "../templates/messages/kit/when.ts";
import { inputWords } from "../templates/messages/run/inputs.ts";

export const list: Command = {
  verb: "list",
  aliases: ["ls"],
  summary: "List open incidents with their runs, and recent ones.",
  usage: "/dr list",
  examples: ["/dr list"],
  reads: () => true,
  async handle(context, { caller }) {
    const mayBe = (state: IncidentState) => mayKnow(context, state, caller.person);
    const open = (await context.incidents.open()).filter(({ state }) => mayBe(state));
    const over = await context.incidents.withChannels(await latestOver(context, mayBe));
    return say(incidentList(open.flatMap(lines), over.flatMap(lines)));
  },
};

const OVER_SHOWN = 5;

async function latestOver({ incidents }: CommandContext, mayBe: (state: IncidentState) => boolean) {
  const found: IncidentState[] = [];
  for await (const state of incidents.all()) {
    if (!isOpen(state) && mayBe(state)) found.push(state);
    if (found.length === OVER_SHOWN) break;
  }
  return found;
}

function lines({ state, channel }: Open): readonly string[] {
  const where = channel === null ? "" : ` in ${channelWords(channel)}`;
  const since = state.declared ? `, declared ${stamp(state.declared.at)}` : "";
  const planned = state.declared?.kind === "maintenance";
  const stands = planned && isOpen(state) ? "in progress" : statusWords(state.status);
  const drill = state.declared?.kind === "drill" && state.number === undefined ? "DRILL · " : "";
  return [
    `• ${drill}*${named(state)}* ${safe(state.declared?.title ?? "")}${where}: ${stands}${since}`,
    ...[...state.runs.values()].filter(isLive).map((run) => {
      const inputs = inputWords(run.plan);
      return `      ${safe(run.plan.title)}${inputs ? `, ${inputs}` : ""} (${safe(run.id)}): ${runStatusWords(run)}`;
    }),
  ];
}
