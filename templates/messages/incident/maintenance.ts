import { incidentName } from "../../../src/incident/numbers.ts";
import type { IncidentState } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import type { Button } from "../kit/blocks.ts";

/** What is declared with one press where planned work has gone wrong. */
export function raiseButton({ id, declared }: IncidentState): Button[] {
  if (declared?.kind !== "maintenance") return [];
  return [
    {
      label: "Declare incident",
      verb: "incident.raise",
      actionValue: actionValue(id),
      confirm: {
        title: "Declare an incident?",
        says: "The timeline carries over, a channel opens, and on-call is paged.",
        yes: "Declare",
        no: "Not yet",
      },
    },
  ];
}

/** "INC-42 · P1": what people call it by, and how bad it is; planned work has its number alone. */
export function named(state: IncidentState): string {
  if (state.number === undefined) return badge(state);
  return state.declared?.kind === "maintenance" ? incidentName(state) : `${incidentName(state)} · ${state.severity}`;
}

/** "P1", or what stands in its place: planned work has no severity. */
export function badge({ severity, declared }: IncidentState): string {
  return declared?.kind === "maintenance" ? "Maintenance" : severity;
}
