import { errorAt, type Path } from "../fault.ts";
import { offer } from "../suggest.ts";
import type { Rule } from "./rule.ts";

export const unknownComponent: Rule = {
  id: "unknown-component",
  says: "What runbooks, alerts and backups are about is a component; a runbook is started by one, or by a site.",
  judgesParts: true,
  *system({ system }) {
    const components = system.components.map(({ id }) => id);
    const named: [string, Path][] = [
      ...(system.alerts ?? []).map(({ id, component }): [string, Path] => [component, ["alerts", id, "component"]]),
      ...(system.otherAlerts ? [[system.otherAlerts.component, ["otherAlerts", "component"]] as [string, Path]] : []),
      ...(system.backups ?? []).flatMap(({ id, of }) =>
        of.map((component, k): [string, Path] => [component, ["backups", id, "of", k]]),
      ),
    ];
    for (const [component, path] of named) {
      if (components.includes(component)) continue;
      yield errorAt(path, `There is no component "${component}"`, offer(component, components));
    }
  },
  *runbook({ system, runbook }) {
    const components = system.components.map(({ id }) => id);
    if (runbook.component !== null && !components.includes(runbook.component)) {
      const what = `There is no component "${runbook.component}"`;
      yield errorAt(["component"], what, offer(runbook.component, components));
    }
    const targets = [...components, ...system.sites.map(({ id }) => id)];
    if (runbook.starts !== null && !targets.includes(runbook.starts.target)) {
      const { target } = runbook.starts;
      const alias = system.components.find(({ aliases }) => aliases.includes(target));
      const choice =
        alias === undefined ? offer(target, targets) : { next: `Write "${alias.id}": people may type either` };
      yield errorAt(["starts"], `"${target}" is neither a component nor a site of this system`, choice);
    }
  },
};
