import {
  declareLimit,
  declareLimitOffRoster,
  tooManyDeclared,
  tooManyNotes,
} from "../../../templates/messages/incident/command-refusals.ts";
import type { System } from "../../catalog/types.ts";
import type { SeverityId } from "../../incident/events.ts";
import { COMMANDER, holdersOf, idOf, personOf } from "../../incident/people.ts";
import { actorOf, type Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { stop } from "../reply/say.ts";
import { asNamed } from "../resolve/system.ts";

const HOUR_SECONDS = 3600;

/** How many an hour. A wrong alarm costs a page and a channel; one that is not heard costs more, so no one has none. */
const DECLARED = {
  onRoster: 60,
  offRoster: 5,
  offRosterP0: 2,
  /** All people off the roster together, and those of one channel: many accounts are no way around it. */
  offRosterTogether: 30,
  offRosterP0Together: 10,
  offRosterInChannel: 10,
} as const;
const NOTED_OFF_ROSTER = 10;

/** Counts a declaration, and refuses what is too many for this person or this place within an hour. */
export async function mayDeclare(
  context: CommandContext,
  request: Request,
  system: System,
  severity: SeverityId,
  incident: string,
): Promise<void> {
  // The same request, delivered again.
  if ((await context.timeline.read(incident)).length > 0) return;
  const who = idOf(actorOf(request.caller));
  const add = (what: string, whom: string) => context.tally.add(`declare/${what}`, whom, HOUR_SECONDS, incident);
  if (personOf(actorOf(request.caller), system) !== null) {
    if ((await add("roster", who)) > DECLARED.onRoster)
      tooMany(asNamed(context, system), declareLimit(DECLARED.onRoster), false);
    return;
  }
  const { channel } = request.place;
  const counted: readonly (readonly [number, number])[] = [
    [await add("any", who), DECLARED.offRoster],
    ...(channel === null ? [] : [[await add("channel", channel), DECLARED.offRosterInChannel] as const]),
    [await add("any", "everybody"), DECLARED.offRosterTogether],
    ...(severity === "P0"
      ? [
          [await add("P0", who), DECLARED.offRosterP0] as const,
          [await add("P0", "everybody"), DECLARED.offRosterP0Together] as const,
        ]
      : []),
  ];
  const { offRoster, offRosterP0 } = DECLARED;
  const may = declareLimitOffRoster(offRoster, offRosterP0);
  if (counted.some(([count, most]) => count > most)) tooMany(asNamed(context, system), may, true);
}

/** Counts a note of someone who is not on the incident's roster. */
export async function mayNote(context: CommandContext, request: Request, system: System): Promise<void> {
  if (personOf(actorOf(request.caller), system) !== null) return;
  const count = await context.tally.add("note", idOf(actorOf(request.caller)), HOUR_SECONDS);
  if (count > NOTED_OFF_ROSTER) stop(tooManyNotes(NOTED_OFF_ROSTER));
}

function tooMany(system: System, allowed: string, others: boolean): never {
  const commanders = holdersOf(COMMANDER, system).map(({ name }) => name);
  return stop(tooManyDeclared(allowed, others, commanders));
}
