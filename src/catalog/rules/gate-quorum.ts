import { saySeconds } from "../duration.ts";
import { errorAt, type Fault, warningAt } from "../fault.ts";
import type { System } from "../types.ts";
import { gatesOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const gateQuorum: Rule = {
  id: "gate-quorum",
  says: "Every gate can be passed: each of its roles has a holder, and enough people exist for its quorum.",
  *runbook({ system, runbook }) {
    for (const { step, gate, path } of gatesOf(runbook)) {
      const asked = [
        { role: gate.role, path: [...path, "gate", "role"] },
        ...gate.escalate.map(({ role }, k) => ({ role, path: [...path, "gate", "escalate", k, "role"] })),
      ];
      for (const { role, path } of asked) {
        if (!isRole(system, role) || holders(system, [role]).size > 0) continue;
        yield errorAt(path, `No one on the roster holds "${role}", so no one could answer gate "${step.id}"`, {
          next: `Give the role to a person in system.yml`,
          elsewhere: true,
        });
      }
      const people = holders(system, [gate.role, ...gate.escalate.map(({ role }) => role)]);
      yield* quorumFaults(step.id, gate.quorum, people.size, [...path, "gate", "quorum"]);
      const late = gate.escalate.findIndex(({ afterSeconds }) => afterSeconds >= gate.expiresSeconds);
      const level = gate.escalate[late];
      if (level !== undefined) {
        yield warningAt(
          [...path, "gate", "escalate", late, "after"],
          `"${level.role}" would be asked after ${saySeconds(level.afterSeconds)}, when the gate has expired`,
          { next: `It expires after ${saySeconds(gate.expiresSeconds)}, before that: let it expire later` },
        );
      }
    }
  },
};

function* quorumFaults(gate: string, quorum: number, people: number, path: (string | number)[]): Generator<Fault> {
  const who = `${people} ${people === 1 ? "person holds" : "people hold"} one of its roles`;
  if (quorum > people && people > 0) {
    yield errorAt(path, `Gate "${gate}" asks for ${quorum} approvals, and ${who}`, {
      allowed: `At most ${people}`,
      next: "Lower the quorum, or give the role to more people",
    });
  } else if (quorum === people) {
    yield warningAt(path, `Gate "${gate}" asks for ${quorum} of them, and ${who}`, {
      next: "A requester can't approve their own run: one more person is needed for when it's one of them",
    });
  }
}

function holders(system: System, roles: readonly string[]): Set<string> {
  return new Set(
    system.people.filter((person) => person.roles.some((role) => roles.includes(role))).map(({ id }) => id),
  );
}

function isRole(system: System, role: string): boolean {
  return system.roles.some(({ id }) => id === role);
}
