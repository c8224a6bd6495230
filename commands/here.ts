import { quiet, situation, which } from "../templates/messages/situation.ts";
import type { Reply, Request } from "./command.ts";
import type { House } from "./house.ts";
import { meant } from "./incidents.ts";
import { Unclear } from "./meant.ts";
import { startWords } from "./targets.ts";

/** `/dr` alone: what can be done here and now. */
export async function here(house: House, request: Request): Promise<Reply> {
  const found = await meant(house, request);
  const starts = startWords(house);
  if (found.kind === "several") throw new Unclear(which(found.open));
  if (found.kind === "none") {
    const systems = house.catalog.systems.map(({ title }) => title);
    return { kind: "private", message: quiet(systems, starts) };
  }
  const { incident } = found;
  const inside = incident.channel !== null && incident.channel === request.place.channel;
  const system = house.catalog.systems.find(({ id }) => id === incident.state.declared?.system);
  return { kind: "private", message: situation(incident, starts, inside, system?.triage !== undefined) };
}
