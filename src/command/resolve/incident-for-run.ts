import { type Open, which } from "../../../templates/messages/incident/situation.ts";
import { drillInIncident } from "../../../templates/messages/run/command-refusals.ts";
import type { System } from "../../catalog/types.ts";
import type { RecordKind } from "../../incident/events.ts";
import type { IncidentState } from "../../incident/state.ts";
import { idFor } from "../../lib/id-for.ts";
import type { Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { stop } from "../reply/say.ts";
import { incidentHere, incidentNamed, Unclear } from "./incident.ts";

/**
 * The open incident a run belongs to, or null: one has to be declared. `wanted`: what the run is recorded as where it joins nothing.
 *
 * @throws Unclear where several could be meant
 */
export async function incidentForRun(
  context: CommandContext,
  request: Request,
  system: System,
  wanted: RecordKind,
): Promise<IncidentState | null> {
  const named = request.options.incident;
  if (typeof named === "string") {
    const found = await incidentNamed(context, named);
    const isDrill = request.options.drill === true || request.options.tabletop === true;
    if (isDrill && found.declared?.kind !== "drill") return stop(drillInIncident(named));
    return found;
  }
  const repeated = await context.incidents.read(idFor("inc", request.key));
  if (repeated.declared !== null) return repeated;
  if (request.ownRecord !== undefined) return null;
  const there = await incidentHere(context, request);
  const ours = (await context.incidents.open()).filter(({ state }) => isOf(state, system));
  // What is typed in a drill's channel belongs to the drill, whether that is said again or not.
  const inDrill = ours.find(
    ({ state, channel }) => state.declared?.kind === "drill" && channel !== null && channel === request.place.channel,
  );
  if (inDrill) return inDrill.state;
  const kind = wanted === "drill" ? "drill" : "real";
  const isHere = ({ channel }: Open) => channel !== null && channel === request.place.channel;
  const fits = ours.filter(({ state }) => state.declared?.kind === kind);
  const here = fits.find(isHere);
  if (here) return here.state;
  // What is still to do after an incident is typed where it was handled, and belongs to it until it is closed.
  if (there?.state.status === "resolved" && there.state.declared?.kind === kind && isOf(there.state, system))
    return there.state;
  if (fits.length > 1) throw new Unclear(which(fits));
  return fits[0]?.state ?? null;
}

function isOf({ declared }: IncidentState, { id }: System): boolean {
  return declared?.system === id;
}
