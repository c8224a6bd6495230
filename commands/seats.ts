import { calendarStream } from "../src/calendar/events.ts";
import { readCalendar } from "../src/calendar/read.ts";
import { chainOf, drillsTaken, newestRound, type SeatFacts, seatsOf } from "../src/calendar/seats.ts";
import type { CalendarState } from "../src/calendar/state.ts";
import { foldCalendar } from "../src/calendar/state.ts";
import type { System } from "../src/catalog/types.ts";
import { actorOf, type Command, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { say, stop } from "../src/command/reply/say.ts";
import { runnable, systemNamed } from "../src/command/resolve/system.ts";
import { personOf } from "../src/incident/people.ts";
import { holderOf } from "../src/mfa/second-factor.ts";
import { READS_NOTHING, seatList, seatsConfirmed } from "../templates/messages/incident/answers.ts";
import { notAskedToConfirm } from "../templates/messages/incident/calendar-refusals.ts";
import { seatLines } from "../templates/messages/incident/seats.ts";
import { parseCalendarValue } from "../templates/messages/kit/action-value.ts";

const CONFIRM = "seats.confirm";

export const seats: Command = {
  verb: "seats",
  aliases: [CONFIRM],
  summary: "Show who fills each role that approves: active, reachable, with an authenticator, in enough drills.",
  usage: "/dr seats [<system> | confirm] [--system <system>]",
  examples: ["/dr seats", "/dr seats confirm"],
  reads: ({ verb, words }) => verb !== CONFIRM && words[0]?.toLowerCase() !== "confirm",
  async handle(context, request) {
    if (request.verb === CONFIRM || request.words[0]?.toLowerCase() === "confirm") return confirm(context, request);
    const named = request.options.system ?? request.words[0];
    const known = runnable(context);
    const systems = named === undefined || named === true ? known : [systemNamed(known, named)];
    const lines: string[] = [];
    for (const system of systems) {
      const state = await readCalendar(context.timeline, system.id);
      const facts = await seatFactsOf(context, system);
      const now = context.timeline.now();
      lines.push(
        ...seatLines(
          system,
          seatsOf(system, state, facts, now),
          drillsTaken(system, state, facts.chain, now),
          newestRound(state),
        ),
      );
    }
    return say(seatList(lines));
  },
};

/** Of every system that asks this person, or of the one whose button it was. */
async function confirm(context: CommandContext, request: Request) {
  const pressed = parseCalendarValue(request.actionValue);
  const systems = runnable(context).filter(({ id }) => pressed === null || pressed.system === id);
  const confirmed: string[] = [];
  for (const system of systems) {
    const person = personOf(actorOf(request.caller), system);
    if (person === null) continue;
    const decided = await context.timeline.decide(calendarStream(system.id), (events) => {
      const round = openRound(foldCalendar(events), person.id);
      if (round === null) return { events: [], value: false };
      const data = { round, person: person.id };
      const event = {
        type: "seats.confirmed",
        data,
        key: `seats.confirmed/${round}/${person.id}`,
        actor: actorOf(request.caller),
      };
      return { events: [event], value: true };
    });
    if (decided.kind === "written" && decided.value) confirmed.push(system.title);
  }
  if (confirmed.length === 0) return stop(notAskedToConfirm());
  return say(seatsConfirmed(confirmed));
}

/** The newest round this person was asked in; who confirmed already may do so again. */
function openRound(state: CalendarState, person: string): string | null {
  const round = newestRound(state);
  return round?.askedAt.has(person) ? round.id : null;
}

/** What is known of the people of a system now. Who has left is known as far as their accounts were found to read nothing, or by `gone`. */
export async function seatFactsOf(
  context: Pick<CommandContext, "catalog" | "mfa" | "unreachable" | "gone">,
  system: System,
): Promise<SeatFacts> {
  const chain = chainOf(context.catalog.runbooks.filter((one) => one.system === system.id));
  const members = system.people.filter(({ roles }) => chain.some(({ role }) => roles.includes(role)));
  const [unreachable, enrolled, left] = await Promise.all([
    context.unreachable?.() ?? new Set<string>(),
    context.mfa === undefined || context.mfa.closed !== null ? null : enrolledOf(context.mfa, system),
    Promise.all(members.map(async ({ id }) => [id, (await context.gone?.(system, id)) ?? null] as const)),
  ]);
  const gone = new Map<string, string>(left.flatMap(([id, why]) => (why === null ? [] : [[id, why] as const])));
  for (const { id, slack } of members)
    if (slack.length > 0 && slack.every((account) => unreachable.has(account)) && !gone.has(id))
      gone.set(id, READS_NOTHING);
  return { chain, gone, enrolled };
}

async function enrolledOf(
  mfa: NonNullable<CommandContext["mfa"]>,
  { id, people }: System,
): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    people.map(async (one) => ((await mfa.enrolled([holderOf(id, one.id)])) ? [one.id] : [])),
  );
  return new Set(found.flat());
}
