import { errorAt, type Path } from "../fault.ts";
import { offer } from "../suggest.ts";
import type { Mode, System } from "../types.ts";
import type { Rule } from "./rule.ts";

export const unknownRunbook: Rule = {
  id: "unknown-runbook",
  says: "Triage, alerts, backups, the calendar and `reprotect` name runbooks of the system, in a mode they offer.",
  *runbook({ runbook: { reprotect }, siblings }) {
    const known = siblings.map(({ id }) => id);
    if (reprotect !== undefined && !known.includes(reprotect))
      yield errorAt(["reprotect"], `There is no runbook "${reprotect}"`, offer(reprotect, known));
  },
  *whole({ system, runbooks }) {
    const known = runbooks.map(({ id }) => id);
    for (const { runbook, mode, path, key } of namedBy(system)) {
      const book = runbooks.find(({ id }) => id === runbook);
      if (book === undefined) {
        yield errorAt([...path, key], `There is no runbook "${runbook}"`, offer(runbook, known));
      } else if (mode !== null && !book.modes.includes(mode)) {
        const allowed = `Allowed: ${book.modes.join(", ")}`;
        yield errorAt([...path, "mode"], `"${runbook}" is not offered ${mode}`, { allowed });
      }
    }
  },
};

interface Named {
  readonly runbook: string;
  readonly mode: Mode | null;
  readonly path: Path;
  readonly key: string;
}

function namedBy({ triage, alerts = [], calendar = [], backups = [] }: System): readonly Named[] {
  const answers = (triage?.questions ?? []).flatMap((question) =>
    question.answers.map((answer) => ({ ...answer, path: ["triage", "questions", question.id, "answers", answer.id] })),
  );
  const proposed = [
    ...answers,
    ...alerts.map((alert) => ({ ...alert, path: ["alerts", alert.id] })),
    ...calendar.map((occasion) => ({ ...occasion, path: ["calendar", occasion.id] })),
  ].flatMap(({ runbook, mode, path }) => (runbook === null ? [] : [{ runbook, mode, path, key: "runbook" }]));
  const kept = backups.flatMap((backup) =>
    (["verify", "restore"] as const).flatMap((key) => {
      const runbook = backup[key];
      return runbook === null ? [] : [{ runbook, mode: null, path: ["backups", backup.id], key }];
    }),
  );
  return [...proposed, ...kept];
}
