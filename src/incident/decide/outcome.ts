import type { Problem } from "../../lib/errors.ts";
import { sayProblem } from "../../lib/errors.ts";
import type { DecideContext, Outcome } from "../commands.ts";
import type { Actor, Event, NewEvent } from "../events.ts";
import { idOf, personOf } from "../people.ts";

/** What happens, each event keyed by the request, so that a repeat of the request writes nothing. */
export function accept(context: DecideContext, events: readonly Event[], run: string | null = null): Outcome {
  return { kind: "accepted", events: events.map((event) => stamped(context, event, run)) };
}

/** No, as an event: who, over which transport, and what would be allowed. */
export function refuse(context: DecideContext, verb: string, problem: Problem, run: string | null = null): Outcome {
  const data = { verb, code: problem.code, says: sayProblem(problem) };
  return { kind: "refused", problem, events: [stamped(context, { type: "command.refused", data }, run)] };
}

export function refuseVote(
  context: DecideContext,
  vote: { decision: "approve" | "deny"; run: string; step: string; ask: string },
  problem: Problem,
): Outcome {
  const who = personOf(context.actor, context.system)?.id ?? idOf(context.actor);
  const { decision, run, step, ask } = vote;
  const data = { step, ask, who, decision, code: problem.code, says: sayProblem(problem) };
  return { kind: "refused", problem, events: [stamped(context, { type: "approval.refused", data }, run)] };
}

function stamped(context: DecideContext, event: Event, run: string | null): NewEvent {
  return { ...event, key: `${context.key}/${event.type}`, run, actor: known(context) };
}

/** The actor under the name and id of the roster, where they are on it: what an account calls itself counts for nothing. */
export function known({ actor, system }: DecideContext): Actor {
  const person = personOf(actor, system);
  return actor.kind === "person" && person !== null ? { ...actor, person: person.id, name: person.name } : actor;
}
