import type { AlertEvent, FiredAlert, Recorded } from "../events.ts";
import type { AlertState } from "../state.ts";

/** So many beginnings are kept: enough to tell that an alert flaps. */
const STARTS_KEPT = 4;

export function evolveAlerts(
  alerts: ReadonlyMap<string, AlertState>,
  event: Recorded<Exclude<AlertEvent, { type: "alert.incidentOpened" }>>,
): ReadonlyMap<string, AlertState> {
  const known = alerts.get(event.data.alert);
  switch (event.type) {
    case "alert.fired":
      return new Map(alerts).set(event.data.alert, fired(known, event.data, event.at));
    case "alert.resolved": {
      if (known === undefined) return alerts;
      const { instances: ids, asOf } = event.data;
      const instances = new Map(known.instances);
      for (const id of ids) {
        const one = instances.get(id);
        if (one !== undefined) instances.set(id, { ...one, firing: false, asOf });
      }
      const over = ![...instances.values()].some(({ firing }) => firing);
      const resolvedAt = over ? event.at : null;
      return new Map(alerts).set(known.alert, { ...known, instances, changedAt: event.at, resolvedAt });
    }
    case "alert.looked": {
      if (known === undefined) return alerts;
      const { ok, says } = event.data;
      return new Map(alerts).set(known.alert, { ...known, looked: { ok, says, at: event.at } });
    }
    default:
      return event satisfies never;
  }
}

function fired(known: AlertState | undefined, data: FiredAlert, at: Date): AlertState {
  const { instances: fresh, asOf, ...said } = data;
  const instances = new Map(known?.instances);
  for (const { id, labels } of fresh) instances.set(id, { labels, firing: true, asOf });
  const begins = known === undefined || known.resolvedAt !== null;
  const starts = begins ? [...(known?.starts ?? []), at].slice(-STARTS_KEPT) : known.starts;
  // What was seen when it fired before says nothing about now.
  const looked = begins ? null : known.looked;
  return { ...said, instances, firstAt: known?.firstAt ?? at, changedAt: at, starts, resolvedAt: null, looked };
}
