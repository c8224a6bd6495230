import { systemGone, unknownSystem } from "../../../templates/messages/incident/command-refusals.ts";
import type { System } from "../../catalog/types.ts";
import { withoutAccounts } from "../../incident/people.ts";
import type { IncidentState } from "../../incident/state.ts";
import { knowsOf } from "../../incident/surprise.ts";
import { LifeboatError } from "../../lib/errors.ts";
import type { CommandContext } from "../context.ts";
import { nearLine } from "../reply/near-line.ts";

/** Only practice systems may run in practice, and never outside it. */
export function runnable(context: CommandContext): readonly System[] {
  const environment = context.practice ? "practice" : "production";
  return context.catalog.systems.filter((system) => system.environment === environment);
}

export function systemNamed(systems: readonly System[], named: string | true): System {
  const asked = String(named).toLowerCase();
  const found = systems.find(({ id, title }) => id.toLowerCase() === asked || title.toLowerCase() === asked);
  if (found) return found;
  const ids = systems.map(({ id }) => id);
  throw new LifeboatError(unknownSystem(named, ids, nearLine(asked, ids)));
}

/** A surprise is shown only to those who are told of it. */
export function mayKnow({ catalog }: CommandContext, state: IncidentState, person: string | null): boolean {
  const system = catalog.systems.find(({ id }) => id === state.declared?.system);
  return knowsOf(state, system, person);
}

export function systemOf(context: CommandContext, state: IncidentState): System {
  const system = context.catalog.systems.find(({ id }) => id === state.declared?.system);
  if (system) return system;
  throw new LifeboatError(systemGone(state.declared?.system ?? "", state.id));
}

/** The system as sentences name its people: those who can't act hold no role. Never to decide by. */
export function asNamed({ unreachableNow }: CommandContext, system: System): System {
  return withoutAccounts(system, unreachableNow ?? new Set());
}

export function namedIn(context: CommandContext, state: IncidentState): System {
  return asNamed(context, systemOf(context, state));
}
