import { type CalendarFact, isTickedOff, startsItself } from "../../../src/calendar/events.ts";
import type { Occasion, System } from "../../../src/catalog/types.ts";
import { calendarValue } from "../kit/action-value.ts";
import { actions, type Button, section } from "../kit/blocks.ts";
import { safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { NoticeSurroundings, RenderCalendar, ShownMessage } from "../kit/view.ts";
import { at, lasting } from "../kit/when.ts";
import { kindWords, minute } from "./calendar.ts";

type Event = CalendarFact & { readonly version: number };

/** What the people an event names are told, each directly and once. */
export const renderCalendar: RenderCalendar = (system, events, around) =>
  (events as readonly Event[]).flatMap((event) => ofEvent(system, event, around));

function ofEvent(system: System, event: Event, around: NoticeSurroundings): readonly ShownMessage[] {
  switch (event.type) {
    case "occasion.announced":
    case "occasion.reminded":
      return ofEntry(system, event, (occasion, person) => aheadOf(system, occasion, event, person, around));
    case "occasion.waiting":
      return ofEntry(system, event, (occasion) => waiting(system, occasion, event, around));
    case "occasion.missed":
      return ofEntry(system, event, (occasion, person) => missed(system, occasion, event, person, around));
    case "occasion.postponed":
      return ofEntry(system, event, (occasion) => postponed(system, occasion, event, around));
    case "occasion.needsPeople":
      return ofEntry(system, event, (occasion) => needsPeople(system, occasion, event, around));
    case "occasion.approvalAsked":
    case "occasion.approvalEnded":
      return ofEntry(system, event, (occasion) => aheadAsked(system, occasion, event, around));
    case "occasion.revoked":
      return ofEntry(system, event, (occasion) => revoked(system, occasion, event, around));
    case "seats.asked":
      return toEach(system, event, event.data.people, () => reachable(system, event, around));
    case "seats.silent":
      return toEach(system, event, event.data.told, () => silent(system, event, around));
    default:
      return [];
  }
}

interface Words {
  readonly lines: readonly string[];
  readonly buttons: readonly Button[];
}

/** Of an entry that is on the calendar no more nobody is told anything. */
function ofEntry(
  system: System,
  event: Extract<Event, { data: { occasion: string; people: readonly string[] } }>,
  wordsFor: (occasion: Occasion, person: string) => Words,
): readonly ShownMessage[] {
  const occasion = system.calendar?.find(({ id }) => id === event.data.occasion);
  return occasion === undefined ? [] : toEach(system, event, event.data.people, (person) => wordsFor(occasion, person));
}

function toEach(
  system: System,
  { type, version }: Event,
  people: readonly string[],
  wordsFor: (person: string) => Words,
): readonly ShownMessage[] {
  return people.flatMap((id): ShownMessage[] => {
    const [account] = system.people.find((one) => one.id === id)?.slack ?? [];
    if (account === undefined) return [];
    const words = wordsFor(id);
    const text = words.lines.join("\n");
    const blocks = [section(text), ...(words.buttons.length > 0 ? [actions(...words.buttons)] : [])];
    const key = `${type}:${version}:${account}`;
    return [{ key, in: { person: account }, under: null, priority: 1, message: { text, blocks }, once: true }];
  });
}

function aheadOf(
  system: System,
  occasion: Occasion,
  { type, data }: Extract<Event, { type: "occasion.announced" | "occasion.reminded" }>,
  person: string,
  around: NoticeSurroundings,
): Words {
  const { organiser, takesSeconds, unannounced, checklist } = occasion;
  const isOrganiser = isOrganiserOf(system, occasion, person);
  const isFirst = system.people.find(({ roles }) => organiser !== null && roles.includes(organiser))?.id === person;
  const itself = startsItself(occasion);
  const begins = itself ? "Starts by itself" : "When";
  return {
    lines: [
      `${prefixOf(occasion, around)}${type === "occasion.reminded" ? "⏰ Soon: " : "📅 Planned: "}${titleOf(system, occasion)}`,
      `${begins}: ${at(new Date(data.at))} · Takes: ${lasting(takesSeconds)}`,
      ...(organiser === null ? [] : [`Organiser: ${organiserWords(system, occasion, around)}`]),
      ...(unannounced ? ["It's a surprise: keep it to yourself."] : []),
      ...(isFirst && itself ? ["It's requested in your name, so your approval doesn't count."] : []),
      ...(isOrganiser && checklist !== null ? beforeList(system, checklist, itself) : []),
      ...(isTickedOff(occasion) ? [`Afterwards: \`/dr calendar done ${safe(system.id)}/${safe(occasion.id)}\``] : []),
    ],
    buttons: isOrganiser || organiser === null ? buttonsOf(system, occasion, data.slot) : [],
  };
}

function waiting(
  system: System,
  occasion: Occasion,
  { data }: Extract<Event, { type: "occasion.waiting" }>,
  around: NoticeSurroundings,
): Words {
  if (data.reason !== undefined) return heldUp(system, occasion, data, around);
  return {
    lines: [
      `${prefixOf(occasion, around)}⏳ Not started, its checklist is open: ${titleOf(system, occasion)}`,
      ...beforeList(system, occasion.checklist ?? "", true),
      `It starts once the list is done · Missed if not done by ${at(new Date(data.until))}`,
    ],
    buttons: buttonsOf(system, occasion, data.slot),
  };
}

function heldUp(
  system: System,
  occasion: Occasion,
  { slot, until, reason = "" }: Extract<Event, { type: "occasion.waiting" }>["data"],
  around: NoticeSurroundings,
): Words {
  return {
    lines: [
      `${prefixOf(occasion, around)}⏳ Not started yet: ${titleOf(system, occasion)}`,
      `Reason: ${safe(reason)}`,
      `Lifeboat tries again every minute · Missed if not started by ${at(new Date(until))}`,
    ],
    buttons: [
      { label: "Postpone", verb: "calendar.postpone", actionValue: calendarValue(system.id, occasion.id, slot) },
    ],
  };
}

function missed(
  system: System,
  occasion: Occasion,
  { data }: Extract<Event, { type: "occasion.missed" }>,
  person: string,
  around: NoticeSurroundings,
): Words {
  const entry = `${safe(system.id)}/${safe(occasion.id)}`;
  return {
    lines: [
      `${prefixOf(occasion, around)}❌ Missed: ${titleOf(system, occasion)}`,
      `Planned: ${at(new Date(data.slot))} · Reason: ${safe(data.reason)}`,
      `Hold it now with \`/dr calendar ${isTickedOff(occasion) ? "done" : "start"} ${entry}\`, or give it a new date: \`/dr calendar postpone ${entry}\``,
    ],
    buttons: isOrganiserOf(system, occasion, person)
      ? [
          {
            label: "Postpone",
            verb: "calendar.postpone",
            actionValue: calendarValue(system.id, occasion.id, data.slot),
          },
        ]
      : [],
  };
}

function postponed(
  system: System,
  occasion: Occasion,
  { data }: Extract<Event, { type: "occasion.postponed" }>,
  around: NoticeSurroundings,
): Words {
  return {
    lines: [
      `${prefixOf(occasion, around)}📅 Postponed: ${titleOf(system, occasion)}`,
      `New date: ${at(new Date(data.to))}`,
      `Was: ${minute(new Date(data.slot))}`,
      `Reason: ${safe(data.reason)}`,
    ],
    buttons: [],
  };
}

function needsPeople(
  system: System,
  occasion: Occasion,
  { data }: Extract<Event, { type: "occasion.needsPeople" }>,
  around: NoticeSurroundings,
): Words {
  return {
    lines: [
      `${prefixOf(occasion, around)}🛑 Needs you: ${titleOf(system, occasion)}`,
      `Planned: ${at(new Date(data.slot))} · Reason: ${safe(data.reason)}`,
      `It was approved ahead and can't go on alone. See its thread, or \`/dr status ${safe(data.run)}\``,
    ],
    buttons: [],
  };
}

function aheadAsked(
  system: System,
  occasion: Occasion,
  event: Extract<Event, { type: "occasion.approvalAsked" | "occasion.approvalEnded" }>,
  around: NoticeSurroundings,
): Words {
  const ended = event.type === "occasion.approvalEnded" ? event.data.reason : null;
  const until = event.type === "occasion.approvalAsked" ? event.data.until : null;
  return {
    lines: [
      `${prefixOf(occasion, around)}✋ Approve ahead: ${titleOf(system, occasion)}`,
      ...(ended === null ? [] : [`The last approval ended: ${safe(ended)}`]),
      ...(until === null ? [] : [`Approved until ${at(new Date(until))}`]),
      "Without it, approvers are asked each time, at its hour.",
    ],
    buttons: [
      {
        label: "Review plan",
        verb: "calendar.approve",
        actionValue: calendarValue(system.id, occasion.id),
        style: "primary",
      },
    ],
  };
}

function revoked(
  system: System,
  occasion: Occasion,
  { data }: Extract<Event, { type: "occasion.revoked" }>,
  around: NoticeSurroundings,
): Words {
  return {
    lines: [
      `${prefixOf(occasion, around)}⏹️ No longer approved ahead: ${titleOf(system, occasion)}`,
      ...(data.reason === null ? [] : [`Reason: ${safe(data.reason)}`]),
      "Approvers are asked at its hour.",
    ],
    buttons: [],
  };
}

function reachable(
  system: System,
  { data }: Extract<Event, { type: "seats.asked" }>,
  around: NoticeSurroundings,
): Words {
  const days = Math.round((system.seats?.answerWithinSeconds ?? 0) / 86_400);
  return {
    lines: [
      `${kindPrefix("real", around.practice)}📟 Can you be reached for ${safe(system.title)}?`,
      `You may have to decide in an incident. Tap the button within ${days} ${days === 1 ? "day" : "days"}.`,
    ],
    buttons: [
      {
        label: "I can be reached",
        verb: "seats.confirm",
        actionValue: calendarValue(system.id, data.round),
        style: "primary",
      },
    ],
  };
}

function silent(system: System, { data }: Extract<Event, { type: "seats.silent" }>, around: NoticeSurroundings): Words {
  const who = data.people.map((one) => around.names(one)).join(", ");
  return {
    lines: [
      `${kindPrefix("real", around.practice)}🔴 No answer for ${safe(system.title)}: ${who}`,
      `They don't count as available until they confirm. See \`/dr seats ${safe(system.id)}\``,
    ],
    buttons: [],
  };
}

function beforeList(system: System, checklist: string, isNeeded: boolean): readonly string[] {
  const found = system.checklists?.find(({ id }) => id === checklist);
  const items = (found?.items ?? []).map((item) => `☐ ${safe(item)}`);
  return [`*Checklist${isNeeded ? " (required before it starts)" : ""}:*`, ...items];
}

function buttonsOf(system: System, occasion: Occasion, slot: string): readonly Button[] {
  const actionValue = calendarValue(system.id, occasion.id, slot);
  return [
    ...(occasion.checklist === null
      ? []
      : [{ label: "List done", verb: "calendar.check", actionValue, style: "primary" as const }]),
    ...(isTickedOff(occasion)
      ? [{ label: "Done", verb: "calendar.done", actionValue, style: "primary" as const }]
      : []),
    { label: "Postpone", verb: "calendar.postpone", actionValue },
  ];
}

function isOrganiserOf({ people }: System, { organiser }: Occasion, person: string): boolean {
  const roles = people.find(({ id }) => id === person)?.roles ?? [];
  return organiser !== null && roles.includes(organiser);
}

function organiserWords({ people, roles }: System, { organiser }: Occasion, around: NoticeSurroundings): string {
  const title = roles.find(({ id }) => id === organiser)?.title ?? organiser ?? "";
  const first = people.find((one) => organiser !== null && one.roles.includes(organiser));
  return first === undefined ? safe(title) : `${around.names(first.id)} (${safe(title)})`;
}

function titleOf(system: System, { title, kind }: Occasion): string {
  return `*${safe(title)}* (${kindWords(kind)}, ${safe(system.title)})`;
}

function prefixOf({ kind }: Occasion, { practice }: NoticeSurroundings): string {
  return kindPrefix(kind === "drill" ? "drill" : "real", practice);
}
