import { recipientsOf } from "../src/calendar/due.ts";
import { type CalendarEvent, calendarStream, isTickedOff, startsItself } from "../src/calendar/events.ts";
import { isKnownSlot, slotFor, slotsAround } from "../src/calendar/slots.ts";
import { type CalendarState, foldCalendar } from "../src/calendar/state.ts";
import { doneBy } from "../src/calendar/taken.ts";
import type { Occasion, System } from "../src/catalog/types.ts";
import { actorOf, type Command, type Reply, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { approveAhead, revokeAhead } from "../src/command/execute/approve-ahead.ts";
import { startRun } from "../src/command/execute/start-run.ts";
import { momentIn } from "../src/command/parse/moment.ts";
import { nearLine } from "../src/command/reply/near-line.ts";
import { isHidden, occasionsIn } from "../src/command/reply/occasions.ts";
import { say, stop } from "../src/command/reply/say.ts";
import { personMeant } from "../src/command/resolve/person.ts";
import { runnable, systemNamed } from "../src/command/resolve/system.ts";
import { LIMITS } from "../src/incident/decide/words.ts";
import { COMMANDER, personOf, roleTitle } from "../src/incident/people.ts";
import {
  calendarList,
  checklistDone,
  checklistDoneBefore,
  occasionDone,
  occasionPostponed,
} from "../templates/messages/incident/answers.ts";
import { minute, occasionLine } from "../templates/messages/incident/calendar.ts";
import { calendarDoneForm, calendarPostponeForm } from "../templates/messages/incident/calendar-forms.ts";
import {
  dateInPast,
  dateTooFar,
  doneByPeople,
  doneByRunbook,
  NAMES_WITH_COMMAS,
  noBeforeList,
  noNewDate,
  severalEntries,
  slotUnknown,
  unknownEntry,
} from "../templates/messages/incident/calendar-refusals.ts";
import { notOnRosterOf, notTheOrganiser } from "../templates/messages/incident/command-refusals.ts";
import { calendarValue, parseCalendarValue } from "../templates/messages/kit/action-value.ts";
import { safe } from "../templates/messages/kit/escape.ts";

const DOING = ["done", "postpone", "start", "check", "approve", "revoke"] as const;
type Doing = (typeof DOING)[number];
const DAY_MS = 86_400_000;
/** How far ahead something may be put off: a quarter. */
const POSTPONE_MAX_DAYS = 92;

export const calendar: Command = {
  verb: "calendar",
  aliases: [
    "drills",
    "schedule",
    "calendar.done",
    "calendar.postpone",
    "calendar.check",
    "calendar.start",
    "calendar.approve",
  ],
  summary:
    "Show drills, verifications, reviews and trainings: planned, done, missed, overdue. Tick off, postpone or start one, or approve its runs ahead.",
  usage:
    "/dr calendar [<system> | done <entry> [<note…>] | postpone <entry> | check <entry> | start <entry> | approve <entry> [<plan>] [--code <code>] | revoke <entry>] [--people <names…>] [--to <moment>] [--reason <why…>] [--system <system>]",
  examples: [
    "/dr calendar",
    '/dr calendar done orders/plan-review --people "Sam Okafor, Vera Lindqvist"',
    '/dr calendar postpone failover --to 2026-12-24T10:00Z --reason "Release week"',
    "/dr calendar start failover",
    "/dr calendar approve orders/nightly-backup",
  ],
  startsRuns: true,
  reads: ({ words, verb, form }) => form === null && !verb.includes(".") && doingIn(words[0]) === null,
  whole: ({ words }) => doingIn(words[0]) !== "approve" || words.length <= 3,
  async handle(context, request) {
    const doing = doingIn(request.verb.split(".")[1] ?? request.words[0]);
    if (doing === null) return list(context, request);
    const entry = entryMeant(context, request);
    if (doing === "approve") return approveAhead(context, request, { ...entry, shown: entry.slot });
    if (doing === "revoke") return revokeAhead(context, request, { ...entry, shown: entry.slot });
    mayDo(request, entry, doing);
    switch (doing) {
      case "done":
        return done(context, request, entry);
      case "postpone":
        return postpone(context, request, entry);
      case "check":
        return check(context, request, entry);
      case "start":
        return start(context, request, entry);
    }
  },
};

function doingIn(word: string | undefined): Doing | null {
  return DOING.find((one) => one === word?.toLowerCase()) ?? null;
}

async function list(context: CommandContext, request: Request): Promise<Reply> {
  const named = request.options.system ?? request.words[0];
  const known = runnable(context);
  const systems = named === undefined || named === true ? known : [systemNamed(known, named)];
  const told: string[] = [];
  for (const system of systems) {
    const all = await occasionsIn(context.timeline, context.catalog, system, readerIn(system, request));
    if (all.length > 0) told.push(`*${safe(system.title)}*`, ...all.map((one) => occasionLine(one)));
  }
  return say(calendarList(told, titles(systems)));
}

interface Entry {
  readonly system: System;
  readonly occasion: Occasion;
  /** As a button says; null: whichever it is about now. Of an approval ahead: the plan that was shown. */
  readonly slot: string | null;
  /** Words behind the entry. */
  readonly words: readonly string[];
}

/** By a button, or as `failover` or `orders/failover`. */
function entryMeant(context: CommandContext, request: Request): Entry {
  const pressed = parseCalendarValue(request.actionValue);
  const [, word = "", ...words] = request.words;
  const all = runnable(context).flatMap((system) =>
    (system.calendar ?? [])
      .filter((occasion) => !isHidden(system, occasion, readerIn(system, request)))
      .map((occasion) => ({ system, occasion, slot: pressed?.slot ?? null, words })),
  );
  const found = all.filter(({ system, occasion: { id } }) =>
    pressed === null
      ? [id, `${system.id}/${id}`].includes(word) && [undefined, system.id].includes(request.options.system as string)
      : pressed.system === system.id && pressed.occasion === id,
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const names = (of: readonly Entry[]) => of.map(({ system, occasion: { id } }) => `${system.id}/${id}`);
  const said = word || (pressed?.occasion ?? "");
  return stop(
    only === undefined
      ? unknownEntry(said, names(all), nearLine(said, names(all), "calendar done "))
      : severalEntries(said, names(found)),
  );
}

/** Of that system, and for its list and its dates: who holds it, whom it tells, or who commands. An entry without an organiser is everyone's. */
function mayDo(request: Request, { system, occasion }: Entry, doing: Exclude<Doing, "approve" | "revoke">): void {
  const person = personOf(actorOf(request.caller), system);
  if (person === null) stop(notOnRosterOf(system.title));
  if (doing === "done" || doing === "start" || occasion.organiser === null) return;
  const named = [occasion.organiser, ...occasion.tells, COMMANDER];
  if (named.includes(person.id) || person.roles.some((role) => named.includes(role))) return;
  stop(notTheOrganiser(occasion.title, roleTitle(occasion.organiser, system)));
}

/** For what people do. What a runbook does is done when its run ends verified. */
async function done(context: CommandContext, request: Request, entry: Entry): Promise<Reply> {
  const { system, occasion } = entry;
  if (!isTickedOff(occasion)) return stop(doneByRunbook(occasion.title, `${system.id}/${occasion.id}`));
  if (request.form === null && request.canAskForm && entry.words.length === 0 && request.options.people === undefined)
    return {
      kind: "form",
      form: calendarDoneForm(
        occasion,
        calendarValue(system.id, occasion.id, entry.slot ?? undefined),
        system.people.map(({ id, name }) => ({ value: id, says: name })),
        readerIn(system, request),
      ),
    };
  const people = peopleMeant(system, request);
  const note = (request.form?.note ?? entry.words.join(" ")).trim().slice(0, LIMITS.reason) || null;
  const written = await record(context, request, entry, (state, now, slot) => {
    const facts = { incident: null, run: null, note, people };
    const event = doneBy(occasion, state.occasions.get(occasion.id), now, facts, slot);
    return event === null ? [] : [event];
  });
  const who = people.map((one) => nameOf(system, one));
  return say(occasionDone(occasion, written === 0 ? null : who));
}

async function postpone(context: CommandContext, request: Request, entry: Entry): Promise<Reply> {
  const { system, occasion } = entry;
  const given = (name: string) => request.form?.[name] ?? request.options[name];
  const [to, reason] = [given("to"), given("reason")];
  if (typeof to !== "string" || typeof reason !== "string" || reason.trim() === "") {
    if (request.canAskForm && request.form === null)
      return {
        kind: "form",
        form: calendarPostponeForm(occasion, calendarValue(system.id, occasion.id, entry.slot ?? undefined)),
      };
    return stop(noNewDate(`${system.id}/${occasion.id}`));
  }
  const now = context.timeline.now();
  const at = momentIn(to, now);
  if (at <= now) return stop(dateInPast());
  if (at.getTime() > now.getTime() + POSTPONE_MAX_DAYS * DAY_MS) return stop(dateTooFar(POSTPONE_MAX_DAYS));
  const written = await record(context, request, entry, (state, decidedAt, named) => {
    const slot = named ?? openSlot(occasion, state, decidedAt);
    const recorded = slot === null ? undefined : state.occasions.get(occasion.id)?.slots.get(slot);
    const isUnderWay = recorded?.started != null && recorded.outcome === null;
    if (slot === null || isUnderWay || recorded?.outcome?.as === "done") return [];
    const people = recipientsOf(system, occasion);
    const data = {
      occasion: occasion.id,
      slot,
      to: at.toISOString(),
      reason: reason.trim().slice(0, LIMITS.reason),
      people,
    };
    return [{ type: "occasion.postponed", data, key: `${request.key}/postponed`, actor: actorOf(request.caller) }];
  });
  return say(occasionPostponed(occasion, written === 0 ? null : minute(at)));
}

/** Its before-list was gone through. */
async function check(context: CommandContext, request: Request, entry: Entry): Promise<Reply> {
  const { occasion } = entry;
  if (occasion.checklist === null) return stop(noBeforeList(occasion.title));
  const written = await record(context, request, entry, (state, now, named) => {
    const slot = named ?? openSlot(occasion, state, now);
    if (slot === null || state.occasions.get(occasion.id)?.slots.get(slot)?.checkedBy) return [];
    const key = `occasion.checked/${occasion.id}/${slot}/${state.version}`;
    return [{ type: "occasion.checked", data: { occasion: occasion.id, slot }, key, actor: actorOf(request.caller) }];
  });
  return say(written === 0 ? checklistDoneBefore() : checklistDone(occasion, startsItself(occasion)));
}

/** Now, and requested by who asks: as the line of the calendar does, with a record of its own. */
async function start(context: CommandContext, request: Request, { system, occasion }: Entry): Promise<Reply> {
  const runbook = context.catalog.runbooks.find(({ system: of, id }) => of === system.id && id === occasion.runbook);
  if (runbook === undefined) return stop(doneByPeople(occasion.title, `${system.id}/${occasion.id}`));
  const options = {
    ...(occasion.kind === "drill" && { drill: true as const }),
    ...(occasion.kind === "tabletop" && { tabletop: true as const }),
    ...(occasion.mode !== null && { [occasion.mode]: true as const }),
  };
  const ownRecord = () => Promise.resolve();
  const asked: Request = { ...request, verb: "runbook", words: [runbook.id], options, ownRecord };
  return startRun(context, asked, runbook);
}

type Recorded = (state: CalendarState, now: Date, slot: string | null) => readonly CalendarEvent[];

/** How many events were written. @throws LifeboatError where a press names a time that is none of the entry's */
async function record(
  context: CommandContext,
  request: Request,
  { system, occasion, slot }: Entry,
  change: Recorded,
): Promise<number> {
  const decided = await context.timeline.decide(calendarStream(system.id), (events, now) => {
    const state = foldCalendar(events);
    // What a press carries is looked up, never believed.
    if (slot !== null && !isKnownSlot(occasion, state.occasions.get(occasion.id), slot, now))
      return { events: [], value: false };
    const written = change(state, now, slot).map((event) => ({ ...event, actor: actorOf(request.caller) }));
    return { events: written, value: true };
  });
  if (decided.kind !== "written") return 0;
  return decided.value ? decided.events.length : stop(slotUnknown(occasion.title));
}

/** What is overdue or missed and counts still, else the next one. */
function openSlot(occasion: Occasion, state: CalendarState, now: Date): string | null {
  const record = state.occasions.get(occasion.id);
  const around = slotsAround(occasion, record, now).filter(({ recorded }) => recorded?.outcome?.as !== "done");
  const due = around.find(({ at, closes }) => at <= now && now < closes);
  return (due ?? around.find(({ at }) => at > now))?.id ?? slotFor(occasion, record, now, null);
}

function peopleMeant(system: System, request: Request): readonly string[] {
  const typed = request.form?.people ?? request.options.people;
  if (typeof typed !== "string" || typed.trim() === "")
    return [readerIn(system, request)].filter((one) => one !== null);
  const words = typed.split(",").map((one) => one.trim());
  const meant = words
    .filter((one) => one !== "")
    .map(
      (one) => system.people.find(({ id }) => id === one) ?? personMeant(system, ["", one], NAMES_WITH_COMMAS).person,
    );
  return [...new Set(meant.map(({ id }) => id))];
}

function readerIn(system: System, { caller }: Request): string | null {
  return personOf(actorOf(caller), system)?.id ?? null;
}

function nameOf({ people }: System, id: string): string {
  return safe(people.find((one) => one.id === id)?.name ?? id);
}

function titles(systems: readonly { readonly title: string }[]): string {
  return systems.map(({ title }) => safe(title)).join(", ") || "any system that may run here";
}
