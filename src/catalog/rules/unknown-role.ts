import { errorAt, type Fault, type Path } from "../fault.ts";
import { offer } from "../suggest.ts";
import type { System } from "../types.ts";
import { stepsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const unknownRole: Rule = {
  id: "unknown-role",
  says: "Every role that is named is a role of the system.",
  judgesParts: true,
  *system({ system, chains }) {
    for (const { id, roles } of system.people) {
      for (const [k, role] of roles.entries()) yield* check(system, role, ["people", id, "roles", k]);
    }
    for (const [id, chain] of chains) {
      for (const [k, { role }] of chain.entries()) yield* check(system, role, ["escalation", id, k, "role"]);
    }
    for (const [k, { role }] of (system.ifUnresolved?.levels ?? []).entries())
      yield* check(system, role, ["ifUnresolved", "levels", k, "role"]);
    for (const [k, role] of (system.administrators ?? []).entries()) yield* check(system, role, ["administrators", k]);
    for (const [k, role] of (system.readiness?.tells ?? []).entries())
      yield* check(system, role, ["readiness", "tells", k]);
    for (const [k, role] of (system.privateRoles ?? []).entries()) yield* check(system, role, ["privateRoles", k]);
    for (const [k, role] of (system.breakGlass?.roles ?? []).entries())
      yield* check(system, role, ["breakGlass", "roles", k]);
    for (const { id, tells, organiser } of system.calendar ?? []) {
      if (organiser !== null) yield* check(system, organiser, ["calendar", id, "organiser"]);
      for (const [k, role] of tells.entries()) yield* check(system, role, ["calendar", id, "tells", k]);
    }
  },
  *runbook({ system, runbook }) {
    for (const { step, path } of stepsOf(runbook)) {
      const { does } = step;
      if (does.kind === "manual" && does.role !== null) yield* check(system, does.role, [...path, "with", "role"]);
      if (does.kind !== "gate") continue;
      if (does.gate.role !== "") yield* check(system, does.gate.role, [...path, "gate", "role"]);
      for (const [k, { role }] of does.gate.escalate.entries()) {
        yield* check(system, role, [...path, "gate", "escalate", k, "role"]);
      }
    }
  },
};

function* check(system: System, role: string, path: Path): Generator<Fault> {
  const known = system.roles.map(({ id }) => id);
  if (!known.includes(role)) yield errorAt(path, `There is no role "${role}"`, offer(role, known));
}
