import { isCalendar } from "../calendar/events.ts";
import type { NewEvent, PageEvent } from "../incident/events.ts";
import type { Summons } from "../incident/state.ts";
import { LifeboatError, messageOf, type Problem } from "../lib/errors.ts";
import type { DueItem } from "../projection/deliveries.ts";
import type { DesiredPage } from "../sinks/pagerduty/desired-page.ts";
import type { Timeline } from "../timeline/contract.ts";
import { aboutSeatKey, seatRoundKey } from "./keys.ts";

const BOT = { kind: "bot" } as const;
type Writing = Pick<Timeline, "decide">;

/** After one of these an ask is over, and who is on call for it is of no interest. */
const CLOSES = ["gate.denied", "gate.expired", "gate.voided", "gate.passed"];

/** The one who finds out first writes it; the others find it written. */
export async function recordSummons(
  timeline: Writing,
  stream: string,
  about: { readonly run: string; readonly step: string; readonly ask: string },
  summons: Summons,
): Promise<void> {
  const { run, step, ask } = about;
  const event: NewEvent = {
    type: "gate.summoned",
    data: { step, ask, ...summons },
    key: `${ask}/summoned-${summons.level}`,
    run,
    actor: BOT,
  };
  await timeline.decide(stream, (events) => {
    const over = events.some(({ type, data }) => CLOSES.includes(type) && (data as { ask?: unknown }).ask === ask);
    return { events: over ? [] : [event], value: null };
  });
}

/** Once for each time phones were made to ring. */
export async function recordSent(timeline: Writing, item: DueItem): Promise<void> {
  const { ask, role, people, to } = aboutOf(item);
  const data = { page: pageIn(item), ask, role, people: to === "people" ? people : [], to };
  const event: NewEvent = { type: "page.sent", data, key: `${item.key}/sent/${item.version}`, actor: BOT };
  await timeline.decide(item.stream, () => ({ events: [event], value: null }));
}

/** Once per outage: while the last word about paging is a failure, no other is added. */
export async function recordFailed(timeline: Writing, item: DueItem, error: unknown): Promise<void> {
  const { ask, role } = aboutOf(item);
  const data = { page: pageIn(item), ask, role, problem: problemOf(error, item) };
  await timeline.decide(item.stream, (events) => {
    const last = events.findLast(({ type }) => SENT_OR_NOT.includes(type as PageEvent["type"]));
    if (last?.type === "page.failed") return { events: [], value: null };
    const key = `${item.key}/failed/${events.length}`;
    return { events: [{ type: "page.failed", data, key, actor: BOT }], value: null };
  });
}

/** Who a test page is for isn't part of its name on the record: there a person stands under an opaque id, alone. */
function pageIn({ key }: DueItem): string {
  const seat = aboutSeatKey(key);
  return seat === null ? key : seatRoundKey(seat);
}

const SENT_OR_NOT: readonly PageEvent["type"][] = ["page.sent", "page.failed"];

function aboutOf(item: DueItem) {
  const wanted = item.desired as DesiredPage;
  if (wanted.kind !== "summons" || !wanted.open) return { ask: null, role: null, people: [], to: "service" } as const;
  const { ask, role, people } = wanted;
  const to = wanted.to === "service" ? "service" : "policy" in wanted.to ? "policy" : "people";
  return { ask, role, people, to } as const;
}

function problemOf(error: unknown, { stream }: DueItem): Problem {
  const problem = error instanceof LifeboatError ? error.problem : { code: "pagerduty", what: messageOf(error) };
  if (isCalendar(stream))
    return {
      ...problem,
      stateNow: "The test page isn't sent; they can still confirm in Slack",
      next: "Nothing to do: Lifeboat retries until PagerDuty answers",
    };
  return {
    ...problem,
    stateNow: "No one was paged; the incident and its runs continue",
    next: "Call people yourselves; Lifeboat retries until PagerDuty answers",
  };
}
