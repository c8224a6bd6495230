import type { GateStep, Role, System } from "../../../src/catalog/types.ts";
import { canAct, personById } from "../../../src/incident/people.ts";
import type { GateState, IncidentState } from "../../../src/incident/state.ts";
import { safe } from "./escape.ts";
import type { Surroundings } from "./view.ts";

export function roleOf(system: System, role: string): Role | null {
  return system.roles.find(({ id }) => id === role) ?? null;
}

/** "incident commander": a role's title as it stands inside a sentence. For mrkdwn. */
export function roleWords(system: System, role: string): string {
  return safe(roleOf(system, role)?.title ?? role);
}

/** Person ids who hold a role now: who took it in this incident and can still act, else everyone the roster gives it to. */
export function holders(system: System, state: IncidentState, role: string): readonly string[] {
  const taken = state.roles.get(role);
  const holder = taken === undefined ? null : personById(taken, system);
  if (taken !== undefined && (holder === null || canAct(holder))) return [taken];
  return system.people.filter((person) => person.roles.includes(role)).map(({ id }) => id);
}

/** "incident commander (@ana)", or "incident commander (no one holds it)". */
export function roleWithHolders(state: IncidentState, around: Surroundings, role: string): string {
  const people = holders(around.system, state, role);
  const who = people.length === 0 ? "nobody" : people.slice(0, 5).map(around.names).join(", ");
  const more = people.length > 5 ? ` and ${people.length - 5} more` : "";
  return `${roleWords(around.system, role)} (${who}${more})`;
}

/** "@ana and @bo (ahead, 2026-11-24)": who approved a question. For mrkdwn. */
export function approverWords(
  { approvals }: Pick<GateState, "approvals">,
  around: Pick<Surroundings, "names">,
): string {
  return approvals
    .map(
      ({ person, ahead }) =>
        `${around.names(person)}${ahead ? ` (ahead, ${ahead.at.toISOString().slice(0, 10)})` : ""}`,
    )
    .join(" and ");
}

/** "2 approvals by DR coordinator, then VP Engineering after 10 min". */
export function approvalWords(system: System, { gate }: GateStep, lasting: (seconds: number) => string): string {
  const count = gate.quorum === 1 ? "1 approval" : `${gate.quorum} approvals by different people`;
  const next = gate.escalate.map(
    ({ role, afterSeconds }) => `${roleWords(system, role)} after ${lasting(afterSeconds)} without an answer`,
  );
  return [`${count}: ${roleWords(system, gate.role)}`, ...next].join(", then ");
}
