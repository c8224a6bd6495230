import { parseActionValue } from "../../../templates/messages/kit/action-value.ts";
import type { NewEvent } from "../../incident/events.ts";
import { idOf, personOf } from "../../incident/people.ts";
import { type Problem, sayProblem } from "../../lib/errors.ts";
import type { StoredEvent } from "../../timeline/contract.ts";
import { actorOf, type Request } from "../command.ts";
import type { CommandContext } from "../context.ts";

/** Where refusals stand that belong to no incident. */
export const WORKSPACE = "workspace";

/** Refusals of one person within an hour that stand on a timeline; more are counted elsewhere. */
const ON_A_TIMELINE = 20;
const HOUR_SECONDS = 3600;

/**
 * A refusal as an event: who, why, and over which transport. In the incident of the channel, else in the workspace's own. Of
 * people who are not on that incident's roster, and of what is refused again and again, a count is kept in its place
 * (`lifeboat.tally`): what they type can't make an incident's record grow.
 */
export async function record(context: CommandContext, request: Request, problem: Problem): Promise<void> {
  const { system, stream } = await placeOf(context, request);
  const actor = actorOf(request.caller);
  if (!mayStandOn(stream, context, request, system)) return countRefusal(context, request, problem);
  const event: NewEvent = {
    type: "command.refused",
    data: { verb: request.verb, code: problem.code, says: sayProblem(problem) },
    key: `${request.key}/command.refused`,
    actor,
  };
  const written = await context.timeline.decide(stream, (events, now) => {
    const room = !isFull(events, request, now);
    return { events: room ? [event] : [], value: room };
  });
  if (written.kind === "written" && !written.value) await countRefusal(context, request, problem);
}

/** The command line belongs to no incident, and bounds by itself what of unknown callers is recorded (`control/server.ts`). */
function mayStandOn(stream: string, context: CommandContext, request: Request, system: string | null): boolean {
  if (request.caller.transport === "cli" && stream === WORKSPACE) return true;
  return request.caller.blocked === null && isListed(context, request, system);
}

/** Kept apart from every timeline, and counted: one row for each person and reason. */
export async function countRefusal(context: CommandContext, request: Request, { code }: Problem): Promise<void> {
  const { caller, place, verb } = request;
  const who = idOf(actorOf(caller)).slice(0, 200);
  const last = `${verb.slice(0, 60) || "/dr"} in ${place.channel ?? "no channel"}`;
  const count = await context.tally.add(`refused/${code}`, who, HOUR_SECONDS, last);
  // The first, the tenth, the hundredth: the one who reads the log sees it, and is not buried in it.
  if (/^10*$/.test(String(count)))
    context.log.warn({ event: "command.refused", who, code, count, last }, "a command was refused");
}

/** True when a refusal of this caller belongs on this timeline and there is still room for it. */
export function hasRoom(context: CommandContext, request: Request, events: readonly StoredEvent[], now: Date): boolean {
  const declared = events.find(({ type }) => type === "incident.declared")?.data as { system?: string } | undefined;
  if (request.caller.blocked !== null || !isListed(context, request, declared?.system ?? null)) return false;
  return !isFull(events, request, now);
}

function isListed(context: CommandContext, { caller }: Request, system: string | null): boolean {
  const asked = context.catalog.systems.filter(({ id }) => system === null || id === system);
  return asked.some((one) => personOf(actorOf(caller), one) !== null);
}

const REFUSALS: ReadonlySet<string> = new Set(["command.refused", "approval.refused"]);

/** From the newest event back, and no further than it takes: it is asked in the transaction that writes. */
function isFull(events: readonly StoredEvent[], { caller }: Request, now: Date): boolean {
  const since = now.getTime() - HOUR_SECONDS * 1000;
  let count = 0;
  for (let n = events.length - 1; n >= 0 && count < ON_A_TIMELINE; n--) {
    const event = events[n] as StoredEvent;
    if (event.at.getTime() < since) break;
    if (REFUSALS.has(event.type) && isBy(event.actor, caller)) count++;
  }
  return count >= ON_A_TIMELINE;
}

function isBy(actor: unknown, { person, slackUser }: Request["caller"]): boolean {
  const by = actor as { person?: string | null; slackUser?: string | null };
  return (person !== null && by.person === person) || (slackUser !== null && by.slackUser === slackUser);
}

/** The incident this was refused in, and its system; the workspace's own stream where it was in none. */
async function placeOf(
  context: CommandContext,
  { place, actionValue }: Request,
): Promise<{ readonly stream: string; readonly system: string | null }> {
  const { run } = parseActionValue(actionValue);
  const stream =
    (run === null ? null : await context.timeline.streamOfRun(run)) ??
    (place.channel === null ? null : await context.incidentAt(place.channel));
  if (stream === null) return { stream: WORKSPACE, system: null };
  return { stream, system: (await context.incidents.read(stream)).declared?.system ?? null };
}
