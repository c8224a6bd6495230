import { notWritten } from "../../../templates/messages/kit/command-refusals.ts";
import { worded } from "../../../templates/messages/refused.ts";
import type { System } from "../../catalog/types.ts";
import type { IncidentCommand, SignedDecision } from "../../incident/commands.ts";
import { decide } from "../../incident/decide.ts";
import type { IncidentState } from "../../incident/state.ts";
import { LifeboatError, type Problem } from "../../lib/errors.ts";
import { actorOf, type Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { systemOf } from "../resolve/system.ts";
import { countRefusal, hasRoom } from "./record.ts";
import { repeatOf } from "./repeat.ts";

/** What someone has just proved about themselves. `vouchedBy`: the person by whose word a new proof counts. */
export interface StepUp {
  readonly provedAfresh: boolean;
  readonly vouchedBy: string | null;
  readonly signed?: SignedDecision;
}

export const NOTHING_PROVED: StepUp = { provedAfresh: false, vouchedBy: null };

export type Acted =
  /** `repeated`: this very request was handled before, and nothing was written now. */
  | { readonly kind: "done"; readonly repeated: boolean; readonly state: IncidentState }
  | { readonly kind: "refused"; readonly problem: Problem; readonly state: IncidentState };

/**
 * Decides inside the one transaction, with what is true in it. A refusal is written too.
 * `newFor`: the system of an incident that this very command declares. `proof`: see `step-up.ts`.
 */
export async function act(
  context: CommandContext,
  request: Request,
  incident: string,
  command: IncidentCommand,
  newFor: System | null = null,
  proof: StepUp = NOTHING_PROVED,
): Promise<Acted> {
  let kept = true;
  const unreachable = await context.unreachable?.();
  const decided = await context.incidents.decide<Acted>(incident, (state, events, now) => {
    const before = repeatOf(events, request.key);
    if (before?.kind === "refused") return { events: [], value: { ...before, state } };
    if (before !== null) return { events: [], value: { kind: "done", repeated: true, state } };
    const { caller, key } = request;
    const system = newFor ?? systemOf(context, state);
    const who = { actor: actorOf(caller), blocked: caller.blocked, ...proof, ...(unreachable && { unreachable }) };
    const outcome = worded(decide(command, state, { now, ...who, system, key }));
    if (outcome.kind === "refused") {
      kept = hasRoom(context, request, events, now);
      return { events: kept ? outcome.events : [], value: { kind: "refused", problem: outcome.problem, state } };
    }
    const ended = command.type === "abort" && !isWorking(state, command.run) ? { ended: [command.run] } : {};
    return { events: outcome.events, ...ended, value: { kind: "done", repeated: false, state } };
  });
  if (decided.kind !== "written") throw new LifeboatError(notWritten());
  if (decided.value.kind === "refused" && !kept) await countRefusal(context, request, decided.value.problem);
  return decided.value;
}

/** Whether it would be refused as things stand; nothing is written. What is asked of a person first is asked only of those who may do it. */
export async function wouldRefuse(
  commandContext: CommandContext,
  { caller, key }: Request,
  state: IncidentState,
  command: IncidentCommand,
): Promise<boolean> {
  const unreachable = await commandContext.unreachable?.();
  const who = { actor: actorOf(caller), blocked: caller.blocked, ...(unreachable && { unreachable }) };
  const context = { now: commandContext.timeline.now(), ...who, system: systemOf(commandContext, state), key };
  return decide(command, state, context).kind === "refused";
}

/** A step is being performed now: its driver finishes it, records what it saw, and then ends the run. */
function isWorking(state: IncidentState, run: string): boolean {
  const steps = state.runs.get(run)?.steps.values() ?? [];
  return [...steps].some(({ status }) => status === "running");
}
