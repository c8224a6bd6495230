import { errorAt, type Fault, type Path } from "../fault.ts";
import { isOwnName, isPagerName } from "../secret.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const ownSecrets: Rule = {
  id: "own-secrets",
  says: "Nothing in a catalogue names one of Lifeboat's own secrets: its tokens, its keys and its database.",
  judgesParts: true,
  *system({ system }) {
    for (const { name, environment } of system.scripts)
      for (const [i, one] of environment.entries())
        if (isOwnName(one)) yield refused(["scripts", name, "environment", i], one);
    for (const { id, members } of system.targets ?? [])
      for (const member of members) {
        yield* named(member.with, ["targets", id, "members", member.id, "with"]);
        yield* named(member.values, ["targets", id, "members", member.id, "values"]);
      }
    for (const { id, probe } of system.triage?.questions ?? [])
      yield* named(probe?.with, ["triage", "questions", id, "probe", "with"]);
    for (const key of ["routingKeyFrom", "tokenFrom"] as const) {
      const name = system.paging?.[key];
      if (name !== undefined && isOwnName(name) && !isPagerName(name)) yield refused(["paging", key], name);
    }
    for (const { name, default: given } of system.variables)
      if (typeof given === "string" && name.endsWith("From") && isOwnName(given))
        yield refused(["variables", name, "default"], given);
  },
  *runbook({ runbook }) {
    for (const { path, does } of actionsOf(runbook)) yield* named(does.with, [...path, "with"]);
  },
};

function* named(value: unknown, path: Path): Generator<Fault> {
  const key = path.at(-1);
  if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value))
      yield* named(inner, [...path, Array.isArray(value) ? Number(name) : name]);
  } else if (typeof value === "string" && typeof key === "string" && key.endsWith("From") && isOwnName(value)) {
    yield refused(path, value);
  }
}

function refused(path: Path, name: string): Fault {
  return errorAt(path, `"${name}" is Lifeboat's own, or changes which program is started`, {
    allowed: "A name of your own for a secret of your own: ORDERS_DB_PASSWORD",
  });
}
