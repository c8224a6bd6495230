import type { PageEvent, Recorded } from "../events.ts";
import type { PagingState } from "../state.ts";

export function evolvePaging(paging: PagingState, event: Recorded<PageEvent>): PagingState {
  const known = paging.pages.get(event.data.page);
  switch (event.type) {
    case "page.sent": {
      const { page, ask, role, people } = event.data;
      const sent = { ask, role, people, at: event.at, acknowledged: known?.acknowledged ?? [] };
      return { pages: new Map(paging.pages).set(page, sent), failing: null };
    }
    case "page.failed":
      return { ...paging, failing: paging.failing ?? { since: event.at, problem: event.data.problem } };
    case "page.acknowledged": {
      if (known === undefined) return paging;
      const { page, person, name, happenedAt } = event.data;
      const acknowledged = [...known.acknowledged, { person, name, at: new Date(happenedAt) }];
      return { ...paging, pages: new Map(paging.pages).set(page, { ...known, acknowledged }) };
    }
    default:
      return event satisfies never;
  }
}
