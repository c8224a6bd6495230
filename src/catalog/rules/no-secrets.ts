import { errorAt, type Fault, type Path } from "../fault.ts";
import { containsPassword, isSecretName } from "../secret.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const noSecrets: Rule = {
  id: "no-secrets",
  says: "Secrets are never values: an input carries the name of an environment variable.",
  judgesParts: true,
  *system({ system }) {
    for (const variable of system.variables) {
      if (isSecretName(variable.name)) {
        yield errorAt(
          ["variables", variable.name],
          `"${variable.name}" looks like a secret; variables are shown to everyone`,
          {
            at: "key",
            next: `Name the environment variable that holds it: ${variable.name}From`,
          },
        );
      }
      yield* check(variable.default, ["variables", variable.name, "default"]);
    }
    for (const { id, members } of system.targets ?? []) {
      for (const member of members) {
        yield* check(member.with, ["targets", id, "members", member.id, "with"]);
        yield* check(member.values, ["targets", id, "members", member.id, "values"]);
      }
    }
    for (const { id, probe } of system.triage?.questions ?? []) {
      yield* check(probe?.with, ["triage", "questions", id, "probe", "with"]);
    }
  },
  *runbook({ runbook }) {
    for (const { path, does } of actionsOf(runbook)) yield* check(does.with, [...path, "with"]);
  },
};

function* check(value: unknown, path: Path): Generator<Fault> {
  const key = path.at(-1);
  if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      yield* check(inner, [...path, Array.isArray(value) ? Number(name) : name]);
    }
  } else if (typeof value === "string" && containsPassword(value)) {
    yield errorAt(path, "This address carries a password", {
      next: "Name an environment variable instead",
      hidden: true,
    });
  } else if (typeof key === "string" && isSecretName(key) && typeof value === "string" && value !== "") {
    const next = `Write ${key}From and the name of an environment variable`;
    yield errorAt(path, `"${key}" would put a secret into the plan, which everyone reads`, { next, hidden: true });
  }
}
