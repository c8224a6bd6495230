import type { PageEvent, Recorded } from "../events.ts";
import type { PagingState } from "../state.ts";

/** What PagerDuty was told and answered about an incident, after an event. */
export function evolvePaging(paging: PagingState, event: Recorded<PageEvent>): PagingState {
  const known = paging.pages.get(event.data.page);
  switch (event.type) {
    case "page.sent": {
      const { page, ask, role, people } = event.data;
      const at = known?.early ? known.at : event.at;
      const sent = { ask, role, people, at, acknowledged: known?.acknowledged ?? [], early: false };
      return { pages: new Map(paging.pages).set(page, sent), failing: null };
    }
    case "page.failed":
      return { ...paging, failing: paging.failing ?? { since: event.at, problem: event.data.problem } };
    case "page.acknowledged": {
      const { page, ask, person, name, happenedAt } = event.data;
      const at = new Date(happenedAt);
      // Someone may answer before it is written down that they were called.
      const called = known ?? { ask, role: null, people: [], at, acknowledged: [], early: true };
      const acknowledged = [...called.acknowledged, { person, name, at }];
      return { ...paging, pages: new Map(paging.pages).set(page, { ...called, acknowledged }) };
    }
    default:
      return event satisfies never;
  }
}
