import { errorAt } from "../fault.ts";
import type { Rule } from "./rule.ts";

export const clearStart: Rule = {
  id: "clear-start",
  says: "The words people type mean one thing: no alias of two components, no two runbooks started alike.",
  *system({ system }) {
    const owner = new Map(system.components.map(({ id }) => [id, id]));
    for (const { id } of system.sites) {
      if (owner.has(id)) yield errorAt(["sites", id], `"${id}" is a component already`, { at: "key" });
    }
    for (const { id, aliases } of system.components) {
      for (const [k, alias] of aliases.entries()) {
        const site = system.sites.find((one) => one.id === alias);
        const other = owner.get(alias);
        const means = site === undefined ? other && `component "${other}"` : `site "${site.id}"`;
        if (means) yield errorAt(["components", id, "aliases", k], `"${alias}" means ${means} already`);
        owner.set(alias, id);
      }
    }
  },
  *runbook({ runbook, siblings }) {
    const { starts } = runbook;
    if (starts === null) return;
    const twin = siblings.find(
      (other) => other !== runbook && other.starts?.verb === starts.verb && other.starts.target === starts.target,
    );
    if (twin === undefined) return;
    yield errorAt(["starts"], `"${starts.verb} ${starts.target}" starts "${twin.id}" too`, {
      next: 'Leave "starts" out of one of them: /dr runbook <id> starts any',
    });
  },
};
