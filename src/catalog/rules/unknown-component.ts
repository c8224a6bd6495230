import { errorAt } from "../fault.ts";
import { offer } from "../suggest.ts";
import type { Rule } from "./rule.ts";

export const unknownComponent: Rule = {
  id: "unknown-component",
  says: "A runbook is about a component of its system, and is started by the name of a component or region.",
  judgesParts: true,
  *runbook({ system, runbook }) {
    const components = system.components.map(({ id }) => id);
    if (runbook.component !== null && !components.includes(runbook.component)) {
      const what = `There is no component "${runbook.component}"`;
      yield errorAt(["component"], what, offer(runbook.component, components));
    }
    const targets = [...components, ...system.regions.map(({ id }) => id)];
    if (runbook.starts !== null && !targets.includes(runbook.starts.target)) {
      const { target } = runbook.starts;
      const alias = system.components.find(({ aliases }) => aliases.includes(target));
      const choice =
        alias === undefined ? offer(target, targets) : { next: `Write "${alias.id}": people may type either` };
      yield errorAt(["starts"], `"${target}" is neither a component nor a region of this system`, choice);
    }
  },
};
