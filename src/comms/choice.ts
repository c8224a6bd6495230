import type { Audience, System } from "../catalog/types.ts";
import { momentsNow } from "../incident/moments.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Templates } from "./load.ts";
import { routeOf } from "./route.ts";
import type { Template } from "./template.ts";

/** The one who is not in the room is told first. */
const ORDER: readonly Audience[] = ["customers", "status-page", "executives", "responders"];

/**
 * What may be said now, the most fitting first: what reaches someone, is meant for this severity, and belongs to this
 * moment. What would be untrue now is left out.
 */
export function fitting(templates: Templates, state: IncidentState, system: System): readonly Template[] {
  const now = new Map(ORDER.map((audience) => [audience, momentsNow(state, audience)]));
  const rank = (template: Template): readonly number[] => [
    reaches(template, system) ? 0 : 1,
    template.severity.includes(state.severity) ? 0 : 1,
    now.get(template.audience)?.indexOf(template.moment) ?? 0,
    ORDER.indexOf(template.audience),
  ];
  return templates
    .for(system.id)
    .filter(({ audience, moment }) => now.get(audience)?.includes(moment))
    .map((template) => ({ template, rank: rank(template) }))
    .sort((a, b) => compared(a.rank, b.rank) || a.template.id.localeCompare(b.template.id))
    .map(({ template }) => template);
}

function reaches({ audience, channels }: Template, system: System): boolean {
  const route = routeOf(system, audience);
  return channels.some((channel) =>
    channel === "statuspage" ? route.page : route[channel === "slack" ? "slack" : "email"].length > 0,
  );
}

function compared(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((one, index) => one !== b[index]);
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
