import type { Observations } from "../../src/catalog/binding.ts";
import type { RoleObservation } from "../../src/catalog/roles.ts";
import { hasRoles } from "../../src/catalog/targets.ts";
import type { Runbook, System } from "../../src/catalog/types.ts";

/**
 * What would be seen of a system's targets on a day on which this runbook may be planned: the first member active, or `back` the
 * last one; the others stand by, or are fenced where the runbook speaks of that target's detached member.
 */
export function seenFor(system: System, runbook: Runbook, back = false): Observations {
  const stages = JSON.stringify(runbook.stages);
  return new Map(
    (system.targets ?? []).filter(hasRoles).map(({ id, members }) => {
      const others: RoleObservation["state"] = stages.includes(`\${${id}.detached`) ? "fenced" : "standby";
      const active = (back ? members.at(-1) : members[0])?.id;
      const one = (name: string): RoleObservation => {
        const state = name === active ? "active" : others;
        return { state, says: `${name} is ${state}`, ...(state === "standby" && { streaming: true }) };
      };
      return [id, new Map(members.map((member) => [member.id, one(member.id)]))];
    }),
  );
}
