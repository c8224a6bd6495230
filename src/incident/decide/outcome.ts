import type { DecideContext, Outcome } from "../commands.ts";
import type { Actor, Event } from "../events.ts";
import { idOf, personOf } from "../people.ts";
import type { Refusal } from "../refusal.ts";

type Accepted = Extract<Outcome, { kind: "accepted" }>;

/** What happens, each event keyed by the request, so that a repeat of the request writes nothing. */
export function accept(context: DecideContext, events: readonly Event[], run: string | null = null): Accepted {
  return { kind: "accepted", events: events.map((event) => stamped(context, event, run)) };
}

/** No, as an event: who, over which transport, and why. */
export function refuse(context: DecideContext, verb: string, refusal: Refusal, run: string | null = null): Outcome {
  const data = { verb, code: refusal.code };
  return { kind: "refused", refusal, events: [stamped(context, { type: "command.refused", data }, run)] };
}

export function refuseVote(
  context: DecideContext,
  vote: { decision: "approve" | "deny"; run: string; step: string; ask: string },
  refusal: Refusal,
): Outcome {
  const who = personOf(context.actor, context.system)?.id ?? idOf(context.actor);
  const { decision, run, step, ask } = vote;
  const data = { step, ask, who, decision, code: refusal.code };
  return { kind: "refused", refusal, events: [stamped(context, { type: "approval.refused", data }, run)] };
}

function stamped<E extends { readonly type: Event["type"] }>(context: DecideContext, event: E, run: string | null) {
  return { ...event, key: `${context.key}/${event.type}`, run, actor: known(context) };
}

/** The actor under the name and id of the roster, where they are on it: what an account calls itself counts for nothing. */
export function known({ actor, system }: DecideContext): Actor {
  const person = personOf(actor, system);
  return actor.kind === "person" && person !== null ? { ...actor, person: person.id, name: person.name } : actor;
}
