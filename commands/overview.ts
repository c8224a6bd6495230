import { quiet, situation, which } from "../templates/messages/situation.ts";
import type { Reply, Request } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { meant } from "./incidents.ts";
import { startWords } from "./targets.ts";
import { Unclear } from "./the-incident.ts";

/** `/dr` alone: what can be done here and now. */
export async function overview(context: CommandContext, request: Request): Promise<Reply> {
  const found = await meant(context, request);
  const starts = startWords(context);
  if (found.kind === "several") throw new Unclear(which(found.open));
  if (found.kind === "none") {
    const systems = context.catalog.systems.map(({ title }) => title);
    return { kind: "private", message: quiet(systems, starts) };
  }
  const { incident } = found;
  const inside = incident.channel !== null && incident.channel === request.place.channel;
  const system = context.catalog.systems.find(({ id }) => id === incident.state.declared?.system);
  return { kind: "private", message: situation(incident, starts, inside, system?.triage !== undefined) };
}
