import type { System } from "../catalog/types.ts";
import type { Via } from "../incident/events.ts";
import type { IncidentState, UpdateState } from "../incident/state.ts";
import type { Desired } from "../projection/deliveries.ts";
import type { Mail } from "../sinks/mail/email.ts";
import type { Notice } from "../sinks/statuspage/statuspage.ts";
import { routeOf } from "./route.ts";

/** What has to go out of an incident's updates, each under a key that stays the same, in the order it was said. */
export function outgoing(state: IncidentState, system: System): readonly Desired[] {
  return state.comms.updates.flatMap((update) =>
    update.channels.flatMap((via) => {
      const status = update.deliveries.get(via)?.status;
      const content = status === "queued" || status === "delayed" ? contentOf(via, update, state, system) : null;
      if (content === null) return [];
      // Mail to customers waits for no mail to executives; a page has one history.
      const queue = via === "email" ? `${state.id}/email/${update.audience}` : `${state.id}/${via}`;
      return [{ sink: via, queue, key: `${update.update}/${via}`, once: true, desired: content }];
    }),
  );
}

/** Null: the catalogue no longer says where it goes. */
function contentOf(via: Via, update: UpdateState, state: IncidentState, system: System): unknown {
  switch (via) {
    case "email": {
      const to = routeOf(system, update.audience).email;
      if (update.email === null || to.length === 0) return null;
      const { subject, text, html } = update.email;
      const hidden = update.audience === "customers" || update.audience === "status-page";
      return { to, hidden, subject, text, html, conversation: `${state.id}.${update.audience}` } satisfies Mail;
    }
    case "statuspage": {
      const page = system.comms?.statuspage;
      if (update.page === null || !page) return null;
      const { components, ...said } = update.page;
      const known = components.flatMap(({ component, status }) => {
        const id = page.components.find((one) => one.component === component)?.id;
        return id === undefined ? [] : [[id, status] as const];
      });
      const notice: Notice = {
        ...said,
        incident: state.id,
        pageId: page.pageId,
        components: Object.fromEntries(known),
      };
      return notice;
    }
    case "page":
      return update.page === null ? null : { incident: state.id };
    default:
      return via satisfies never;
  }
}
