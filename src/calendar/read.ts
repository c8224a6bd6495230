import type { Timeline } from "../timeline/contract.ts";
import { calendarStream } from "./events.ts";
import { type CalendarState, foldCalendar } from "./state.ts";

/** The calendar's record of a system, verified; blank where nothing was recorded yet. */
export async function readCalendar(timeline: Pick<Timeline, "read">, system: string): Promise<CalendarState> {
  return foldCalendar(await timeline.read(calendarStream(system)));
}
