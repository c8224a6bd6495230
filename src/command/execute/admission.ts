import {
  blocked,
  notACommand,
  onNoRoster,
  notFromHere as refusedHere,
} from "../../../templates/messages/kit/command-refusals.ts";
import { personOf } from "../../incident/people.ts";
import type { Problem } from "../../lib/errors.ts";
import { actorOf, type Command, type Reply, type Request } from "../command.ts";
import type { CommandContext } from "../context.ts";

/**
 * Whether a request is heard at all: the one place that decides about people and places. Everything finer is the domain's.
 * `command`: null for `/dr` alone and for what is no command.
 */
export function notAdmitted(context: CommandContext, request: Request, command: Command | null): Problem | null {
  const { caller } = request;
  const open = command?.everyMember === true;
  if (caller.blocked !== null) return blocked(caller.blocked);
  if (!open && !onSomeRoster(context, request)) return onNoRoster();
  return notFromHere(request, command, open) ?? notAsProse(request, command);
}

/** On the roster of any system this installation serves. */
export function onSomeRoster(context: CommandContext, { caller }: Request): boolean {
  return context.catalog.systems.some((system) => personOf(actorOf(caller), system) !== null);
}

/** What is not said to read changes something, exports something or decides. `/dr` alone reads. */
function reads(request: Request, command: Command | null): boolean {
  if (command === null) return request.verb === "";
  return request.options.help === true || command.reads?.(request) === true;
}

/**
 * Where people of another company read along, nothing is changed, decided or taken out; where no one can tell who does,
 * only what every member may do is: an alarm is heard from wherever it is given.
 */
function notFromHere(request: Request, command: Command | null, open: boolean): Problem | null {
  const { place } = request.caller;
  if (place == null || reads(request, command) || (open && !place.known)) return null;
  return refusedHere(place.why);
}

/**
 * A file takes something out, whatever a command says of itself: none goes to where people of another company read along, or where no one can
 * tell who does, and none is given to who only quotes a command.
 */
export function mayNotTakeOut(request: Request, reply: Reply): Problem | null {
  if (reply.kind !== "file") return null;
  const { place } = request.caller;
  if (place != null) return refusedHere(place.why);
  return request.mention === "within" ? notACommand(request.verb, null, false) : null;
}

/** The one who quotes or denies a command does not give it. */
function notAsProse(request: Request, command: Command | null): Problem | null {
  if (request.mention === undefined || reads(request, command)) return null;
  const alone = request.mention === "alone";
  if (alone && (command?.whole === undefined || command.whole(request))) return null;
  return notACommand(request.verb, command ? command.usage.replace(/^\/dr /, "") : null, alone);
}
