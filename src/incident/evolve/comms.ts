import type { Recorded } from "../events.ts";
import type { CommsState, Delivery, UpdateState } from "../state.ts";

export const nothingSaid: CommsState = {
  opened: null,
  over: null,
  updates: [],
  reminded: new Map(),
  snoozed: new Map(),
  late: new Map(),
};

/** What was said to whom, and when it was opened and over: what is owed counts from there. */
export function evolveComms(comms: CommsState, event: Recorded): CommsState {
  const here = { version: event.version, at: event.at };
  switch (event.type) {
    case "incident.declared":
      return comms.opened === null ? { ...comms, opened: here } : comms;
    case "incident.raised":
    case "incident.reopened":
      return { ...comms, opened: here, over: null };
    case "incident.resolved":
      return { ...comms, over: { ...here, summary: event.data.summary } };
    case "update.posted": {
      const { data, actor, at, version } = event;
      if (comms.updates.some(({ update }) => update === data.update)) return comms;
      const deliveries = new Map(data.channels.map((via) => [via, { status: "queued" } as Delivery]));
      return { ...comms, updates: [...comms.updates, { ...data, by: actor, at, version, deliveries }] };
    }
    case "update.delivered": {
      const { update, via, to, says } = event.data;
      return delivered(comms, update, via, { status: "delivered", at: event.at, to, says });
    }
    case "update.delayed":
      return delivered(comms, event.data.update, event.data.via, {
        status: "delayed",
        since: event.at,
        says: event.data.says,
      });
    case "update.undelivered":
      return delivered(comms, event.data.update, event.data.via, {
        status: "undelivered",
        at: event.at,
        says: event.data.says,
      });
    case "comms.reminded":
      return { ...comms, reminded: new Map(comms.reminded).set(event.data.due, event.at) };
    case "comms.snoozed":
      return { ...comms, snoozed: new Map(comms.snoozed).set(event.data.due, new Date(event.data.until)) };
    case "comms.late": {
      const { due, kind, dueAt } = event.data;
      return { ...comms, late: new Map(comms.late).set(due, { kind, dueAt: new Date(dueAt) }) };
    }
    default:
      return comms;
  }
}

/** What has arrived stays so: a delay that is told late changes nothing. */
function delivered(comms: CommsState, id: string, via: string, delivery: Delivery): CommsState {
  const updates = comms.updates.map((update): UpdateState => {
    const before = update.deliveries.get(via);
    if (update.update !== id || before === undefined || before.status === "delivered") return update;
    return { ...update, deliveries: new Map(update.deliveries).set(via, delivery) };
  });
  return { ...comms, updates };
}
